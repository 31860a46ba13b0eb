# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where EC2's state is: moto's backends, stripped of what a fleet file does not name, and shared VPCs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.instances import Instance
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC

from .wire import AwsError
from .world import WORLD


@dataclass
class Shares:
    """Which accounts see which VPC of another account (Resource Access Manager's part of the world)."""

    owner_of: dict[tuple[str, str], str] = field(default_factory=dict)
    participants: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def clear(self) -> None:
        self.owner_of.clear()
        self.participants.clear()


SHARES = Shares()


def fixed_id(prefix: str, *parts: object) -> str:
    """A resource id that depends on nothing but its parts: the same fleet file gives the same ids."""
    return f"{prefix}-{hashlib.sha256('/'.join(map(str, parts)).encode()).hexdigest()[:17]}"


def backend(account: str, region: str) -> EC2Backend:
    """moto's backend without the default VPC, which moto makes in every account and region."""
    try:
        found = ec2_backends[account][region]
    except KeyError:
        raise AwsError("UnknownEndpoint", f"the emulated AWS has no region {region}", 400) from None
    if not getattr(found, "default_vpc_removed", False):
        for store in (found.vpcs, found.subnets, found.groups, found.network_acls, found.route_tables):
            store.clear()
        found.default_vpc_removed = True
    return found


def used(account: str, region: str) -> bool:
    """Whether EC2 has anything there. Making a backend costs 15 ms: looking through all accounts must not."""
    # list(): the "in" of moto's own mapping is true for every region that AWS has.
    return account in ec2_backends and region in list(ec2_backends[account])


def accounts_in(region: str) -> list[str]:
    return [account for account in WORLD.accounts if used(account, region)]


def instances_by_id(account: str, region: str) -> dict[str, Instance]:
    """moto looks instances up by walking all of them; this index is rebuilt only when reservations come or go."""
    state = backend(account, region)
    index = getattr(state, "instance_index", None)
    if index is None or index[0] != len(state.reservations):
        found = {i.id: i for reservation in state.reservations.values() for i in reservation.instances}
        state.instance_index = index = (len(state.reservations), found)
    return index[1]


def tags_of(account: str, region: str, resource_id: str) -> dict[str, str]:
    return backend(account, region).tags.get(resource_id) or {}


def own_vpcs(account: str, region: str) -> dict[str, VPC]:
    return backend(account, region).vpcs


def visible_vpcs(account: str, region: str) -> dict[str, VPC]:
    """The account's VPCs and those that others share with it."""
    seen = dict(own_vpcs(account, region))
    for (shared_region, vpc_id), participants in SHARES.participants.items():
        if shared_region == region and account in participants:
            seen[vpc_id] = own_vpcs(SHARES.owner_of[(region, vpc_id)], region)[vpc_id]
    return seen


def subnets_of(vpc: VPC) -> list[Subnet]:
    return [s for zone in vpc.ec2_backend.subnets.values() for s in zone.values() if s.vpc_id == vpc.id]


def visible_subnets(account: str, region: str) -> dict[str, Subnet]:
    return {s.id: s for vpc in visible_vpcs(account, region).values() for s in subnets_of(vpc)}


def vpc_cidrs(vpc: VPC) -> list[str]:
    return [
        association["cidr_block"]
        for association in vpc.cidr_block_association_set
        if association["cidr_block_state"]["state"] == "associated"
    ]


def group(account: str, region: str, group_id: str) -> Any | None:
    for groups in backend(account, region).groups.values():
        if group_id in groups:
            return groups[group_id]
    return None
