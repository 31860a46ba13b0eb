# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ssm_association against the emulated AWS: what it writes and refuses, and its number of calls."""

from __future__ import annotations

from typing import Any

import pytest
from association_world import DOCUMENT, IDLE, ONE, OWN, TWO, WAVE, WORLD, described, state_manager


@pytest.fixture
def world(aws: Any) -> Any:
    aws.load(WORLD)
    return aws


@pytest.fixture
def ssm(world: Any) -> Any:
    return state_manager(world.endpoint_url)


def test_check_real_again(world: Any, ansible: Any, ssm: Any) -> None:
    check = ansible.playbook(WAVE, "--check", "--diff").ok().tasks["wave"]
    assert not world.writes()
    assert check["msg"] == "1 association would be created."
    assert check["associations"][0]["association_id"] is None
    world.clear()

    real = ansible.playbook(WAVE, "--diff").ok().tasks["wave"]
    assert world.calls() == {
        "ssm:ListAssociations": 3,  # by name, by document, and after it whether another run made one as well
        "ssm:GetDocument": 1,
        "ssm:CreateAssociation": 1,
    }
    assert (real["changes"], real["diff"]) == (check["changes"], check["diff"])
    made = described(ssm)
    assert made["Name"] == DOCUMENT
    assert made["Parameters"] == {"action": ["Install"], "name": ["AmazonGuardDuty-RuntimeMonitoringSsmPlugin"]}
    assert made["Targets"] == [{"Key": "tag:wave", "Values": ["1"]}]
    assert real["associations"][0]["association_id"] == made["AssociationId"]

    world.clear()
    again = ansible.playbook(WAVE).ok().tasks["wave"]
    assert (again["changed"], again["changes"]) == (False, [])
    assert world.calls() == IDLE


def test_update_keeps_what_it_does_not_name(world: Any, ansible: Any, ssm: Any) -> None:
    given = {
        "AssociationName": "wave-1",
        "Name": DOCUMENT,
        "DocumentVersion": "1",
        "Parameters": {"action": ["Install"], "version": ["1.16.0"]},
        "Targets": [{"Key": "tag:wave", "Values": ["1", "9"]}],
        "ScheduleExpression": "cron(0 2 ? * SUN#2 *)",
        "ScheduleOffset": 2,
        "ApplyOnlyAtCronInterval": True,
        "Duration": 3,
        "MaxErrors": "7",
        "MaxConcurrency": "10%",
        "ComplianceSeverity": "HIGH",
        "SyncCompliance": "MANUAL",
        "CalendarNames": ["arn:aws:ssm:eu-west-1:111111111111:document/freeze"],
        "OutputLocation": {"S3Location": {"OutputS3BucketName": "fleet-logs", "OutputS3KeyPrefix": "agent"}},
        "TargetLocations": [{"Accounts": [ONE], "Regions": ["eu-west-1"], "ExecutionRoleName": "FleetSec"}],
        "AlarmConfiguration": {"Alarms": [{"Name": "too-many-errors"}], "IgnorePollAlarmFailure": True},
        "AssociationDispatchAssumeRole": "arn:aws:iam::111111111111:role/Dispatch",
    }
    ssm.create_association(**given)
    change = """
    - name: change
      fleetsec.guardduty.ssm_association: {association_name: wave-1, max_errors: 5%}
    - name: again
      fleetsec.guardduty.ssm_association: {association_name: wave-1, max_errors: 5%}
    - name: empty
      fleetsec.guardduty.ssm_association:
        association_name: wave-1
        schedule_offset: 0
        duration: 0
        calendar_names: []
        output_location: {}
        alarm_configuration: {}
        target_locations: []
        document_version: ""
        compliance_severity: UNSPECIFIED
    - name: empty again
      fleetsec.guardduty.ssm_association:
        association_name: wave-1
        schedule_offset: 0
        duration: 0
        calendar_names: []
        output_location: {}
        alarm_configuration: {}
        target_locations: []
        document_version: ""
        compliance_severity: UNSPECIFIED
    """
    tasks = ansible.playbook(change).ok().tasks
    assert tasks["change"]["changes"][0]["before"] == {"max_errors": "7"}
    assert tasks["change"]["changes"][0]["after"] == {"max_errors": "5%"}
    assert not tasks["again"]["changed"]
    assert not tasks["empty again"]["changed"]
    updates = [entry["parameters"] for entry in world.log() if entry["operation"] == "UpdateAssociation"]
    sent = {key: value for key, value in updates[0].items() if key not in ("AssociationId", "AssociationVersion")}
    assert sent == {**given, "MaxErrors": "5%"}
    left = described(ssm)
    emptied = {"ScheduleOffset", "Duration", "CalendarNames", "OutputLocation", "AlarmConfiguration", "TargetLocations"}
    assert not emptied & set(left)
    assert left["ScheduleExpression"] == given["ScheduleExpression"]
    assert left["Parameters"] == given["Parameters"]


