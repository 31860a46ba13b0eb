# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run Command for GuardDuty's document, expected from botocore's documentation."""

from __future__ import annotations

from typing import Any

import pytest
from in_process import ACCOUNT, REGION, Clock, Cloud, code_of

from emulated_aws.world import WORLD

DOCUMENT = "AmazonGuardDuty-ConfigureRuntimeMonitoringSsmPlugin"
INSTALL = {"action": ["Install"], "name": ["AmazonGuardDuty-RuntimeMonitoringSsmPlugin"]}
FLEET = f"""
accounts:
  "{ACCOUNT}":
    name: production
    regions:
      {REGION}:
        vpcs: {{shop: {{cidr: 10.0.0.0/16, subnets: {{a: eu-west-1a}}}}}}
        instances:
          - {{name: web, count: 3, vpc: shop, ssm: online, tags: {{Tier: front}}}}
          - {{name: old, count: 2, vpc: shop, ssm: online, type: a1.large, architecture: arm64, tags: {{Tier: old}}}}
          - {{name: lost, vpc: shop, ssm: lost, tags: {{Tier: lost}}}}
          - {{name: unmanaged, vpc: shop}}
"""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def ssm(clock: Clock) -> Any:
    return Cloud(FLEET).client("ssm")


def send(ssm: Any, **parameters: Any) -> dict[str, Any]:
    return dict(ssm.send_command(**{"DocumentName": DOCUMENT, "Parameters": INSTALL} | parameters)["Command"])


def tier(value: str) -> list[dict[str, Any]]:
    return [{"Key": "tag:Tier", "Values": [value]}]


def invocations(ssm: Any, command: dict[str, Any]) -> list[dict[str, Any]]:
    return list(ssm.list_command_invocations(CommandId=command["CommandId"], Details=True)["CommandInvocations"])


def nodes(state: str = "online") -> list[str]:
    return [node.instance_id for node in WORLD.nodes_in(ACCOUNT, REGION).values() if node.ssm == state]


def agents() -> list[str]:
    return [node.agent.version for node in WORLD.nodes_in(ACCOUNT, REGION).values() if node.agent is not None]


def test_a_command_installs_over_time(ssm: Any, clock: Clock) -> None:
    WORLD.pace.association = 1000
    command = send(ssm, Targets=tier("front"), Parameters=INSTALL | {"version": ["1.16.0"]})
    assert command["Status"] == "Pending" and command["TargetCount"] == 3
    assert {row["Status"] for row in invocations(ssm, command)} == {"Pending"}
    clock.ahead += 600
    rows = invocations(ssm, command)
    assert {(row["Status"], row["StatusDetails"]) for row in rows} == {("InProgress", "In Progress")}
    assert {plugin["ResponseCode"] for row in rows for plugin in row["CommandPlugins"]} == {-1}
    clock.ahead += 500
    one = ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=rows[0]["InstanceId"])
    assert (one["Status"], one["ResponseCode"]) == ("Success", 0)
    (listed,) = ssm.list_commands(CommandId=command["CommandId"])["Commands"]
    assert (listed["Status"], listed["CompletedCount"]) == ("Success", 3) and agents() == ["1.16.0"] * 3


def test_no_error_is_allowed_by_default(ssm: Any) -> None:
    command = send(ssm, Targets=tier("old"), MaxConcurrency="1")
    assert sorted(row["StatusDetails"] for row in invocations(ssm, command)) == ["Failed", "Terminated"]
    (listed,) = ssm.list_commands()["Commands"]
    assert (listed["Status"], listed["ErrorCount"]) == ("Failed", 1)


def test_errors_within_the_limit_make_it_incomplete(ssm: Any) -> None:
    command = send(ssm, Targets=tier("old"), MaxErrors="2")
    (listed,) = ssm.list_commands(CommandId=command["CommandId"])["Commands"]
    assert listed["StatusDetails"] == "Incomplete" and listed["ErrorCount"] == 2


def test_a_lost_node_times_out(ssm: Any, clock: Clock) -> None:
    command = send(ssm, Targets=tier("lost"), TimeoutSeconds=60)
    assert [row["Status"] for row in invocations(ssm, command)] == ["Pending"]
    clock.ahead += 61
    assert [row["StatusDetails"] for row in invocations(ssm, command)] == ["Delivery Timed Out"]


def test_filters_and_pages(ssm: Any) -> None:
    first, second = send(ssm, Targets=tier("front")), send(ssm, Targets=tier("old"))
    failed = ssm.list_command_invocations(Filters=[{"key": "Status", "value": "Failed"}])["CommandInvocations"]
    assert {row["CommandId"] for row in failed} == {second["CommandId"]}
    rows = ssm.list_command_invocations(CommandId=first["CommandId"], MaxResults=2)
    assert len(rows["CommandInvocations"]) == 2 and rows["NextToken"]
    instance = rows["CommandInvocations"][0]["InstanceId"]
    mine = ssm.list_command_invocations(InstanceId=instance)["CommandInvocations"]
    assert [row["CommandId"] for row in mine] == [first["CommandId"]]


def test_what_is_refused(ssm: Any) -> None:
    one, *dummy = nodes()
    send_command, base = ssm.send_command, {"DocumentName": DOCUMENT, "Parameters": INSTALL}
    unmanaged = nodes("absent")
    assert code_of(send_command, **base, InstanceIds=unmanaged) == "InvalidInstanceId"
    assert code_of(send_command, **base, InstanceIds=[one, one]) == "DuplicateInstanceId"
    assert code_of(send_command, **base) == "ValidationException"
    assert code_of(send_command, **base, InstanceIds=[one], MaxErrors="x") == "ValidationException"
    wrong = base | {"Parameters": {"action": ["Reinstall"]}}
    assert code_of(send_command, **wrong, InstanceIds=[one]) == "InvalidParameters"
    command = send(ssm, InstanceIds=[one])
    get = ssm.get_command_invocation
    assert code_of(get, CommandId=command["CommandId"], InstanceId=unmanaged[0]) == "InvocationDoesNotExist"
    assert code_of(get, CommandId="1" * 36, InstanceId=one) == "InvocationDoesNotExist"
    assert code_of(get, CommandId=command["CommandId"], InstanceId=one, PluginName="aws:other") == "InvalidPluginName"
    assert code_of(ssm.list_command_invocations, CommandId="1" * 36) == "InvalidCommandId"
