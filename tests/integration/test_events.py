# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event queue: created, kept, fixed and deleted by the playbook; and the wait for instances that have just started."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from golden import hold
from harness import SECRET, Ansible, EmulatedAws, role_arns

ONE, TWO = "111111111111", "222222222222"
NAME = "fleetsec-guardduty-events"
FLEET = f"""
accounts:
  "{ONE}": {{roles: [FleetSec], regions: {{eu-west-1: {{}}, us-east-1: {{}}}}}}
  "{TWO}": {{roles: [FleetSec], regions: {{eu-west-1: {{}}, us-east-1: {{}}}}}}
"""
EVERYWHERE: dict[str, Any] = {"regions": ["eu-west-1", "us-east-1"], "assume_role_arns": role_arns([ONE, TWO])}
SETUP = "fleetsec.guardduty.events_setup"
STEP = "Configure the queues and rules"


def client(aws: EmulatedAws, service: str) -> Any:
    """Somebody else of the caller's account."""
    return boto3.client(
        service,
        endpoint_url=aws.endpoint_url,
        region_name="eu-west-1",
        aws_access_key_id="AKIAEMULATEDCALLER00",
        aws_secret_access_key=SECRET,
    )


def attributes(aws: EmulatedAws, name: str) -> dict[str, str]:
    sqs = client(aws, "sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return dict(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"])


