# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that write the same at the same time, as the slices of an AWX job do: nothing is created twice, and no run fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from harness import SECRET, Ansible, EmulatedAws, Run

SLICES = 2
FLEET = """
pace: {endpoint: 1}
accounts:
  "111111111111":
    regions:
      eu-west-1:
        vpcs:
          shop: {cidr: 10.0.0.0/16, subnets: {a: eu-west-1a}}
          mail: {cidr: 10.1.0.0/16, subnets: {a: eu-west-1a}}
        instances:
          - {name: web, count: 3, vpc: shop, ssm: online}
          - {name: mail, vpc: mail, ssm: online}
"""
# What each run decides to make before the other has made it: the calls meet, and only then does any of them go on.
RACES = ("guardduty:CreateDetector", "ec2:CreateSecurityGroup", "ec2:CreateVpcEndpoint", "ssm:CreateAssociation")


def test_slices_of_a_roll_out_make_each_thing_once(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    aws.faults(*({"op": op, "kind": "meet", "times": SLICES, "seconds": 60} for op in RACES))
    variables = {"regions": ["eu-west-1"], "create_detectors": True, "coverage_interval": 1}

    def run(_number: int) -> Run:
        return ansible.playbook("fleetsec.guardduty.rollout", **variables).ok()

    with ThreadPoolExecutor(SLICES) as pool:
        jobs = list(pool.map(run, range(SLICES)))
    # All of them tried to make all of it: two VPCs need a group and an endpoint each.
    calls = aws.calls()
    assert [calls[op] for op in RACES] == [SLICES, 2 * SLICES, 2 * SLICES, SLICES]

    def client(service: str) -> Any:
        keys = {"aws_access_key_id": "AKIAEMULATED111111111", "aws_secret_access_key": SECRET}
        return boto3.client(service, "eu-west-1", endpoint_url=aws.endpoint_url, **keys)

    endpoints = client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    assert len({one["VpcId"] for one in endpoints}) == len(endpoints) == 2
    groups = client("ec2").describe_security_groups()["SecurityGroups"]
    made = [one for one in groups if one["GroupName"] != "default"]
    assert len(made) == 2
    assert all(len(one["IpPermissions"]) == 1 for one in made)
    assert {group["GroupId"] for one in endpoints for group in one["Groups"]} == {one["GroupId"] for one in made}
    assert len(client("guardduty").list_detectors()["DetectorIds"]) == 1
    (association,) = client("ssm").list_associations()["Associations"]
    for job in jobs:
        assert job.stats["guardduty_rollout"]["problems"] == []
        assert job.stats["guardduty_rollout"]["after"]["healthy"] == 4
        shown = next(
            result["associations"] for task, result in job.tasks.items() if result.get("associations") is not None
        )
        assert [one["association_id"] for one in shown] == [association["AssociationId"]]
