# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policies of docs/iam allow every call of their job, and contain only actions that a call needs or that are explained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from harness import ROOT, SECRET, Ansible, EmulatedAws, role_arns
from iam import Policy, Question, questions

pytestmark = pytest.mark.story

POLICIES = ROOT / "docs" / "iam"
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "guide_permissions.rst").read_text(encoding="utf-8")
EXPLAINED = set(
    re.findall(r"^   \* - ``(\w+:\w+)``$", GUIDE.partition("Actions that no call makes\n")[2], re.MULTILINE)
)
REGION = "eu-west-1"
ROUTE = "fleetsec-guardduty-route"

# web: installed through SSM, its VPC has no endpoint. dark: DNS host names off. broken: an endpoint to fix.
FLEET = """
organization: {id: o-fleetsec0001, management_account: "111111111111"}
accounts:
  "111111111111":
    name: one
    roles: [FleetSec]
    regions:
      eu-west-1:
        guardduty: {}
        vpcs:
          shop: {cidr: 10.0.0.0/16, subnets: {a: eu-west-1a}}
          dark: {cidr: 10.1.0.0/16, dns_hostnames: false, subnets: {a: eu-west-1a}}
          broken:
            cidr: 10.2.0.0/16
            subnets: {a: eu-west-1a}
            endpoint: {owner: operator, private_dns: false, policy: denied, security_group: closed}
        instances:
          - {name: web, count: 2, vpc: shop, ssm: online}
          - {name: bare, vpc: dark, ssm: online}
          - {name: db, vpc: broken, ssm: online}
          - {name: mistyped, vpc: shop, ssm: online, tags: {GuardDutyManaged: "True"}}
          - {name: kept-out, vpc: shop, ssm: online, tags: {GuardDutyManaged: "false"}}
          - {name: gone-by, vpc: shop, tags: {fleetsec-guardduty-route: ssm}}
      us-east-1: {}
      us-west-2:
        guardduty: {}
        vpcs: {far: {cidr: 10.3.0.0/16, subnets: {a: us-west-2a}}}
        instances:
          - {name: far, vpc: far, ssm: online}
  "222222222222":
    name: two
    roles: [FleetSec]
    regions:
      eu-west-1: {}
"""
ASSOCIATION = {
    "Name": "AmazonGuardDuty-ConfigureRuntimeMonitoringSsmPlugin",
    "AssociationName": "fleetsec-guardduty-agent",
    "Parameters": {"action": ["Install"], "name": ["AmazonGuardDuty-RuntimeMonitoringSsmPlugin"]},
    "Targets": [{"Key": f"tag:{ROUTE}", "Values": ["ssm"]}],
}
UNINSTALL = {
    **ASSOCIATION,
    "AssociationName": "fleetsec-guardduty-uninstall",
    "Parameters": {"action": ["Uninstall"], "name": ["AmazonGuardDuty-RuntimeMonitoringSsmPlugin"]},
    "Targets": [{"Key": f"tag:{ROUTE}", "Values": ["uninstall"]}],
}
PLACE = """
        guardduty: {runtime_monitoring: true, ec2_agent_management: true}
        vpcs: {shop: {cidr: 10.0.0.0/16, subnets: {a: %(region)sa}, endpoint: {owner: operator}}}
        instances:
          - {name: web, vpc: shop, ssm: online, agent: {by: guardduty}}
          - {name: out-of-reach, vpc: shop, tags: {fleetsec-guardduty-route: ssm}}
"""
COVERED = "accounts:\n  '111111111111':\n    regions:\n" + "".join(
    f"      {region}:{PLACE % {'region': region}}" for region in (REGION, "us-east-1", "us-west-2")
)
ADMINISTERED = """
organization: {management_account: "111111111111", guardduty_administrator: "111111111111"}
accounts:
  "111111111111": {regions: {eu-west-1: {guardduty: {}}}}
  "222222222222": {regions: {eu-west-1: {guardduty: {}}}}
"""
MONITORED = FLEET.replace("guardduty: {}", "guardduty: {runtime_monitoring: true}")


class Job:
    """One job: what it runs, and the calls of what it ran."""

    def __init__(self, aws: EmulatedAws, ansible: Ansible, fleet: str) -> None:
        aws.load(fleet)
        self.aws, self.ansible, self._calls = aws, ansible, []

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [*self._calls, *self.aws.log()]

    def tasks(self, text: str, *arguments: str) -> None:
        self.ansible.playbook(text, *arguments).ok()

    @contextmanager
    def by_others(self, region: str = REGION) -> Iterator[Any]:
        """Clients of another caller, whose calls do not count."""
        self._calls = self.calls
        yield lambda service: boto3.client(
            service,
            endpoint_url=self.aws.endpoint_url,
            region_name=region,
            aws_access_key_id="AKIAEMULATEDCALLER00",
            aws_secret_access_key=SECRET,
        )
        self.aws.clear()

    def vpc_ids(self) -> dict[str, str]:
        with self.by_others() as client:
            vpcs = client("ec2").describe_vpcs()["Vpcs"]
        return {tag["Value"]: vpc["VpcId"] for vpc in vpcs for tag in vpc["Tags"] if tag["Key"] == "Name"}

    def widen_group(self, group_id: str) -> None:
        with self.by_others() as client:
            source = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.99.0.0/16"}]}
            client("ec2").authorize_security_group_ingress(GroupId=group_id, IpPermissions=[source])


