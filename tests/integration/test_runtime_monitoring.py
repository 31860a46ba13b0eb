# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The detector's own settings: turned off with warnings, migrated in AWS's order, refused with a reason, and shown."""

from __future__ import annotations

from typing import Any

from harness import Ansible, EmulatedAws, role_arns

SECURITY, SHOP = (str(n) * 12 for n in range(1, 3))
FLEET = f"""
accounts:
  "{SECURITY}":
    regions:
      eu-west-1:
        guardduty: {{runtime_monitoring: true, ec2_agent_management: true, ecs_fargate_agent_management: true}}
        vpcs: {{shop: {{cidr: 10.0.0.0/16, subnets: {{a: eu-west-1a}}}}}}
        instances:
          - {{name: removable, vpc: shop, ssm: online, metadata_tags: true, agent: {{by: guardduty}}}}
          - {{name: unreadable, vpc: shop, ssm: online, agent: {{by: guardduty}}}}
          - {{name: unreached, vpc: shop, ssm: lost, metadata_tags: true, agent: {{by: guardduty}}}}
          - {{name: included, vpc: shop, ssm: online, agent: {{by: guardduty}}, tags: {{GuardDutyManaged: "true"}}}}
          - {{name: excluded, vpc: shop, ssm: online, agent: {{by: guardduty}}, tags: {{GuardDutyManaged: "false"}}}}
"""
SETTINGS = {"guardduty:ListDetectors": 1, "guardduty:GetDetector": 1}
LOOK = {"ec2:DescribeInstances": 1, "ssm:DescribeInstanceProperties": 1, "guardduty:ListCoverage": 1}
UPDATE = {"guardduty:UpdateDetector": 1}


def change(*options: str, name: str = "change") -> str:
    return f"""
        - name: {name}
          fleetsec.guardduty.runtime_monitoring: {{{", ".join(options)}}}
    """


def agents(ansible: Ansible) -> dict[str, str]:
    """The instances whose agent coverage knows, by their name."""
    config = {"plugin": "fleetsec.guardduty.ec2", "regions": ["eu-west-1"], "hostnames": ["tag:Name"]}
    hosts = ansible.inventory(config).ok().document["_meta"]["hostvars"]
    return {variables["gd_instance_id"]: name for name, variables in hosts.items()}


