# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts and users hand in as JSON: a record, or one sentence about the first wrong value."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from agent_worlds import answer, asked
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.plan import PlanError, plan
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.preflight import findings
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.records import (
    Applied,
    Fetched,
    Host,
    NotValid,
    Plan,
    Step,
    read,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.host.carry_out import KINDS
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.codec import to_plain

ROW = {"version": "1.17.1", "format": "deb", "architecture": "x86_64", "name": "agent.deb"}
TEXTS = (
    st.sampled_from(["", "1.16.0", "²", "9" * 5000, "../../etc", "install ok installed", "active", "\n"]) | st.text()
)
VALUES = st.none() | st.booleans() | st.integers() | TEXTS | st.lists(TEXTS, max_size=2)
JSON = st.recursive(VALUES, lambda inner: st.dictionaries(TEXTS, inner, max_size=3) | st.lists(inner, max_size=3))
PATHS = [(name,) for name in answer("1.16.0")] + [
    (part, name) for part, inner in answer("1.16.0").items() if isinstance(inner, dict) for name in inner
]


@given(paths=st.lists(st.sampled_from(PATHS), max_size=3), values=st.lists(JSON, min_size=3, max_size=3))
def test_a_host_may_answer_anything(paths: list[tuple[str, ...]], values: list[Any]) -> None:
    said = answer("1.16.0")
    for path, value in zip(paths, values, strict=False):
        part = said
        for name in path[:-1]:
            part = part.get(name) if isinstance(part.get(name), dict) else {}
        part[path[-1]] = value
    try:
        host = read(Host, said, "host")
    except NotValid as error:
        assert str(error).startswith("host") and len(str(error)) < 200
        return
    for state in ("present", "image", "absent"):
        assert findings(host, asked(state=state))
        try:
            made = plan(host, asked(state=state))[0]
        except PlanError:
            continue
        assert read(Plan, to_plain(made), "plan") == made
        # What a host says never becomes part of a location.
        assert made.rollback is None or "/" not in made.rollback.version


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"unit": None}, "host.unit is of the type NoneType, expected dict"),
        ({"systemd": 1}, "host.systemd is of the type int, expected bool"),
        ({"leftovers": ["/a", 1]}, "host.leftovers[1] is of the type int, expected str"),
        ({"imds": {}}, "host.imds.document is missing"),
        ({"package": {"format": "rpm", "version": True, "status": None}}, "host.package.version is of the type bool"),
    ],
)
def test_the_first_wrong_value_is_named(more: dict[str, Any], words: str) -> None:
    with pytest.raises(NotValid) as error:
        read(Host, answer() | more, "host")
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"what": "reboot", "before": 1, "after": 2}, "plan.changes[0].what is not a known kind of change"),
        ({"what": ["package"]}, "plan.changes[0].what is not a known kind of change"),
        ("package", "plan.changes[0] is of the type str, expected dict"),
        ({"what": "running", "before": False}, "plan.changes[0].after is missing"),
        ({"what": "running", "before": False, "after": "yes"}, "plan.changes[0].after is of the type str"),
    ],
)
def test_a_plan_of_unknown_steps_is_not_read(change: Any, words: str) -> None:
    given = {"state": "present", "action": "none", "installed_version": None, "version": None, "changes": [change]}
    with pytest.raises(NotValid) as error:
        read(Plan, given, "plan")
    assert words in str(error.value)


@given(value=JSON)
def test_answers_are_records_or_not_valid(value: Any) -> None:
    for kind in (Applied, Fetched, Plan, Host):
        for said in (value, {"failed": value}, ROW | {"path": value}, {"crash": value}):
            try:
                read(kind, said, "answer")
            except NotValid as error:
                assert str(error).startswith("answer")


def test_the_host_knows_the_same_kinds_of_steps_in_the_same_order() -> None:
    kinds = [next(one.default for one in fields(kind) if one.name == "what") for kind in Step.__args__]
    assert kinds == list(KINDS)
