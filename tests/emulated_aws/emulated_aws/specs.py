# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet file describes, as records; fleet.py reads them, loader.py creates a world from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .world import DetectorSettings


@dataclass(frozen=True)
class EndpointSpec:
    owner: str
    subnets: tuple[str, ...]
    private_dns: bool
    policy: str
    security_group: str
    state: str


@dataclass(frozen=True)
class VpcSpec:
    name: str
    cidr: str
    extra_cidrs: tuple[str, ...]
    dns_support: bool
    dns_hostnames: bool
    subnets: Mapping[str, str]
    shared_with: tuple[str, ...]
    endpoint: EndpointSpec | None


@dataclass(frozen=True)
class AgentSpec:
    version: str
    by: str
    running: bool


@dataclass(frozen=True)
class InstanceSpec:
    name: str
    count: int
    vpc_account: str
    vpc: str
    subnet: str | None
    type: str
    platform: str
    architecture: str
    state: str
    tags: Mapping[str, str]
    metadata_tags: bool
    imds: bool
    ssm: str
    os: tuple[str, str]
    kernel: str
    agent: AgentSpec | None
    ecs_cluster: str | None
    eks_cluster: str | None
    operator: str | None


@dataclass(frozen=True)
class RegionSpec:
    name: str
    guardduty: DetectorSettings | None
    link_local: bool
    guardduty_zones: tuple[str, ...]
    vpcs: Mapping[str, VpcSpec]
    instances: tuple[InstanceSpec, ...]


@dataclass(frozen=True)
class AccountSpec:
    account_id: str
    name: str
    email: str
    status: str
    roles: frozenset[str]
    opted_out_regions: frozenset[str]
    regions: Mapping[str, RegionSpec]


@dataclass(frozen=True)
class OrganizationSpec:
    id: str
    management_account: str
    guardduty_administrator: str | None
    member_limit: int


@dataclass(frozen=True)
class Fleet:
    caller_account: str
    pace: Mapping[str, float]
    organization: OrganizationSpec | None
    accounts: Mapping[str, AccountSpec] = field(default_factory=dict)
