# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A delegated administrator's configuration of its organization: one call, only differences, other settings kept."""

from __future__ import annotations

from typing import Any

import boto3
from harness import SECRET, Ansible, EmulatedAws, role_arns

ADMINISTRATOR, SHOP, DATA = (str(n) * 12 for n in range(1, 4))
FLEET = f"""
organization: {{management_account: "{ADMINISTRATOR}", guardduty_administrator: "{ADMINISTRATOR}"}}
accounts:
  "{ADMINISTRATOR}": {{regions: {{eu-west-1: {{guardduty: {{}}}}}}}}
  "{SHOP}": {{roles: [FleetSec], regions: {{eu-west-1: {{guardduty: {{ecs_fargate_agent_management: true}}}}}}}}
  "{DATA}": {{roles: [FleetSec], regions: {{eu-west-1: {{guardduty: {{eks_runtime_monitoring: true}}}}}}}}
"""
READ = {"guardduty:ListDetectors": 1, "guardduty:DescribeOrganizationConfiguration": 1}
UPDATE = "guardduty:UpdateOrganizationConfiguration"


class Administrator:
    """GuardDuty as the delegated administrator sees it, by boto3."""

    def __init__(self, aws: EmulatedAws) -> None:
        keys = {"aws_access_key_id": "AKIAEMULATEDCALLER00", "aws_secret_access_key": SECRET}
        self.client = boto3.client("guardduty", region_name="eu-west-1", endpoint_url=aws.endpoint_url, **keys)
        (self.detector,) = self.client.list_detectors()["DetectorIds"]

    def choose(self, members: str, **features: str) -> None:
        for name, choice in features.items():
            self.client.update_organization_configuration(
                DetectorId=self.detector,
                AutoEnableOrganizationMembers=members,
                Features=[{"Name": name, "AutoEnable": choice}],
            )

    def chosen(self) -> tuple[str, dict[str, Any]]:
        shown = self.client.describe_organization_configuration(DetectorId=self.detector)
        features = {
            feature["Name"]: [feature["AutoEnable"], *(p["AutoEnable"] for p in feature["AdditionalConfiguration"])]
            for feature in shown["Features"]
        }
        return shown["AutoEnableOrganizationMembers"], features


