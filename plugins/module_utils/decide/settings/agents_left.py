# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which agents stay on their instances when Runtime Monitoring, or its automated agent, is turned off, and why.

Source: GuardDuty user guide, "Disabling, uninstalling, and cleaning up resources in Runtime Monitoring". It is read
literally: its condition on instance metadata tags also applies to instances without any tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...model.fleet import AccountRegion, AreaKey, CoverageRow, Detector, Feature, Instance, Snapshot
from ..verdict.eligibility import agent_seen, read_tag, ssm_state
from .features import LEGACY_FEATURE

# What must be known about an account and region to decide.
NEEDED = frozenset({"instances", "ssm", "coverage"})

WHY = {
    "automation_off": "without automated agent configuration GuardDuty neither removes nor updates the agent, and it keeps"
    " reporting and costing",
    "eks_runtime_monitoring_on": "GuardDuty removes agents only when EKS_RUNTIME_MONITORING is also off",
    "manual": "GuardDuty never removes an agent that it did not install",
    "excluded_by_tag": "GuardDuty does not remove the agent of an instance tagged GuardDutyManaged=false",
    "not_running": "GuardDuty removes agents through Systems Manager, which reaches running instances only",
    "not_ssm_managed": "GuardDuty removes agents through Systems Manager, which does not reach this instance",
    "metadata_tags_off": "GuardDuty removes agents only where instance metadata tags are allowed",
}


def turned_off(before: Snapshot, after: Snapshot) -> frozenset[AreaKey]:
    """The accounts and regions in which the change leaves agents without Runtime Monitoring or without automation."""
    return frozenset(
        old.area_key
        for old, new in zip(before.areas, after.areas, strict=True)
        if (old.detector.runtime_monitoring and not new.detector.runtime_monitoring)
        or (old.detector.automated_agent and not new.detector.automated_agent)
    )


def agents_left(before: Snapshot, after: Snapshot) -> list[dict[str, Any]]:
    """One row for each agent that stays. C(before) has instances, nodes and coverage where something is turned off."""
    off = turned_off(before, after)
    rows: list[dict[str, Any]] = []
    for old, new in zip(before.areas, after.areas, strict=True):
        if old.area_key in off and not old.unknown & NEEDED:
            rows += _of_area(old, new.detector)
    return rows


def agents_unknown(before: Snapshot, after: Snapshot) -> list[str]:
    """Where something is turned off and the agents could not be read, each as ACCOUNT/REGION."""
    off = turned_off(before, after)
    return [
        f"{area.account_id}/{area.region}" for area in before.areas if area.area_key in off and area.unknown & NEEDED
    ]


def left_warnings(left: Sequence[dict[str, Any]], unknown: Sequence[str]) -> list[str]:
    """A sentence for agents that still cost, one for those that only remain, one for what could not be read."""
    costing = sum(row["reason"] == "automation_off" for row in left)
    idle = len(left) - costing
    remedy = "uninstall them with the role fleetsec.guardduty.agent or by SSM; see agents_left_behind"
    warnings = []
    if costing:
        warnings.append(f"{_agents(costing)} behind, no longer updated by GuardDuty and still causing costs: {remedy}.")
    if idle:
        warnings.append(f"{_agents(idle)} behind, which GuardDuty does not remove: {remedy}.")
    if unknown:
        warnings.append(f"It is unknown which agents stay behind in {', '.join(unknown)}.")
    return warnings


def _agents(count: int) -> str:
    return "1 agent stays" if count == 1 else f"{count} agents stay"


def _of_area(area: AccountRegion, after: Detector) -> Iterable[dict[str, Any]]:
    for instance in area.instances:
        row = area.coverage.get(instance.instance_id)
        if row is None or not agent_seen(row.healthy, row.agent_version) or instance.gone:
            continue
        reason = _reason(area, instance, row, after)
        if reason is not None:
            yield {
                "account_id": area.account_id,
                "region": area.region,
                "instance_id": instance.instance_id,
                "agent_version": row.agent_version,
                "management_type": row.management_type,
                "reason": reason,
                "why": WHY[reason],
            }


def _reason(area: AccountRegion, instance: Instance, row: CoverageRow, after: Detector) -> str | None:
    tag = read_tag(instance.tags)
    manual = row.management_type == "MANUAL"
    if after.runtime_monitoring:
        # Agents that are not GuardDuty's are unaffected; with an inclusion tag, GuardDuty still manages the agent.
        return None if manual or tag == "included" else "automation_off"
    if manual:
        return "manual"
    if after.features.get(LEGACY_FEATURE, Feature()).enabled:
        return "eks_runtime_monitoring_on"
    if tag == "excluded":
        return "excluded_by_tag"
    if not instance.running:
        return "not_running"
    if ssm_state(area.nodes.get(instance.instance_id), unknown=False) != "online":
        return "not_ssm_managed"
    return None if instance.metadata_tags else "metadata_tags_off"
