# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SSM managed nodes, expected from botocore's documentation of both Describe operations."""

from __future__ import annotations

from typing import Any

import pytest
from in_process import ACCOUNT, REGION, Cloud, code_of

FLEET = f"""
accounts:
  "{ACCOUNT}":
    name: production
    regions:
      {REGION}:
        vpcs:
          shop:
            cidr: 10.0.0.0/16
            subnets: {{a: eu-west-1a, b: eu-west-1b}}
        instances:
          - {{name: web, count: 12, vpc: shop, ssm: online, tags: {{Tier: front}}, os: [Ubuntu, "24.04"]}}
          - {{name: lost, vpc: shop, ssm: lost}}
          - {{name: unmanaged, vpc: shop, ssm: absent}}
          - {{name: asleep, vpc: shop, ssm: online, state: stopped}}
          - {{name: gone, vpc: shop, ssm: online, state: terminated}}
          - {{name: win, vpc: shop, ssm: online, platform: windows, os: [Microsoft Windows Server 2022, "10.0.20348"]}}
"""


@pytest.fixture
def cloud() -> Cloud:
    return Cloud(FLEET)


@pytest.fixture
def ssm(cloud: Cloud) -> Any:
    return cloud.client("ssm")


def test_stopped_terminated_and_unregistered_instances_are_no_nodes(ssm: Any) -> None:
    rows = [
        row
        for page in ssm.get_paginator("describe_instance_information").paginate()
        for row in page["InstanceInformationList"]
    ]
    assert len(rows) == 14
    assert {row["PingStatus"] for row in rows} == {"Online", "ConnectionLost"}


def test_ten_items_are_the_default_and_5_to_50_the_range(ssm: Any) -> None:
    first = ssm.describe_instance_information()
    assert len(first["InstanceInformationList"]) == 10
    rest = ssm.describe_instance_information(NextToken=first["NextToken"])
    assert len(rest["InstanceInformationList"]) == 4 and "NextToken" not in rest
    assert code_of(ssm.describe_instance_information, MaxResults=51) == "ValidationException"
    assert code_of(ssm.describe_instance_information, NextToken="made up") == "InvalidNextToken"


def test_a_row_says_what_the_node_is(cloud: Cloud, ssm: Any) -> None:
    row = ssm.describe_instance_information(Filters=[{"Key": "PlatformTypes", "Values": ["Windows"]}])
    (windows,) = row["InstanceInformationList"]
    assert windows["PlatformName"] == "Microsoft Windows Server 2022" and windows["PlatformVersion"] == "10.0.20348"
    (linux, *dummy) = ssm.describe_instance_information(Filters=[{"Key": "tag:Tier", "Values": ["front"]}])[
        "InstanceInformationList"
    ]
    assert (linux["PlatformType"], linux["PlatformName"], linux["PlatformVersion"]) == ("Linux", "Ubuntu", "24.04")
    assert (linux["ResourceType"], linux["SourceType"]) == ("EC2Instance", "AWS::EC2::Instance")
    shown = cloud.client("ec2").describe_instances(InstanceIds=[linux["InstanceId"]])["Reservations"][0]["Instances"][0]
    assert linux["IPAddress"] == shown["PrivateIpAddress"]


