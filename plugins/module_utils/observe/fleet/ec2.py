# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads EC2: instances, VPCs, the agent's endpoints, their security groups, subnets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...model.fleet import ANSIBLE_MARKUP, Endpoint, Ingress, Instance, SecurityGroup, Subnet, Vpc
from ..client.access import Target

# The largest page that each call allows (botocore model; EC2 API reference).
PAGE = 1000
FILTER_VALUES = 200
MOST_IDS_BY_FILTER = 1000

Filters = Mapping[str, Any]


def instances(target: Target, filters: Filters | None = None, ids: Sequence[str] | None = None) -> tuple[Instance, ...]:
    """Instances by filters and ids, in AWS's order. Neither given: all of them. An empty list of ids: none.

    Ids are sent as a filter and not as InstanceIds, so that one vanished instance does not fail the whole call.
    Many ids
    cost more calls than reading everything, at 200 values a filter (EC2 API reference, Filter) and 1,000 instances a page.
    """
    wanted = {name: _values(values) for name, values in (filters or {}).items()}
    found = []
    by_id = ids is not None and len(ids) <= MOST_IDS_BY_FILTER and "instance-id" not in wanted
    for chunk in chunks(ids or (), FILTER_VALUES) if by_id else [()]:
        chosen = {**wanted, **({"instance-id": list(chunk)} if chunk else {})}
        for page in pages(target, "describe_instances", Filters=to_filters(chosen)):
            for reservation in page.get("Reservations") or ():
                owner = reservation.get("OwnerId") or target.account_id
                found += [_instance(item, owner, target.region) for item in reservation.get("Instances") or ()]
    if ids is not None and not by_id:
        asked = set(ids)
        found = [instance for instance in found if instance.instance_id in asked]
    return tuple(found)


def vpcs(target: Target) -> dict[str, Vpc]:
    return {
        item["VpcId"]: Vpc(
            vpc_id=item["VpcId"],
            owner_id=item.get("OwnerId") or target.account_id,
            cidrs=_cidrs(item),
        )
        for page in pages(target, "describe_vpcs")
        for item in page.get("Vpcs") or ()
    }


def endpoints(target: Target) -> dict[str, tuple[Endpoint, ...]]:
    """The endpoints for the agent's data by VPC, for each variant of the service."""
    names = [f"com.amazonaws.{target.region}.guardduty-data{suffix}" for suffix in ("", "-fips")]
    found: dict[str, list[Endpoint]] = {}
    for page in pages(target, "describe_vpc_endpoints", Filters=to_filters({"service-name": names})):
        for item in page.get("VpcEndpoints") or ():
            found.setdefault(item["VpcId"], []).append(_endpoint(item))
    return {vpc_id: tuple(of_vpc) for vpc_id, of_vpc in found.items()}


def security_groups(target: Target, filters: Filters) -> dict[str, SecurityGroup]:
    return {
        item["GroupId"]: _security_group(item)
        for page in pages(target, "describe_security_groups", Filters=to_filters(filters))
        for item in page.get("SecurityGroups") or ()
    }


def subnets(target: Target, filters: Filters) -> dict[str, Subnet]:
    return {
        item["SubnetId"]: Subnet(item["SubnetId"], item["VpcId"], item["AvailabilityZone"])
        for page in pages(target, "describe_subnets", Filters=to_filters(filters))
        for item in page.get("Subnets") or ()
    }


def to_filters(filters: Filters) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": _values(values)} for name, values in filters.items()]


def pages(target: Target, operation: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    if not arguments.get("Filters"):
        arguments.pop("Filters", None)
    client: Any = target.client("ec2")
    paginator = client.get_paginator(operation)
    yield from paginator.paginate(PaginationConfig={"PageSize": PAGE}, **arguments)


def _values(values: Any) -> list[str]:
    listed = values if isinstance(values, (list, tuple)) else [values]
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in listed]


