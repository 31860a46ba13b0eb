# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vpc_endpoint by real ansible-playbook: creates, updates and deletes endpoints, and reports what it cannot do."""

from __future__ import annotations

import json

from endpoint_world import FIRST_LOOK, ONE, SERVICE, ec2, endpoints_of, groups_of, inbound, names, vpc
from harness import Ansible, EmulatedAws

__all__ = ["vpc"]  # a fixture


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
    assert preview["endpoints"][0]["connectivity"] == "missing"
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
    assert (row["endpoint_id"], row["connectivity"], row["owner"]) == (
        endpoint["VpcEndpointId"],
        "available",
        "operator",
    )
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


def test_serves_vpcs_that_need_it_and_reports_the_others(
    aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str]
) -> None:
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
    assert {name: rows[vpc[name]]["connectivity"] for name in vpc if vpc[name] in rows} == {
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


def test_waits_for_all_new_endpoints_with_one_call_each_time(aws: EmulatedAws, ansible: Ansible) -> None:
    vpcs = [f"          v{n}: {{cidr: 10.{n}.0.0/16, subnets: {{a: eu-west-1a}}}}" for n in range(12)]
    head = f'pace: {{endpoint: 2}}\naccounts:\n  "{ONE}":\n    name: production\n    regions:\n      eu-west-1:\n'
    aws.load(head + "        vpcs:\n" + "\n".join(vpcs))
    ids = [each["VpcId"] for each in ec2(aws).describe_vpcs()["Vpcs"]]
    aws.clear()
    run = ansible.playbook(
        """
        - name: make
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: "{{ ids }}"}
        """,
        ids=ids,
    ).ok()
    assert {row["state"] for row in run.tasks["make"]["endpoints"]} == {"available"}
    calls = aws.calls()
    polls = calls.pop("ec2:DescribeVpcEndpoints") - 2  # the first look, and reading back
    assert 1 <= polls <= 4
    assert calls == {
        "ec2:DescribeVpcs": 2,
        "ec2:DescribeSecurityGroups": 2,  # ours by name, and reading back
        "ec2:DescribeSubnets": 1,
        "ec2:DescribeInstances": 1,
        "ec2:DescribeVpcEndpointServices": 1,
        "ec2:DescribeVpcAttribute": 24,
        "ec2:CreateSecurityGroup": 12,
        "ec2:AuthorizeSecurityGroupIngress": 12,
        "ec2:CreateVpcEndpoint": 12,
    }
