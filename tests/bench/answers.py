# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bench's AWS answers: the same fleet in every account and region, item by item, in the services' own formats.

The fields of an instance are those that EC2 gives of a running Linux instance with one interface and two volumes (EC2 API
reference, DescribeInstances); with 10 tags it takes some 5 KB, as in the field.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import TypeAlias

XMLNS = "http://ec2.amazonaws.com/doc/2016-11-15/"
WHEN = "2026-03-02T08:15:00.000Z"
Tree: TypeAlias = "dict[str, object] | list[object] | str | int"


def xml(tree: Tree) -> str:
    """A tree as EC2 writes it: one element per line, lists as <item>. Not indented, which would double its size."""
    if isinstance(tree, dict):
        return "".join(_element(name, child) for name, child in tree.items())
    if isinstance(tree, list):
        return "".join(_element("item", child) for child in tree)
    return str(tree)


def _element(name: str, child: Tree) -> str:
    if isinstance(child, (dict, list)):
        return f"<{name}>\n{xml(child)}</{name}>\n" if child else f"<{name}/>\n"
    return f"<{name}>{child}</{name}>\n"


def seed(account: str, region: str) -> str:
    """Seven hexadecimal digits that tell one account and region from another."""
    return f"{zlib.crc32(f'{account}/{region}'.encode()) & 0xFFFFFFF:07x}"


