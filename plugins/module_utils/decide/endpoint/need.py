# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VPCs need an endpoint for the agent's data, and why the others do not.

The rule is GuardDuty's own: every VPC, spoke, central or shared, that has a Linux instance which is neither terminated nor
shutting down (GuardDuty user guide, "How Runtime Monitoring works with Amazon EC2 instances").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ...model.fleet import Snapshot
from ..verdict.eligibility import Choices, judge_fleet
from .site import VpcSite, vpc_sites

# Why a VPC needs an endpoint or does not, in order: the first that applies decides.
NEEDS = {
    "other_owner": (False, "Another account owns the VPC: only it can see or create the endpoint."),
    "unknown": (False, "The endpoints of the account and region could not be read."),
    "guardduty_serves": (False, "GuardDuty keeps its own endpoint in the VPC."),
    "no_linux_instance": (False, "The VPC has no Linux instance that is not terminated or shutting down."),
    "no_wanted_instance": (False, "No instance of the VPC should get its agent by the chosen routes."),
    "operator_serves": (False, "The VPC has an endpoint that works or is being created."),
    "endpoint_misconfigured": (True, "The VPC's endpoint cannot be used as it is."),
    "endpoint_missing": (True, "The VPC has Linux instances and no endpoint."),
}


def vpcs_of_routes(snapshot: Snapshot, routes: Collection[str], choices: Choices) -> frozenset[str] | None:
    """The VPCs in which an instance should get its agent by one of the routes. None: routes do not matter."""
    if not routes:
        return None
    return frozenset(
        verdict.instance.vpc_id
        for verdict in judge_fleet(snapshot, choices)
        if verdict.wanted and verdict.route in routes and verdict.instance.vpc_id
    )


def need(site: VpcSite, wanted_in: Collection[str] | None) -> str:
    """The code of NEEDS that applies to one VPC."""
    state = site.health.state
    if not site.owned:
        return "other_owner"
    if state == "unknown":
        return "unknown"
    if site.guardduty_endpoints:
        return "guardduty_serves"
    if not site.instances:
        return "no_linux_instance"
    if wanted_in is not None and site.vpc_id not in wanted_in:
        return "no_wanted_instance"
    return {"missing": "endpoint_missing", "misconfigured": "endpoint_misconfigured"}.get(state, "operator_serves")


def endpoint_row(site: VpcSite) -> dict[str, Any]:
    """One VPC's row. C(connectivity) is this collection's verdict, C(state) is AWS's state of the endpoint."""
    found = site.health
    endpoint = site.guardduty_endpoints[0] if site.guardduty_endpoints else found.endpoint
    return {
        "vpc_id": site.vpc_id,
        "account_id": site.area.account_id,
        "region": site.area.region,
        "vpc_owner_id": site.vpc.owner_id,
        "connectivity": found.state,
        "owner": None if endpoint is None else "guardduty" if endpoint.guardduty_owned else "operator",
        "endpoint_id": endpoint.endpoint_id if endpoint else None,
        "state": endpoint.state if endpoint else None,
        "service_name": endpoint.service_name if endpoint else None,
        "private_dns": endpoint.private_dns if endpoint else None,
        "subnet_ids": sorted(endpoint.subnet_ids) if endpoint else [],
        "security_group_ids": sorted(endpoint.security_group_ids) if endpoint else [],
        "faults": list(found.faults),
    }


def endpoint_rows(snapshot: Snapshot, vpc_ids: Iterable[str]) -> list[dict[str, Any]]:
    known = vpc_sites(snapshot)
    return [endpoint_row(known[vpc_id]) for vpc_id in vpc_ids if vpc_id in known]


def info_rows(
    snapshot: Snapshot, vpc_ids: Collection[str] | None, wanted_in: Collection[str] | None
) -> list[dict[str, Any]]:
    return [
        info_row(site, wanted_in)
        for vpc_id, site in vpc_sites(snapshot).items()
        if vpc_ids is None or vpc_id in vpc_ids
    ]


def info_summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counts = Counter(row["connectivity"] for row in rows)
    return {
        "vpcs": len(rows),
        "needed": sum(row["needed"] for row in rows),
        "connectivity": dict(sorted(counts.items())),
    }


def info_row(site: VpcSite, wanted_in: Collection[str] | None) -> dict[str, Any]:
    """The row of vpc_endpoint_info: connectivity, and whether an endpoint is needed and why."""
    reason = need(site, wanted_in)
    needed, cause = NEEDS[reason]
    return {
        **endpoint_row(site),
        "linux_instances": len(site.instances),
        "needed": needed,
        "reason": reason,
        "cause": cause,
        "dns_support": site.vpc.dns_support,
        "dns_hostnames": site.vpc.dns_hostnames,
    }
