# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for tags, and that every writer follows them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.tag_rules import (
    MOST_TAGS,
    as_text,
    is_reserved,
    refused_tags,
    shown_tags,
    tag_difference,
)

PLUGINS = Path(__file__).parents[3] / "plugins"
TAGS = st.dictionaries(st.sampled_from(["a", "b", "aws:x", "AWS:y", "Name"]), st.sampled_from(["", "1", "2"]))


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), ("True", "True"), (None, ""), (1, "1"), ("", ""), (1.5, "1.5")],
)
def test_a_value_as_text(value: Any, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["GuardDutyManaged"], "marks what GuardDuty owns"),
        (["guarddutymanaged"], "marks what GuardDuty owns"),
        (["aws:x"], "reserved for AWS: aws:x. Leave them out of tags."),
        (["AWS:x"], "reserved for AWS"),
        ([f"k{number}" for number in range(MOST_TAGS + 1)], "at most 50"),
        ([f"k{number}" for number in range(MOST_TAGS)], None),
        (["awsome", "x:aws:"], None),
    ],
)
def test_refused_tags(keys: list[str], words: str | None) -> None:
    refusal = refused_tags(keys)
    assert (words is None and refusal is None) or (words is not None and words in (refusal or ""))


def test_the_managed_tag_is_allowed_where_it_is_the_subject() -> None:
    assert refused_tags(["GuardDutyManaged"], managed=True) is None


@given(TAGS, TAGS, st.booleans())
def test_the_difference_leads_to_the_desired_tags(current: Any, desired: Any, purge: bool) -> None:
    written, removed = tag_difference(current, desired, purge)
    after = {key: value for key, value in {**current, **written}.items() if key not in removed}
    kept = {key: value for key, value in current.items() if not purge or is_reserved(key)}
    assert after == {**kept, **desired}
    assert tag_difference(after, desired, purge) == ({}, {})
    assert tag_difference(current, None, purge) == ({}, {})


def test_a_diff_shows_the_tags_that_are_there() -> None:
    assert shown_tags({"a": "1", "b": "2"}, ["b", "c"]) == {"tag:b": "2"}
    assert shown_tags({"a": "1"}) == {"tag:a": "1"}


def test_no_other_place_has_a_rule_about_tags() -> None:
    """Each rule once: text of a value, reserved keys."""
    again = re.compile(r"str\(value\)[^\n]*tags|startswith\(\"aws:\"\)")
    found = [str(path) for path in sorted(PLUGINS.rglob("*.py")) if again.search(path.read_text(encoding="utf-8"))]
    assert found == [str(PLUGINS / "module_utils" / "decide" / "tag_rules.py")]
