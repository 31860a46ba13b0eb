# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which agents stay: the table of the GuardDuty user guide's page on cleaning up, row by row."""

from __future__ import annotations

from typing import Any

import pytest
from worlds import ACCOUNT, ID, REGION, detector, instance, node, row, tagged

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.settings.agents_left import (
    agents_left,
    agents_unknown,
    left_warnings,
    turned_off,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import (
    AccountRegion,
    CoverageRow,
    Detector,
    Feature,
    Instance,
    Snapshot,
)

ONLINE = {ID: node()}
LOST = {ID: node("ConnectionLost")}
RM_OFF, AUTO_OFF = detector(False), detector(True, False)
EKS_LEFT = Detector("d1", "ENABLED", {"EKS_RUNTIME_MONITORING": Feature(True)})
AUTO, MANUAL = {"management_type": "AUTO_MANAGED"}, {"management_type": "MANUAL"}


def world(one: Instance, nodes: dict[str, Any], coverage: CoverageRow | None, **more: Any) -> Snapshot:
    rows = {} if coverage is None else {ID: coverage}
    of = AccountRegion(ACCOUNT, REGION, (one,), nodes, rows, detector(True, True), **more)
    return Snapshot((of,))


def with_detector(snapshot: Snapshot, found: Detector) -> Snapshot:
    return Snapshot(tuple(AccountRegion(a.account_id, a.region, detector=found) for a in snapshot.areas))


@pytest.mark.parametrize(
    ("after", "one", "nodes", "coverage", "reason"),
    [
        # Runtime Monitoring off: GuardDuty uninstalls where SSM reaches, not tagged false, metadata tags allowed.
        (RM_OFF, instance(metadata_tags=True), ONLINE, row(**AUTO), None),
        (RM_OFF, tagged("true", metadata_tags=True), ONLINE, row(**AUTO), None),
        (RM_OFF, instance(), ONLINE, row(**AUTO), "metadata_tags_off"),
        (RM_OFF, tagged("true"), ONLINE, row(**AUTO), "metadata_tags_off"),
        (RM_OFF, instance(metadata_tags=True), LOST, row(**AUTO), "not_ssm_managed"),
        (RM_OFF, instance(metadata_tags=True), {}, row(**AUTO), "not_ssm_managed"),
        (
            RM_OFF,
            instance(metadata_tags=True, state="stopped"),
            {},
            row("UNHEALTHY", agent_version="1.17.1"),
            "not_running",
        ),
        (RM_OFF, tagged("false", metadata_tags=True), ONLINE, row(**AUTO), "excluded_by_tag"),
        (RM_OFF, instance(metadata_tags=True), ONLINE, row(**MANUAL), "manual"),
        (EKS_LEFT, instance(metadata_tags=True), ONLINE, row(**AUTO), "eks_runtime_monitoring_on"),
        # Automation off: all stay; with an inclusion tag GuardDuty goes on, and others' agents are as they were.
        (AUTO_OFF, instance(metadata_tags=True), ONLINE, row(**AUTO), "automation_off"),
        (AUTO_OFF, tagged("false", metadata_tags=True), ONLINE, row(**AUTO), "automation_off"),
        (AUTO_OFF, tagged("True"), ONLINE, row(**AUTO), "automation_off"),
        (AUTO_OFF, tagged("true"), ONLINE, row(**AUTO), None),
        (AUTO_OFF, instance(), ONLINE, row(**MANUAL), None),
        # No agent, no instance, or nothing turned off.
        (RM_OFF, instance(), ONLINE, None, None),
        (RM_OFF, instance(), ONLINE, row("UNHEALTHY"), None),
        (RM_OFF, instance(state="terminated"), {}, row(**AUTO), None),
        (detector(True, True), instance(), LOST, row(**AUTO), None),
    ],
)
def test_which_agents_stay(
    after: Detector, one: Instance, nodes: dict[str, Any], coverage: CoverageRow | None, reason: str | None
) -> None:
    before = world(one, nodes, coverage)
    found = agents_left(before, with_detector(before, after))
    assert [(left["instance_id"], left["reason"]) for left in found] == ([(ID, reason)] if reason else [])
    assert all(left["why"].startswith(("GuardDuty", "without")) for left in found)


def test_only_where_something_in_effect_is_turned_off() -> None:
    off = Snapshot((AccountRegion(ACCOUNT, REGION, detector=detector(False, True)),))
    assert turned_off(off, with_detector(off, RM_OFF)) == frozenset()
    on = world(instance(), {}, None)
    assert (
        turned_off(on, with_detector(on, AUTO_OFF)) == turned_off(on, with_detector(on, RM_OFF)) == {(ACCOUNT, REGION)}
    )


@pytest.mark.parametrize("what", ["instances", "ssm", "coverage"])
def test_what_could_not_be_read_is_no_absence(what: str) -> None:
    before = world(instance(), ONLINE, row(**AUTO), unknown=frozenset({what}))
    after = with_detector(before, RM_OFF)
    assert agents_left(before, after) == []
    assert agents_unknown(before, after) == [f"{ACCOUNT}/{REGION}"]
    assert agents_unknown(before, before) == []


def test_the_warnings_count_and_distinguish_costs() -> None:
    rows = [{"reason": "automation_off"}, {"reason": "manual"}, {"reason": "excluded_by_tag"}]
    costing, idle, unknown = left_warnings(rows, ["1/a", "1/b"])
    assert costing.startswith("1 agent stays behind") and "still causing costs" in costing
    assert idle.startswith("2 agents stay behind") and "costing" not in idle
    assert unknown == "It is unknown which agents stay behind in 1/a, 1/b."
    assert left_warnings([], []) == []
