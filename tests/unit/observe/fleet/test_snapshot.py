# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a whole account and region: a failure is a problem and unknown data, never an exception and never a default."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.parsers import ResponseParserError
from wire import ACCOUNT, Refusal, Wire, in_turn

from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import (
    AccountRegion,
    CoverageRow,
    Node,
    Snapshot,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.fleet import ssm
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.fleet.snapshot import (
    CUT_ANSWER_TRIES,
    ReadScope,
    observe,
    try_call,
)

DENIED = Refusal("AccessDeniedException", status=400)
CUT = ResponseParserError("Unable to parse response")


# One call.
def counted(*answers: Any) -> tuple[list[Any], Any]:
    left, made = list(answers), []

    def call() -> Any:
        made.append(left[0])
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return made, call


def test_an_answer_that_was_cut_is_asked_for_again() -> None:
    made, call = counted(CUT, CUT, "whole")
    read = try_call(Wire().target(), "vpcs", "ec2:DescribeVpcs", call)
    assert (read.value, read.problem, len(made)) == ("whole", None, 3)


def test_an_answer_that_is_cut_every_time_is_a_problem() -> None:
    made, call = counted(*[CUT] * 9)
    read = try_call(Wire().target(), "vpcs", "ec2:DescribeVpcs", call)
    assert len(made) == CUT_ANSWER_TRIES
    assert read.value is None and read.problem is not None and read.what == "vpcs"
    assert str(read.problem).startswith(f"ec2:DescribeVpcs in {ACCOUNT}/eu-west-1 failed: ResponseParserError")


def test_what_botocore_has_tried_already_is_not_tried_again() -> None:
    made, call = counted(EndpointConnectionError(endpoint_url="https://x"), "whole")
    read = try_call(Wire().target(), "vpcs", "ec2:DescribeVpcs", call)
    assert len(made) == 1 and read.problem is not None and read.problem.code == "EndpointConnectionError"


def test_a_mistake_of_ours_is_not_hidden_as_a_problem_of_aws() -> None:
    dummy, call = counted(KeyError("ours"))
    with pytest.raises(KeyError):
        try_call(Wire().target(), "vpcs", "ec2:DescribeVpcs", call)


# Systems Manager: 1,000 nodes a page where that is offered and allowed, 50 where it is not.
PROPERTY = {"InstanceId": "i-1", "PingStatus": "Online", "AgentVersion": "3.3", "PlatformName": "Ubuntu"}
INFORMATION = {"InstanceInformationList": [{"InstanceId": "i-2", "PingStatus": "ConnectionLost"}]}


def test_nodes_by_properties() -> None:
    wire = Wire(
        DescribeInstanceProperties=in_turn(
            {"InstanceProperties": [PROPERTY], "NextToken": "t"},
            {"InstanceProperties": [{"InstanceId": "i-3"}]},
        )
    )
    assert ssm.nodes(wire.target()) == {
        "i-1": Node("i-1", "Online", "3.3", "Ubuntu", None),
        "i-3": Node("i-3", ""),
    }
    assert [params["MaxResults"] for params in wire.params("DescribeInstanceProperties")] == [1000, 1000]


@pytest.mark.parametrize(
    "code",
    ["AccessDeniedException", "UnknownOperationException", "InvalidAction", "NotImplemented", "404", "InternalFailure"],
)
def test_nodes_by_information_where_properties_are_denied_or_not_offered(code: str) -> None:
    wire = Wire(DescribeInstanceProperties=Refusal(code), DescribeInstanceInformation=INFORMATION)
    assert ssm.nodes(wire.target()) == {"i-2": Node("i-2", "ConnectionLost")}
    assert [params["MaxResults"] for params in wire.params("DescribeInstanceInformation")] == [50]


def test_throttling_is_no_reason_to_ask_for_smaller_pages() -> None:
    wire = Wire(DescribeInstanceProperties=Refusal("ThrottlingException"))
    (area,), (problem,) = fleet(wire, ReadScope(instances=False, detector=False, network=False))
    assert (area.unknown, area.nodes) == ({"ssm"}, {})
    assert problem.code == "ThrottlingException" and problem.operation == "ssm:DescribeInstanceProperties"


def test_both_denied_is_unknown() -> None:
    wire = Wire(DescribeInstanceProperties=DENIED, DescribeInstanceInformation=DENIED)
    (area,), (problem,) = fleet(wire, ReadScope(instances=False, detector=False, network=False))
    assert area.unknown == {"ssm"}
    assert problem.denied and problem.advice == "Allow ssm:DescribeInstanceInformation for the caller."


# Everything together.
INSTANCES = {
    "Reservations": [
        {
            "OwnerId": ACCOUNT,
            "Instances": [
                {"InstanceId": "i-1", "State": {"Name": "running"}, "Architecture": "x86_64", "InstanceType": "t3.nano"}
            ],
        }
    ]
}
DETECTOR = {
    "Status": "ENABLED",
    "ServiceRole": "arn:aws:iam::111111111111:role/x",
    "Features": [
        {
            "Name": "RUNTIME_MONITORING",
            "Status": "ENABLED",
            "AdditionalConfiguration": [{"Name": "EC2_AGENT_MANAGEMENT", "Status": "ENABLED"}],
        }
    ],
}
COVERAGE = {
    "Resources": [
        {
            "CoverageStatus": "UNHEALTHY",
            "Issue": "No Agent Reporting",
            "ResourceDetails": {
                "ResourceType": "EC2",
                "Ec2InstanceDetails": {
                    "InstanceId": "i-1",
                    "AgentDetails": {"Version": "1.17.1"},
                    "ManagementType": "AUTO_MANAGED",
                },
            },
        }
    ]
}
ENDPOINTS = {
    "VpcEndpoints": [
        {"VpcEndpointId": "vpce-1", "VpcId": "vpc-1", "ServiceName": "s", "Groups": [{"GroupId": "sg-1"}]},
        {
            "VpcEndpointId": "vpce-2",
            "VpcId": "vpc-2",
            "ServiceName": "s",
            "Groups": [{"GroupId": "sg-2"}],
            "Tags": [{"Key": "GuardDutyManaged", "Value": "true"}],
        },
    ]
}
WORLD: dict[str, Any] = {
    "DescribeInstances": INSTANCES,
    "DescribeInstanceProperties": {"InstanceProperties": [PROPERTY]},
    "ListDetectors": {"DetectorIds": ["d1"]},
    "GetDetector": DETECTOR,
    "ListCoverage": COVERAGE,
    "DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-1", "OwnerId": ACCOUNT, "CidrBlock": "10.0.0.0/16"}]},
    "DescribeVpcEndpoints": ENDPOINTS,
    "DescribeSecurityGroups": {"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "agents"}]},
}


