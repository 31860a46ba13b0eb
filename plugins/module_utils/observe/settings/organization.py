# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a delegated administrator has configured for the members of its organization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...model.fleet import Problem
from ...model.organization import AutoEnable, OrganizationArea
from ..client.access import Target
from .administrator import for_each_area

FEATURES_PAGE = 50  # the largest that DescribeOrganizationConfiguration allows (botocore model, MaxResults)


def observe_organizations(
    targets: Sequence[Target],
) -> tuple[tuple[OrganizationArea, ...], tuple[Problem, ...]]:
    return for_each_area(targets, _read)


def _read(target: Target, detector_id: str) -> tuple[OrganizationArea, Sequence[Problem]]:
    client = target.client("guardduty")
    features: dict[str, AutoEnable] = {}
    asked: dict[str, Any] = {"DetectorId": detector_id, "MaxResults": FEATURES_PAGE}
    while True:  # botocore has no paginator for it
        answer = client.describe_organization_configuration(**asked)
        features |= {item["Name"]: _auto_enable(item) for item in answer.get("Features") or ()}
        if not answer.get("NextToken"):
            break
        asked["NextToken"] = answer["NextToken"]
    area = OrganizationArea(
        account_id=target.account_id,
        region=target.region,
        detector_id=detector_id,
        members=answer.get("AutoEnableOrganizationMembers"),
        new_members=bool(answer.get("AutoEnable")),
        limit_reached=bool(answer.get("MemberAccountLimitReached")),
        features=features,
    )
    return area, ()


def _auto_enable(item: Mapping[str, Any]) -> AutoEnable:
    return AutoEnable(
        item.get("AutoEnable") or "NONE",
        {part["Name"]: part.get("AutoEnable") or "NONE" for part in item.get("AdditionalConfiguration") or ()},
    )
