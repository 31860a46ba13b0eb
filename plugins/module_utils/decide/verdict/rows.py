# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verdict as a row: the same names and values in the inventory, in eligibility_info and in the report."""

from __future__ import annotations

from typing import Any

from ...model.fleet import Instance
from .eligibility import Verdict


def row(verdict: Verdict) -> dict[str, Any]:
    """The row of one instance (design: what is said of each instance)."""
    return {**instance_row(verdict.instance), **verdict_row(verdict)}


def instance_row(instance: Instance) -> dict[str, Any]:
    """What AWS says of the instance."""
    return {
        "gd_instance_id": instance.instance_id,
        "gd_account_id": instance.account_id,
        "gd_region": instance.region,
        "gd_vpc_id": instance.vpc_id,
        "gd_subnet_id": instance.subnet_id,
        "gd_availability_zone": instance.availability_zone,
        "gd_state": instance.state,
        "gd_platform": instance.platform,
        "gd_architecture": instance.architecture,
        "gd_private_ip": instance.private_ip,
        "gd_private_dns": instance.private_dns,
        "gd_image_id": instance.image_id,
        "gd_instance_type": instance.instance_type,
        "gd_tags": dict(instance.tags),
    }


def verdict_row(verdict: Verdict) -> dict[str, Any]:
    """What the collection says of it."""
    return {
        "gd_tag": verdict.tag,
        "gd_wanted": verdict.wanted,
        "gd_route": verdict.route,
        "gd_reason": verdict.reason,
        "gd_blockers": list(verdict.blockers),
        "gd_ssm": verdict.ssm,
        "gd_endpoint": verdict.endpoint,
        "gd_coverage": verdict.coverage,
        "gd_issue": verdict.issue,
        "gd_agent_version": verdict.agent_version,
        "gd_management_type": verdict.management_type,
        "gd_cluster": verdict.cluster,
    }


# Group name without its prefix. Every group exists even when it is empty.
GROUPS = (
    "included",
    "excluded",
    "absent",
    "ineffective",
    "route_guardduty",
    "route_ssm",
    "route_package",
    "route_none",
    "wanted",
    "blocked",
    "healthy",
    "unhealthy",
    "uncovered",
)


def groups_of(verdict: Verdict) -> list[str]:
    """The groups of one instance. 'uncovered': GuardDuty has no row for it, so unknown coverage is in no group."""
    names = [verdict.tag, f"route_{verdict.route}"]
    if verdict.wanted:
        names.append("wanted")
    if verdict.blockers:
        names.append("blocked")
    if verdict.coverage != "unknown":
        names.append("uncovered" if verdict.coverage == "absent" else verdict.coverage)
    return names
