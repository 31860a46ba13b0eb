# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet whose agents GuardDuty installed in one account and this collection in another, and clients that read it."""

from __future__ import annotations

from typing import Any

import boto3
from harness import SECRET, Ansible, EmulatedAws, role_arns

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"
REGION = "eu-west-1"
# shop: GuardDuty serves it. side: so too, for tests that offboard shop alone. data: the collection serves it.
WORLD = """
accounts:
  "111111111111":
    name: one
    roles: [FleetSec]
    regions:
      eu-west-1:
        guardduty: {runtime_monitoring: true, ec2_agent_management: true}
        vpcs:
          shop: {cidr: 10.0.0.0/16, subnets: {a: eu-west-1a, b: eu-west-1b}, endpoint: {owner: guardduty}}
          side: {cidr: 10.1.0.0/16, subnets: {a: eu-west-1a}, endpoint: {owner: guardduty}}
        instances:
          - {name: web, count: 3, vpc: shop, ssm: online, agent: {by: guardduty}}
          - {name: pinned, vpc: shop, ssm: online, agent: {by: guardduty}, tags: {GuardDutyManaged: "true"}}
          - {name: lost, vpc: shop, ssm: lost, agent: {by: guardduty}}
          - {name: bare, vpc: shop, agent: {by: manual}}
          - {name: clean, vpc: shop}
          - {name: asleep, vpc: shop, ssm: online, state: stopped, agent: {by: guardduty}}
          - {name: desk, vpc: shop, ssm: online, platform: windows}
          - {name: side, vpc: side, ssm: online, agent: {by: guardduty}}
  "222222222222":
    name: two
    roles: [FleetSec]
    regions:
      eu-west-1:
        guardduty: {runtime_monitoring: true}
        vpcs: {data: {cidr: 10.2.0.0/16, subnets: {a: eu-west-1a}}}
        instances:
          - {name: db, count: 2, vpc: data, ssm: online, agent: {by: manual}, tags: {fleetsec-guardduty-route: ssm}}
"""
# What a roll-out makes in account two.
ROLLED_OUT = """
- fleetsec.guardduty.vpc_endpoint:
    regions: [eu-west-1]
    assume_role_arns: [arn:aws:iam::222222222222:role/FleetSec]
    select: needed
- fleetsec.guardduty.ssm_association:
    regions: [eu-west-1]
    assume_role_arns: [arn:aws:iam::222222222222:role/FleetSec]
    association_name: fleetsec-guardduty-agent
    target_tags: {fleetsec-guardduty-route: ssm}
"""
EVERYWHERE: dict[str, Any] = {
    "regions": [REGION],
    "assume_role_arns": role_arns([ONE, TWO]),
    "max_concurrency": "100%",
    "uninstall_timeout": 30,
}


def begin(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(WORLD)
    ansible.playbook(ROLLED_OUT).ok()
    aws.clear()


class Outside:
    """An account as another tool sees it."""

    def __init__(self, aws: EmulatedAws, account: str) -> None:
        self.aws, self.account = aws, account
        keys = self._client("sts", "AKIAEMULATEDCALLER00", SECRET).assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/FleetSec", RoleSessionName="outside"
        )["Credentials"]
        self.keys = keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
        self.ec2 = self._client("ec2", *self.keys)
        self.ssm = self._client("ssm", *self.keys)
        self.guardduty = self._client("guardduty", *self.keys)

    def _client(self, service: str, key: str, secret: str, token: str | None = None) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.aws.endpoint_url,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
        )

    def vpc(self, name: str) -> str:
        (found,) = self.ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [name]}])["Vpcs"]
        return found["VpcId"]

    def ids(self, name: str) -> list[str]:
        found = self.ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": [name, f"{name}-*"]}])
        return [one["InstanceId"] for each in found["Reservations"] for one in each["Instances"]]

    def tags(self, name: str) -> dict[str, str]:
        found = self.ec2.describe_instances(InstanceIds=self.ids(name)[:1])
        return {tag["Key"]: tag["Value"] for tag in found["Reservations"][0]["Instances"][0]["Tags"]}

    def with_agent(self) -> set[str]:
        """The instances on which GuardDuty sees an agent."""
        (detector,) = self.guardduty.list_detectors()["DetectorIds"]
        return {
            row["ResourceDetails"]["Ec2InstanceDetails"]["InstanceId"]
            for row in self.guardduty.list_coverage(DetectorId=detector)["Resources"]
            if row["ResourceDetails"]["Ec2InstanceDetails"].get("AgentDetails")
        }

    def associations(self) -> set[str]:
        return {one["AssociationName"] for one in self.ssm.list_associations()["Associations"]}

    def endpoints(self, vpc_id: str) -> list[str]:
        found = self.ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["VpcEndpoints"]
        return [one["VpcEndpointId"] for one in found]

    def poke(self, name: str) -> None:
        """Makes GuardDuty check again: changes an instance's tags."""
        self.ec2.create_tags(Resources=self.ids(name), Tags=[{"Key": "poke", "Value": "1"}])

    def terminate(self, vpc_id: str) -> None:
        found = self.ec2.describe_instances(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
        self.ec2.terminate_instances(
            InstanceIds=[i["InstanceId"] for r in found["Reservations"] for i in r["Instances"]]
        )