def test_found_by_document_and_targets_and_two_of_one_document(world: Any, ansible: Any, ssm: Any) -> None:
    for wave in ("1", "2"):
        targets = [{"Key": "tag:wave", "Values": [wave]}]
        ssm.create_association(Name=DOCUMENT, Parameters={"action": ["Install"]}, Targets=targets)
    tasks = (
        ansible.playbook("""
    - name: adopt
      fleetsec.guardduty.ssm_association: {association_name: wave-1, target_tags: {wave: "1"}}
    - name: unnamed
      fleetsec.guardduty.ssm_association: {target_tags: {wave: "2"}, max_concurrency: "1"}
    - name: another
      fleetsec.guardduty.ssm_association: {association_name: uninstall, target_tags: {wave: "1"}, parameters: {action: Uninstall}}
    """)
        .ok()
        .tasks
    )
    assert tasks["adopt"]["changes"][0]["after"] == {"association_name": "wave-1"}
    assert tasks["unnamed"]["changes"][0]["after"] == {"max_concurrency": "1"}
    (another,) = tasks["another"]["changes"]
    assert (another["action"], another["after"]["parameters"]) == ("create", {"action": ["Uninstall"]})
    names = [row.get("AssociationName") for row in ssm.list_associations()["Associations"]]
    assert sorted(map(str, names)) == ["None", "uninstall", "wave-1"]


def test_tags_in_full_and_added(world: Any, ansible: Any, ssm: Any) -> None:
    tasks = (
        ansible.playbook("""
    - name: create
      fleetsec.guardduty.ssm_association: {association_name: a-b, target_tags: {wave: 1}, tags: {team: sec, old: x}}
    - name: replace
      fleetsec.guardduty.ssm_association: {association_name: a-b, tags: {team: ops}}
    - name: add
      fleetsec.guardduty.ssm_association: {association_name: a-b, tags: {cost: 42}, purge_tags: false}
    - name: same
      fleetsec.guardduty.ssm_association: {association_name: a-b, tags: {cost: 42, team: ops}}
    - name: alone
      fleetsec.guardduty.ssm_association: {association_name: a-b}
    """)
        .ok()
        .tasks
    )
    assert tasks["replace"]["msg"] == "1 association tagged, 1 association untagged."
    assert not tasks["same"]["changed"]
    assert not tasks["alone"]["changed"]
    found = ssm.list_tags_for_resource(ResourceType="Association", ResourceId=described(ssm)["AssociationId"])[
        "TagList"
    ]
    assert {tag["Key"]: tag["Value"] for tag in found} == {"team": "ops", "cost": "42"}
    assert world.calls()["ssm:CreateAssociation"] == 1
    assert "ssm:UpdateAssociation" not in world.calls()


def test_guardduty_owns_its_association(world: Any, ansible: Any, ssm: Any) -> None:
    everyone = [{"Key": "InstanceIds", "Values": ["*"]}]
    ssm.create_association(AssociationName=OWN, Name=DOCUMENT, Parameters={"action": ["Install"]}, Targets=everyone)
    marked = ssm.create_association(
        AssociationName="renamed",
        Name=DOCUMENT,
        Parameters={"action": ["Install"]},
        Targets=everyone,
        Tags=[{"Key": "GuardDutyManaged", "Value": "true"}],
    )["AssociationDescription"]["AssociationId"]
    world.clear()
    done = (
        ansible.playbook(f"""
    - name: read
      fleetsec.guardduty.ssm_association: {{association_name: {OWN}}}
    - name: update
      fleetsec.guardduty.ssm_association: {{association_name: {OWN}, max_concurrency: "1"}}
      ignore_errors: true
    - name: run
      fleetsec.guardduty.ssm_association: {{association_name: {OWN}, state: run}}
      ignore_errors: true
    - name: delete
      fleetsec.guardduty.ssm_association: {{association_name: renamed, state: absent}}
      ignore_errors: true
    - name: tag
      fleetsec.guardduty.ssm_association: {{association_name: mine, target_tags: {{a: b}}, tags: {{GuardDutyManaged: "true"}}}}
      ignore_errors: true
    - name: info
      fleetsec.guardduty.ssm_association_info:
    """)
        .ok()
        .tasks
    )
    assert done["read"]["associations"][0]["owner"] == "guardduty"
    assert not done["read"]["changed"]
    for name in ("update", "run", "delete"):
        assert done[name]["failed"], name
        assert "GuardDuty creates and maintains this association" in done[name]["msg"]
    assert "marks what GuardDuty owns" in done["tag"]["msg"]
    assert {row["association_name"]: row["owner"] for row in done["info"]["associations"]} == {
        OWN: "guardduty",
        "renamed": "guardduty",
    }
    assert not world.writes()
    assert ssm.describe_association(AssociationId=marked)


