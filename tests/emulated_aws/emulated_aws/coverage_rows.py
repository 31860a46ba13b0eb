# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of ListCoverage: the stored data of an instance, the form of a row, filters and sorting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .guardduty_detector import refused


@dataclass(frozen=True, slots=True)
class Facts:
    """GuardDuty's coverage of an instance. C(issue) is None when it is healthy."""

    instance_id: str
    instance_type: str
    managed: bool
    issue: str | None = None
    agent_version: str | None = None
    cluster_arn: str | None = None


@dataclass(slots=True)
class Shown:
    """What GuardDuty shows of an instance, and what it will show when C(pace.coverage) has passed since C(since)."""

    visible: Facts | None = None
    updated: float = 0.0
    coming: Facts | None = None
    since: float | None = None

    @property
    def newest(self) -> Facts | None:
        return self.coming if self.since is not None else self.visible


Row = dict[str, Any]


def row(facts: Facts, account: str, detector_id: str, updated: float) -> Row:
    """CoverageResource as JSON carries it (botocore: lower camel case, timestamps in seconds)."""
    instance: Row = {
        "instanceId": facts.instance_id,
        "instanceType": facts.instance_type,
        "managementType": "AUTO_MANAGED" if facts.managed else "MANUAL",
    }
    if facts.cluster_arn:
        instance["clusterArn"] = facts.cluster_arn
    if facts.agent_version:
        instance["agentDetails"] = {"version": facts.agent_version}
    shown: Row = {
        # Whose form is not documented: the instance's id.
        "resourceId": facts.instance_id,
        "detectorId": detector_id,
        "accountId": account,
        "resourceDetails": {"ec2InstanceDetails": instance, "resourceType": "EC2"},
        "coverageStatus": "HEALTHY" if facts.issue is None else "UNHEALTHY",
        "updatedAt": updated,
    }
    if facts.issue is not None:
        shown["issue"] = facts.issue
    return shown


def _instance(one: Row) -> Row:
    details: Row = one["resourceDetails"]["ec2InstanceDetails"]
    return details


_Read = Callable[[Row], str | None]
_CRITERIA: dict[str, _Read] = {
    "ACCOUNT_ID": lambda r: r["accountId"],
    "RESOURCE_TYPE": lambda r: r["resourceDetails"]["resourceType"],
    "COVERAGE_STATUS": lambda r: r["coverageStatus"],
    "MANAGEMENT_TYPE": lambda r: _instance(r)["managementType"],
    "AGENT_VERSION": lambda r: _instance(r).get("agentDetails", {}).get("version"),
    "INSTANCE_ID": lambda r: _instance(r)["instanceId"],
    "CLUSTER_ARN": lambda r: _instance(r).get("clusterArn"),
    # These are properties of clusters, which have no rows here: an EC2 instance does not have them.
    "ADDON_VERSION": lambda r: None,
    "CLUSTER_NAME": lambda r: None,
    "ECS_CLUSTER_NAME": lambda r: None,
    "EKS_CLUSTER_NAME": lambda r: None,
}
_SORT: dict[str, _Read] = {
    **{
        key: _CRITERIA[key] for key in ("ACCOUNT_ID", "COVERAGE_STATUS", "INSTANCE_ID", "ADDON_VERSION", "CLUSTER_NAME")
    },
    "EKS_CLUSTER_NAME": _CRITERIA["EKS_CLUSTER_NAME"],
    "ECS_CLUSTER_NAME": _CRITERIA["ECS_CLUSTER_NAME"],
    "ISSUE": lambda r: r.get("issue"),
    "UPDATED_AT": lambda r: f"{r['updatedAt']:020.6f}",
}


def filtered(rows: Iterable[Row], criteria: Mapping[str, Any] | None) -> list[Row]:
    """Rows that meet every criterion; Equals takes any of its values, NotEquals none (botocore)."""
    kept = list(rows)
    for criterion in (criteria or {}).get("FilterCriterion") or []:
        read = _CRITERIA[criterion["CriterionKey"]]
        condition = criterion.get("FilterCondition") or {}
        if condition.get("Equals"):
            wanted = set(condition["Equals"])
            kept = [r for r in kept if read(r) in wanted]
        if condition.get("NotEquals"):
            unwanted = set(condition["NotEquals"])
            kept = [r for r in kept if read(r) not in unwanted]
    return kept


def ordered(rows: list[Row], sort: Mapping[str, Any] | None, criteria: Mapping[str, Any] | None) -> list[Row]:
    attribute = (sort or {}).get("AttributeName")
    if not attribute:
        return rows
    only = [c for c in (criteria or {}).get("FilterCriterion") or [] if c.get("CriterionKey") == "RESOURCE_TYPE"]
    if attribute == "ISSUE" and any("EC2" in ((c.get("FilterCondition") or {}).get("Equals") or []) for c in only):
        # GuardDuty user guide, coverage of EC2: ISSUE is not supported with RESOURCE_TYPE EC2. The page says
        # InvalidInputException; the model has BadRequestException only.
        raise refused("ISSUE cannot be the attribute to sort by when the resource type is EC2.")
    read = _SORT[attribute]
    return sorted(rows, key=lambda r: read(r) or "", reverse=(sort or {}).get("OrderBy") == "DESC")


def statistics(rows: Iterable[Row], kinds: Iterable[str]) -> dict[str, dict[str, int]]:
    """GetCoverageStatistics' maps; both are there when both are asked for."""
    rows = list(rows)
    counts: dict[str, dict[str, int]] = {}
    if "COUNT_BY_RESOURCE_TYPE" in kinds:
        counts["CountByResourceType"] = dict(Counter(r["resourceDetails"]["resourceType"] for r in rows))
    if "COUNT_BY_COVERAGE_STATUS" in kinds:
        counts["CountByCoverageStatus"] = dict(Counter(r["coverageStatus"] for r in rows))
    return counts
