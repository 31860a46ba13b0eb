# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What EC2 rejects about interface endpoints: the AWS PrivateLink guide's considerations, and known error texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import AWS_ENDPOINT_SERVICES, VPC

from . import ec2_endpoints, ec2_state, policy
from .ec2_base import not_found
from .ec2_endpoints import Endpoint
from .wire import AwsError

GATEWAYS = ("s3", "dynamodb")
# https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html
_MOST_IN_A_VPC = 50
_LONGEST_POLICY = 20480


def service_kinds(region: str) -> dict[str, list[str]]:
    """The services of a region and the endpoint types that each offers."""
    names = {*AWS_ENDPOINT_SERVICES, *GATEWAYS, "guardduty-data"}
    return {
        f"com.amazonaws.{region}.{name}": (["Interface"] if name != "dynamodb" else [])
        + (["Gateway"] if name in GATEWAYS else [])
        for name in sorted(names)
    }


def check_service(region: str, service: str, kind: str) -> None:
    kinds = service_kinds(region).get(service)
    if kinds is None:
        raise AwsError("InvalidServiceName", f"The Vpc Endpoint Service '{service}' does not exist")
    if kind not in kinds:
        raise AwsError(
            "InvalidParameter", f"Endpoint type ({kind}) does not match available service types ([{', '.join(kinds)}])."
        )


def check_private_dns(account: str, region: str, vpc: VPC, service: str, but: str | None = None) -> None:
    """Private DNS needs both DNS attributes of the VPC, and one endpoint only may own the name."""
    if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
        raise AwsError(
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true "
            f"for {vpc.id}",
        )
    for each in ec2_endpoints.live(account, region).values():
        if each.vpc_id == vpc.id and each.service == service and each.private_dns and each.id != but:
            raise AwsError(
                "InvalidParameter",
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
                f"{private_dns_name(service)} in the VPC {vpc.id}",
            )


def private_dns_name(service: str) -> str:
    dummy, dummy, region, name = service.split(".", 3)
    return ".".join([*reversed(name.split(".")), region, "amazonaws.com"])


def check_subnets(account: str, vpc: VPC, service: str, added: Sequence[str], present: Sequence[str]) -> None:
    """Subnets must be the VPC's, in a zone that the service has, and one per zone."""
    subnets = ec2_state.visible_subnets(account, vpc.ec2_backend.region_name)
    missing = [each for each in added if each not in subnets]
    if missing:
        raise not_found("subnet", "InvalidSubnetId.NotFound", missing)
    taken = {subnets[each].availability_zone for each in present}
    for each in added:
        subnet = subnets[each]
        _check_subnet(account, vpc, service, subnet)
        if subnet.availability_zone in taken:
            raise AwsError(
                "DuplicateSubnetsInSameZone",
                f"Found another VPC endpoint subnet in the availability zone of {subnet.id}. VPC endpoint subnets "
                "should be in different availability zones supported by the VPC endpoint service.",
            )
        taken.add(subnet.availability_zone)


def _check_subnet(account: str, vpc: VPC, service: str, subnet: Subnet) -> None:
    if subnet.vpc_id != vpc.id:
        raise AwsError("InvalidParameter", f"The subnet {subnet.id} does not belong to the VPC {vpc.id}")
    region, zone = vpc.ec2_backend.region_name, subnet.availability_zone
    if service == ec2_endpoints.guardduty_service(region) and not ec2_endpoints.offered_zones(account, region, [zone]):
        raise AwsError(
            "InvalidParameter",
            f"The VPC endpoint service {service} does not support the availability zone of the subnet: {subnet.id}.",
        )


def check_groups(account: str, region: str, vpc: VPC, groups: Sequence[str]) -> None:
    for each in groups:
        found: Any = ec2_state.group(account, region, each)
        if found is None:
            raise AwsError("InvalidSecurityGroupID.NotFound", f"The security group ID '{each}' does not exist")
        if found.vpc_id != vpc.id:
            raise AwsError("InvalidParameter", f"The security group {each} does not belong to the VPC {vpc.id}")


def check_policy(document: str) -> None:
    if len(document) > _LONGEST_POLICY:
        raise AwsError("InvalidPolicyDocument", f"The policy document is longer than {_LONGEST_POLICY} characters")
    if policy.parse(document) is None:
        raise AwsError("InvalidPolicyDocument", "The policy document is malformed")


def check_room(endpoints: Sequence[Endpoint], vpc: VPC) -> None:
    present = [each for each in endpoints if each.vpc_id == vpc.id and each.kind == "Interface"]
    if len(present) >= _MOST_IN_A_VPC:
        raise AwsError("VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached.")
