# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates a world from a fleet: empties moto, fills EC2 and the shared state, then the services."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.ec2.models.instances import Reservation
from moto.ec2.models.security_groups import SecurityGroup
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC
from moto.moto_api._internal.models import moto_api_backend

from . import ec2_endpoints, ec2_state, paging, register
from .ec2_instances import FleetInstance
from .ec2_state import fixed_id
from .fleet import FleetError
from .specs import Fleet, InstanceSpec, RegionSpec, VpcSpec
from .world import WORLD, Account, Agent, Node, Organization, Pace

# AWS keeps the first four addresses of a subnet and the last: docs, "Subnet CIDR blocks".
_FIRST_FREE = 4


@dataclass
class _Place:
    """A VPC that instances are put into: its subnets by name, and the next free address of each."""

    vpc: VPC
    subnets: dict[str, Subnet]
    groups: list[Any]
    free: dict[str, Iterator[str]] = field(default_factory=dict)
    turn: int = 0


def load(fleet: Fleet) -> None:
    """Replace the whole world by C(fleet). Rejected before anything is emptied if a zone is unknown."""
    _check_zones(fleet)
    with WORLD.lock:
        moto_api_backend.reset()
        WORLD.clear()
        ec2_state.SHARES.clear()
        ec2_endpoints.clear()
        paging.clear()
        _load_accounts(fleet)
        places: dict[tuple[str, str, str], _Place] = {}
        for account in fleet.accounts.values():
            for region in account.regions.values():
                for vpc in region.vpcs.values():
                    places[account.account_id, region.name, vpc.name] = _load_vpc(account.account_id, region.name, vpc)
        for account in fleet.accounts.values():
            for region in account.regions.values():
                _load_region(account.account_id, region, places)
        register.after_load()


def _check_zones(fleet: Fleet) -> None:
    for account in fleet.accounts.values():
        for region in account.regions.values():
            path = f"accounts.{account.account_id}.regions.{region.name}"
            zones = [zone.name for zone in RegionsAndZonesBackend.zones.get(region.name, [])]
            if not zones:
                raise FleetError(f"{path}: no region of AWS")
            for vpc in region.vpcs.values():
                for name, zone in vpc.subnets.items():
                    _check_zone(zone, zones, f"{path}.vpcs.{vpc.name}.subnets.{name}")
            for zone in region.guardduty_zones:
                _check_zone(zone, zones, f"{path}.guardduty_zones")


def _check_zone(zone: str, zones: list[str], path: str) -> None:
    if zone not in zones:
        raise FleetError(f'{path}: no zone "{zone}"; known: {", ".join(zones)}')


def _load_accounts(fleet: Fleet) -> None:
    WORLD.caller_account_id = fleet.caller_account
    WORLD.pace = Pace(**fleet.pace)
    for each in fleet.accounts.values():
        WORLD.accounts[each.account_id] = Account(each.account_id, each.name, each.email, each.status, each.roles)
        WORLD.opted_out |= {(each.account_id, region) for region in each.opted_out_regions}
    if fleet.organization is not None:
        organization = fleet.organization
        WORLD.organization = Organization(
            organization.id,
            organization.management_account,
            organization.guardduty_administrator,
            organization.member_limit,
        )


def _load_vpc(account: str, region: str, spec: VpcSpec) -> _Place:
    state = ec2_state.backend(account, region)
    vpc = VPC(state, fixed_id("vpc", account, region, spec.name), spec.cidr, is_default=False)
    state.vpcs[vpc.id] = vpc
    vpc.enable_dns_support = spec.dns_support
    vpc.enable_dns_hostnames = spec.dns_hostnames
    for cidr in spec.extra_cidrs:
        vpc.associate_vpc_cidr_block(cidr)
    state.tags[vpc.id]["Name"] = spec.name
    default = SecurityGroup(
        state,
        fixed_id("sg", account, region, spec.name),
        "default",
        "default VPC security group",
        vpc.id,
        is_default=True,
    )
    state.groups[vpc.id][default.id] = default
    subnets = _load_subnets(state, vpc, spec)
    if spec.shared_with:
        ec2_state.SHARES.owner_of[region, vpc.id] = account
        ec2_state.SHARES.participants[region, vpc.id] = frozenset(spec.shared_with)
    if spec.endpoint is not None:
        ec2_endpoints.load(account, region, vpc, [subnets[name] for name in spec.endpoint.subnets], spec.endpoint)
    return _Place(vpc, subnets, [default])


