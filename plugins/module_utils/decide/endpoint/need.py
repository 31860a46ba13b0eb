# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VPCs need an endpoint for the agent's data, and why the others do not.

The rule is GuardDuty's own: every VPC, spoke, central or shared, that has a Linux instance which is neither terminated nor
shutting down (GuardDuty user guide, "How Runtime Monitoring works with Amazon EC2 instances").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...model.fleet import AccountRegion, Endpoint, Instance, Problem, Snapshot, Vpc
from ..verdict.eligibility import Choices, judge_fleet
from ..verdict.endpoint_health import GONE_STATES, endpoint_health

# Why a VPC needs an endpoint or does not. In the order in which they are tried: the first that applies decides.
NEEDS = {
    "other_owner": (False, "Another account owns the VPC: only it can see or make the endpoint."),
    "unknown": (False, "The endpoints of the account and region could not be read."),
    "guardduty_serves": (False, "GuardDuty keeps its own endpoint in the VPC."),
    "no_linux_instance": (False, "The VPC has no Linux instance that is not terminated or shutting down."),
    "no_wanted_instance": (False, "No instance of the VPC should get its agent by the chosen routes."),
    "operator_serves": (False, "The VPC has an endpoint that works, or is being made."),
    "endpoint_misconfigured": (True, "The VPC's endpoint cannot be used as it is."),
    "endpoint_missing": (True, "The VPC has Linux instances and no endpoint."),
}


@dataclass(frozen=True, slots=True)
class VpcSite:
    """A VPC in the one account and region of a snapshot that knows most about it: its owner's, where that was read."""

    area: AccountRegion
    vpc: Vpc

    @property
    def owned(self) -> bool:
        return self.vpc.owner_id == self.area.account_id

    @property
    def live(self) -> tuple[Endpoint, ...]:
        endpoints = self.area.endpoints.get(self.vpc.vpc_id, ())
        return tuple(endpoint for endpoint in endpoints if endpoint.state.lower() not in GONE_STATES)

    @property
    def guardduty_endpoints(self) -> tuple[Endpoint, ...]:
        return tuple(endpoint for endpoint in self.live if endpoint.guardduty_owned)


def vpc_sites(snapshot: Snapshot) -> dict[str, VpcSite]:
    """Every VPC of the snapshot once, by id. A shared VPC shows in its owner's account and in its participants'."""
    found: dict[str, VpcSite] = {}
    for area in snapshot.areas:
        for vpc in area.vpcs.values():
            if vpc.vpc_id not in found or vpc.owner_id == area.account_id:
                found[vpc.vpc_id] = VpcSite(area, vpc)
    return found


def missing_vpcs(snapshot: Snapshot, ids: Iterable[str] | None) -> Iterator[Problem]:
    """A problem for each id that no account and region knows; none where some could not be read."""
    if any("vpcs" in area.unknown for area in snapshot.areas):
        return
    known = vpc_sites(snapshot)
    places = ", ".join(f"{area.account_id}/{area.region}" for area in snapshot.areas)
    for vpc_id in dict.fromkeys(ids or ()):
        if vpc_id not in known:
            message = f"there is no VPC {vpc_id} in {places}"
            yield Problem(
                "", "", "the look-up of VPCs", "VpcNotFound", message, "", "Check its id, account and region."
            )


def linux_instances(snapshot: Snapshot) -> dict[str, list[Instance]]:
    """The Linux instances that count, by VPC. A shared VPC's instances are in its participants' accounts."""
    found: dict[str, list[Instance]] = {}
    for area in snapshot.areas:
        for instance in area.instances:
            if (
                instance.vpc_id
                and instance.platform == "linux"
                and instance.state not in ("terminated", "shutting-down")
            ):
                found.setdefault(instance.vpc_id, []).append(instance)
    return found


def vpcs_of_routes(snapshot: Snapshot, routes: Collection[str], choices: Choices) -> frozenset[str] | None:
    """The VPCs in which an instance should get its agent by one of the routes. None: routes do not matter."""
    if not routes:
        return None
    return frozenset(
        verdict.instance.vpc_id
        for verdict in judge_fleet(snapshot, choices)
        if verdict.wanted and verdict.route in routes and verdict.instance.vpc_id
    )


def need(site: VpcSite, instances: Mapping[str, list[Instance]], wanted_in: Collection[str] | None) -> str:
    """The code of NEEDS that decides about one VPC."""
    state = endpoint_health(site.area, site.vpc.vpc_id).state
    if not site.owned:
        return "other_owner"
    if state == "unknown":
        return "unknown"
    if site.guardduty_endpoints:
        return "guardduty_serves"
    if not instances.get(site.vpc.vpc_id):
        return "no_linux_instance"
    if wanted_in is not None and site.vpc.vpc_id not in wanted_in:
        return "no_wanted_instance"
    return {"missing": "endpoint_missing", "misconfigured": "endpoint_misconfigured"}.get(state, "operator_serves")


def endpoint_row(site: VpcSite) -> dict[str, Any]:
    """One VPC's row. C(connectivity) is this collection's verdict, C(state) is AWS's state of the endpoint."""
    found = endpoint_health(site.area, site.vpc.vpc_id)
    endpoint = site.guardduty_endpoints[0] if site.guardduty_endpoints else found.endpoint
    return {
        "vpc_id": site.vpc.vpc_id,
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
    instances = linux_instances(snapshot)
    return [
        info_row(site, instances, wanted_in)
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


def info_row(
    site: VpcSite, instances: Mapping[str, list[Instance]], wanted_in: Collection[str] | None
) -> dict[str, Any]:
    """The row of vpc_endpoint_info: connectivity, and whether an endpoint is needed and why."""
    reason = need(site, instances, wanted_in)
    needed, cause = NEEDS[reason]
    return {
        **endpoint_row(site),
        "linux_instances": len(instances.get(site.vpc.vpc_id, ())),
        "needed": needed,
        "reason": reason,
        "cause": cause,
        "dns_support": site.vpc.dns_support,
        "dns_hostnames": site.vpc.dns_hostnames,
    }