def test_runtime_monitoring_off_lists_the_agents_that_stay(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    names = agents(ansible)
    results: list[dict[str, Any]] = []
    for arguments in (["--check", "--diff"], ["--diff"], []):
        aws.clear()
        results.append(ansible.playbook(change("state: disabled"), *arguments).ok().tasks["change"])
        expected = [SETTINGS | LOOK, SETTINGS | LOOK | UPDATE, SETTINGS][len(results) - 1]
        assert aws.calls() == expected
    check, real, again = results
    assert check["agents_left_behind"] == real["agents_left_behind"] and check["changes"] == real["changes"]
    left = {names[row["instance_id"]]: row["reason"] for row in real["agents_left_behind"]}
    assert left == {
        "unreadable": "metadata_tags_off",
        "unreached": "not_ssm_managed",
        "included": "metadata_tags_off",
        "excluded": "excluded_by_tag",
    }
    (warning,) = real["warnings"]
    assert warning.startswith("4 agents stay behind, which GuardDuty does not remove: uninstall them")
    assert again["agents_left_behind"] == [] and not again["changed"] and "warnings" not in again


def test_automation_off_leaves_all_but_the_included(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    names = agents(ansible)
    task = ansible.playbook(change("ec2_agent_management: false"), "--diff").ok().tasks["change"]
    left = {names[row["instance_id"]]: row["reason"] for row in task["agents_left_behind"]}
    assert left == dict.fromkeys(("removable", "unreadable", "unreached", "excluded"), "automation_off")
    assert task["warnings"][0].startswith(
        "4 agents stay behind, no longer updated by GuardDuty and still causing costs"
    )
    assert list(task["diff"]["after"].values()) == [{"ec2_agent_management": "disabled"}]


def test_unreadable_data_is_reported_and_does_not_stop_the_change(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    aws.faults({"op": "ec2:DescribeInstances", "kind": "deny"})
    task = ansible.playbook(change("state: disabled")).ok().tasks["change"]
    assert task["changed"] and task["agents_left_behind"] == []
    assert task["agents_unknown"] == [f"{SECURITY}/eu-west-1"]
    denied, unknown = task["warnings"]
    assert "Allow ec2:DescribeInstances for the caller" in denied
    assert unknown == f"It is unknown which agents stay behind in {SECURITY}/eu-west-1."


MIGRATION = f"""
accounts:
  "{SECURITY}": {{regions: {{eu-west-1: {{guardduty: {{eks_runtime_monitoring: true}}}}}}}}
"""


def test_migration_enables_the_new_feature_before_it_disables_the_older_one(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(MIGRATION)
    run = ansible.playbook(
        change("state: enabled", name="warned")
        + change("state: enabled", "migrate_eks: true", name="migrated")
        + change("state: enabled", "migrate_eks: true", name="again")
    ).ok()
    assert "EKS_RUNTIME_MONITORING stays on" in run.tasks["warned"]["warnings"][0] and run.tasks["warned"]["changed"]
    assert [c["kind"] for c in run.tasks["migrated"]["changes"]] == ["EKS Runtime Monitoring setting"]
    assert not run.tasks["again"]["changed"] and "warnings" not in run.tasks["again"]
    aws.load(MIGRATION)
    aws.clear()
    task = ansible.playbook(change("migrate_eks: true")).ok().tasks["change"]
    assert [c["kind"] for c in task["changes"]] == ["Runtime Monitoring setting", "EKS Runtime Monitoring setting"]
    assert aws.calls() == SETTINGS | {"guardduty:UpdateDetector": 2}


def test_the_older_feature_stays_when_the_new_one_cannot_be_enabled(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(MIGRATION)
    aws.faults({"op": "guardduty:UpdateDetector", "kind": "deny", "times": 1})
    run = ansible.playbook(change("migrate_eks: true"))
    task = run.tasks["change"]
    assert run.returncode == 2 and len(task["failed_changes"]) == 2 and not task["changed"]
    assert len(task["problems"]) == 1 and aws.calls()["guardduty:UpdateDetector"] == 1


MANY = f"""
organization: {{management_account: "{SECURITY}", guardduty_administrator: "{SECURITY}"}}
accounts:
  "{SECURITY}":
    roles: [FleetSec]
    regions: {{eu-west-1: {{guardduty: {{}}}}, us-east-1: {{guardduty: {{managed_by_policy: true}}}}}}
  "{SHOP}":
    roles: [FleetSec]
    regions: {{eu-west-1: {{guardduty: {{runtime_monitoring: true}}}}}}
"""
EVERYWHERE = f"regions: [eu-west-1, us-east-1], assume_role_arns: {role_arns([SECURITY, SHOP, '9' * 12])}"


def test_each_refusal_has_its_reason_and_the_others_are_served(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(MANY)
    run = ansible.playbook(change("ec2_agent_management: true", EVERYWHERE))
    task = run.tasks["change"]
    assert run.returncode == 2
    assert [(c["account_id"], c["region"]) for c in task["changes"]] == [(SECURITY, "eu-west-1")]
    role, policy, nothing, member = task["problems"]
    assert "sts:AssumeRole" in role and "ManagedByPolicy" in policy and "NoDetector" in nothing
    assert "member accounts cannot manage specified resources" in member and "delegated administrator" in member


def test_the_settings_are_shown_with_what_is_in_effect(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(MANY)
    aws.faults({"op": "guardduty:GetDetector", "kind": "deny", "account": SHOP, "region": "eu-west-1"})
    aws.clear()
    task = (
        ansible.playbook(
            f"""
        - name: info
          fleetsec.guardduty.runtime_monitoring_info: {{{EVERYWHERE}}}
        """
        )
        .ok()
        .tasks["info"]
    )
    rows = {(row["account_id"], row["region"]): row for row in task["settings"]}
    assert rows.keys() == {(SECURITY, "eu-west-1"), (SECURITY, "us-east-1"), (SHOP, "us-east-1")}
    assert rows[SHOP, "us-east-1"]["detector_id"] is None and rows[SHOP, "us-east-1"]["status"] is None
    managed = rows[SECURITY, "us-east-1"]
    assert managed["managed_by"] == "GUARDDUTY_POLICY" and managed["runtime_monitoring"] is False
    parts = managed["features"]["RUNTIME_MONITORING"]["additional_configuration"]
    assert parts["EC2_AGENT_MANAGEMENT"] == {"enabled": False, "managed_by": "GUARDDUTY_POLICY"}
    assert "S3_DATA_EVENTS" in managed["features"] and managed["status"] == "ENABLED"
    assert len(task["problems"]) == len(task["warnings"]) == 2
    assert aws.calls() == {"guardduty:ListDetectors": 4, "guardduty:GetDetector": 3}
