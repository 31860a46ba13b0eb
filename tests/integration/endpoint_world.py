# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A world of VPCs, one for each case of an endpoint, and clients that read it."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from harness import SECRET, EmulatedAws

ONE = "111111111111"
TWO = "222222222222"
SERVICE = "com.amazonaws.eu-west-1.guardduty-data"
FIRST_LOOK = {"ec2:DescribeVpcs": 1, "ec2:DescribeVpcEndpoints": 1, "ec2:DescribeSecurityGroups": 1}

# bare: nothing is there. nodns: DNS host names off. served: GuardDuty's endpoint. theirs: an operator's, right.
# broken: an operator's, wrong in three ways. empty: no instance that counts. far: the service is not in its zone.
WORLD = """
pace: {endpoint: 1}
organization: {id: o-fleetsec0001, management_account: "111111111111"}
accounts:
  "111111111111":
    name: production
    roles: [FleetSec]
    regions:
      eu-west-1:
        guardduty: {runtime_monitoring: true}
        guardduty_zones: [eu-west-1a, eu-west-1b]
        vpcs:
          bare: {cidr: 10.0.0.0/16, extra_cidrs: [10.64.0.0/20], subnets: {a: eu-west-1a, a2: eu-west-1a, b: eu-west-1b}}
          nodns: {cidr: 10.1.0.0/16, dns_hostnames: false, subnets: {a: eu-west-1a}}
          served: {cidr: 10.2.0.0/16, subnets: {a: eu-west-1a}, endpoint: {owner: guardduty}}
          theirs: {cidr: 10.3.0.0/16, subnets: {a: eu-west-1a, b: eu-west-1b}, endpoint: {owner: operator, subnets: [a]}}
          broken:
            cidr: 10.4.0.0/16
            subnets: {a: eu-west-1a}
            endpoint: {owner: operator, private_dns: false, policy: denied, security_group: closed}
          empty: {cidr: 10.5.0.0/16, subnets: {a: eu-west-1a}}
          far: {cidr: 10.6.0.0/16, subnets: {c: eu-west-1c}}
          shared: {cidr: 10.7.0.0/16, subnets: {a: eu-west-1a}, shared_with: ["222222222222"]}
        instances:
          - {name: bare, count: 2, vpc: bare, subnet: a2}
          - {name: bare-b, vpc: bare, subnet: b, state: stopped}
          - {name: nodns, vpc: nodns}
          - {name: served, vpc: served}
          - {name: theirs, vpc: theirs, subnet: a}
          - {name: theirs-b, vpc: theirs, subnet: b}
          - {name: broken, vpc: broken}
          - {name: gone, vpc: empty, state: terminated}
          - {name: windows, vpc: empty, platform: windows}
          - {name: far, vpc: far}
  "222222222222":
    name: workload
    roles: [FleetSec]
    regions:
      eu-west-1:
        vpcs: {own: {cidr: 10.9.0.0/16, subnets: {a: eu-west-1a}}}
        instances:
          - {name: guest, vpc: {account: "111111111111", vpc: shared}}
"""


def ec2(aws: EmulatedAws) -> Any:
    return boto3.client(
        "ec2",
        endpoint_url=aws.endpoint_url,
        region_name="eu-west-1",
        aws_access_key_id="AKIAEMULATEDCALLER00",
        aws_secret_access_key=SECRET,
    )


def names(resources: list[dict[str, Any]], key: str) -> dict[str, str]:
    return {tag["Value"]: each[key] for each in resources for tag in each.get("Tags", []) if tag["Key"] == "Name"}


@pytest.fixture
def vpc(aws: EmulatedAws) -> dict[str, str]:
    """The ids of the world's VPCs by name."""
    aws.load(WORLD)
    found = names(ec2(aws).describe_vpcs()["Vpcs"], "VpcId")
    aws.clear()
    return found


def endpoints_of(aws: EmulatedAws, vpc_id: str) -> list[dict[str, Any]]:
    answer = ec2(aws).describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
    return [each for each in answer["VpcEndpoints"] if each["State"] not in ("deleting", "deleted")]


def groups_of(aws: EmulatedAws, vpc_id: str, name: str = "fleetsec-guardduty-data") -> list[dict[str, Any]]:
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": [name]}]
    return ec2(aws).describe_security_groups(Filters=filters)["SecurityGroups"]


def inbound(group: dict[str, Any]) -> set[tuple[str, int, int, str]]:
    return {
        (rule["IpProtocol"], rule["FromPort"], rule["ToPort"], each["CidrIp"])
        for rule in group["IpPermissions"]
        for each in rule["IpRanges"]
    }
