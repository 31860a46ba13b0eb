# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instances have just started, and which are not registered yet."""

from __future__ import annotations

import pytest

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.fleet.registration import (
    LaunchWindow,
    just_started,
    unregistered,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import (
    AccountRegion,
    Instance,
    Node,
    Snapshot,
)

NOW = 1_000_000.0
HERE = {"account_id": "1", "region": "eu-west-1"}


def instance(**differs: object) -> Instance:
    usual = {"state": "running", "platform": "linux", "architecture": "x86_64", "instance_type": "m6i.large"}
    return Instance(**{"instance_id": "i-1", **HERE, **usual, "launched": NOW - 30, **differs})


@pytest.mark.parametrize(
    ("differs", "scope", "counts"),
    [
        ({}, "all", True),
        ({"state": "pending"}, "all", True),
        ({"launched": NOW - 599}, "all", True),
        ({"launched": NOW - 600}, "all", False),
        ({"launched": None}, "all", False),
        ({"state": "stopped"}, "all", False),
        ({"platform": "windows"}, "all", False),
        ({"operator": "ecs.amazonaws.com"}, "all", False),
        ({"tags": {"GuardDutyManaged": "false"}}, "all", False),
        ({"tags": {"GuardDutyManaged": "False"}}, "all", True),
        ({}, "selected", False),
        ({"tags": {"GuardDutyManaged": "true"}}, "selected", True),
    ],
)
def test_who_has_just_started(differs: dict[str, object], scope: str, counts: bool) -> None:
    snapshot = Snapshot((AccountRegion("1", "eu-west-1", instances=(instance(**differs),)),))
    assert (len(just_started(snapshot, LaunchWindow(NOW, 600, scope))) == 1) is counts


@pytest.mark.parametrize(
    ("nodes", "unknown", "waited_for"),
    [
        ({}, (), True),
        ({"i-1": Node("i-1", "Online")}, (), False),
        ({"i-1": Node("i-1", "ConnectionLost")}, (), True),
        ({"i-2": Node("i-2", "Online")}, (), True),
        ({}, ("ssm",), False),
    ],
)
def test_who_is_not_registered(nodes: dict[str, Node], unknown: tuple[str, ...], waited_for: bool) -> None:
    seen = Snapshot((AccountRegion("1", "eu-west-1", nodes=nodes, unknown=frozenset(unknown)),))
    assert bool(unregistered([instance()], seen)) is waited_for
