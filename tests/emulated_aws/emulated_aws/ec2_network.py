# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions, VPCs, subnets, security groups and network interfaces, with what is shared between accounts."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC

from . import ec2_endpoints, ec2_state
from .ec2_base import Answer, Ec2Operations, check_ids, not_found
from .ec2_filters import select
from .ec2_instances import FleetInstance, interfaces_of
from .wire import AwsError
from .world import WORLD

_VPC_GETTERS = {
    "vpc-id": lambda v: v.id,
    "owner-id": lambda v: v.owner_id,
    "cidr": lambda v: v.cidr_block,
    "cidr-block-association.cidr-block": ec2_state.vpc_cidrs,
    "state": lambda v: v.state,
    "is-default": lambda v: "true" if v.is_default else "false",
    "dhcp-options-id": lambda v: v.dhcp_options_id,
}
_SUBNET_GETTERS = {
    "subnet-id": lambda s: s.id,
    "vpc-id": lambda s: s.vpc_id,
    "owner-id": lambda s: s.owner_id,
    "availability-zone": lambda s: s.availability_zone,
    "availability-zone-id": lambda s: s.availability_zone_id,
    "cidr-block": lambda s: s.cidr_block,
    "default-for-az": lambda s: "true" if s.default_for_az else "false",
    "state": lambda s: s.state,
}
_INTERFACE_GETTERS = {
    "network-interface-id": lambda i: i["NetworkInterfaceId"],
    "vpc-id": lambda i: i["VpcId"],
    "subnet-id": lambda i: i["SubnetId"],
    "group-id": lambda i: [group["GroupId"] for group in i["Groups"]],
    "interface-type": lambda i: i["InterfaceType"],
    "description": lambda i: i.get("Description", ""),
    "status": lambda i: i["Status"],
    "owner-id": lambda i: i["OwnerId"],
    "attachment.instance-id": lambda i: i.get("Attachment", {}).get("InstanceId"),
}
_ATTRIBUTES = {
    "enableDnsSupport": ("EnableDnsSupport", "enable_dns_support"),
    "enableDnsHostnames": ("EnableDnsHostnames", "enable_dns_hostnames"),
    "enableNetworkAddressUsageMetrics": ("EnableNetworkAddressUsageMetrics", "enable_network_address_usage_metrics"),
}