def _load_subnets(state: EC2Backend, vpc: VPC, spec: VpcSpec) -> dict[str, Subnet]:
    zones = {zone.name: zone for zone in RegionsAndZonesBackend.zones[state.region_name]}
    whole = ipaddress.ip_network(spec.cidr)
    # Equal parts, four at least, so that a VPC has room for subnets that are made later.
    bits = min(max(2, (len(spec.subnets) - 1).bit_length()), 28 - whole.prefixlen)
    parts = list(whole.subnets(prefixlen_diff=bits))
    if len(parts) < len(spec.subnets):
        raise FleetError(f'the VPC "{spec.name}" ({spec.cidr}) has room for {len(parts)} subnets of /28 only')
    subnets = {}
    for (name, zone), cidr in zip(spec.subnets.items(), parts, strict=False):
        subnet_id = fixed_id("subnet", state.account_id, state.region_name, spec.name, name)
        subnet = Subnet(state, subnet_id, vpc.id, str(cidr), None, zones[zone], False, False)
        state.subnets[zone][subnet_id] = subnet
        state.tags[subnet_id]["Name"] = f"{spec.name}-{name}"
        subnets[name] = subnet
    return subnets


def _load_region(account: str, region: RegionSpec, places: dict[tuple[str, str, str], _Place]) -> None:
    if region.guardduty is not None:
        WORLD.detectors[account, region.name] = region.guardduty
    if region.guardduty_zones:
        ec2_endpoints.SERVICE_ZONES[account, region.name] = region.guardduty_zones
    if region.link_local:
        WORLD.link_local.add((account, region.name))
    for spec in region.instances:
        place = places[spec.vpc_account, region.name, spec.vpc]
        for number in range(1, spec.count + 1):
            _load_instance(account, region.name, spec, number, place)


def _load_instance(account: str, region: str, spec: InstanceSpec, number: int, place: _Place) -> None:
    state = ec2_state.backend(account, region)
    name = spec.name if spec.count == 1 else f"{spec.name}-{number:0{max(2, len(str(spec.count)))}d}"
    subnet_name = spec.subnet or list(place.subnets)[place.turn % len(place.subnets)]
    if spec.subnet is None:
        place.turn += 1
    subnet = place.subnets[subnet_name]
    instance_id = fixed_id("i", account, region, spec.name, number)
    instance = FleetInstance(
        state, spec, instance_id, place.vpc.id, subnet, _next_address(place, subnet_name), place.groups
    )
    reservation = Reservation(fixed_id("r", instance_id), account)
    reservation.instances.append(instance)
    state.reservations[reservation.id] = reservation
    state.tags[instance_id].update({"Name": name, **_cluster_tags(spec), **spec.tags})
    WORLD.nodes_in(account, region)[instance_id] = _node(account, region, spec, instance_id)


def _next_address(place: _Place, subnet_name: str) -> str:
    if subnet_name not in place.free:
        network = place.subnets[subnet_name].cidr
        usable = range(_FIRST_FREE, network.num_addresses - 1)
        first = int(network.network_address)
        place.free[subnet_name] = (str(ipaddress.IPv4Address(first + offset)) for offset in usable)
    try:
        return next(place.free[subnet_name])
    except StopIteration:
        raise FleetError(f'the subnet "{subnet_name}" ({place.subnets[subnet_name].cidr}) is full') from None


def _cluster_tags(spec: InstanceSpec) -> dict[str, str]:
    """Tags of EKS worker nodes: https://docs.aws.amazon.com/eks/latest/userguide/eks-using-tags.html."""
    if spec.eks_cluster is None:
        return {}
    return {f"kubernetes.io/cluster/{spec.eks_cluster}": "owned", "eks:cluster-name": spec.eks_cluster}


def _node(account: str, region: str, spec: InstanceSpec, instance_id: str) -> Node:
    agent = None if spec.agent is None else Agent(spec.agent.version, spec.agent.by, spec.agent.running)
    cluster = spec.ecs_cluster and f"arn:aws:ecs:{region}:{account}:cluster/{spec.ecs_cluster}"
    return Node(
        instance_id,
        account,
        region,
        ssm=spec.ssm,
        os_name=spec.os[0],
        os_version=spec.os[1],
        kernel=spec.kernel,
        agent=agent,
        cluster_arn=cluster,
    )
