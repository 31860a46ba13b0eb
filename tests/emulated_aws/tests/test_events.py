# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of EC2, tags and GuardDuty go by rules into queues, and SSM gets to know an instance after it has started.

The events' members: EC2 user guide (monitor instance state changes), Tag Editor user guide (monitor tag changes), GuardDuty
user guide (coverage of EC2, EventBridge notifications). Policies: EventBridge user guide, "Amazon SQS permissions".
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from in_process import ACCOUNT, REGION, Clock, Cloud, code_of

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:events"
FLEET = f"""
pace: {{registration: 60}}
accounts:
  "{ACCOUNT}":
    regions:
      {REGION}:
        guardduty: {{runtime_monitoring: true}}
        vpcs: {{shop: {{cidr: 10.0.0.0/16, subnets: {{a: {REGION}a}}, endpoint: {{owner: operator}}}}}}
        instances:
          - {{name: asleep, count: 2, state: stopped, vpc: shop, ssm: online}}
          - {{name: steady, vpc: shop, ssm: online, agent: {{by: manual}}}}
"""
ASSOCIATION = {
    "Name": "AmazonGuardDuty-ConfigureRuntimeMonitoringSsmPlugin",
    "Parameters": {"action": ["Install"], "name": ["AmazonGuardDuty-RuntimeMonitoringSsmPlugin"]},
    "Targets": [{"Key": "InstanceIds", "Values": ["*"]}],
}
SOURCES = ("aws.ec2", "aws.tag", "aws.guardduty", "shop")


def policy(*rules: str, **more: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE,
        "Condition": {"ArnEquals": {"aws:SourceArn": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{r}" for r in rules]}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | more]})


class Bus:
    """A queue, and a rule for each source."""

    def __init__(self, cloud: Cloud, document: str) -> None:
        self.ec2, self.events, self.sqs, self.ssm = map(cloud.client, ("ec2", "events", "sqs", "ssm"))
        self.url = self.sqs.create_queue(QueueName="events", Attributes={"Policy": document})["QueueUrl"]
        for source in SOURCES:
            name = source.rpartition(".")[2]
            self.events.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))
            self.events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": QUEUE}])

    def ids(self, name: str) -> list[str]:
        found = self.ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": [f"{name}*"]}])["Reservations"]
        return [instance["InstanceId"] for reservation in found for instance in reservation["Instances"]]

    def nodes(self, **filters: Any) -> set[str]:
        found = self.ssm.describe_instance_information(**filters)["InstanceInformationList"]
        return {node["InstanceId"] for node in found}

    def receive(self, seconds: int = 0) -> list[dict[str, Any]]:
        asked = {"MaxNumberOfMessages": 10, "WaitTimeSeconds": seconds}
        messages = self.sqs.receive_message(QueueUrl=self.url, **asked).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]


@pytest.fixture
def cloud() -> Cloud:
    return Cloud(FLEET)


@pytest.fixture
def bus(cloud: Cloud) -> Bus:
    return Bus(cloud, policy("ec2", "tag", "guardduty", "shop"))


