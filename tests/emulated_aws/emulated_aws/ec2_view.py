# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2 as the other services of this world see it: instances, VPCs, and connectivity to GuardDuty."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal

from moto.ec2.models.instances import Instance
from moto.ec2.models.vpcs import VPC

from . import ec2_endpoints, ec2_state, policy
from .ec2_endpoints import Endpoint
from .ec2_instances import operator_of, platform_of
from .wire import AwsError
from .world import WORLD

WayState = Literal["usable", "pending", "missing", "misconfigured"]
_BEST_FIRST = ("usable", "pending", "misconfigured", "missing")


@dataclass(frozen=True, slots=True)
class Ec2Instance:
    instance_id: str
    vpc_id: str | None
    subnet_id: str | None
    state: str
    platform: str
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
    if not ec2_state.used(account, region):
        return []
    tags = ec2_state.backend(account, region).tags
    return [_view(each, tags.get(each.id) or {}) for each in ec2_state.instances_by_id(account, region).values()]


def instance(account: str, region: str, instance_id: str) -> Ec2Instance | None:
    found = ec2_state.instances_by_id(account, region).get(instance_id)
    return None if found is None else _view(found, ec2_state.tags_of(account, region, instance_id))


def _view(each: Instance, tags: dict[str, str]) -> Ec2Instance:
    options = each.metadata_options
    return Ec2Instance(
        instance_id=each.id,
        vpc_id=each.vpc_id,
        subnet_id=each.subnet_id,
        state=each._state.name,
        platform=platform_of(each),
        architecture=each.architecture,
        instance_type=each.instance_type,
        tags=dict(tags),
        metadata_tags=options.instance_metadata_tags == "enabled",
        imds=options.http_endpoint == "enabled",
        private_ip=each.private_ip,
        private_dns=each.private_dns_name if each.private_ip else None,
        image_id=each.image_id,
        operator_principal=operator_of(each),
    )


def vpc_ids(account: str, region: str) -> list[str]:
    """The VPCs that the account owns."""
    return list(ec2_state.own_vpcs(account, region)) if ec2_state.used(account, region) else []


def vpc_owner(region: str, vpc_id: str) -> str | None:
    """The account that owns the VPC, which is not the caller's when the VPC is shared."""
    if (region, vpc_id) in ec2_state.SHARES.owner_of:
        return ec2_state.SHARES.owner_of[region, vpc_id]
    return next((a for a in ec2_state.accounts_in(region) if vpc_id in ec2_state.own_vpcs(a, region)), None)


def endpoint_way(account: str, region: str, vpc_id: str) -> EndpointWay:
    """How agents on C(account)'s instances in C(vpc_id) reach com.amazonaws.REGION.guardduty-data.

    The conditions are those of the GuardDuty user guide's pages "Validating VPC endpoint configuration" and
    "Creating VPC endpoint manually"; a shared VPC's endpoint is in the owner's account.
    """
    owner = vpc_owner(region, vpc_id)
    if owner is None:
        return EndpointWay("missing", None, f"there is no VPC {vpc_id}")
    vpc = ec2_state.own_vpcs(owner, region)[vpc_id]
    service = ec2_endpoints.guardduty_service(region)
    ways = [
        _way(account, vpc, each)
        for each in ec2_endpoints.live(owner, region).values()
        if each.vpc_id == vpc_id and each.service == service and each.deleted is None
    ]
    if not ways:
        return EndpointWay("missing", None, f"the VPC {vpc_id} has no endpoint for {service}")
    return min(ways, key=lambda way: _BEST_FIRST.index(way.state))


def _way(account: str, vpc: VPC, endpoint: Endpoint) -> EndpointWay:
    owner: Literal["guardduty", "operator"] = "guardduty" if is_guarddutys(endpoint) else "operator"
    wrong = _fault(account, vpc, endpoint)
    if wrong:
        return EndpointWay("misconfigured", owner, wrong)
    if endpoint.state == "pending":
        return EndpointWay("pending", owner, f"the endpoint {endpoint.id} is pending")
    return EndpointWay("usable", owner)


