# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which subnets and which security group an endpoint gets.

Sources: GuardDuty user guide, "Creating Amazon VPC endpoint manually" (the subnets where instances live, inbound 443 from
the VPC) and "Validating VPC endpoint configuration" (every CIDR); PrivateLink guide (one subnet per availability zone, and
only zones in which the service is offered).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ...model.fleet import MANAGED_TAG, Endpoint, Instance, Problem, SecurityGroup, Subnet
from ..verdict.endpoint_health import AGENT_PORT, closed_cidrs
from .desired import DesiredEndpoint, is_our_group
from .need import VpcSite


class Refused(Exception):
    """One VPC cannot be planned, for a reason that the user can act on."""

    def __init__(self, site: VpcSite, code: str, message: str, advice: str) -> None:
        super().__init__(message)
        where = (site.area.account_id, site.area.region, f"the endpoint of {site.vpc.vpc_id}")
        self.problem = Problem(*where, code, message, "", advice)


def chosen_subnets(site: VpcSite, desired: DesiredEndpoint, instances: Iterable[Instance]) -> tuple[str, ...]:
    """The subnets that a new endpoint gets, or that an endpoint with named subnets should have."""
    of_vpc = [subnet for subnet in site.area.subnets.values() if subnet.vpc_id == site.vpc.vpc_id]
    if desired.subnet_ids is not None:
        return _named(site, [subnet for subnet in of_vpc if subnet.subnet_id in desired.subnet_ids])
    zones = site.area.service_zones
    offered = [subnet for subnet in of_vpc if zones is None or subnet.availability_zone in zones]
    if not offered:
        held = ", ".join(sorted({subnet.availability_zone for subnet in of_vpc})) or "no subnets"
        message = f"the service is not offered in any availability zone of the VPC ({held})"
        raise Refused(site, "ZoneNotOffered", message, _offered(zones))
    return tuple(sorted(_one_per_zone(offered, instances).values()))


def _one_per_zone(subnets: Iterable[Subnet], instances: Iterable[Instance]) -> dict[str, str]:
    """The subnet with the most instances in each zone that has some; with no instances anywhere, any subnet per zone."""
    living = Counter(instance.subnet_id for instance in instances)
    best: dict[str, Subnet] = {}
    for subnet in sorted(subnets, key=lambda one: (-living[one.subnet_id], one.subnet_id)):
        best.setdefault(subnet.availability_zone, subnet)
    lived_in = {zone: subnet.subnet_id for zone, subnet in best.items() if living[subnet.subnet_id]}
    return lived_in or {zone: subnet.subnet_id for zone, subnet in best.items()}


def _named(site: VpcSite, subnets: list[Subnet]) -> tuple[str, ...]:
    if not subnets:
        message = f"none of subnet_ids is a subnet of {site.vpc.vpc_id}"
        raise Refused(site, "NoSubnet", message, "Name at least one subnet of each VPC, or leave subnet_ids out.")
    zones = site.area.service_zones
    for subnet in subnets:
        if zones is not None and subnet.availability_zone not in zones:
            message = f"the service is not offered in {subnet.availability_zone}, the zone of {subnet.subnet_id}"
            raise Refused(site, "ZoneNotOffered", message, _offered(zones))
    doubled = [zone for zone, count in Counter(subnet.availability_zone for subnet in subnets).items() if count > 1]
    if doubled:
        message = f"subnet_ids has more than one subnet in {', '.join(sorted(doubled))}"
        raise Refused(site, "TwoSubnetsInZone", message, "An endpoint has one subnet per availability zone: name one.")
    return tuple(sorted(subnet.subnet_id for subnet in subnets))


def _offered(zones: Iterable[str] | None) -> str:
    return f"It is offered in {', '.join(sorted(zones or ()))}."


def open_zones(site: VpcSite, endpoint: Endpoint, instances: Iterable[Instance]) -> bool:
    """Whether an instance lives in a zone in which the endpoint has no subnet, as far as is known.

    Zone names belong to an account, so an instance of a participant is placed by its subnet only.
    """
    zones = _zones(site)
    covered = {zones[subnet_id] for subnet_id in endpoint.subnet_ids if subnet_id in zones}
    lived_in = {instance.subnet_id for instance in instances if instance.subnet_id} - set(endpoint.subnet_ids)
    return any(zones.get(subnet_id) not in covered for subnet_id in lived_in)


