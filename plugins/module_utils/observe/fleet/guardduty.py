# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads GuardDuty: the detector with its features, and the runtime coverage of EC2 instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from ...model.fleet import CoverageRow, Detector, Feature
from ..client.access import Target

COVERAGE_PAGE = 50  # the largest that ListCoverage allows (botocore model, MaxResults)


def detector(target: Target) -> Detector:
    """The detector of the account and region; there is at most one (GuardDuty user guide, quotas)."""
    client = target.client("guardduty")
    ids = client.list_detectors().get("DetectorIds")
    if not ids:
        return Detector()
    answer = client.get_detector(DetectorId=ids[0])
    features: dict[str, Feature] = {item["Name"]: feature(item) for item in answer.get("Features") or ()}
    return Detector(ids[0], answer.get("Status") or "", features)


def coverage(
    target: Target, detector_id: str, criteria: Mapping[str, Sequence[str]] | None = None
) -> dict[str, CoverageRow]:
    """Coverage of this account's EC2 instances by instance id.

    The account is part of the filter, since a delegated administrator's detector also lists its members.
    """
    chosen = {"RESOURCE_TYPE": ["EC2"], "ACCOUNT_ID": [target.account_id], **(criteria or {})}
    filter_criteria: Any = [
        {"CriterionKey": key, "FilterCondition": {"Equals": list(values)}} for key, values in chosen.items()
    ]
    paginator = target.client("guardduty").get_paginator("list_coverage")
    pages = paginator.paginate(
        DetectorId=detector_id,
        FilterCriteria={"FilterCriterion": filter_criteria},
        PaginationConfig={"PageSize": COVERAGE_PAGE},
    )
    rows = (_row(item) for page in pages for item in page.get("Resources") or ())
    return {row.instance_id: row for row in rows if row.instance_id}


def feature(item: Mapping[str, Any]) -> Feature:
    return Feature(
        enabled=item.get("Status") == "ENABLED",
        additional={
            extra["Name"]: extra.get("Status") == "ENABLED" for extra in item.get("AdditionalConfiguration") or ()
        },
        managed_by=item.get("ManagedBy"),
        parts_managed_by={
            extra["Name"]: extra["ManagedBy"]
            for extra in item.get("AdditionalConfiguration") or ()
            if extra.get("ManagedBy")
        },
    )


def _row(item: Mapping[str, Any]) -> CoverageRow:
    details = (item.get("ResourceDetails") or {}).get("Ec2InstanceDetails") or {}
    updated = item.get("UpdatedAt")
    return CoverageRow(
        instance_id=details.get("InstanceId") or "",
        status=item.get("CoverageStatus") or "",
        issue=item.get("Issue") or None,
        agent_version=(details.get("AgentDetails") or {}).get("Version") or None,
        management_type=details.get("ManagementType"),
        cluster_arn=details.get("ClusterArn") or None,
        updated_at=updated.astimezone(UTC).isoformat() if updated else None,
    )