@pytest.fixture
def job(aws: EmulatedAws, ansible: Ansible) -> Job:
    return Job(aws, ansible, MONITORED)


def hold(job: Job, name: str) -> None:
    policy = Policy.read(POLICIES / f"{name}.json")
    asked = {question for entry in job.calls for question in questions(entry)}
    assert [question for question in asked if not policy.allows(question)] == []
    unused = sorted(policy.actions - {question.action for question in asked} - EXPLAINED)
    assert not unused, (
        f"docs/iam/{name}.json: allows {', '.join(unused)}, which no call needs; remove it, or explain it"
    )


def test_audit(job: Job) -> None:
    job.ansible.playbook("fleetsec.guardduty.audit", regions=[REGION]).ok()
    job.ansible.inventory({"plugin": "fleetsec.guardduty.ec2", "regions": [REGION]}).ok()
    job.aws.faults({"op": "ssm:DescribeInstanceProperties", "kind": "deny"})
    job.tasks("- fleetsec.guardduty.coverage_wait: {timeout: 0, percent: 0}\n- fleetsec.guardduty.eligibility_info:\n")
    assert "ssm:DescribeInstanceInformation" in {f"{call['service']}:{call['operation']}" for call in job.calls}
    hold(job, "audit")


def test_coverage_info(job: Job) -> None:
    job.tasks("- fleetsec.guardduty.coverage_info:\n")
    hold(job, "coverage_info")


def test_accounts(job: Job) -> None:
    task = "- fleetsec.guardduty.coverage_info: {organization_role_name: FleetSec, region: eu-west-1}\n"
    job.tasks(
        task + task.replace("organization_role_name: FleetSec", f"assume_role_arns: {role_arns(['222222222222'])}")
    )
    calls = [call for call in job.calls if call["service"] in ("sts", "organizations")]
    policy = Policy.read(POLICIES / "accounts.json")
    asked = {question for call in calls for question in questions(call)}
    assert all(policy.allows(question) for question in asked)
    assert {question.action for question in asked} == policy.actions


def test_instance_tags(job: Job) -> None:
    job.tasks(
        "- fleetsec.guardduty.instance_tags: {managed: repair}\n- fleetsec.guardduty.instance_tags: {managed: clear}\n"
    )
    hold(job, "instance_tags")


def test_runtime_monitoring(aws: EmulatedAws, ansible: Ansible) -> None:
    job = Job(aws, ansible, FLEET)
    task = "- fleetsec.guardduty.runtime_monitoring: {regions: [eu-west-1, us-east-1], create_detector: true, %s}\n"
    job.tasks(task % "state: enabled" + task % "state: disabled")
    hold(job, "runtime_monitoring")


def test_runtime_monitoring_info(job: Job) -> None:
    job.tasks("- fleetsec.guardduty.runtime_monitoring_info:\n")
    hold(job, "runtime_monitoring_info")


def test_members_and_organization(aws: EmulatedAws, ansible: Ansible) -> None:
    job = Job(aws, ansible, ADMINISTERED)
    job.tasks("- fleetsec.guardduty.member_runtime_monitoring:\n")
    with job.by_others():
        aws.load(ADMINISTERED.partition('  "222222222222"')[0])
    job.tasks("- fleetsec.guardduty.member_runtime_monitoring:\n")
    hold(job, "member_runtime_monitoring")
    aws.load(ADMINISTERED)
    job.tasks("- fleetsec.guardduty.organization_runtime_monitoring: {auto_enable: all, include_existing: true}\n")
    hold(job, "organization_runtime_monitoring")


def test_tag(job: Job) -> None:
    variables = {"regions": [REGION], "all_instances": True}
    job.ansible.playbook("fleetsec.guardduty.tag", managed="repair", **variables).ok()
    job.ansible.playbook("fleetsec.guardduty.tag", managed="clear", **variables).ok()
    hold(job, "tag")


def test_vpc_endpoint_info(job: Job) -> None:
    job.tasks("- fleetsec.guardduty.vpc_endpoint_info: {dns_attributes: true, routes: [ssm]}\n")
    hold(job, "vpc_endpoint_info")


