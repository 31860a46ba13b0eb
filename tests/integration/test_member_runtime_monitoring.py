# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runtime Monitoring in an organization's members: 50 per call, only differences, and accounts that AWS leaves unprocessed."""

from __future__ import annotations

import boto3
import pytest
from harness import SECRET, Ansible, EmulatedAws, role_arns

ADMINISTRATOR = "111111111111"
HEAD = (
    f"organization: {{management_account: '{ADMINISTRATOR}', guardduty_administrator: '{ADMINISTRATOR}'}}\naccounts:\n"
)


def account(number: int) -> str:
    return f"2000000{number:05}"


def organization(*members: str) -> str:
    """A fleet of an administrator and its members, each with these settings."""
    return HEAD + "".join(
        f"  '{account_id}': {{roles: [FleetSec], regions: {{eu-west-1: {{guardduty: {settings}}}}}}}\n"
        for account_id, settings in [
            (ADMINISTRATOR, "{}"),
            *((account(number), settings) for number, settings in enumerate(members, 1)),
        ]
    )


ENABLE = """
    - name: change
      fleetsec.guardduty.member_runtime_monitoring:
        ec2_agent_management: true
        settle_timeout: 0
"""


def test_an_organization_of_120_costs_three_reads_and_three_writes(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(organization(*["{}"] * 120))
    reads = {"guardduty:ListDetectors": 1, "guardduty:ListMembers": 3, "guardduty:GetMemberDetectors": 3}
    results = []
    for arguments in (["--check", "--diff"], ["--diff"], []):
        aws.clear()
        task = ansible.playbook(ENABLE, *arguments).ok().tasks["change"]
        results.append(task)
        writes = {"guardduty:UpdateMemberDetectors": 3} if len(results) == 2 else {}
        assert aws.calls() == reads | writes
    check, real, again = results
    assert check["changes"] == real["changes"] and len(real["changes"]) == 120
    assert check["diff"] == real["diff"] and check["members"] == real["members"] == again["members"]
    assert real["msg"] == "120 member Runtime Monitoring settings updated."
    assert (check["changed"], real["changed"], again["changed"]) == (True, True, False)
    assert real["members"][0] == {
        "account_id": account(1),
        "region": "eu-west-1",
        "administrator_id": ADMINISTRATOR,
        "runtime_monitoring": "enabled",
        "ec2_agent_management": "enabled",
        "eks_addon_management": "disabled",
        "ecs_fargate_agent_management": "disabled",
        "eks_runtime_monitoring": "disabled",
        "managed_by": None,
    }
    # What AWS holds, read in a member's own account.
    own = ansible.playbook(
        f"""
        - name: own
          fleetsec.guardduty.runtime_monitoring_info:
            assume_role_arns: {role_arns([account(120)])}
        """
    ).ok()
    assert own.tasks["own"]["settings"][0]["automated_agent"] is True


def test_members_keep_what_is_not_named_and_those_alike_share_a_call(aws: EmulatedAws, ansible: Ansible) -> None:
    on = "{runtime_monitoring: true, ec2_agent_management: true}"
    fargate = "{ecs_fargate_agent_management: true}"
    aws.load(organization("{}", fargate, on, "{}", fargate, "{managed_by_policy: true}"))
    run = ansible.playbook(ENABLE)
    task = run.tasks["change"]
    assert aws.writes() == {"guardduty:UpdateMemberDetectors": 2}
    assert sorted(change["target"] for change in task["changes"]) == [account(n) for n in (1, 2, 4, 5)]
    assert task["members"][1]["ecs_fargate_agent_management"] == "enabled"
    assert run.returncode == 2 and len(task["problems"]) == 1 and task["failed_changes"] == []
    assert f"in {account(6)}/eu-west-1 failed: ManagedByPolicy" in task["problems"][0]


def test_what_aws_leaves_unprocessed_is_asked_for_again(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(organization(*["{}"] * 3))
    aws.faults(
        *(
            {"op": f"guardduty:{operation}", "kind": "unprocessed", "accounts": [account(2)], "times": 1}
            for operation in ("GetMemberDetectors", "UpdateMemberDetectors")
        )
    )
    task = ansible.playbook(ENABLE.replace("settle_timeout: 0", "settle_timeout: 3")).ok().tasks["change"]
    assert sorted(change["target"] for change in task["changes"]) == [account(1), account(2), account(3)]
    calls = {"guardduty:GetMemberDetectors": 2, "guardduty:UpdateMemberDetectors": 2}
    assert aws.calls() == {"guardduty:ListDetectors": 1, "guardduty:ListMembers": 1} | calls


def test_an_account_that_stays_unprocessed_fails_and_the_others_are_kept(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(organization(*["{}"] * 3))
    aws.faults({"op": "guardduty:UpdateMemberDetectors", "kind": "unprocessed", "accounts": [account(2)]})
    run = ansible.playbook(ENABLE)
    task = run.tasks["change"]
    assert run.returncode == 2 and task["changed"]
    assert [change["target"] for change in task["changes"]] == [account(1), account(3)]
    (failed,) = task["failed_changes"]
    assert failed["target"] == account(2) and "not an associated member" in failed["error"]
    assert task["problems"] == [failed["error"]] and "settle_timeout" in failed["error"]
    assert [member["runtime_monitoring"] for member in task["members"]] == ["enabled", "disabled", "enabled"]


def test_chosen_accounts_strangers_and_oneself(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(organization(*["{}"] * 2))
    run = ansible.playbook(
        f"""
        - name: change
          fleetsec.guardduty.member_runtime_monitoring:
            account_ids: ["{account(2)}", "999999999999", "{ADMINISTRATOR}"]
            settle_timeout: 0
          ignore_errors: true
        - name: misspelled
          fleetsec.guardduty.member_runtime_monitoring:
            account_ids: [12345]
          ignore_errors: true
        - name: nobody
          fleetsec.guardduty.member_runtime_monitoring:
            account_ids: []
        """
    ).ok()
    task = run.tasks["change"]
    assert task["failed"] and [change["target"] for change in task["changes"]] == [account(2)]
    own, stranger = task["problems"]
    assert "the administrator's own account" in own and "fleetsec.guardduty.runtime_monitoring" in own
    assert "in 999999999999/eu-west-1 failed: UnprocessedAccount" in stranger
    assert run.tasks["misspelled"]["msg"].startswith("account_ids: '12345' is not a valid account ID.")
    assert run.tasks["nobody"]["msg"] == "Nothing to change."
    assert "guardduty:ListMembers" not in aws.calls()


def test_the_older_feature_is_disabled_after_the_new_one_is_enabled(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(organization("{eks_runtime_monitoring: true}", "{}"))
    task = """
        - name: %s
          fleetsec.guardduty.member_runtime_monitoring: {migrate_eks: %s}
    """
    before = ansible.playbook(task % ("warned", "false"), "--check").ok().tasks["warned"]
    assert before["warnings"] == [
        f"EKS_RUNTIME_MONITORING stays on in {account(1)}/eu-west-1: it is now part of Runtime Monitoring, and still "
        "causes costs if only Runtime Monitoring is turned off later. Set migrate_eks to turn it off."
    ]
    run = ansible.playbook(task % ("migrated", "true") + task % ("again", "true")).ok()
    changes = [(change["kind"], change["target"]) for change in run.tasks["migrated"]["changes"]]
    assert changes == [
        ("member Runtime Monitoring setting", account(1)),
        ("member Runtime Monitoring setting", account(2)),
        ("member EKS Runtime Monitoring setting", account(1)),
    ]
    assert aws.writes() == {"guardduty:UpdateMemberDetectors": 2}
    assert not run.tasks["again"]["changed"] and "warnings" not in run.tasks["again"]


@pytest.mark.parametrize("chosen", ["", f"account_ids: ['{account(2)}']"])
def test_a_member_account_learns_who_must_act(aws: EmulatedAws, ansible: Ansible, chosen: str) -> None:
    aws.load(organization(*["{}"] * 2))
    run = ansible.playbook(
        f"""
        - name: change
          fleetsec.guardduty.member_runtime_monitoring:
            assume_role_arns: {role_arns([account(1)])}
            {chosen}
        """
    )
    assert run.returncode == 2
    says = f"This is a member account. Its GuardDuty administrator is {ADMINISTRATOR}: run this there."
    assert says in run.tasks["change"]["msg"] and not aws.writes()


def test_a_region_that_fails_does_not_keep_the_other(aws: EmulatedAws, ansible: Ansible) -> None:
    both = organization("{}").replace("{guardduty: {}}", "{guardduty: {}}, us-east-1: {guardduty: {}}")
    aws.load(both)
    aws.faults({"op": "guardduty:UpdateMemberDetectors", "kind": "deny", "region": "eu-west-1"})
    task = ansible.playbook(ENABLE.replace("settle_timeout: 0", "regions: [eu-west-1, us-east-1]")).tasks["change"]
    assert task["failed"] and [change["region"] for change in task["changes"]] == ["us-east-1"]
    (failed,) = task["failed_changes"]
    assert failed["region"] == "eu-west-1" and "Allow guardduty:UpdateMemberDetectors" in failed["error"]
    aws.faults({"op": "guardduty:ListMembers", "kind": "deny", "region": "eu-west-1"})
    task = ansible.playbook(ENABLE.replace("settle_timeout: 0", "regions: [eu-west-1, us-east-1]")).tasks["change"]
    assert task["failed"] and "guardduty:ListMembers in 111111111111/eu-west-1 failed" in task["msg"]
    assert {member["region"] for member in task["members"]} == {"us-east-1"}


def test_members_no_longer_monitored_are_skipped_and_an_account_without_members_fails(
    aws: EmulatedAws, ansible: Ansible
) -> None:
    aws.load(organization(*["{}"] * 2))
    keys = {"aws_access_key_id": "AKIAEMULATEDCALLER00", "aws_secret_access_key": SECRET}
    client = boto3.client("guardduty", region_name="eu-west-1", endpoint_url=aws.endpoint_url, **keys)
    (detector,) = client.list_detectors()["DetectorIds"]
    client.stop_monitoring_members(DetectorId=detector, AccountIds=[account(1)])
    task = ansible.playbook(ENABLE).ok().tasks["change"]
    assert [change["target"] for change in task["changes"]] == [account(2)]
    skipped = {"account_id": account(1), "region": "eu-west-1", "relationship": "Disabled"}
    assert task["skipped_members"] == [skipped]
    aws.load(f"accounts: {{'{ADMINISTRATOR}': {{regions: {{eu-west-1: {{guardduty: {{}}}}}}}}}}")
    task = ansible.playbook(ENABLE).tasks["change"]
    assert task["failed"] and "NoMembers: this account has no GuardDuty members" in task["msg"]
    assert "Only the account of GuardDuty's delegated administrator can do this" in task["msg"]


def test_an_administrator_without_members_has_nothing_to_do(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(organization())
    task = ansible.playbook(ENABLE).ok().tasks["change"]
    assert (task["msg"], task["members"], task["problems"]) == ("Nothing to change.", [], [])
    asked = ("ListDetectors", "ListMembers", "DescribeOrganizationConfiguration")
    assert aws.calls() == {f"guardduty:{operation}": 1 for operation in asked}
    # Where that may not be read, nobody knows.
    aws.faults({"op": "guardduty:DescribeOrganizationConfiguration", "kind": "deny"})
    task = ansible.playbook(ENABLE).tasks["change"]
    assert task["failed"] and "Only the account of GuardDuty's delegated administrator can do this" in task["msg"]
