# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VPC for endpoint planning: its current state, its desired state, and what has to be read to compare them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ...model.fleet import (
    MANAGED_TAG,
    AccountRegion,
    AreaKey,
    Endpoint,
    Instance,
    Lookup,
    Problem,
    SecurityGroup,
    Snapshot,
    Subnet,
    Vpc,
)
from ..verdict.endpoint_health import GONE_STATES, EndpointHealth, closed_cidrs, endpoint_health
from .desired import DesiredEndpoint


@dataclass(frozen=True, slots=True)
class VpcSite:
    """A VPC in the account and region of the snapshot with the most data about it: its owner's, if that was read.

    C(instances): the Linux instances that count, including those of a shared VPC's participants.
    """

    area: AccountRegion
    vpc: Vpc
    instances: tuple[Instance, ...]

    @property
    def vpc_id(self) -> str:
        return self.vpc.vpc_id

    @property
    def owned(self) -> bool:
        return self.vpc.owner_id == self.area.account_id

    @property
    def health(self) -> EndpointHealth:
        return endpoint_health(self.area, self.vpc_id)

    @property
    def live(self) -> tuple[Endpoint, ...]:
        return tuple(endpoint for endpoint in self._endpoints if endpoint.state.lower() not in GONE_STATES)

    @property
    def going(self) -> bool:
        """Whether an endpoint is still being deleted."""
        return len(self.live) < len(self._endpoints)

    @property
    def guardduty_endpoints(self) -> tuple[Endpoint, ...]:
        return tuple(endpoint for endpoint in self.live if endpoint.guardduty_owned)

    @property
    def subnets(self) -> tuple[Subnet, ...]:
        return tuple(subnet for subnet in self.area.subnets.values() if subnet.vpc_id == self.vpc_id)

    @property
    def security_groups(self) -> tuple[SecurityGroup, ...]:
        return tuple(group for group in self.area.security_groups.values() if group.vpc_id == self.vpc_id)

    @property
    def zones(self) -> dict[str, str]:
        """The availability zone of each known subnet.

        Zone names are specific to an account, so a participant's instance is placed only by its subnet.
        """
        own = {
            instance.subnet_id: instance.availability_zone
            for instance in self.area.instances
            if instance.subnet_id and instance.availability_zone
        }
        return own | {subnet.subnet_id: subnet.availability_zone for subnet in self.area.subnets.values()}

    def closed(self, endpoint: Endpoint) -> bool:
        """Whether the groups of an endpoint are all known and do not allow a CIDR of the VPC."""
        known = self.area.security_groups
        groups = [known[group_id] for group_id in endpoint.security_group_ids if group_id in known]
        return len(groups) == len(endpoint.security_group_ids) and bool(closed_cidrs(self.vpc.cidrs, groups))

    @property
    def _endpoints(self) -> tuple[Endpoint, ...]:
        return self.area.endpoints.get(self.vpc_id, ())