def fleet(wire: Wire, scope: ReadScope) -> tuple[tuple[AccountRegion, ...], tuple[Any, ...]]:
    snapshot = observe([wire.target()], scope)
    return snapshot.areas, snapshot.problems


def test_everything_is_read_once_and_joined() -> None:
    wire = Wire(**WORLD)
    (area,), problems = fleet(wire, ReadScope())
    assert problems == () and area.unknown == frozenset()
    assert [one.instance_id for one in area.instances] == ["i-1"] and set(area.nodes) == {"i-1"}
    assert area.detector.runtime_monitoring and area.detector.automated_agent
    assert area.coverage == {
        "i-1": CoverageRow("i-1", "UNHEALTHY", "No Agent Reporting", "1.17.1", "AUTO_MANAGED", None, None)
    }
    assert (set(area.vpcs), set(area.endpoints), set(area.security_groups)) == ({"vpc-1"}, {"vpc-1", "vpc-2"}, {"sg-1"})
    assert sorted(call.operation for call in wire.calls) == sorted(WORLD)


def test_the_groups_of_guarddutys_own_endpoint_are_not_asked_for() -> None:
    wire = Wire(**WORLD)
    fleet(wire, ReadScope())
    (params,) = wire.params("DescribeSecurityGroups")
    assert params["Filters"] == [{"Name": "group-id", "Values": ["sg-1"]}]


