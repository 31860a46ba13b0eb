# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes that endpoints need, in the order in which they must be made: each builds on those before it."""

from __future__ import annotations

from dataclasses import dataclass

from ..plan import Change
from ..tags import RemoveTags, WriteTags


@dataclass(frozen=True, slots=True, kw_only=True)
class EnableVpcDns(Change):
    """C(attributes): those of dns_support and dns_hostnames that are off."""

    action = "enable"
    kind = "VPC DNS setting"
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSecurityGroup(Change):
    """In the VPC C(target)."""

    action = "create"
    kind = "security group"
    name: str
    description: str
    cidrs: tuple[str, ...]
    tags: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSecurityGroup(Change):
    """The CIDRs to allow on the agent's port, and those to remove."""

    action = "update"
    kind = "security group"
    authorize: tuple[str, ...]
    revoke: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateEndpoint(Change):
    """In the VPC C(target). C(new_group): it also gets the security group that this plan creates in the VPC.

    C(replaces): an endpoint of the VPC is still being deleted, and keeps the DNS name for a while.
    """

    action = "create"
    kind = "VPC endpoint"
    service: str
    subnets: tuple[str, ...]
    groups: tuple[str, ...]
    new_group: bool
    policy: str
    tags: dict[str, str]
    replaces: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateEndpoint(Change):
    """The parameters of ModifyVpcEndpoint. C(policy) None leaves the policy alone."""

    action = "update"
    kind = "VPC endpoint"
    vpc_id: str
    new_group: bool
    private_dns: bool = False
    add_subnets: tuple[str, ...] = ()
    remove_subnets: tuple[str, ...] = ()
    add_groups: tuple[str, ...] = ()
    remove_groups: tuple[str, ...] = ()
    policy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSecurityGroup(WriteTags):
    kind = "security group"


@dataclass(frozen=True, slots=True, kw_only=True)
class TagEndpoint(WriteTags):
    kind = "VPC endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagSecurityGroup(RemoveTags):
    kind = "security group"


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagEndpoint(RemoveTags):
    kind = "VPC endpoint"


@dataclass(frozen=True, slots=True)
class DeleteEndpoint(Change):
    action = "delete"
    kind = "VPC endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSecurityGroup(Change):
    """C(endpoints): the endpoints of this plan that must be deleted first."""

    action = "delete"
    kind = "security group"
    endpoints: tuple[str, ...]


ORDER: tuple[type[Change], ...] = (
    EnableVpcDns,
    CreateSecurityGroup,
    UpdateSecurityGroup,
    CreateEndpoint,
    UpdateEndpoint,
    TagSecurityGroup,
    TagEndpoint,
    UntagSecurityGroup,
    UntagEndpoint,
    DeleteEndpoint,
    DeleteSecurityGroup,
)