def test_choices_are_made_once_and_others_are_kept(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    administrator = Administrator(aws)
    administrator.choose("NEW", S3_DATA_EVENTS="NEW")
    members, before = administrator.chosen()
    tasks = """
        - name: change
          fleetsec.guardduty.organization_runtime_monitoring: {auto_enable: new, ec2_agent_management: new}
    """
    results = []
    for arguments in (["--check", "--diff"], ["--diff"], []):
        aws.clear()
        results.append(ansible.playbook(tasks, *arguments).ok().tasks["change"])
        assert aws.calls() == READ | ({UPDATE: 1} if len(results) == 2 else {})
    check, real, again = results
    assert check["changes"] == real["changes"] and check["diff"] == real["diff"]
    (change,) = real["changes"]
    assert change["before"] == {"auto_enable": "none", "ec2_agent_management": "none"}
    assert change["after"] == {"auto_enable": "new", "ec2_agent_management": "new"}
    assert check["organizations"] == real["organizations"] == again["organizations"]
    assert real["organizations"][0]["members"] == "new" and not again["changed"]
    assert administrator.chosen() == (members, before | {"RUNTIME_MONITORING": ["NEW", "NONE", "NONE", "NEW"]})
    # Existing members are as they were.
    assert real["members"] == [] and "warnings" not in real


def test_existing_members_are_included_on_request(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    tasks = """
        - name: change
          fleetsec.guardduty.organization_runtime_monitoring:
            auto_enable: new
            ec2_agent_management: new
            include_existing: true
    """
    members = {"guardduty:ListMembers": 1, "guardduty:GetMemberDetectors": 1}
    check = ansible.playbook(tasks, "--check").ok().tasks["change"]
    assert aws.calls() == READ | members
    aws.clear()
    real = ansible.playbook(tasks).ok().tasks["change"]
    # One member has a sub-feature of its own, which is kept: two calls.
    assert aws.calls() == READ | members | {UPDATE: 1, "guardduty:UpdateMemberDetectors": 2}
    assert check["changes"] == real["changes"] and check["members"] == real["members"]
    assert real["msg"] == (
        "1 organization Runtime Monitoring setting updated, 2 member Runtime Monitoring settings updated."
    )
    shop, data = real["members"]
    assert (shop["ec2_agent_management"], shop["ecs_fargate_agent_management"]) == ("enabled", "enabled")
    assert (data["runtime_monitoring"], data["eks_runtime_monitoring"]) == ("enabled", "enabled")
    aws.clear()
    assert not ansible.playbook(tasks).ok().tasks["change"]["changed"] and not aws.writes()
    # Nothing is enabled by itself any more, so that nothing is asked of members either; what they have stays.
    aws.clear()
    none = ansible.playbook(tasks.replace("auto_enable: new", "auto_enable: none")).ok().tasks["change"]
    assert none["members"] == [] and aws.calls() == READ | {UPDATE: 1}


def test_migration_replicates_the_older_choices_before_it_ends_them(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    administrator = Administrator(aws)
    administrator.choose("NEW", EKS_RUNTIME_MONITORING="NEW")
    task = """
        - name: %s
          fleetsec.guardduty.organization_runtime_monitoring: {migrate_eks: %s, include_existing: true}
    """
    warned = ansible.playbook(task % ("warned", "false")).ok().tasks["warned"]
    assert not warned["changed"] and "EKS_RUNTIME_MONITORING stays enabled" in warned["warnings"][0]
    aws.clear()
    run = ansible.playbook(task % ("migrated", "true") + task % ("again", "true")).ok()
    done = [(change["action"], change["kind"]) for change in run.tasks["migrated"]["changes"]]
    assert done == [
        ("update", "organization Runtime Monitoring setting"),
        ("disable", "organization EKS Runtime Monitoring setting"),
        ("update", "member Runtime Monitoring setting"),
        ("update", "member Runtime Monitoring setting"),
        ("disable", "member EKS Runtime Monitoring setting"),
    ]
    members, features = administrator.chosen()
    assert (members, features["EKS_RUNTIME_MONITORING"][0], features["RUNTIME_MONITORING"][0]) == ("NEW", "NONE", "NEW")
    assert not run.tasks["again"]["changed"] and "warnings" not in run.tasks["again"]


def test_all_takes_time_and_a_full_administrator_is_reported(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET.replace("organization: {", "organization: {member_limit: 2, "))
    task = (
        ansible.playbook(
            """
        - name: change
          fleetsec.guardduty.organization_runtime_monitoring: {auto_enable: all}
        """
        )
        .ok()
        .tasks["change"]
    )
    slow, full = task["warnings"]
    assert "up to 24 hours" in slow and "include_existing" in slow
    assert f"The administrator in {ADMINISTRATOR}/eu-west-1 has as many members as GuardDuty allows" in full
    assert task["organizations"][0]["member_account_limit_reached"] is True


def test_who_must_act_and_what_is_denied(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    change = """
        - name: %s
          fleetsec.guardduty.organization_runtime_monitoring: {auto_enable: new%s}
    """
    run = ansible.playbook(change % ("member", f", assume_role_arns: {role_arns([SHOP])}"))
    assert run.returncode == 2
    says = f"This is a member account. Its GuardDuty administrator is {ADMINISTRATOR}: run this there."
    assert says in run.tasks["member"]["msg"]
    aws.faults({"op": UPDATE, "kind": "deny"})
    task = ansible.playbook(change % ("denied", ", include_existing: true")).tasks["denied"]
    # The members are served all the same.
    assert task["failed"] and sorted(change["target"] for change in task["changes"]) == [SHOP, DATA]
    (failed,) = task["failed_changes"]
    assert f"Allow {UPDATE} for the caller" in failed["error"]
    assert task["organizations"][0]["auto_enable"] == "none" and task["members"][0]["runtime_monitoring"] == "enabled"
    aws.load(FLEET.replace(f', guardduty_administrator: "{ADMINISTRATOR}"', ""))
    task = ansible.playbook(change % ("nobody", "")).tasks["nobody"]
    assert task["failed"] and "Only the account of GuardDuty's delegated administrator can do this" in task["msg"]