def _fault(account: str, vpc: VPC, endpoint: Endpoint) -> str:
    if endpoint.state not in ("available", "pending"):
        return f"the endpoint {endpoint.id} is {endpoint.state}"
    if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
        return f"the VPC {vpc.id} lacks enableDnsSupport or enableDnsHostnames"
    if not endpoint.private_dns:
        return f"the endpoint {endpoint.id} has private DNS disabled"
    if not policy.lets_agents_in(endpoint.policy, account, _context(account)):
        return f"the policy of the endpoint {endpoint.id} denies account {account}"
    closed = [cidr for cidr in ec2_state.vpc_cidrs(vpc) if not _open_to(endpoint, cidr)]
    if closed:
        return f"no security group of the endpoint {endpoint.id} admits TCP 443 from {', '.join(closed)}"
    return ""


def _context(account: str) -> dict[str, str]:
    context = {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}
    if WORLD.organization is not None and account in WORLD.accounts:
        organization = WORLD.organization.organization_id
        context |= {"aws:PrincipalOrgID": organization, "aws:ResourceOrgID": organization}
    return context


def _open_to(endpoint: Endpoint, cidr: str) -> bool:
    inner = ipaddress.ip_network(cidr)
    groups = [ec2_state.group(endpoint.account, endpoint.region, group_id) for group_id in endpoint.groups]
    return any(
        inner.subnet_of(ipaddress.ip_network(rule.ip_range["CidrIp"], strict=False))
        for group in groups
        if group is not None
        for rule in group.ingress_rules
        if rule.ip_range.get("CidrIp") and _covers_https(rule)
    )


def _covers_https(rule: object) -> bool:
    protocol = getattr(rule, "ip_protocol", None)
    if protocol == "-1":
        return True
    return protocol == "tcp" and rule.from_port <= 443 <= rule.to_port  # type: ignore[attr-defined]


def is_guarddutys(endpoint: Endpoint) -> bool:
    return ec2_state.tags_of(endpoint.account, endpoint.region, endpoint.id).get("GuardDutyManaged") == "true"


def create_guardduty_endpoint(account: str, region: str, vpc_id: str) -> str:
    """Create GuardDuty's own endpoint and security group; returns the endpoint's id. Idempotent."""
    for each in ec2_endpoints.live(account, region).values():
        if each.vpc_id == vpc_id and each.deleted is None and is_guarddutys(each):
            return each.id
    from .ec2_endpoint_rules import check_private_dns

    vpc = ec2_state.own_vpcs(account, region).get(vpc_id)
    if vpc is None:
        raise AwsError("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
    service = ec2_endpoints.guardduty_service(region)
    check_private_dns(account, region, vpc, service)
    shared = (region, vpc_id) in ec2_state.SHARES.owner_of and WORLD.organization is not None
    key, value = ("aws:PrincipalAccount", account)
    if shared:
        key, value = "aws:PrincipalOrgID", WORLD.organization.organization_id
    group = ec2_endpoints.guardduty_group(vpc)
    ec2_endpoints.open_to_vpc(vpc, group)
    endpoint = Endpoint(
        id=ec2_state.fixed_id("vpce", account, region, vpc_id, "guardduty", WORLD.now()),
        account=account,
        region=region,
        vpc_id=vpc_id,
        service=service,
        kind="Interface",
        subnets=_one_subnet_a_zone(account, region, vpc),
        groups=[group.id],
        policy=policy.for_accounts(key, value),
        private_dns=True,
        own_group=group.id,
    )
    return ec2_endpoints.add(endpoint, dict(ec2_endpoints.MANAGED)).id


def _one_subnet_a_zone(account: str, region: str, vpc: VPC) -> list[str]:
    chosen = {subnet.availability_zone: subnet.id for subnet in reversed(ec2_state.subnets_of(vpc))}
    return [chosen[zone] for zone in sorted(ec2_endpoints.offered_zones(account, region, list(chosen)))]


def delete_guardduty_endpoint(account: str, region: str, vpc_id: str) -> None:
    """Delete GuardDuty's own endpoint and security group of the VPC, if they exist."""
    for each in ec2_endpoints.live(account, region).values():
        if each.vpc_id == vpc_id and each.deleted is None and is_guarddutys(each):
            each.deleted = WORLD.now()
