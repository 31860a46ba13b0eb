# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: what check mode, the diff and the message derive from."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.plan import PAST, Change, Plan


@cache
def class_of(action: str, kind: str) -> type[Change]:
    return type(f"{action} {kind}", (Change,), {"__slots__": (), "action": action, "kind": kind})


def change(action: str = "tag", kind: str = "instance", target: str = "i-1", **more: Any) -> Change:
    before, after = more.pop("before", {}), more.pop("after", {})
    return class_of(action, kind)(more.pop("account", "111111111111"), "eu-west-1", target, before, after)


def test_the_empty_plan() -> None:
    plan = Plan()
    assert (plan.changed, plan.diff()) == (False, {"before": {}, "after": {}})
    assert plan.message(made=True) == plan.message(made=False) == "Nothing to change."


def test_of_keeps_the_order_and_takes_any_iterable() -> None:
    changes = [change(target="i-2"), change(target="i-1")]
    assert Plan.of(iter(changes)) == Plan(tuple(changes))
    assert Plan.of(changes).changed


@pytest.mark.parametrize(
    ("changes", "made", "would"),
    [
        ([change()], "1 instance tagged.", "1 instance would be tagged."),
        ([change(), change(target="i-2")], "2 instances tagged.", "2 instances would be tagged."),
        (
            [change(), change("create", "VPC endpoint"), change()],
            "2 instances tagged, 1 VPC endpoint created.",
            "2 instances would be tagged, 1 VPC endpoint would be created.",
        ),
        (
            [change("tag"), change("untag")],
            "1 instance tagged, 1 instance untagged.",
            "1 instance would be tagged, 1 instance would be untagged.",
        ),
    ],
)
def test_message(changes: list[Change], made: str, would: str) -> None:
    assert Plan.of(changes).message(made=True) == made
    assert Plan.of(changes).message(made=False) == would


@pytest.mark.parametrize("action", sorted(PAST))
def test_every_verb_has_its_participle(action: str) -> None:
    assert Plan.of([change(action)]).message(made=True) == f"1 instance {PAST[action]}."
    assert PAST[action].endswith("ed")


def test_diff_merges_changes_of_one_thing_and_keeps_others_apart() -> None:
    plan = Plan.of(
        [
            change("untag", before={"tag:old": "1"}, after={}),
            change("tag", before={"tag:a": "0"}, after={"tag:a": "1"}),
            change("tag", account="222222222222", before={}, after={"tag:a": "1"}),
            change("create", "VPC endpoint", "vpc-1", before=None, after={"state": "available"}),
            change("delete", "VPC endpoint", "vpce-2", before={"state": "available"}, after=None),
        ]
    )
    assert plan.diff() == {
        "before": {
            "111111111111/eu-west-1 instance i-1": {"tag:old": "1", "tag:a": "0"},
            "222222222222/eu-west-1 instance i-1": {},
            "111111111111/eu-west-1 VPC endpoint vpce-2": {"state": "available"},
        },
        "after": {
            "111111111111/eu-west-1 instance i-1": {"tag:a": "1"},
            "222222222222/eu-west-1 instance i-1": {"tag:a": "1"},
            "111111111111/eu-west-1 VPC endpoint vpc-1": {"state": "available"},
        },
    }


def test_making_a_diff_leaves_the_changes_as_they_were() -> None:
    first = change(before={"a": 1}, after={"a": 2})
    plan = Plan.of([first, change(before={"b": 1}, after={"b": 2})])
    assert plan.diff() == plan.diff()
    assert (first.before, first.after) == ({"a": 1}, {"a": 2})


def test_describe_is_what_a_module_returns() -> None:
    created = change("create", "VPC endpoint", "vpc-1", before=None, after={"a": 1})
    assert created.describe() == {
        "account_id": "111111111111",
        "region": "eu-west-1",
        "action": "create",
        "kind": "VPC endpoint",
        "target": "vpc-1",
        "before": None,
        "after": {"a": 1},
    }
    assert change("delete", after=None).describe()["after"] is None
