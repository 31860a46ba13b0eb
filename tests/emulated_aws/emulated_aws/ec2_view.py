# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2 as the other services of this world see it: instances, VPCs, and the way to GuardDuty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Platform = Literal["linux", "windows", "macos"]
WayState = Literal["usable", "pending", "missing", "misconfigured"]


@dataclass(frozen=True, slots=True)
class Ec2Instance:
    instance_id: str
    vpc_id: str | None
    subnet_id: str | None
    state: str
    platform: Platform
    architecture: str
    instance_type: str
    tags: dict[str, str]
    metadata_tags: bool
    imds: bool
    private_ip: str | None
    private_dns: str | None
    image_id: str
    operator_principal: str | None


@dataclass(frozen=True, slots=True)
class EndpointWay:
    """Whether agents in a VPC reach GuardDuty through an interface endpoint, and why not."""

    state: WayState
    owner: Literal["guardduty", "operator"] | None
    why: str = ""


def instances(account: str, region: str) -> list[Ec2Instance]:
    """Every instance of the account and region, terminated ones that EC2 still shows included."""
    raise NotImplementedError


def instance(account: str, region: str, instance_id: str) -> Ec2Instance | None:
    raise NotImplementedError


def vpc_ids(account: str, region: str) -> list[str]:
    """The VPCs that the account owns."""
    raise NotImplementedError


def vpc_owner(region: str, vpc_id: str) -> str | None:
    """The account that owns the VPC, which is not the caller's when the VPC is shared."""
    raise NotImplementedError


def endpoint_way(account: str, region: str, vpc_id: str) -> EndpointWay:
    """How agents on C(account)'s instances in C(vpc_id) reach com.amazonaws.REGION.guardduty-data."""
    raise NotImplementedError


def create_guardduty_endpoint(account: str, region: str, vpc_id: str) -> str:
    """Make the endpoint and security group that GuardDuty makes for itself; the endpoint's id. Idempotent."""
    raise NotImplementedError


def delete_guardduty_endpoint(account: str, region: str, vpc_id: str) -> None:
    """Delete GuardDuty's own endpoint and security group of the VPC, if they are there."""
    raise NotImplementedError