def test_vpc_endpoint(job: Job) -> None:
    task = (
        "- fleetsec.guardduty.vpc_endpoint: {select: needed, routes: [ssm], dns_attributes: true, tags: {owner: %s}}\n"
    )
    job.tasks(task % "one")
    with job.by_others() as client:
        named = [{"Name": "group-name", "Values": ["fleetsec-guardduty-data"]}]
        groups = client("ec2").describe_security_groups(Filters=named)["SecurityGroups"]
    job.widen_group(groups[0]["GroupId"])
    absent = f"- fleetsec.guardduty.vpc_endpoint: {{vpc_ids: {[*job.vpc_ids().values()]}, state: absent}}\n"
    job.tasks(task % "two" + task.replace("{owner: %s}", "{}") + absent)
    hold(job, "vpc_endpoint")


def test_ssm_association(job: Job) -> None:
    task = "- fleetsec.guardduty.ssm_association: {association_name: agents, target_tags: {Name: db}, %s}\n"
    job.tasks(
        task % "tags: {x: y}, wait: true"
        + task % "max_concurrency: 50%, tags: {y: z}"
        + task % "state: run"
        + task % "state: absent"
        + "- fleetsec.guardduty.ssm_association: {association_name: nobody, target_tags: {Name: nobody}, wait: true}\n"
    )
    with job.by_others() as client:
        for number in range(20):
            client("ssm").create_association(**{**ASSOCIATION, "AssociationName": f"older-{number}"})
    both = (
        f"- fleetsec.guardduty.ssm_association: {{association_name: both, target_tags: {{Name: db, {ROUTE}: ssm}}}}\n"
    )
    job.tasks(both)
    hold(job, "ssm_association")


def test_ssm_association_info(job: Job) -> None:
    with_one = "- fleetsec.guardduty.ssm_association: {association_name: agents, target_tags: {Name: db}}\n"
    job.tasks(with_one)
    job.aws.clear()
    job.tasks("- fleetsec.guardduty.ssm_association_info: {executions: true}\n")
    hold(job, "ssm_association_info")


def test_events_setup(job: Job) -> None:
    task = "- fleetsec.guardduty.event_queue: {%s}\n"
    job.tasks(task % "events: [tag_change]" + task % "retention: 3600, tags: {x: y}" + task % "state: absent")
    hold(job, "events_setup")


def test_rollout(aws: EmulatedAws, ansible: Ansible) -> None:
    """One run over a fleet in which every step creates, changes and deletes something."""
    job = Job(aws, ansible, FLEET)
    vpc_id = job.vpc_ids()["dark"]
    with job.by_others() as client:
        client("ssm").create_association(**ASSOCIATION, MaxConcurrency="50%")
        group = client("ec2").create_security_group(GroupName="fleetsec-guardduty-data", Description="-", VpcId=vpc_id)
    job.widen_group(group["GroupId"])
    with job.by_others("us-east-1") as client:
        client("ssm").create_association(**ASSOCIATION)
    variables = {
        "regions": [REGION, "us-east-1", "us-west-2"],
        "create_detectors": True,
        "dns_attributes": True,
        "coverage_interval": 1,
        "coverage_timeout": 20,
    }
    job.ansible.playbook("fleetsec.guardduty.rollout", **variables).ok()
    hold(job, "rollout")


INSTANCE = "arn:aws:ec2:eu-west-1:111111111111:instance/i-0123456789abcdef0"


def test_offboard(aws: EmulatedAws, ansible: Ansible) -> None:
    """Three regions: what uninstalls is there and wrong, there and right, and not there. Then endpoints and settings."""
    job = Job(aws, ansible, COVERED)
    vpc_id = job.vpc_ids()["shop"]
    with job.by_others() as client:
        client("ssm").create_association(**ASSOCIATION)
        client("ssm").create_association(**UNINSTALL, MaxConcurrency="50%")
        client("ec2").create_security_group(GroupName="fleetsec-guardduty-data", Description="-", VpcId=vpc_id)
    with job.by_others("us-east-1") as client:
        client("ssm").create_association(**UNINSTALL, MaxConcurrency="10%", MaxErrors="10%")
    offboard, regions = "fleetsec.guardduty.offboard", [REGION, "us-east-1", "us-west-2"]
    job.ansible.playbook(offboard, regions=regions, all_vpcs=True, stop_by="tags").ok()
    settings = {"disable_monitoring": True, "uninstall": False}
    job.ansible.playbook(offboard, regions=[REGION], all_vpcs=True, **settings).ok()
    hold(job, "offboard")


@pytest.mark.parametrize(
    ("question", "allowed"),
    [
        (Question("ec2:CreateTags", INSTANCE, frozenset({"GuardDutyManaged", ROUTE})), True),
        (Question("ec2:CreateTags", INSTANCE, frozenset({"GuardDutyManaged", "owner"})), False),
        (Question("ec2:CreateTags", INSTANCE.replace("instance/i", "volume/vol")), False),
        (Question("ssm:CreateAssociation", "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript"), False),
        (Question("ec2:TerminateInstances", INSTANCE), False),
    ],
)
def test_the_rollout_may_do_no_more_than_it_needs(question: Question, allowed: bool) -> None:
    assert Policy.read(POLICIES / "rollout.json").allows(question) is allowed
