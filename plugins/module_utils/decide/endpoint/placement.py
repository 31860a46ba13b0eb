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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...model.fleet import MANAGED_TAG, Endpoint, Instance, Problem, SecurityGroup, Subnet
from ..verdict.endpoint_health import AGENT_PORT, closed_cidrs
from .desired import EndpointWish, is_our_group
from .need import Home


class Refused(Exception):
    """One VPC cannot be planned, for a reason that the user can act on."""

    def __init__(self, home: Home, code: str, message: str, advice: str) -> None:
        super().__init__(message)
        where = (home.area.account_id, home.area.region, f"the endpoint of {home.vpc.vpc_id}")
        self.problem = Problem(*where, code, message, "", advice)


def chosen_subnets(home: Home, wish: EndpointWish, instances: Iterable[Instance]) -> tuple[str, ...]:
    """The subnets that a new endpoint gets, or that an endpoint with named subnets should have."""
    of_vpc = [subnet for subnet in home.area.subnets.values() if subnet.vpc_id == home.vpc.vpc_id]
    if wish.subnet_ids is not None:
        return _named(home, [subnet for subnet in of_vpc if subnet.subnet_id in wish.subnet_ids])
    zones = home.area.service_zones
    offered = [subnet for subnet in of_vpc if zones is None or subnet.availability_zone in zones]
    if not offered:
        held = ", ".join(sorted({subnet.availability_zone for subnet in of_vpc})) or "no subnets"
        message = f"the service is not offered in any availability zone of the VPC ({held})"
        raise Refused(home, "ZoneNotOffered", message, _offered(zones))
    return tuple(sorted(_one_per_zone(offered, instances).values()))


def _one_per_zone(subnets: Iterable[Subnet], instances: Iterable[Instance]) -> dict[str, str]:
    """The subnet with the most instances in each zone that has some; with no instances anywhere, any subnet per zone."""
    living = Counter(instance.subnet_id for instance in instances)
    best: dict[str, Subnet] = {}
    for subnet in sorted(subnets, key=lambda one: (-living[one.subnet_id], one.subnet_id)):
        best.setdefault(subnet.availability_zone, subnet)
    lived_in = {zone: subnet.subnet_id for zone, subnet in best.items() if living[subnet.subnet_id]}
    return lived_in or {zone: subnet.subnet_id for zone, subnet in best.items()}


def _named(home: Home, subnets: list[Subnet]) -> tuple[str, ...]:
    if not subnets:
        message = f"none of subnet_ids is a subnet of {home.vpc.vpc_id}"
        raise Refused(home, "NoSubnet", message, "Name at least one subnet of each VPC, or leave subnet_ids out.")
    zones = home.area.service_zones
    for subnet in subnets:
        if zones is not None and subnet.availability_zone not in zones:
            message = f"the service is not offered in {subnet.availability_zone}, the zone of {subnet.subnet_id}"
            raise Refused(home, "ZoneNotOffered", message, _offered(zones))
    doubled = [zone for zone, count in Counter(subnet.availability_zone for subnet in subnets).items() if count > 1]
    if doubled:
        message = f"subnet_ids has more than one subnet in {', '.join(sorted(doubled))}"
        raise Refused(home, "TwoSubnetsInZone", message, "An endpoint has one subnet per availability zone: name one.")
    return tuple(sorted(subnet.subnet_id for subnet in subnets))


def _offered(zones: Iterable[str] | None) -> str:
    return f"It is offered in {', '.join(sorted(zones or ()))}."


def open_zones(home: Home, endpoint: Endpoint, instances: Iterable[Instance]) -> bool:
    """Whether an instance lives in a zone in which the endpoint has no subnet, as far as is known.

    Zone names belong to an account, so an instance of a participant is placed by its subnet only.
    """
    zones = _zones(home)
    covered = {zones[subnet_id] for subnet_id in endpoint.subnet_ids if subnet_id in zones}
    lived_in = {instance.subnet_id for instance in instances if instance.subnet_id} - set(endpoint.subnet_ids)
    return any(zones.get(subnet_id) not in covered for subnet_id in lived_in)