class NetworkOperations(Ec2Operations):
    def describe_regions(self) -> Answer:
        asked = self.asked
        closed = {region for account, region in WORLD.opted_out if account == self.current_account}
        regions = [_region(each.name, each.name in closed) for each in RegionsAndZonesBackend.regions]
        named = asked.get("RegionNames")
        if named:
            known = {region["RegionName"] for region in regions}
            wrong = [name for name in named if name not in known]
            if wrong:
                raise AwsError("InvalidParameterValue", f"Invalid region provided: [{', '.join(wrong)}]")
        getters = {
            "region-name": lambda r: r["RegionName"],
            "endpoint": lambda r: r["Endpoint"],
            "opt-in-status": lambda r: r["OptInStatus"],
        }
        shown = [
            region
            for region in select(regions, asked.get("Filters"), getters, lambda r: {})
            if (not named or region["RegionName"] in named)
            and (asked.get("AllRegions") or region["OptInStatus"] != "not-opted-in")
        ]
        return self.answer({"Regions": shown})

    def describe_vpcs(self) -> Answer:
        asked = self.asked
        rows, token = self.page(asked, lambda: self._selected_vpcs(asked))
        return self.answer({"Vpcs": [self._vpc(each) for each in rows], "NextToken": token})

    def _selected_vpcs(self, asked: dict[str, Any]) -> list[VPC]:
        seen = ec2_state.visible_vpcs(self.current_account, self.region)
        ids = asked.get("VpcIds")
        if ids:
            check_ids("vpc", "InvalidVpcID.Malformed", ids)
            missing = [each for each in ids if each not in seen]
            if missing:
                raise not_found("vpc", "InvalidVpcID.NotFound", missing)
        chosen = [vpc for vpc in seen.values() if not ids or vpc.id in ids]
        return select(chosen, asked.get("Filters"), _VPC_GETTERS, lambda vpc: self.tags_of(vpc.id))

    def _vpc(self, vpc: VPC) -> dict[str, Any]:
        return {
            "OwnerId": vpc.owner_id,
            "InstanceTenancy": vpc.instance_tenancy,
            "CidrBlockAssociationSet": [
                {
                    "AssociationId": each["association_id"],
                    "CidrBlock": each["cidr_block"],
                    "CidrBlockState": {"State": each["cidr_block_state"]["state"]},
                }
                for each in vpc.cidr_block_association_set
            ],
            "IsDefault": vpc.is_default,
            "Tags": self.tag_list(vpc.id) or None,
            "VpcId": vpc.id,
            "State": vpc.state,
            "CidrBlock": vpc.cidr_block,
            "DhcpOptionsId": vpc.dhcp_options_id,
        }

    def describe_subnets(self) -> Answer:
        asked = self.asked
        rows, token = self.page(asked, lambda: self._selected_subnets(asked))
        taken = self._addresses_taken()
        return self.answer({"Subnets": [self._subnet(each, taken) for each in rows], "NextToken": token})

    def _selected_subnets(self, asked: dict[str, Any]) -> list[Subnet]:
        seen = ec2_state.visible_subnets(self.current_account, self.region)
        ids = asked.get("SubnetIds")
        if ids:
            check_ids("subnet", "InvalidSubnetID.Malformed", ids)
            missing = [each for each in ids if each not in seen]
            if missing:
                raise not_found("subnet", "InvalidSubnetID.NotFound", missing)
        chosen = [subnet for subnet in seen.values() if not ids or subnet.id in ids]
        return select(chosen, asked.get("Filters"), _SUBNET_GETTERS, lambda subnet: self.tags_of(subnet.id))

    def _addresses_taken(self) -> dict[str, int]:
        taken: dict[str, int] = {}
        for account in ec2_state.accounts_in(self.region):
            for instance in ec2_state.instances_by_id(account, self.region).values():
                if isinstance(instance, FleetInstance) and instance.subnet_id:
                    taken[instance.subnet_id] = taken.get(instance.subnet_id, 0) + 1
            for endpoint in ec2_endpoints.live(account, self.region).values():
                for subnet_id in endpoint.subnets:
                    taken[subnet_id] = taken.get(subnet_id, 0) + 1
        return taken

    def _subnet(self, subnet: Subnet, taken: dict[str, int]) -> dict[str, Any]:
        return {
            "AvailabilityZoneId": subnet.availability_zone_id,
            "OwnerId": subnet.owner_id,
            "AssignIpv6AddressOnCreation": False,
            "Ipv6CidrBlockAssociationSet": [],
            "Tags": self.tag_list(subnet.id) or None,
            "SubnetArn": subnet.arn,
            "EnableDns64": False,
            "Ipv6Native": False,
            "SubnetId": subnet.id,
            "State": subnet.state,
            "VpcId": subnet.vpc_id,
            "CidrBlock": subnet.cidr_block,
            # AWS keeps five addresses of every subnet.
            "AvailableIpAddressCount": subnet.cidr.num_addresses - 5 - taken.get(subnet.id, 0),
            "AvailabilityZone": subnet.availability_zone,
            "DefaultForAz": subnet.default_for_az,
            "MapPublicIpOnLaunch": bool(subnet.map_public_ip_on_launch),
        }

    def describe_vpc_attribute(self) -> Answer:
        asked = self.asked
        vpc = ec2_state.visible_vpcs(self.current_account, self.region).get(asked["VpcId"])
        if vpc is None:
            raise not_found("vpc", "InvalidVpcID.NotFound", [asked["VpcId"]])
        if asked["Attribute"] not in _ATTRIBUTES:
            raise AwsError("InvalidParameterValue", f"Value ({asked['Attribute']}) for parameter attribute is invalid.")
        name, attribute = _ATTRIBUTES[asked["Attribute"]]
        return self.answer({"VpcId": vpc.id, name: {"Value": bool(getattr(vpc, attribute))}})

    def modify_vpc_attribute(self) -> Answer:
        """ "You cannot modify the DNS resolution and DNS hostnames attributes in the same request": API reference."""
        asked = self.asked
        vpc = self.ec2_backend.vpcs.get(asked["VpcId"])
        if vpc is None:
            raise not_found("vpc", "InvalidVpcID.NotFound", [asked["VpcId"]])
        named = [(name, attribute) for name, attribute in _ATTRIBUTES.values() if asked.get(name) is not None]
        if len(named) != 1:
            raise AwsError("InvalidParameterCombination", "Exactly one VPC attribute can be modified in a request.")
        name, attribute = named[0]
        wanted = bool(asked[name].get("Value"))
        if attribute == "enable_dns_hostnames" and wanted and not vpc.enable_dns_support:
            raise AwsError(
                "InvalidParameterCombination", "DNS hostnames can be enabled only where DNS support is enabled."
            )
        setattr(vpc, attribute, wanted)
        return self.answer({})

    def describe_network_interfaces(self) -> Answer:
        asked = self.asked
        rows, token = self.page(asked, lambda: self._selected_interfaces(asked))
        return self.answer({"NetworkInterfaces": list(rows), "NextToken": token})

    def _selected_interfaces(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        every = {each["NetworkInterfaceId"]: each for each in [*self._of_instances(), *self._of_endpoints()]}
        ids = asked.get("NetworkInterfaceIds")
        missing = [each for each in ids or () if each not in every]
        if missing:
            raise not_found("networkInterface", "InvalidNetworkInterfaceID.NotFound", missing)
        chosen = [every[each] for each in ids] if ids else list(every.values())
        return select(chosen, asked.get("Filters"), _INTERFACE_GETTERS, lambda i: {})

    def _of_instances(self) -> list[dict[str, Any]]:
        found = []
        for instance in ec2_state.instances_by_id(self.current_account, self.region).values():
            attachment = {"InstanceId": instance.id, "DeviceIndex": 0, "Status": "attached"}
            found += [{**each, "Attachment": attachment} for each in interfaces_of(instance)]
        return found

    def _of_endpoints(self) -> list[dict[str, Any]]:
        subnets = ec2_state.visible_subnets(self.current_account, self.region)
        return [
            {
                "NetworkInterfaceId": interface_id,
                "Description": f"VPC Endpoint Interface {endpoint.id}",
                "InterfaceType": "vpc_endpoint",
                "RequesterManaged": True,
                "Status": "in-use",
                "OwnerId": endpoint.account,
                "VpcId": endpoint.vpc_id,
                "SubnetId": subnet_id,
                "AvailabilityZone": subnets[subnet_id].availability_zone,
                "Groups": [{"GroupId": group_id, "GroupName": ""} for group_id in endpoint.groups],
            }
            for endpoint in ec2_endpoints.live(self.current_account, self.region).values()
            if endpoint.kind == "Interface"
            for subnet_id, interface_id in endpoint.interfaces.items()
        ]

    def describe_security_groups(self) -> Any:
        # GuardDuty's group leaves with its endpoint, and endpoints leave when somebody looks.
        ec2_endpoints.live(self.current_account, self.region)
        return super().describe_security_groups()

    def delete_security_group(self) -> Any:
        """moto deletes a group that is in use; EC2 refuses until the last network interface is gone."""
        asked = self.asked
        group_id = asked.get("GroupId")
        users = [each for each in [*self._of_instances(), *self._of_endpoints()] if _in_group(each, group_id)]
        if users or (group_id and self._rules_naming(group_id)):
            raise AwsError("DependencyViolation", f"resource {group_id} has a dependent object")
        super().delete_security_group()
        # moto answers nothing; EC2 says so (API reference, DeleteSecurityGroup).
        return self.answer({"Return": True, "GroupId": group_id})

    def _rules_naming(self, group_id: str) -> bool:
        return any(
            rule.source_group.get("GroupId") == group_id
            for groups in self.ec2_backend.groups.values()
            for group in groups.values()
            if group.id != group_id
            for rule in [*group.ingress_rules, *group.egress_rules]
        )

    def delete_subnet(self) -> Any:
        subnet_id = self.asked["SubnetId"]
        if any(each["SubnetId"] == subnet_id for each in [*self._of_instances(), *self._of_endpoints()]):
            raise AwsError("DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
        return super().delete_subnet()

    def delete_vpc(self) -> Any:
        """moto asks for subnets and route tables; EC2 for everything in the VPC (API reference, DeleteVpc)."""
        vpc_id = self.asked["VpcId"]
        interfaces = [*self._of_instances(), *self._of_endpoints()]
        groups = [group for group in self.ec2_backend.groups.get(vpc_id, {}).values() if group.name != "default"]
        if groups or any(each["VpcId"] == vpc_id for each in interfaces):
            raise AwsError("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
        return super().delete_vpc()


def _in_group(interface: dict[str, Any], group_id: str | None) -> bool:
    return any(group["GroupId"] == group_id for group in interface["Groups"])


def _region(name: str, closed: bool) -> dict[str, str]:
    status = "not-opted-in" if closed else "opt-in-not-required"
    return {"OptInStatus": status, "RegionName": name, "Endpoint": f"ec2.{name}.amazonaws.com"}
