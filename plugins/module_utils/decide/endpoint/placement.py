# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which subnets and which security group an endpoint gets.

Sources: GuardDuty user guide, "Creating Amazon VPC endpoint manually" (the subnets of the instances, inbound 443 from
the VPC) and "Validating VPC endpoint configuration" (every CIDR); PrivateLink guide (one subnet per availability zone, and
only zones in which the service is offered).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ...model.fleet import MANAGED_TAG, Endpoint, Instance, Problem, SecurityGroup, Subnet
from ..verdict.endpoint_health import AGENT_PORT
from .site import DesiredSite, VpcSite


class Refused(Exception):
    """One VPC cannot be planned, for a reason that the user can act on."""

    def __init__(self, site: VpcSite, code: str, message: str, advice: str) -> None:
        super().__init__(message)
        what = f"the endpoint of {site.vpc_id}"
        self.problem = Problem(*site.area.area_key, what, code, message, "", advice)


def chosen_subnets(site: DesiredSite) -> tuple[str, ...]:
    """The subnets that a new endpoint gets, or that an endpoint with named subnets should have."""
    if site.desired.subnet_ids is not None:
        return _named(site, [subnet for subnet in site.subnets if subnet.subnet_id in site.desired.subnet_ids])
    zones = site.area.service_zones
    offered = [subnet for subnet in site.subnets if zones is None or subnet.availability_zone in zones]
    if not offered:
        held = ", ".join(sorted({subnet.availability_zone for subnet in site.subnets})) or "no subnets"
        message = f"the service is not offered in any availability zone of the VPC ({held})"
        raise Refused(site, "ZoneNotOffered", message, _offered(zones))
    return tuple(sorted(_one_per_zone(offered, site.instances).values()))


def _one_per_zone(subnets: Iterable[Subnet], instances: Iterable[Instance]) -> dict[str, str]:
    """The subnet with the most instances in each zone with instances; without instances, any subnet of each zone."""
    living = Counter(instance.subnet_id for instance in instances)
    best: dict[str, Subnet] = {}
    for subnet in sorted(subnets, key=lambda candidate: (-living[candidate.subnet_id], candidate.subnet_id)):
        best.setdefault(subnet.availability_zone, subnet)
    lived_in = {zone: subnet.subnet_id for zone, subnet in best.items() if living[subnet.subnet_id]}
    return lived_in or {zone: subnet.subnet_id for zone, subnet in best.items()}


def _named(site: VpcSite, subnets: list[Subnet]) -> tuple[str, ...]:
    if not subnets:
        message = f"subnet_ids has no subnet of {site.vpc_id}"
        raise Refused(site, "NoSubnet", message, "List at least one subnet of each VPC, or leave subnet_ids out.")
    zones = site.area.service_zones
    for subnet in subnets:
        if zones is not None and subnet.availability_zone not in zones:
            message = f"the service is not offered in {subnet.availability_zone}, the zone of {subnet.subnet_id}"
            raise Refused(site, "ZoneNotOffered", message, _offered(zones))
    doubled = [zone for zone, count in Counter(subnet.availability_zone for subnet in subnets).items() if count > 1]
    if doubled:
        message = f"subnet_ids has more than one subnet in {', '.join(sorted(doubled))}"
        raise Refused(
            site,
            "TwoSubnetsInZone",
            message,
            "An endpoint has one subnet per availability zone: list only one of them.",
        )
    return tuple(sorted(subnet.subnet_id for subnet in subnets))


def _offered(zones: Iterable[str] | None) -> str:
    return f"It is offered in {', '.join(sorted(zones or ()))}."


def extended_subnets(site: DesiredSite, endpoint: Endpoint) -> tuple[str, ...]:
    """The endpoint's subnets, plus one for each zone that has instances and is not covered yet.

    No subnet is removed: instances come and go, and removing a network interface ends its connections.
    """
    zones = site.zones
    covered = {zones.get(subnet_id) for subnet_id in endpoint.subnet_ids}
    populated = {instance.subnet_id for instance in site.instances}
    more = [
        subnet_id
        for subnet_id in chosen_subnets(site)
        if subnet_id in populated and zones.get(subnet_id) not in covered
    ]
    return tuple(sorted({*endpoint.subnet_ids, *more}))


@dataclass(frozen=True, slots=True)
class Groups:
    """The security groups that an endpoint should have. C(create): the collection's group does not exist yet and is added."""

    ids: tuple[str, ...]
    ours: SecurityGroup | None = None
    create: bool = False


def chosen_groups(site: DesiredSite) -> Groups:
    endpoint = site.current
    attached = endpoint.security_group_ids if endpoint else ()
    if site.desired.security_group_ids is not None:
        return Groups(_named_groups(site, attached))
    ours = _our_group(site)
    if endpoint is not None:
        if ours is not None and ours.group_id in attached:
            return Groups(attached, ours)
        if not site.closed(endpoint):
            return Groups(attached)
    if ours is None and not site.have_group():
        return Groups(attached)
    ids = (*attached, ours.group_id) if ours else attached
    return Groups(ids, ours, create=ours is None)


def _our_group(site: DesiredSite) -> SecurityGroup | None:
    group = site.named_group
    if group is not None and MANAGED_TAG in group.tags:
        message = f"the security group {group.group_id} ({group.name}) has the tag {MANAGED_TAG}"
        raise Refused(site, "GuardDutyOwned", message, "It belongs to GuardDuty: choose another security_group_name.")
    return group


def _named_groups(site: DesiredSite, attached: Iterable[str]) -> tuple[str, ...]:
    named = [group.group_id for group in site.security_groups if site.is_ours(group)]
    wanted = [group_id for group_id in site.desired.security_group_ids or () if group_id in named]
    if not wanted:
        message = f"security_group_ids has no security group of {site.vpc_id} that GuardDuty does not own"
        advice = "List at least one group of each VPC, or leave security_group_ids out."
        raise Refused(site, "NoSecurityGroup", message, advice)
    return tuple(attached) if set(attached) == set(wanted) else tuple(wanted)


def inbound(group: SecurityGroup) -> tuple[str, ...]:
    """The CIDRs of rules for exactly the agent's port. Other rules of the group are left to its owner."""
    return tuple(
        sorted(
            {
                cidr
                for rule in group.ingress
                if rule.protocol in ("tcp", "6") and (rule.from_port, rule.to_port) == (AGENT_PORT, AGENT_PORT)
                for cidr in rule.cidrs
            }
        )
    )