@dataclass(frozen=True, slots=True)
class Reads:
    """What planning has to read first, by account and region. Filled during planning."""

    needs: dict[AreaKey, Lookup] = field(default_factory=dict)

    def have(self, area: AccountRegion, lookup: Lookup) -> bool:
        """Whether this was already looked up; if not, it is recorded as needed."""
        missing = lookup - area.looked_up
        if missing:
            self.needs[area.area_key] = self.needs.get(area.area_key, Lookup()) | missing
        return not missing


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredSite(VpcSite):
    """A VPC and the endpoint that it should have."""

    desired: DesiredEndpoint
    reads: Reads

    @property
    def service(self) -> str | None:
        return self.desired.service(self.area)

    @property
    def current(self) -> Endpoint | None:
        """The operator's endpoint of the desired service; the one with private DNS first."""
        own = [
            endpoint for endpoint in self.live if endpoint.service_name == self.service and not endpoint.guardduty_owned
        ]
        return min(
            own,
            key=lambda endpoint: (
                not endpoint.private_dns,
                endpoint.state.lower() != "available",
                endpoint.endpoint_id,
            ),
            default=None,
        )

    @property
    def wants_private_dns(self) -> bool:
        """Whether private DNS will be turned on, which AWS allows only in a VPC with both DNS attributes on."""
        return self.current is None or not self.current.private_dns

    @property
    def named_group(self) -> SecurityGroup | None:
        """The group of the desired name. Names are unique within a VPC (EC2 API reference, CreateSecurityGroup)."""
        name = self.desired.security_group_name
        return next((group for group in self.security_groups if group.name == name), None)

    @property
    def maintained(self) -> bool:
        """Whether an endpoint of the VPC uses the group of the desired name, which this module then keeps up to date."""
        attached = {group_id for endpoint in self.live for group_id in endpoint.security_group_ids}
        return any(group.group_id in attached and self.is_ours(group) for group in self.security_groups)

    def is_ours(self, group: SecurityGroup) -> bool:
        if MANAGED_TAG in group.tags:
            return False
        if self.desired.security_group_ids is not None:
            return group.group_id in self.desired.security_group_ids
        return group.name == self.desired.security_group_name

    @property
    def uncovered(self) -> bool:
        """Whether an instance is in a zone in which the current endpoint has no known subnet."""
        held = set(self.current.subnet_ids) if self.current else set()
        zones = self.zones
        covered = {zones[subnet_id] for subnet_id in held if subnet_id in zones}
        populated = {instance.subnet_id for instance in self.instances if instance.subnet_id} - held
        return any(zones.get(subnet_id) not in covered for subnet_id in populated)

    def have_subnets(self, *, with_instances: bool = False) -> bool:
        """Whether the VPC's subnets are known, and the zones in which the service is offered."""
        ids = frozenset({self.vpc_id})
        services = frozenset({self.service} if self.service else ())
        lookup = Lookup(services=services, subnets_of=ids, instances_of=ids if with_instances else frozenset())
        return self.reads.have(self.area, lookup)

    def have_dns(self) -> bool:
        return self.reads.have(self.area, Lookup(dns_of=frozenset({self.vpc_id})))

    def have_group(self, *, guardduty: bool = False) -> bool:
        """Whether the group of the desired name is known, and C(guardduty)'s own."""
        ids = frozenset({self.vpc_id})
        name = self.desired.security_group_name
        lookup = Lookup(group_name=name, named_in=ids, guardduty_groups_of=ids if guardduty else frozenset())
        return self.reads.have(self.area, lookup)


def vpc_sites(snapshot: Snapshot) -> dict[str, VpcSite]:
    """Every VPC of the snapshot once, by id. A shared VPC is in its owner's account and in its participants'."""
    instances: dict[str, list[Instance]] = {}
    best: dict[str, tuple[AccountRegion, Vpc]] = {}
    for area in snapshot.areas:
        for instance in area.instances:
            if instance.vpc_id and instance.platform == "linux" and not instance.gone:
                instances.setdefault(instance.vpc_id, []).append(instance)
        for vpc in area.vpcs.values():
            if vpc.vpc_id not in best or vpc.owner_id == area.account_id:
                best[vpc.vpc_id] = (area, vpc)
    return {vpc_id: VpcSite(area, vpc, tuple(instances.get(vpc_id, ()))) for vpc_id, (area, vpc) in best.items()}


def missing_vpcs(snapshot: Snapshot, ids: Iterable[str] | None) -> Iterator[Problem]:
    """A problem for each id that is in no account and region; none if some could not be read."""
    if any("vpcs" in area.unknown for area in snapshot.areas):
        return
    known = {vpc_id for area in snapshot.areas for vpc_id in area.vpcs}
    places = ", ".join(str(area.area_key) for area in snapshot.areas)
    for vpc_id in dict.fromkeys(ids or ()):
        if vpc_id not in known:
            message = f"there is no VPC {vpc_id} in {places}"
            yield Problem("", "", "the lookup of VPCs", "VpcNotFound", message, "", "Check its id, account and region.")