def test_refusals_before_any_call(world: Any, ansible: Any) -> None:
    ids = [f"i-{number:017x}" for number in range(51)]
    done = (
        ansible.playbook(
            """
    - name: ids
      fleetsec.guardduty.ssm_association: {association_name: a-b, instance_ids: "{{ ids }}"}
      ignore_errors: true
    - name: often
      fleetsec.guardduty.ssm_association: {association_name: a-b, target_tags: {a: b}, schedule_expression: rate(29 minutes)}
      ignore_errors: true
    - name: many
      fleetsec.guardduty.ssm_association: {association_name: a-b, target_tags: {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1}}
      ignore_errors: true
    - name: share
      fleetsec.guardduty.ssm_association: {association_name: a-b, target_tags: {a: b}, max_concurrency: 0%}
      ignore_errors: true
    """,
            ids=ids,
        )
        .ok()
        .tasks
    )
    assert done["ids"]["msg"] == (
        "There are 51 instance ids, and an association takes at most 50. Give the instances a common tag and use"
        " target_tags, or create several associations with different names."
    )
    assert "30 minutes at most" in done["often"]["msg"]
    assert "There are 6 targets" in done["many"]["msg"]
    assert "max_concurrency: '0%'" in done["share"]["msg"]
    assert world.calls() == {}


def test_document_is_checked_before_a_write(world: Any, ansible: Any) -> None:
    world.faults({"kind": "deny", "op": "ssm:GetDocument", "skip": 2, "times": 1})
    done = (
        ansible.playbook("""
    - name: value
      fleetsec.guardduty.ssm_association: {association_name: a-b, target_tags: {a: b}, parameters: {action: install}}
      ignore_errors: true
    - name: name
      fleetsec.guardduty.ssm_association: {association_name: a-b, target_tags: {a: b}, parameters: {versoin: "1"}}
      ignore_errors: true
    - name: denied
      fleetsec.guardduty.ssm_association: {association_name: a-b, target_tags: {a: b}, parameters: {version: "1.16.0"}}
      ignore_errors: true
    - name: package
      fleetsec.guardduty.ssm_association:
        association_name: a-b
        target_tags: {a: b}
        document_name: AmazonGuardDuty-RuntimeMonitoringSsmPlugin
      ignore_errors: true
    - name: missing
      fleetsec.guardduty.ssm_association: {association_name: a-b, target_tags: {a: b}, document_name: No-Such-Document}
      ignore_errors: true
    """)
        .ok()
        .tasks
    )
    assert "the parameter action does not take 'install'; allowed are 'Install', 'Uninstall'" in done["value"]["msg"]
    assert "has no parameter versoin; did you mean version" in done["name"]["msg"]
    assert "needs the parameter action" in done["denied"]["msg"]
    assert "is a Package document, which cannot run" in done["package"]["msg"]
    assert "InvalidDocument" in done["missing"]["msg"]
    assert not world.writes()


def test_many_accounts_one_of_which_fails(world: Any, ansible: Any) -> None:
    tasks = """
    - name: all
      fleetsec.guardduty.ssm_association:
        assume_role_arns: "{{ roles }}"
        association_name: wave-1
        target_tags: {wave: 1}
        wait: true
      ignore_errors: true
    - name: again
      fleetsec.guardduty.ssm_association: {assume_role_arns: "{{ roles[:1] }}", association_name: wave-1}
    - name: gone
      fleetsec.guardduty.ssm_association: {assume_role_arns: "{{ roles[:1] }}", association_name: wave-1, state: absent}
    - name: gone again
      fleetsec.guardduty.ssm_association: {assume_role_arns: "{{ roles[:1] }}", association_name: wave-1, state: absent}
    """
    done = (
        ansible.playbook(tasks, roles=[f"arn:aws:iam::{account}:role/FleetSec" for account in (TWO, "333333333333")])
        .ok()
        .tasks
    )
    assert done["all"]["failed"] and "333333333333" in done["all"]["problems"][0]
    assert [row["account_id"] for row in done["all"]["associations"]] == [TWO]
    assert len(done["all"]["succeeded_targets"]) == 2
    assert not done["again"]["changed"]
    assert done["gone"]["changed"] and done["gone"]["associations"] == []
    assert not done["gone again"]["changed"]
    assert world.calls()["ssm:ListAssociations"] == 3 + 3  # by name, by document and afterwards, then by name


def test_an_update_meanwhile_is_not_overwritten(world: Any, ansible: Any, ssm: Any) -> None:
    ansible.playbook(WAVE).ok()
    refusal = "You must specify the latest association version."
    world.faults(
        {
            "kind": "error",
            "op": "ssm:UpdateAssociation",
            "code": "InvalidAssociationVersion",
            "message": refusal,
            "status": 400,
        }
    )
    done = (
        ansible.playbook("""
    - name: update
      fleetsec.guardduty.ssm_association: {association_name: wave-1, max_concurrency: "1"}
      ignore_errors: true
    """)
        .ok()
        .tasks["update"]
    )
    assert "InvalidAssociationVersion" in done["msg"] and "run this again" in done["msg"]
    assert done["failed_changes"][0]["after"] == {"max_concurrency": "1"}
    assert done["associations"][0]["max_concurrency"] == "50%"
    updates = [entry["parameters"] for entry in world.log() if entry["operation"] == "UpdateAssociation"]
    assert updates[0]["AssociationVersion"] == "1"