def test_filters_of_instance_information(ssm: Any) -> None:
    def ids(**parameters: Any) -> list[str]:
        rows = ssm.describe_instance_information(MaxResults=50, **parameters)["InstanceInformationList"]
        return [row["InstanceId"] for row in rows]

    everyone = ids()
    assert len(ids(Filters=[{"Key": "PingStatus", "Values": ["ConnectionLost"]}])) == 1
    assert len(ids(InstanceInformationFilterList=[{"key": "PingStatus", "valueSet": ["Online"]}])) == 13
    assert ids(Filters=[{"Key": "InstanceIds", "Values": everyone[:3]}]) == everyone[:3]
    assert ids(Filters=[{"Key": "InstanceIds", "Values": ["i-0123456789abcdef0"]}]) == []
    assert len(ids(Filters=[{"Key": "tag-key", "Values": ["Tier"]}])) == 12
    call = ssm.describe_instance_information
    tag, ping = {"Key": "tag:Tier", "Values": ["front"]}, {"Key": "PingStatus", "Values": ["Online"]}
    assert code_of(call, Filters=[tag, ping]) == "InvalidFilterKey"
    assert code_of(call, Filters=[{"Key": "Colour", "Values": ["red"]}]) == "InvalidFilterKey"
    assert code_of(call, Filters=[{"Key": "InstanceIds", "Values": ["web-01"]}]) == "InvalidInstanceId"
    assert (
        code_of(call, Filters=[{"Key": "PingStatus", "Values": ["online"]}]) == "InvalidInstanceInformationFilterValue"
    )
    assert (
        code_of(call, Filters=[ping], InstanceInformationFilterList=[{"key": "PingStatus", "valueSet": ["Online"]}])
        == "ValidationException"
    )


def test_properties_come_by_the_thousand_and_have_operators(ssm: Any) -> None:
    rows = ssm.describe_instance_properties(MaxResults=1000)["InstanceProperties"]
    assert len(rows) == 14
    assert {row["InstanceState"] for row in rows} == {"running"} and all(row["Architecture"] for row in rows)
    assert "IsLatestVersion" not in rows[0]
    filters = [{"Key": "PingStatus", "Values": ["Online"], "Operator": "NotEqual"}]
    assert len(ssm.describe_instance_properties(FiltersWithOperator=filters)["InstanceProperties"]) == 1
    legacy = [{"key": "PlatformTypes", "valueSet": ["Windows"]}]
    assert len(ssm.describe_instance_properties(InstancePropertyFilterList=legacy)["InstanceProperties"]) == 1
    assert code_of(ssm.describe_instance_properties, MaxResults=1001) == "ValidationException"
    call = ssm.describe_instance_properties
    assert code_of(call, FiltersWithOperator=[{"Key": "Colour", "Values": ["red"]}]) == "InvalidFilterKey"
    wrong = [{"key": "PlatformTypes", "valueSet": ["BeOS"]}]
    assert code_of(call, InstancePropertyFilterList=wrong) == "InvalidInstancePropertyFilterValue"


def test_ten_thousand_nodes_are_cheap() -> None:
    cloud = Cloud(FLEET.replace("count: 12", "count: 10000"))
    ssm = cloud.client("ssm")
    count, token = 0, {}
    while True:
        page = ssm.describe_instance_properties(MaxResults=1000, **token)
        count += len(page["InstanceProperties"])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert count == 10_002
    assert cloud.server_seconds < 3


def test_a_session_starts_on_a_node_that_is_online(cloud: Cloud, ssm: Any) -> None:
    """botocore, StartSession: TargetNotConnected where it is not, or where it is of another Region."""
    rows = ssm.describe_instance_information(MaxResults=50)["InstanceInformationList"]
    ids = {
        state: [row["InstanceId"] for row in rows if row["PingStatus"] == state]
        for state in ("Online", "ConnectionLost")
    }
    session = ssm.start_session(Target=ids["Online"][0])
    assert session["StreamUrl"].startswith(
        f"wss://ssmmessages.{REGION}.amazonaws.com/v1/data-channel/{session['SessionId']}?"
    )
    assert ssm.terminate_session(SessionId=session["SessionId"])["SessionId"] == session["SessionId"]
    for nobody in (ids["ConnectionLost"][0], "i-0123456789abcdef0"):
        assert code_of(ssm.start_session, Target=nobody) == "TargetNotConnected"
    assert code_of(cloud.client("ssm", "eu-central-1").start_session, Target=ids["Online"][0]) == "TargetNotConnected"
