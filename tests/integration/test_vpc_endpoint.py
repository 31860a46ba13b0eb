# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vpc_endpoint by real ansible-playbook: makes endpoints, keeps them right, tells what it cannot do, removes them."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from conftest import SECRET, Ansible, EmulatedAws, role_arns

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


def test_makes_an_endpoint_and_changes_nothing_the_second_time(
    aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str]
) -> None:
    run = ansible.playbook(
        """
        - name: preview
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ bare }}"], tags: {owner: security}}
          check_mode: true
          diff: true
        - name: make
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ bare }}"], tags: {owner: security}}
        - name: again
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ bare }}"], tags: {owner: security}}
        """,
        bare=vpc["bare"],
    ).ok()
    preview, make, again = (run.tasks[name] for name in ("preview", "make", "again"))
    assert preview["changed"] and make["changed"] and not again["changed"]
    assert preview["changes"] == make["changes"]
    assert preview["msg"] == "1 security group would be created, 1 VPC endpoint would be created."
    assert make["msg"] == "1 security group created, 1 VPC endpoint created."
    assert preview["endpoints"][0]["way"] == "missing"
    assert preview["diff"]["before"] == {}

    (endpoint,) = endpoints_of(aws, vpc["bare"])
    (group,) = groups_of(aws, vpc["bare"])
    subnets = names(ec2(aws).describe_subnets()["Subnets"], "SubnetId")
    assert endpoint["ServiceName"] == SERVICE and endpoint["VpcEndpointType"] == "Interface"
    assert set(endpoint["SubnetIds"]) == {subnets["bare-a2"], subnets["bare-b"]}  # where instances live
    assert [each["GroupId"] for each in endpoint["Groups"]] == [group["GroupId"]]
    assert endpoint["PrivateDnsEnabled"] and endpoint["Tags"] == [{"Key": "owner", "Value": "security"}]
    assert inbound(group) == {("tcp", 443, 443, "10.0.0.0/16"), ("tcp", 443, 443, "10.64.0.0/20")}
    denied = json.loads(endpoint["PolicyDocument"])["Statement"][1]
    assert denied["Effect"] == "Deny" and denied["Condition"] == {"StringNotEquals": {"aws:PrincipalAccount": ONE}}
    row = make["endpoints"][0]
    assert (row["endpoint_id"], row["way"], row["owner"]) == (endpoint["VpcEndpointId"], "available", "operator")
    assert row["faults"] == [] and set(row["subnet_ids"]) == set(endpoint["SubnetIds"])
    assert again["endpoints"] == make["endpoints"]


def test_right_endpoints_cost_three_calls_whatever_their_number(aws: EmulatedAws, ansible: Ansible) -> None:
    vpcs = [
        f"          v{n}: {{cidr: 10.{n}.0.0/16, subnets: {{a: eu-west-1a}}, endpoint: {{owner: operator}}}}"
        for n in range(100)
    ]
    machines = [f"          - {{name: i{n}, vpc: v{n}}}" for n in range(100)]
    head = f'accounts:\n  "{ONE}":\n    name: production\n    regions:\n      eu-west-1:\n'
    aws.load(head + "        vpcs:\n" + "\n".join(vpcs) + "\n        instances:\n" + "\n".join(machines))
    ids = [each["VpcId"] for each in ec2(aws).describe_vpcs()["Vpcs"]]
    aws.clear()
    listed = ansible.playbook(
        """
        - name: listed
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: "{{ ids }}", dns_attributes: true}
        """,
        ids=ids,
    ).ok()
    assert not listed.tasks["listed"]["changed"] and len(listed.tasks["listed"]["endpoints"]) == 100
    assert aws.calls() == FIRST_LOOK
    aws.clear()
    needed = ansible.playbook(
        """
        - name: needed
          fleetsec.guardduty.vpc_endpoint: {select: needed}
        """
    ).ok()
    assert not needed.tasks["needed"]["changed"] and len(needed.tasks["needed"]["endpoints"]) == 100
    assert aws.calls() == {**FIRST_LOOK, "ec2:DescribeInstances": 1}


def test_serves_what_needs_it_and_tells_what_it_cannot(aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str]) -> None:
    served_before = endpoints_of(aws, vpc["served"]) + endpoints_of(aws, vpc["theirs"])
    aws.clear()
    run = ansible.playbook(
        """
        - name: first
          fleetsec.guardduty.vpc_endpoint: {select: needed}
          ignore_errors: true
        - name: with dns
          fleetsec.guardduty.vpc_endpoint: {select: needed, dns_attributes: true}
          ignore_errors: true
        - name: again
          fleetsec.guardduty.vpc_endpoint: {select: needed, dns_attributes: true}
          ignore_errors: true
        """,
        **vpc,
    ).ok()
    first, second, again = (run.tasks[name] for name in ("first", "with dns", "again"))
    assert first["failed"] and second["failed"]
    dns, far = sorted(first["problems"], key=lambda problem: vpc["far"] in problem)
    assert f"{vpc['nodns']} in {ONE}/eu-west-1 failed: VpcDnsOff: DNS hostnames of the VPC is off" in dns
    assert "dns_attributes=true" in dns
    assert f"{vpc['far']} in {ONE}/eu-west-1 failed: ZoneNotOffered" in far
    assert "eu-west-1c" in far and "It is offered in eu-west-1a, eu-west-1b." in far
    rows = {row["vpc_id"]: row for row in first["endpoints"]}
    assert {name: rows[vpc[name]]["way"] for name in vpc if vpc[name] in rows} == {
        "bare": "available",
        "nodns": "missing",
        "served": "available",
        "theirs": "available",
        "broken": "available",
        "far": "missing",
    }
    assert rows[vpc["served"]]["owner"] == "guardduty"
    assert endpoints_of(aws, vpc["served"]) + endpoints_of(aws, vpc["theirs"]) == served_before

    assert [(change["action"], change["kind"], change["target"]) for change in second["changes"]] == [
        ("enable", "VPC DNS setting", vpc["nodns"]),
        ("create", "security group", vpc["nodns"]),
        ("create", "VPC endpoint", vpc["nodns"]),
    ]
    assert second["problems"] == [far]
    assert not again["changed"] and again["changes"] == [] and again["problems"] == [far]
