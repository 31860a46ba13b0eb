# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in the fields of a survey, and their values."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.fleetsec.guardduty.plugins.filter.survey import as_dict, as_list


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        (["a", 1], ["a", 1]),
        ((), []),
        (None, []),
        ("", []),
        (" \n", []),
        ("a", ["a"]),
        ("a\n\nb\n", ["a", "b"]),
        ("a\r\nb", ["a", "b"]),
        ("a, b,c", ["a", "b", "c"]),
        ('["a", "b"]', ["a", "b"]),
        (" [1, 10%, 100%]", [1, "10%", "100%"]),
        ("- a\n- b", ["a", "b"]),
        ("1\n10%", ["1", "10%"]),
        (5, ["5"]),
        ("arn:aws:iam::111111111111:role/FleetSec", ["arn:aws:iam::111111111111:role/FleetSec"]),
    ],
)
def test_lists(given: Any, understood: list[Any]) -> None:
    assert as_list(given) == understood


@pytest.mark.parametrize("given", ["[a", {"a": 1}, "- a\nb: c"])
def test_no_list(given: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="is not a list; write one value per line"):
        as_list(given)


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ({"a": "b"}, {"a": "b"}),
        (None, {}),
        ("", {}),
        ("{}", {}),
        ('{"tag:role": ["web", "db"]}', {"tag:role": ["web", "db"]}),
        ("tag:role: web\nvpc-id: vpc-1", {"tag:role": "web", "vpc-id": "vpc-1"}),
    ],
)
def test_dictionaries(given: Any, understood: dict[str, Any]) -> None:
    assert as_dict(given) == understood


@pytest.mark.parametrize("given", ["{a", "a", "[a]", ["a"], 5])
def test_no_dictionary(given: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="is not a dictionary; write it in the form"):
        as_dict(given)
