# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2's operations on VPC endpoints."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.ec2.models.vpcs import VPC

from . import ec2_endpoint_rules as rules
from . import ec2_endpoints, ec2_state, policy
from .ec2_base import Answer, Ec2Operations, not_found
from .ec2_endpoints import Endpoint
from .ec2_filters import select
from .ec2_state import fixed_id
from .wire import AwsError
from .world import WORLD

_GETTERS = {
    "vpc-id": lambda e: e.vpc_id,
    "service-name": lambda e: e.service,
    "vpc-endpoint-id": lambda e: e.id,
    "vpc-endpoint-state": lambda e: e.state,
    "vpc-endpoint-type": lambda e: e.kind,
    "ip-address-type": lambda e: "ipv4",
}


class EndpointOperations(Ec2Operations):
    @property
    def _endpoints(self) -> dict[str, Endpoint]:
        return ec2_endpoints.live(self.current_account, self.region)

    def _own_vpc(self, vpc_id: str) -> VPC:
        """https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing.html: only the owner manages endpoints."""
        if vpc_id in self.ec2_backend.vpcs:
            return self.ec2_backend.vpcs[vpc_id]
        if vpc_id in ec2_state.visible_vpcs(self.current_account, self.region):
            raise AwsError(
                "OperationNotPermitted",
                f"The operation is not permitted in the shared VPC {vpc_id}: you do not own it.",
            )
        raise not_found("vpc", "InvalidVpcId.NotFound", [vpc_id])

    def create_vpc_endpoint(self) -> Answer:
        asked = self.asked
        token = asked.get("ClientToken")
        for each in self._endpoints.values():
            if token and each.client_token == token:
                if each.asked != asked:
                    raise AwsError(
                        "IdempotentParameterMismatch",
                        "The request uses the same client token as a previous, but non-identical request.",
                    )
                return self.answer({"VpcEndpoint": self._describe(each), "ClientToken": token})
        endpoint = self._checked(asked)
        tags = {
            tag["Key"]: tag.get("Value", "")
            for specification in asked.get("TagSpecifications") or []
            for tag in specification.get("Tags") or []
        }
        ec2_endpoints.add(endpoint, tags)
        return self.answer({"VpcEndpoint": self._describe(endpoint), "ClientToken": token})

    def _checked(self, asked: dict[str, Any]) -> Endpoint:
        vpc = self._own_vpc(asked["VpcId"])
        service, kind = asked.get("ServiceName", ""), asked.get("VpcEndpointType") or "Gateway"
        rules.check_service(self.region, service, kind)
        document = asked.get("PolicyDocument") or policy.FULL_ACCESS
        rules.check_policy(document)
        interface = kind == "Interface"
        # "Default: true": API reference, CreateVpcEndpoint, PrivateDnsEnabled.
        private_dns = interface and asked.get("PrivateDnsEnabled", True)
        subnets, groups = asked.get("SubnetIds") or [], asked.get("SecurityGroupIds") or []
        if subnets and not interface:
            raise AwsError(
                "InvalidParameter",
                "Subnet IDs are only supported for Interface and GatewayLoadBalancer type VPC Endpoints.",
            )
        if interface:
            rules.check_room(list(self._endpoints.values()), vpc)
            rules.check_subnets(self.current_account, vpc, service, subnets, [])
            rules.check_groups(self.current_account, self.region, vpc, groups)
            if private_dns:
                rules.check_private_dns(self.current_account, self.region, vpc, service)
            groups = groups or [self.ec2_backend.get_default_security_group(vpc.id).id]
        return Endpoint(
            id=fixed_id("vpce", self.current_account, self.region, vpc.id, service, WORLD.now()),
            account=self.current_account,
            region=self.region,
            vpc_id=vpc.id,
            service=service,
            kind=kind,
            subnets=list(subnets),
            groups=list(groups),
            policy=document,
            private_dns=private_dns,
            client_token=asked.get("ClientToken"),
            asked=asked,
            route_tables=list(asked.get("RouteTableIds") or []),
        )

    def _describe(self, endpoint: Endpoint) -> dict[str, Any]:
        group_names = {g: ec2_state.group(endpoint.account, endpoint.region, g) for g in endpoint.groups}
        described = {
            "VpcEndpointId": endpoint.id,
            "VpcEndpointType": endpoint.kind,
            "VpcId": endpoint.vpc_id,
            "ServiceName": endpoint.service,
            "State": endpoint.state,
            "PolicyDocument": ec2_endpoints.policy_text(endpoint.policy),
            "RouteTableIds": endpoint.route_tables,
            "SubnetIds": endpoint.subnets,
            "Groups": [{"GroupId": g, "GroupName": found.name if found else ""} for g, found in group_names.items()],
            "PrivateDnsEnabled": endpoint.private_dns,
            "RequesterManaged": False,
            "NetworkInterfaceIds": list(endpoint.interfaces.values()) if endpoint.kind == "Interface" else [],
            "DnsEntries": self._dns_entries(endpoint),
            "CreationTimestamp": endpoint.created,
            "Tags": self.tag_list(endpoint.id),
            "OwnerId": endpoint.account,
            "ServiceRegion": endpoint.region,
        }
        if endpoint.kind == "Interface":
            described |= {"IpAddressType": "ipv4", "DnsOptions": {"DnsRecordIpType": "ipv4"}}
        if endpoint.state == "failed":
            described["LastError"] = {"Code": "InternalError", "Message": "The endpoint could not be created."}
        return described

    def _dns_entries(self, endpoint: Endpoint) -> list[dict[str, str]]:
        if endpoint.kind != "Interface":
            return []
        label = endpoint.service.removeprefix(f"com.amazonaws.{endpoint.region}.")
        base = f"{endpoint.id}-{endpoint.id[-8:]}"
        entries = [
            {"DnsName": f"{base}.{label}.{endpoint.region}.vpce.amazonaws.com", "HostedZoneId": "Z38GZ743OKFT7T"}
        ]
        if endpoint.private_dns:
            entries.append({"DnsName": rules.private_dns_name(endpoint.service), "HostedZoneId": "Z0001PRIVATEDNSNAME"})
        return entries

    def describe_vpc_endpoints(self) -> Answer:
        asked = self.asked
        rows, token = self.page(asked, lambda: self._selected_endpoints(asked), minimum=1)
        return self.answer({"VpcEndpoints": [self._describe(each) for each in rows], "NextToken": token})

    def _selected_endpoints(self, asked: dict[str, Any]) -> list[Endpoint]:
        endpoints = self._endpoints
        ids = asked.get("VpcEndpointIds")
        if ids:
            missing = [each for each in ids if each not in endpoints]
            if missing:
                raise AwsError(
                    "InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{', '.join(missing)}' does not exist"
                )
        chosen = [each for each in endpoints.values() if not ids or each.id in ids]
        return select(chosen, asked.get("Filters"), _GETTERS, lambda each: self.tags_of(each.id))

    def modify_vpc_endpoint(self) -> Answer:
        asked = self.asked
        endpoint = self._endpoints.get(asked["VpcEndpointId"])
        if endpoint is None or endpoint.deleted is not None:
            raise AwsError(
                "InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{asked['VpcEndpointId']}' does not exist"
            )
        vpc = self._own_vpc(endpoint.vpc_id)
        subnets = self._changed_subnets(endpoint, vpc, asked)
        groups = self._changed_groups(endpoint, vpc, asked)
        private_dns = asked.get("PrivateDnsEnabled", endpoint.private_dns)
        document = policy.FULL_ACCESS if asked.get("ResetPolicy") else asked.get("PolicyDocument") or endpoint.policy
        rules.check_policy(document)
        if private_dns and not endpoint.private_dns:
            rules.check_private_dns(self.current_account, self.region, vpc, endpoint.service, but=endpoint.id)
        if subnets != endpoint.subnets or private_dns != endpoint.private_dns:
            endpoint.touch()
        endpoint.subnets, endpoint.groups, endpoint.policy = subnets, groups, document
        endpoint.private_dns = private_dns
        return self.answer({"Return": True})

    def _changed_subnets(self, endpoint: Endpoint, vpc: VPC, asked: dict[str, Any]) -> list[str]:
        removed = set(asked.get("RemoveSubnetIds") or [])
        kept = [each for each in endpoint.subnets if each not in removed]
        added = asked.get("AddSubnetIds") or []
        rules.check_subnets(self.current_account, vpc, endpoint.service, added, kept)
        return kept + list(added)

    def _changed_groups(self, endpoint: Endpoint, vpc: VPC, asked: dict[str, Any]) -> list[str]:
        removed = set(asked.get("RemoveSecurityGroupIds") or [])
        added = [each for each in asked.get("AddSecurityGroupIds") or [] if each not in endpoint.groups]
        rules.check_groups(self.current_account, self.region, vpc, added)
        groups = [each for each in endpoint.groups if each not in removed] + added
        if endpoint.kind == "Interface" and not groups:
            raise AwsError("InvalidParameter", "An interface endpoint needs at least one security group.")
        return groups

    def delete_vpc_endpoints(self) -> Answer:
        """Unknown endpoints are returned in Unsuccessful; the others are still deleted."""
        refused = []
        for each in self.asked["VpcEndpointIds"]:
            endpoint = self._endpoints.get(each)
            if endpoint is None:
                text = f"The Vpc Endpoint Id '{each}' does not exist"
                refused.append({"ResourceId": each, "Error": {"Code": "InvalidVpcEndpoint.NotFound", "Message": text}})
            elif endpoint.deleted is None:
                # A person who deletes GuardDuty's endpoint leaves its security group behind.
                endpoint.own_group = None
                endpoint.deleted = WORLD.now()
        return self.answer({"Unsuccessful": refused})

    def describe_vpc_endpoint_services(self) -> Answer:
        asked = self.asked
        kinds = rules.service_kinds(self.region)
        names = asked.get("ServiceNames") or list(kinds)
        for name in names:
            if name not in kinds:
                raise AwsError("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")
        getters = {
            "service-name": lambda name: name,
            "owner": lambda name: "amazon",
            "service-type": lambda name: kinds[name],
            "service-region": lambda name: self.region,
            "supported-ip-address-types": lambda name: "ipv4",
        }
        rows, token = self.page(asked, lambda: select(names, asked.get("Filters"), getters, lambda name: {}), minimum=1)
        details = [self._service(name, kinds[name]) for name in rows]
        return self.answer({"ServiceNames": list(rows), "ServiceDetails": details, "NextToken": token})

    def _service(self, name: str, kinds: list[str]) -> dict[str, Any]:
        zones = [zone.name for zone in RegionsAndZonesBackend.zones[self.region]]
        if name == ec2_endpoints.guardduty_service(self.region):
            zones = ec2_endpoints.offered_zones(self.current_account, self.region, zones)
        label = name.removeprefix(f"com.amazonaws.{self.region}.")
        private = rules.private_dns_name(name)
        service = {
            "ServiceName": name,
            "ServiceId": fixed_id("vpce-svc", name),
            "ServiceType": [{"ServiceType": kind} for kind in kinds],
            "ServiceRegion": self.region,
            "AvailabilityZones": zones,
            "Owner": "amazon",
            "BaseEndpointDnsNames": [f"{label}.{self.region}.vpce.amazonaws.com"],
            "VpcEndpointPolicySupported": True,
            "AcceptanceRequired": False,
            "ManagesVpcEndpoints": False,
            "Tags": [],
            "SupportedIpAddressTypes": ["ipv4"],
        }
        if "Interface" in kinds:
            service |= {
                "PrivateDnsName": private,
                "PrivateDnsNames": [{"PrivateDnsName": private}],
                "PrivateDnsNameVerificationState": "verified",
            }
        return service