def extended_subnets(
    home: Home, endpoint: Endpoint, wish: EndpointWish, instances: Iterable[Instance]
) -> tuple[str, ...]:
    """The endpoint's subnets with one more for each zone that has instances and is not covered yet.

    Nothing is taken away: instances come and go, and connections through a network interface end with it.
    """
    zones = _zones(home)
    covered = {zones.get(subnet_id) for subnet_id in endpoint.subnet_ids}
    lived_in = {instance.subnet_id for instance in instances}
    more = [
        subnet_id
        for subnet_id in chosen_subnets(home, wish, instances)
        if subnet_id in lived_in and zones.get(subnet_id) not in covered
    ]
    return tuple(sorted({*endpoint.subnet_ids, *more}))


def _zones(home: Home) -> dict[str, str]:
    own = {
        instance.subnet_id: instance.availability_zone
        for instance in home.area.instances
        if instance.subnet_id and instance.availability_zone
    }
    return own | {subnet.subnet_id: subnet.availability_zone for subnet in home.area.subnets.values()}


@dataclass(frozen=True, slots=True)
class Groups:
    """The security groups that an endpoint should have. C(make): our group does not exist yet and comes on top."""

    ids: tuple[str, ...]
    ours: SecurityGroup | None = None
    make: bool = False


def chosen_groups(home: Home, wish: EndpointWish, endpoint: Endpoint | None) -> Groups:
    attached = endpoint.security_group_ids if endpoint else ()
    if wish.security_group_ids is not None:
        return Groups(_named_groups(home, wish, attached))
    ours = our_group(home, wish)
    if endpoint is not None:
        if ours is not None and ours.group_id in attached:
            return Groups(attached, ours)
        if not lets_nobody_in(home, endpoint):
            return Groups(attached)
    ids = (*attached, ours.group_id) if ours else attached
    return Groups(ids, ours, make=ours is None)


def lets_nobody_in(home: Home, endpoint: Endpoint) -> bool:
    """Whether the groups of an endpoint are all known, and close a CIDR of the VPC out."""
    known = home.area.security_groups
    groups = [known[group_id] for group_id in endpoint.security_group_ids if group_id in known]
    complete = len(groups) == len(endpoint.security_group_ids)
    return complete and bool(closed_cidrs(home.vpc.cidrs, groups))


def our_group(home: Home, wish: EndpointWish) -> SecurityGroup | None:
    """The group of the wished name in the VPC. Names are unique within a VPC (EC2 API reference, CreateSecurityGroup)."""
    groups = home.area.security_groups.values()
    named = [one for one in groups if one.name == wish.security_group_name and one.vpc_id == home.vpc.vpc_id]
    if named and MANAGED_TAG in named[0].tags:
        message = f"the security group {named[0].group_id} ({wish.security_group_name}) carries the tag {MANAGED_TAG}"
        raise Refused(home, "GuardDutyOwned", message, "It belongs to GuardDuty: choose another security_group_name.")
    return named[0] if named else None


def _named_groups(home: Home, wish: EndpointWish, attached: Iterable[str]) -> tuple[str, ...]:
    groups = home.area.security_groups
    mine = [
        one
        for one in wish.security_group_ids or ()
        if one in groups and is_our_group(groups[one], home.vpc.vpc_id, wish)
    ]
    if not mine:
        message = f"none of security_group_ids is a security group of {home.vpc.vpc_id} that GuardDuty does not own"
        advice = "Name at least one group of each VPC, or leave security_group_ids out."
        raise Refused(home, "NoSecurityGroup", message, advice)
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


def wanted_inbound(home: Home) -> tuple[str, ...]:
    return tuple(sorted(home.vpc.cidrs))


def tag_difference(tags: Mapping[str, str], wish: EndpointWish) -> tuple[dict[str, str], dict[str, str]]:
    """The tags to write, and the tags to remove with the values they have."""
    if wish.tags is None:
        return {}, {}
    written = {key: value for key, value in wish.tags.items() if tags.get(key) != value}
    gone = {key: value for key, value in tags.items() if key not in wish.tags and not key.lower().startswith("aws:")}
    return written, gone if wish.purge_tags else {}