def test_coverage_is_that_of_the_accounts_own_instances() -> None:
    wire = Wire(**WORLD)
    fleet(wire, ReadScope())
    (params,) = wire.params("ListCoverage")
    assert params["MaxResults"] == 50
    assert params["FilterCriteria"]["FilterCriterion"] == [
        {"CriterionKey": "RESOURCE_TYPE", "FilterCondition": {"Equals": ["EC2"]}},
        {"CriterionKey": "ACCOUNT_ID", "FilterCondition": {"Equals": [ACCOUNT]}},
    ]


@pytest.mark.parametrize(
    ("operation", "unknown"),
    [
        ("DescribeInstances", {"instances"}),
        ("ListDetectors", {"detector", "coverage"}),
        ("GetDetector", {"detector", "coverage"}),
        ("ListCoverage", {"coverage"}),
        ("DescribeVpcs", {"vpcs"}),
        ("DescribeVpcEndpoints", {"endpoints"}),
        ("DescribeSecurityGroups", {"security_groups"}),
    ],
)
def test_a_denied_call_is_one_problem_and_one_unknown_and_the_rest_is_there(operation: str, unknown: set[str]) -> None:
    (area,), (problem,) = fleet(Wire(**{**WORLD, operation: DENIED}), ReadScope())
    assert area.unknown == unknown
    assert problem.denied and problem.operation.endswith(f":{operation}")
    assert (problem.account_id, problem.region) == (ACCOUNT, "eu-west-1")
    assert bool(area.instances) is ("instances" not in unknown)


def test_without_a_detector_nothing_is_asked_and_nothing_is_unknown() -> None:
    wire = Wire(**{**WORLD, "ListDetectors": {"DetectorIds": []}})
    (area,), problems = fleet(wire, ReadScope())
    assert (area.detector.detector_id, area.coverage, area.unknown, problems) == (None, {}, frozenset(), ())
    assert not wire.params("GetDetector") and not wire.params("ListCoverage")


def test_data_outside_the_scope_is_not_read() -> None:
    wire = Wire(ListDetectors={"DetectorIds": ["d1"]}, GetDetector=DETECTOR)
    (area,), dummy = fleet(wire, ReadScope(instances=False, ssm=False, network=False, coverage=False))
    assert area.unknown == {"coverage"}
    assert sorted(call.operation for call in wire.calls) == ["GetDetector", "ListDetectors"]


def test_filters_are_alternatives_and_excluded_ones_fall_out() -> None:
    def answer(params: dict[str, Any]) -> dict[str, Any]:
        team = params["Filters"][0]["Values"][0]
        known = {"blue": ["i-1", "i-2"], "red": ["i-2", "i-3"], "old": ["i-2"]}[team]
        base = INSTANCES["Reservations"][0]["Instances"][0]  # type: ignore[index]
        return {"Reservations": [{"OwnerId": ACCOUNT, "Instances": [{**base, "InstanceId": one} for one in known]}]}

    scope = ReadScope(
        filters=({"tag:team": "blue"}, {"tag:team": "red"}),
        exclude_filters=({"tag:team": "old"},),
        ssm=False,
        network=False,
        detector=False,
    )
    (area,), dummy = fleet(Wire(DescribeInstances=answer), scope)
    assert [one.instance_id for one in area.instances] == ["i-1", "i-3"]


def test_every_target_has_its_area_in_order_and_one_failing_leaves_the_others() -> None:
    good, bad = Wire(**WORLD), Wire(**dict.fromkeys((*WORLD, "DescribeInstanceInformation"), DENIED))
    targets = [bad.target("222222222222"), good.target(), good.target(region="us-east-1")]
    snapshot = observe(targets, ReadScope())
    assert [(area.account_id, area.region) for area in snapshot.areas] == [
        ("222222222222", "eu-west-1"),
        (ACCOUNT, "eu-west-1"),
        (ACCOUNT, "us-east-1"),
    ]
    assert [bool(area.instances) for area in snapshot.areas] == [False, True, True]
    assert {problem.account_id for problem in snapshot.problems} == {"222222222222"}


def test_nothing_to_observe() -> None:
    assert observe([], ReadScope()) == Snapshot()