def extended_subnets(
    site: VpcSite, endpoint: Endpoint, desired: DesiredEndpoint, instances: Iterable[Instance]
) -> tuple[str, ...]:
    """The endpoint's subnets with one more for each zone that has instances and is not covered yet.

    Nothing is taken away: instances come and go, and connections through a network interface end with it.
    """
    zones = _zones(site)
    covered = {zones.get(subnet_id) for subnet_id in endpoint.subnet_ids}
    lived_in = {instance.subnet_id for instance in instances}
    more = [
        subnet_id
        for subnet_id in chosen_subnets(site, desired, instances)
        if subnet_id in lived_in and zones.get(subnet_id) not in covered
    ]
    return tuple(sorted({*endpoint.subnet_ids, *more}))


def _zones(site: VpcSite) -> dict[str, str]:
    own = {
        instance.subnet_id: instance.availability_zone
        for instance in site.area.instances
        if instance.subnet_id and instance.availability_zone
    }
    return own | {subnet.subnet_id: subnet.availability_zone for subnet in site.area.subnets.values()}


@dataclass(frozen=True, slots=True)
class Groups:
    """The security groups that an endpoint should have. C(make): our group does not exist yet and comes on top."""

    ids: tuple[str, ...]
    ours: SecurityGroup | None = None
    make: bool = False


def chosen_groups(site: VpcSite, desired: DesiredEndpoint, endpoint: Endpoint | None) -> Groups:
    attached = endpoint.security_group_ids if endpoint else ()
    if desired.security_group_ids is not None:
        return Groups(_named_groups(site, desired, attached))
    ours = our_group(site, desired)
    if endpoint is not None:
        if ours is not None and ours.group_id in attached:
            return Groups(attached, ours)
        if not lets_nobody_in(site, endpoint):
            return Groups(attached)
    ids = (*attached, ours.group_id) if ours else attached
    return Groups(ids, ours, make=ours is None)


def lets_nobody_in(site: VpcSite, endpoint: Endpoint) -> bool:
    """Whether the groups of an endpoint are all known, and close a CIDR of the VPC out."""
    known = site.area.security_groups
    groups = [known[group_id] for group_id in endpoint.security_group_ids if group_id in known]
    complete = len(groups) == len(endpoint.security_group_ids)
    return complete and bool(closed_cidrs(site.vpc.cidrs, groups))


def our_group(site: VpcSite, desired: DesiredEndpoint) -> SecurityGroup | None:
    """The group of the wished name in the VPC. Names are unique within a VPC (EC2 API reference, CreateSecurityGroup)."""
    groups = site.area.security_groups.values()
    named = [one for one in groups if one.name == desired.security_group_name and one.vpc_id == site.vpc.vpc_id]
    if named and MANAGED_TAG in named[0].tags:
        message = (
            f"the security group {named[0].group_id} ({desired.security_group_name}) carries the tag {MANAGED_TAG}"
        )
        raise Refused(site, "GuardDutyOwned", message, "It belongs to GuardDuty: choose another security_group_name.")
    return named[0] if named else None


def _named_groups(site: VpcSite, desired: DesiredEndpoint, attached: Iterable[str]) -> tuple[str, ...]:
    groups = site.area.security_groups
    mine = [
        one
        for one in desired.security_group_ids or ()
        if one in groups and is_our_group(groups[one], site.vpc.vpc_id, desired)
    ]
    if not mine:
        message = f"none of security_group_ids is a security group of {site.vpc.vpc_id} that GuardDuty does not own"
        advice = "Name at least one group of each VPC, or leave security_group_ids out."
        raise Refused(site, "NoSecurityGroup", message, advice)
    return tuple(attached) if set(attached) == set(mine) else tuple(mine)


def inbound(group: SecurityGroup) -> tuple[str, ...]:
    """The CIDRs that exactly the agent's port is open to. Other rules of the group are its owner's business."""
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


def wanted_inbound(site: VpcSite) -> tuple[str, ...]:
    return tuple(sorted(site.vpc.cidrs))