def test_an_instance_that_starts_says_so(bus: Bus) -> None:
    ids = bus.ids("asleep")
    bus.ec2.start_instances(InstanceIds=ids)
    told = bus.receive()
    assert {event["detail"]["instance-id"] for event in told} == set(ids)
    assert {(event["detail-type"], event["detail"]["state"]) for event in told} == {
        ("EC2 Instance State-change Notification", "running")
    }
    assert told[0].keys() == {
        *("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
    }
    assert bus.receive() == []


def test_a_tag_that_changes_says_which(bus: Bus) -> None:
    bus.ec2.create_tags(Resources=bus.ids("steady"), Tags=[{"Key": "GuardDutyManaged", "Value": "true"}])
    (event,) = bus.receive()
    assert event["detail-type"] == "Tag Change on Resource"
    assert event["detail"]["changed-tag-keys"] == ["GuardDutyManaged"]
    assert event["detail"]["tags"] == {"Name": "steady", "GuardDutyManaged": "true"}
    assert (event["detail"]["service"], event["detail"]["resource-type"]) == ("ec2", "instance")
    bus.ec2.create_tags(Resources=bus.ids("steady"), Tags=[{"Key": "GuardDutyManaged", "Value": "true"}])
    assert bus.receive() == []


def test_coverage_that_changes_says_how(cloud: Cloud, bus: Bus) -> None:
    (steady,) = bus.ids("steady")
    for running, word in ((False, "Unhealthy"), (True, "Healthy")):
        cloud.agent_reports(steady, "1.17.1", running)
        (event,) = bus.receive()
        assert event["detail-type"] == f"GuardDuty Runtime Protection {word}"
        assert event["detail"]["currentStatus"] == word.upper()
        assert event["detail"]["resourceDetails"]["ec2InstanceDetails"]["instanceId"] == steady


@pytest.mark.parametrize(
    "document",
    [
        policy("another"),
        policy("ec2", Action="sqs:ReceiveMessage"),
        policy("ec2", Principal={"AWS": ACCOUNT}),
        policy("ec2", Resource="arn:aws:sqs:eu-west-1:111111111111:other"),
        policy("ec2", Effect="Deny"),
    ],
)
def test_a_rule_that_the_queue_does_not_let_in_sends_nothing(cloud: Cloud, document: str) -> None:
    bus = Bus(cloud, document)
    bus.ec2.start_instances(InstanceIds=bus.ids("asleep"))
    assert bus.receive() == []


def test_nobody_puts_events_in_the_name_of_aws(bus: Bus) -> None:
    entry = {"DetailType": "EC2 Instance State-change Notification", "Detail": "{}"}
    answer = bus.events.put_events(Entries=[{**entry, "Source": "aws.ec2"}, {**entry, "Source": "shop"}])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"
    (event,) = bus.receive()
    assert event["source"] == "shop"


def test_lists_are_as_botocore_has_them(bus: Bus) -> None:
    assert {rule["Name"] for rule in bus.events.list_rules()["Rules"]} == {
        "ec2",
        "tag",
        "guardduty",
        "shop",
    }
    assert bus.events.list_targets_by_rule(Rule="ec2")["Targets"] == [{"Id": "queue", "Arn": QUEUE}]
    assert code_of(bus.events.delete_rule, Name="ec2") == "ValidationException"


def test_waiting_for_a_message_blocks_no_other_caller(cloud: Cloud, bus: Bus) -> None:
    began = time.monotonic()
    assert bus.receive(seconds=1) == []
    assert 1 <= time.monotonic() - began < 5


def test_a_name_rests_after_its_queue_was_deleted(cloud: Cloud, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    bus.sqs.delete_queue(QueueUrl=bus.url)
    assert code_of(bus.sqs.create_queue, QueueName="events") == "AWS.SimpleQueueService.QueueDeletedRecently"
    clock.ahead += 61
    bus.sqs.create_queue(QueueName="events")


@pytest.mark.parametrize("told", [False, True])
def test_systems_manager_knows_a_started_instance_later(
    cloud: Cloud, bus: Bus, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    clock = Clock(monkeypatch)
    ids = bus.ids("asleep")
    before = bus.nodes()
    bus.ssm.create_association(**ASSOCIATION)
    bus.ec2.start_instances(InstanceIds=ids)
    assert bus.nodes() == before and not before & set(ids)
    if told:
        cloud.agents_of_ssm_report()
    else:
        clock.ahead += 61
    assert bus.nodes() == before | set(ids)
    filters = [{"key": "AssociationStatus", "valueSet": ["Success", "Failed", "Pending"]}]
    assert bus.nodes(InstanceInformationFilterList=filters) == before | set(ids)
    launched = bus.ec2.describe_instances(InstanceIds=ids)["Reservations"][0]["Instances"][0]["LaunchTime"]
    assert abs(launched.timestamp() - time.time()) < 60