def test_made_once_and_taken_away_wholly(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    check = ansible.playbook(SETUP, "--check", "--diff", **EVERYWHERE).ok()
    assert aws.writes() == {}
    aws.clear()
    real = ansible.playbook(SETUP, "--diff", **EVERYWHERE).ok()
    hold("playbook events_setup", aws.calls())
    for part in ("diff", "changes"):
        assert check.tasks[STEP][part] == real.tasks[STEP][part]
    assert real.tasks[STEP]["done"] == ("4 dead-letter queues created, 4 event queues created, 12 event rules created.")
    assert real.stats["guardduty_events"]["queues"][0] == {
        "account_id": ONE,
        "region": "eu-west-1",
        "queue_name": NAME,
        "queue_arn": f"arn:aws:sqs:eu-west-1:{ONE}:{NAME}",
    }
    made = attributes(aws, NAME)
    (statement,) = json.loads(made["Policy"])["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"] == [
        f"arn:aws:events:eu-west-1:{ONE}:rule/{NAME}-{event}"
        for event in ("instance-running", "tag-change", "coverage-unhealthy")
    ]
    assert made["SqsManagedSseEnabled"] == "true" and made["MessageRetentionPeriod"] == "86400"
    dead_letters = json.loads(made["RedrivePolicy"])
    assert dead_letters["deadLetterTargetArn"] == f"{made['QueueArn']}-dead-letters"
    assert attributes(aws, f"{NAME}-dead-letters")["SqsManagedSseEnabled"] == "true"

    aws.clear()
    again = ansible.playbook(SETUP, **EVERYWHERE).ok()
    assert aws.writes() == {} and not again.tasks[STEP]["changed"]
    hold("playbook events_setup, again", aws.calls())

    others = client(aws, "events")
    others.put_rule(Name=f"{NAME}-of-somebody", EventPattern='{"source": ["shop"]}')
    gone = ansible.playbook(SETUP, state="absent", **EVERYWHERE).ok()
    assert len(gone.tasks[STEP]["changes"]) == len(real.tasks[STEP]["changes"])
    assert client(aws, "sqs").list_queues().get("QueueUrls") is None
    assert [rule["Name"] for rule in others.list_rules()["Rules"]] == [f"{NAME}-of-somebody"]
    aws.clear()
    assert not ansible.playbook(SETUP, state="absent", **EVERYWHERE).ok().tasks[STEP]["changed"]
    assert aws.writes() == {}


def tasks(*options: str) -> str:
    return "".join(
        f"""
        - name: step {number}
          fleetsec.guardduty.event_queue: {{{one}}}
          failed_when: false
    """
        for number, one in enumerate(options)
    )


def test_changes_by_others_are_reverted_and_their_own_data_is_kept(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    ansible.playbook(tasks("tags: {team: security}")).ok()
    sqs, events = client(aws, "sqs"), client(aws, "events")
    url = sqs.get_queue_url(QueueName=NAME)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": "", "VisibilityTimeout": "77"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["team"])
    events.put_rule(Name=f"{NAME}-tag-change", EventPattern='{"source": ["aws.tag"]}', State="DISABLED")
    events.remove_targets(Rule=f"{NAME}-instance-running", Ids=[NAME])
    events.put_targets(Rule=f"{NAME}-tag-change", Targets=[{"Id": "other", "Arn": f"arn:aws:sqs:eu-west-1:{ONE}:x"}])
    options = "tags: {team: security}, retention: 3600, events: [instance_running, tag_change]"
    run = ansible.playbook(tasks(options, options), "--diff").ok()
    changed = {(c["action"], c["target"].removeprefix(NAME)): c["after"] for c in run.tasks["step 0"]["changes"]}
    assert changed.keys() == {
        ("update", ""),
        ("tag", ""),
        ("update", "-tag-change"),
        ("update", "-instance-running"),
        ("delete", "-coverage-unhealthy"),
    }
    assert changed["update", ""].keys() == {"MessageRetentionPeriod", "Policy"}
    assert not run.tasks["step 1"]["changed"]
    assert attributes(aws, NAME)["VisibilityTimeout"] == "77"
    targets = events.list_targets_by_rule(Rule=f"{NAME}-tag-change")["Targets"]
    assert {target["Id"] for target in targets} == {NAME, "other"}


def test_invalid_input_is_reported(aws: EmulatedAws, ansible: Ansible) -> None:
    """A foreign queue, options that AWS would reject, a denied call, and a recently deleted name."""
    aws.load(FLEET)
    client(aws, "sqs").create_queue(QueueName=NAME)
    ours = "name: ours, state"
    steps = (
        "state: present",
        "state: absent",
        "retention: 1",
        "name: a b",
        f"{ours}: present",
        f"{ours}: absent",
        "name: ours",
    )
    run = ansible.playbook(tasks(*steps)).ok()
    said = [run.tasks[f"step {number}"]["msg"] for number in range(len(steps))]
    for number in (0, 1):
        assert f"the event queue {NAME} has no tag" in said[number] and not run.tasks[f"step {number}"]["changed"]
    assert said[2] == "retention is 1; set it to 60 to 1209600 seconds."
    assert said[3] == "name is 'a b'; it must be 1 to 45 letters, digits, - and _."
    assert "QueueDeletedRecently" in said[6] and "60 seconds" in said[6]
    assert client(aws, "sqs").list_queues()["QueueUrls"] == [f"{aws.endpoint_url}/{ONE}/{NAME}"]
    aws.faults({"op": "events:PutRule", "kind": "deny"})
    failed = ansible.playbook(SETUP, queue_name="denied")
    assert failed.returncode == 2
    assert "Allow events:PutRule" in failed.tasks["Fail if any step failed"]["msg"]
    assert failed.stats["guardduty_events"]["problems"]


STARTING = f"""
pace: {{registration: %s}}
accounts:
  "{ONE}":
    regions:
      eu-west-1:
        vpcs: {{shop: {{cidr: 10.0.0.0/16, subnets: {{a: eu-west-1a}}}}}}
        instances: [{{name: web, count: 3, state: stopped, vpc: shop, ssm: online}}, {{name: old, vpc: shop}}]
"""


@pytest.mark.parametrize(("registration", "comes"), [(2, True), (600, False)])
def test_instances_that_have_just_started_are_waited_for(
    aws: EmulatedAws, ansible: Ansible, registration: int, comes: bool
) -> None:
    aws.load(STARTING % registration)
    wait = "fleetsec.guardduty.registration_wait: {timeout: %s, interval: 1}\n  register: done\n"
    nobody = ansible.playbook("- name: wait\n  " + wait % 60).ok().tasks["wait"]
    assert (nobody["done"], nobody["started"], nobody["waited"]) == (True, 0, 0)
    ec2 = client(aws, "ec2")
    found = ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["stopped"]}])["Reservations"]
    ids = {instance["InstanceId"] for reservation in found for instance in reservation["Instances"]}
    ec2.start_instances(InstanceIds=sorted(ids))
    looked = ansible.playbook("- name: wait\n  " + wait % 60, "--check").ok().tasks["wait"]
    result = ansible.playbook("- name: wait\n  " + wait % (60 if comes else 2)).ok().tasks["wait"]
    assert result["started"] == 3 and result["done"] is comes
    waiting = {one["instance_id"] for one in result["waiting"]}
    assert waiting == (set() if comes else ids)
    if not comes:
        assert looked["waited"] == 0 and {one["instance_id"] for one in looked["waiting"]} == ids
