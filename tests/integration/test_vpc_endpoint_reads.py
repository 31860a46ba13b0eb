# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vpc_endpoint with denied reads, the user's own policies, and routes that limit what is needed."""

from __future__ import annotations

import json

from endpoint_world import ONE, TWO, ec2, endpoints_of, vpc
from harness import Ansible, EmulatedAws, role_arns

__all__ = ["vpc"]  # a fixture


def test_denied_reads_are_reported_and_known_changes_are_made(
    aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str]
) -> None:
    aws.faults(
        {"op": "ec2:DescribeVpcs", "kind": "deny", "times": 1},
        {"op": "ec2:DescribeVpcEndpointServices", "kind": "deny", "times": 1},
        {"op": "ec2:DescribeVpcAttribute", "kind": "deny", "times": 1},
    )
    run = ansible.playbook(
        """
        - name: blind
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ bare }}"]}
          ignore_errors: true
        - name: half blind
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ bare }}"]}
          ignore_errors: true
        - name: again
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ bare }}"]}
        """,
        **vpc,
    ).ok()
    blind, half, again = (run.tasks[name] for name in ("blind", "half blind", "again"))
    assert blind["failed"] and blind["changes"] == []
    assert "Allow ec2:DescribeVpcs for the caller." in blind["msg"] and len(blind["problems"]) == 1
    assert half["failed"] and [change["kind"] for change in half["changes"]] == ["security group", "VPC endpoint"]
    assert [problem.split()[0] for problem in half["problems"]] == [
        "ec2:DescribeVpcEndpointServices",
        "ec2:DescribeVpcAttribute",
    ]
    assert not again["changed"] and len(endpoints_of(aws, vpc["bare"])) == 1


def test_own_policies_are_compared_by_meaning(aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str]) -> None:
    run = ansible.playbook(
        """
        - name: text
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ theirs }}"], policy_json: "{{ policy | to_json }}"}
        - name: dictionary
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ theirs }}"], policy_json: "{{ policy }}"}
        - name: open
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ theirs }}"], policy: open}
        """,
        policy={"Statement": [{"Sid": "all", "Effect": "Allow", "Principal": "*", "Action": ["*"], "Resource": "*"}]},
        **vpc,
    ).ok()
    assert [run.tasks[name]["changed"] for name in ("text", "dictionary", "open")] == [True, False, True]
    (endpoint,) = endpoints_of(aws, vpc["theirs"])
    assert len(json.loads(endpoint["PolicyDocument"])["Statement"]) == 1


def test_works_over_accounts_where_routes_need_it(aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str]) -> None:
    """Runtime Monitoring is off in the second account: nothing there should get an agent, so nothing needs an endpoint."""
    client = ec2(aws)
    for reservation in client.describe_instances(Filters=[{"Name": "vpc-id", "Values": [vpc["nodns"], vpc["far"]]}])[
        "Reservations"
    ]:
        for instance in reservation["Instances"]:
            client.create_tags(Resources=[instance["InstanceId"]], Tags=[{"Key": "GuardDutyManaged", "Value": "false"}])
    aws.clear()
    task = """
        - name: needed
          fleetsec.guardduty.vpc_endpoint:
            select: needed
            routes: [ssm, package]
            assume_role_arns: "{{ roles }}"
        """
    roles = role_arns([ONE, TWO])
    made = ansible.playbook(task, roles=roles).ok().tasks["needed"]
    wanted = ("create", "VPC endpoint")
    created = {one["target"] for one in made["changes"] if (one["action"], one["kind"]) == wanted}
    assert created == {vpc["bare"]}
    assert {
        (row["account_id"], row["connectivity"]) for row in made["endpoints"] if row["vpc_id"] == vpc["shared"]
    } == {(ONE, "missing")}
    aws.clear()
    assert not ansible.playbook(task, roles=roles).ok().tasks["needed"]["changed"]
    assert aws.writes() == {}