class Fleet:
    """The instances of one account and region, by their index."""

    def __init__(self, account: str, region: str, instances: int, vpcs: int) -> None:
        self.account, self.region, self.instances, self.vpcs = account, region, instances, vpcs
        self.seed = seed(account, region)

    def id(self, kind: str, index: int) -> str:
        return f"{kind}-{self.seed}{index:010x}"

    def index(self, resource_id: str) -> int | None:
        """The index that is in an id of this fleet."""
        _kind, _dash, digits = resource_id.rpartition("-")
        return int(digits[7:], 16) if digits.startswith(self.seed) else None

    def tags(self, index: int) -> dict[str, str]:
        """Ten tags. One instance in eight is tagged true, one in sixteen false, one in sixteen wrongly."""
        tags = {
            "Name": f"node-{index}",
            "env": ("prod", "staging", "test")[index % 3],
            "role": ("web", "api", "worker", "db", "cache", "batch", "proxy", "build")[index % 8],
            "team": f"team-{index % 12}",
            "owner": f"owner-{index % 40}@example.com",
            "cost-center": f"{4000 + index % 25}",
            "app": f"app-{index % 60}",
            "version": f"2026.{index % 9}.{index % 4}",
            "backup": "daily",
        }
        managed = {1: "true", 9: "true", 5: "false", 13: "True"}.get(index % 16)
        return {**tags, **({"GuardDutyManaged": managed} if managed else {"patch-group": f"wave-{index % 4}"})}

    def vpc(self, index: int) -> str:
        return self.id("vpc", index % self.vpcs)

    def address(self, index: int) -> str:
        return f"10.{index % self.vpcs % 250}.{index // 250 % 250}.{index % 250 + 4}"

    def instance(self, index: int) -> str:
        address, vpc, subnet, zone = (
            self.address(index),
            self.vpc(index),
            self.id("subnet", index % (2 * self.vpcs)),
            f"{self.region}{'abc'[index % 3]}",
        )
        instance_id, name = self.id("i", index), f"ip-{address.replace('.', '-')}.{self.region}.compute.internal"
        groups = [{"groupId": self.id("sg", index % 20), "groupName": f"group-{index % 20}"}]
        interface = {
            "networkInterfaceId": self.id("eni", index),
            "subnetId": subnet,
            "vpcId": vpc,
            "description": "",
            "ownerId": self.account,
            "status": "in-use",
            "macAddress": f"0a:{index >> 24 & 255:02x}:{index >> 16 & 255:02x}:{index >> 8 & 255:02x}:{index & 255:02x}:01",
            "privateIpAddress": address,
            "privateDnsName": name,
            "sourceDestCheck": "true",
            "groupSet": groups,
            "attachment": {
                "attachmentId": self.id("eni-attach", index),
                "deviceIndex": 0,
                "status": "attached",
                "attachTime": WHEN,
                "deleteOnTermination": "true",
                "networkCardIndex": 0,
            },
            "privateIpAddressesSet": [{"privateIpAddress": address, "privateDnsName": name, "primary": "true"}],
            "ipv6AddressesSet": [],
            "interfaceType": "interface",
            "operator": {"managed": "false"},
        }
        volumes = [
            {
                "deviceName": device,
                "ebs": {
                    "volumeId": self.id("vol", 2 * index + number),
                    "status": "attached",
                    "attachTime": WHEN,
                    "deleteOnTermination": "true",
                    "operator": {"managed": "false"},
                },
            }
            for number, device in enumerate(("/dev/xvda", "/dev/xvdb"))
        ]
        item = {
            "instanceId": instance_id,
            "imageId": self.id("ami", index % 6),
            "instanceState": {"code": 16, "name": "running"},
            "privateDnsName": name,
            "dnsName": "",
            "reason": "",
            "keyName": "fleet",
            "amiLaunchIndex": 0,
            "productCodes": [],
            "instanceType": ("m7i.large", "m7g.large", "c7i.xlarge", "r7i.large", "t3.medium")[index % 5],
            "launchTime": WHEN,
            "placement": {"availabilityZone": zone, "groupName": "", "tenancy": "default"},
            "monitoring": {"state": "disabled"},
            "subnetId": subnet,
            "vpcId": vpc,
            "privateIpAddress": address,
            "sourceDestCheck": "true",
            "groupSet": groups,
            "architecture": "arm64" if index % 5 == 1 else "x86_64",
            "rootDeviceType": "ebs",
            "rootDeviceName": "/dev/xvda",
            "blockDeviceMapping": volumes,
            "virtualizationType": "hvm",
            "clientToken": f"fleet-{self.seed}-{index}",
            "tagSet": [{"key": key, "value": value} for key, value in self.tags(index).items()],
            "hypervisor": "xen",
            "networkInterfaceSet": [interface],
            "iamInstanceProfile": {
                "arn": f"arn:aws:iam::{self.account}:instance-profile/fleet",
                "id": "AIPAEXAMPLEEXAMPLE000",
            },
            "ebsOptimized": "true",
            "enaSupport": "true",
            "cpuOptions": {"coreCount": 1, "threadsPerCore": 2},
            "capacityReservationSpecification": {"capacityReservationPreference": "open"},
            "hibernationOptions": {"configured": "false"},
            "enclaveOptions": {"enabled": "false"},
            "metadataOptions": {
                "state": "applied",
                "httpTokens": "required",
                "httpPutResponseHopLimit": 2,
                "httpEndpoint": "enabled",
                "httpProtocolIpv6": "disabled",
                "instanceMetadataTags": "enabled" if index % 2 else "disabled",
            },
            "maintenanceOptions": {"autoRecovery": "default"},
            "currentInstanceBootMode": "uefi",
            "platformDetails": "Linux/UNIX",
            "usageOperation": "RunInstances",
            "usageOperationUpdateTime": WHEN,
            "privateDnsNameOptions": {
                "hostnameType": "ip-name",
                "enableResourceNameDnsARecord": "false",
                "enableResourceNameDnsAAAARecord": "false",
            },
            "operator": {"managed": "false"},
        }
        reservation = {
            "reservationId": self.id("r", index),
            "ownerId": self.account,
            "groupSet": [],
            "instancesSet": [item],
        }
        return _element("item", reservation)

    def node(self, index: int) -> str | None:
        """One instance in eight is unknown to Systems Manager."""
        if index % 8 == 7:
            return None
        item = {
            "InstanceId": self.id("i", index),
            "PingStatus": "Online" if index % 8 != 6 else "ConnectionLost",
            "LastPingDateTime": 1772439300.0,
            "AgentVersion": "3.3.1957.0",
            "IsLatestVersion": False,
            "PlatformType": "Linux",
            "PlatformName": "Amazon Linux",
            "PlatformVersion": "2023",
            "ResourceType": "EC2Instance",
            "IPAddress": self.address(index),
            "ComputerName": f"node-{index}",
            "Architecture": "x86_64",
        }
        return json.dumps(item)

    def covered(self, index: int) -> str | None:
        """A row of ListCoverage. Three in four are healthy, one in eight has no row."""
        if index % 8 == 3:
            return None
        healthy = index % 8 != 5
        item = {
            "accountId": self.account,
            "coverageStatus": "HEALTHY" if healthy else "UNHEALTHY",
            "detectorId": self.detector,
            "issue": None if healthy else "Agent Not Reporting",
            "resourceDetails": {
                "resourceType": "EC2",
                "ec2InstanceDetails": {
                    "instanceId": self.id("i", index),
                    "instanceType": "m7i.large",
                    "agentDetails": {"version": "1.7.1"},
                    "managementType": "AUTO_MANAGED",
                },
            },
            "resourceId": self.id("i", index),
            "updatedAt": 1772439300.0,
        }
        return json.dumps(item)

    @property
    def detector(self) -> str:
        return f"{self.seed}{0:025x}"

    def vpc_item(self, index: int) -> str:
        cidr = f"10.{index % 250}.0.0/16"
        association = {"associationId": "a", "cidrBlock": cidr, "cidrBlockState": {"state": "associated"}}
        item = {
            "vpcId": self.id("vpc", index),
            "ownerId": self.account,
            "state": "available",
            "cidrBlock": cidr,
            "cidrBlockAssociationSet": [association],
            "dhcpOptionsId": "dopt-0",
            "instanceTenancy": "default",
            "isDefault": "false",
        }
        return _element("item", item)

    def endpoint(self, index: int) -> str:
        policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
        item = {
            "vpcEndpointId": self.id("vpce", index),
            "vpcEndpointType": "Interface",
            "vpcId": self.id("vpc", index),
            "serviceName": f"com.amazonaws.{self.region}.guardduty-data",
            "state": "available",
            "policyDocument": json.dumps(policy),
            "routeTableIdSet": [],
            "subnetIdSet": [self.id("subnet", index), self.id("subnet", self.vpcs + index)],
            "groupSet": [{"groupId": self.id("sg", index), "groupName": "guardduty-data"}],
            "privateDnsEnabled": "true",
            "requesterManaged": "false",
            "networkInterfaceIdSet": [],
            "dnsEntrySet": [],
            "creationTimestamp": WHEN,
            "tagSet": [{"key": "owner", "value": "security"}],
            "ownerId": self.account,
        }
        return _element("item", item)

    def group(self, index: int) -> str:
        permission = {
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
            "groups": [],
            "ipRanges": [{"cidrIp": f"10.{index % 250}.0.0/16"}],
            "ipv6Ranges": [],
            "prefixListIds": [],
        }
        item = {
            "ownerId": self.account,
            "groupId": self.id("sg", index),
            "groupName": "guardduty-data",
            "groupDescription": "GuardDuty agent traffic",
            "vpcId": self.id("vpc", index),
            "ipPermissions": [permission],
            "ipPermissionsEgress": [],
            "tagSet": [],
        }
        return _element("item", item)

    def subnet(self, index: int) -> str:
        item = {
            "subnetId": self.id("subnet", index),
            "state": "available",
            "vpcId": self.id("vpc", index % self.vpcs),
            "cidrBlock": f"10.{index % self.vpcs % 250}.{index // self.vpcs}.0/24",
            "availableIpAddressCount": 200,
            "availabilityZone": f"{self.region}{'ab'[index // self.vpcs % 2]}",
            "ownerId": self.account,
        }
        return _element("item", item)


def answer(action: str, name: str, items: Sequence[str], token: str = "") -> bytes:
    """An answer of EC2 with a list in it."""
    body = f"<{name}>\n{''.join(items)}</{name}>\n"
    return envelope(action, body + (f"<nextToken>{token}</nextToken>\n" if token else ""))


def envelope(action: str, body: str) -> bytes:
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<{action}Response xmlns="{XMLNS}">\n'
    return f"{head}<requestId>0f2a8b1c-0000-4000-8000-000000000000</requestId>\n{body}</{action}Response>".encode()


def ec2_filters(form: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """The filters of an EC2 query: Filter.1.Name, Filter.1.Value.1, ..."""
    number = 1
    while f"Filter.{number}.Name" in form:
        values, value = [], 1
        while f"Filter.{number}.Value.{value}" in form:
            values.append(form[f"Filter.{number}.Value.{value}"])
            value += 1
        yield form[f"Filter.{number}.Name"], values
        number += 1