def chunks(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def tag_dict(tags: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """Tags by key. A key that Ansible reads as markup in JSON ('__ansible_type') would stop every task that returns it."""
    return {tag["Key"]: tag["Value"] for tag in tags or () if not tag["Key"].startswith(ANSIBLE_MARKUP)}


def _instance(item: Mapping[str, Any], owner: str, region: str) -> Instance:
    metadata = item.get("MetadataOptions") or {}
    operator = item.get("Operator") or {}
    return Instance(
        instance_id=item["InstanceId"],
        account_id=owner,
        region=region,
        state=item["State"]["Name"],
        platform=_platform(item),
        architecture=item.get("Architecture") or "",
        instance_type=item.get("InstanceType") or "",
        vpc_id=item.get("VpcId") or None,
        subnet_id=item.get("SubnetId") or None,
        availability_zone=(item.get("Placement") or {}).get("AvailabilityZone"),
        private_ip=item.get("PrivateIpAddress") or None,
        private_dns=item.get("PrivateDnsName") or None,
        public_ip=item.get("PublicIpAddress") or None,
        public_dns=item.get("PublicDnsName") or None,
        image_id=item.get("ImageId"),
        tags=tag_dict(item.get("Tags")),
        metadata_tags=metadata.get("InstanceMetadataTags") == "enabled",
        # Absent from answers without metadata options: the service's default is enabled.
        imds=metadata.get("HttpEndpoint") != "disabled",
        operator=(operator.get("Principal") or "AWS") if operator.get("Managed") else None,
        launched=item["LaunchTime"].timestamp() if item.get("LaunchTime") else None,
    )


def _platform(item: Mapping[str, Any]) -> str:
    """EC2 names Windows only; macOS has its own architectures (x86_64_mac, arm64_mac); the rest is Linux."""
    if (item.get("Platform") or "").lower() == "windows" or "Windows" in (item.get("PlatformDetails") or ""):
        return "windows"
    if (item.get("Architecture") or "").endswith("_mac") or (item.get("InstanceType") or "").startswith("mac"):
        return "macos"
    return "linux"


def _cidrs(item: Mapping[str, Any]) -> tuple[str, ...]:
    associations = [*(item.get("CidrBlockAssociationSet") or ()), *(item.get("Ipv6CidrBlockAssociationSet") or ())]
    cidrs = [
        association.get("CidrBlock") or association.get("Ipv6CidrBlock")
        for association in associations
        if (association.get("CidrBlockState") or association.get("Ipv6CidrBlockState") or {}).get("State")
        in ("associated", "associating")
    ]
    return tuple(cidr for cidr in cidrs if cidr) or tuple(filter(None, [item.get("CidrBlock")]))


def _endpoint(item: Mapping[str, Any]) -> Endpoint:
    return Endpoint(
        endpoint_id=item["VpcEndpointId"],
        vpc_id=item["VpcId"],
        service_name=item["ServiceName"],
        state=item.get("State") or "",
        private_dns=bool(item.get("PrivateDnsEnabled")),
        subnet_ids=tuple(item.get("SubnetIds") or ()),
        security_group_ids=tuple(group["GroupId"] for group in item.get("Groups") or ()),
        policy=item.get("PolicyDocument"),
        tags=tag_dict(item.get("Tags")),
    )


def _security_group(item: Mapping[str, Any]) -> SecurityGroup:
    return SecurityGroup(
        group_id=item["GroupId"],
        name=item.get("GroupName") or "",
        vpc_id=item.get("VpcId"),
        ingress=tuple(_ingress(permission) for permission in item.get("IpPermissions") or ()),
        tags=tag_dict(item.get("Tags")),
    )


def _ingress(permission: Mapping[str, Any]) -> Ingress:
    ranges = [entry["CidrIp"] for entry in permission.get("IpRanges") or ()]
    ranges += [entry["CidrIpv6"] for entry in permission.get("Ipv6Ranges") or ()]
    return Ingress(
        protocol=str(permission.get("IpProtocol")),
        from_port=int(permission.get("FromPort", -1)),
        to_port=int(permission.get("ToPort", -1)),
        cidrs=tuple(ranges),
        other_sources=bool(permission.get("UserIdGroupPairs") or permission.get("PrefixListIds")),
    )
