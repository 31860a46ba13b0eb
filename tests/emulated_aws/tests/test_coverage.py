# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Coverage, expected from botocore's ListCoverage and the user guide's table of EC2 coverage issues."""

from __future__ import annotations

from typing import Any

import pytest
from in_process import ACCOUNT, REGION, Clock, Cloud, code_of

from emulated_aws.world import WORLD

# AUTO off: GuardDuty manages the included instances only, and so far has not reached those that SSM does not reach.
FLEET = f"""
accounts:
  "{ACCOUNT}":
    name: production
    regions:
      {REGION}:
        guardduty: {{runtime_monitoring: true}}
        vpcs:
          shop:
            cidr: 10.0.0.0/16
            subnets: {{a: eu-west-1a}}
            endpoint: {{owner: operator}}
          dark: {{cidr: 10.1.0.0/16, subnets: {{a: eu-west-1a}}}}
          shut:
            cidr: 10.2.0.0/16
            subnets: {{a: eu-west-1a}}
            endpoint: {{owner: operator, policy: denied}}
        instances:
          - {{name: good, vpc: shop, agent: {{version: 1.16.0, by: manual}}}}
          - {{name: node, vpc: shop, agent: {{version: 1.17.1, by: manual}}, ecs_cluster: orders}}
          - {{name: halted, vpc: shop, agent: {{version: 1.16.0, by: manual, running: false}}}}
          - {{name: blind, vpc: shop, agent: {{version: 1.16.0, by: manual}}, imds: false}}
          - {{name: antique, vpc: shop, agent: {{version: 1.16.0, by: manual}}, kernel: "4.14"}}
          - {{name: future, vpc: shop, agent: {{version: 1.16.0, by: manual}}, kernel: "7.3"}}
          - {{name: cut-off, vpc: dark, agent: {{version: 1.17.1, by: manual}}}}
          - {{name: denied, vpc: shut, agent: {{version: 1.16.0, by: manual}}}}
          - {{name: bare, vpc: shop, ssm: online}}
          - {{name: excluded, vpc: shop, tags: {{GuardDutyManaged: "false"}}, metadata_tags: true}}
          - {{name: waiting, vpc: shop, tags: {{GuardDutyManaged: "true"}}}}
          - {{name: graviton1, vpc: shop, type: a1.large, architecture: arm64, ssm: online,
             tags: {{GuardDutyManaged: "true"}}}}
          - {{name: asleep, vpc: shop, state: stopped, agent: {{version: 1.16.0, by: manual}}}}
          - {{name: win, vpc: shop, platform: windows}}
          - {{name: mac, vpc: shop, platform: macos}}
          - {{name: ecs, vpc: shop, operator: ecs-managed-instances}}
  "222222222222":
    name: quiet
    regions:
      {REGION}:
        guardduty: {{runtime_monitoring: false}}
        vpcs: {{lone: {{cidr: 10.0.0.0/16, subnets: {{a: eu-west-1a}}}}}}
        instances: [{{name: web, vpc: lone}}]
"""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def cloud(clock: Clock) -> Cloud:
    return Cloud(FLEET)


def listed(cloud: Cloud, account: str = ACCOUNT, **parameters: Any) -> list[dict[str, Any]]:
    guardduty = cloud.client("guardduty", account)
    (detector,) = guardduty.list_detectors()["DetectorIds"]
    pages = guardduty.get_paginator("list_coverage").paginate(DetectorId=detector, **parameters)
    return [row for page in pages for row in page["Resources"]]


def by_name(cloud: Cloud, account: str = ACCOUNT, **parameters: Any) -> dict[str, dict[str, Any]]:
    reservations = cloud.client("ec2", account).describe_instances()["Reservations"]
    names = {
        i["InstanceId"]: tag["Value"]
        for r in reservations
        for i in r["Instances"]
        for tag in i["Tags"]
        if tag["Key"] == "Name"
    }
    return {
        names[row["ResourceDetails"]["Ec2InstanceDetails"]["InstanceId"]]: row
        for row in listed(cloud, account, **parameters)
    }


def criteria(**wanted: list[str]) -> dict[str, Any]:
    return {
        "FilterCriteria": {
            "FilterCriterion": [{"CriterionKey": k, "FilterCondition": {"Equals": v}} for k, v in wanted.items()]
        }
    }


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("halted", "No Agent Reporting", "Agent disconnected"),
        ("blind", "Agent Not Provisioned", "Unable to retrieve instance identity document."),
        ("antique", "Agent Not Provisioned", "Kernel version is lower than the supported version."),
        ("future", "Agent Not Provisioned", "Kernel version is higher than the supported version."),
        ("cut-off", "No Agent Reporting", ""),
        ("denied", "No Agent Reporting", ""),
        ("bare", "No Agent Reporting", ""),
        (
            "excluded",
            "Agent Not Provisioned",
            "Instances with exclusion tags are excluded from Runtime Monitoring.",
        ),
        ("waiting", "No Agent Reporting", "Waiting for SSM notification"),
        (
            "graviton1",
            "SSM Instance Association Execution Failed",
            "Architectural requirements or other prerequisites are not met.",
        ),
    ],
)
def test_why_an_instance_is_unhealthy(cloud: Cloud, name: str, kind: str, message: str) -> None:
    row = by_name(cloud)[name]
    assert row["CoverageStatus"] == "UNHEALTHY"
    assert row["Issue"].startswith(kind) and row["Issue"].endswith(message)


def test_healthy_requires_agent_imds_and_connectivity(cloud: Cloud) -> None:
    rows = by_name(cloud)
    healthy = {name for name, row in rows.items() if row["CoverageStatus"] == "HEALTHY"}
    assert healthy == {"good", "node"} and "Issue" not in rows["good"]
    details = rows["node"]["ResourceDetails"]["Ec2InstanceDetails"]
    assert details["AgentDetails"]["Version"] == "1.17.1" and details["ManagementType"] == "MANUAL"
    assert details["ClusterArn"] == f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/orders"
    assert (rows["good"]["AccountId"], rows["good"]["ResourceDetails"]["ResourceType"]) == (ACCOUNT, "EC2")
    assert rows["waiting"]["ResourceDetails"]["Ec2InstanceDetails"]["ManagementType"] == "AUTO_MANAGED"


def test_an_agent_outside_the_emulation_reports(cloud: Cloud) -> None:
    bare = by_name(cloud)["bare"]["ResourceDetails"]["Ec2InstanceDetails"]["InstanceId"]
    cloud.agent_reports(bare, "1.17.1", running=True)
    row = by_name(cloud)["bare"]
    assert row["CoverageStatus"] == "HEALTHY"
    assert row["ResourceDetails"]["Ec2InstanceDetails"]["AgentDetails"] == {"Version": "1.17.1"}
    cloud.agent_reports(bare, "1.17.1", running=False)
    assert by_name(cloud)["bare"]["Issue"].endswith("Agent disconnected")


def test_rows_are_of_running_linux_instances_with_runtime_monitoring(cloud: Cloud) -> None:
    assert not {"asleep", "win", "mac", "ecs"} & by_name(cloud).keys()
    assert listed(cloud, "222222222222") == []


def test_link_local_is_for_agents_that_guardduty_installed(clock: Clock) -> None:
    fleet = f"""
accounts:
  "{ACCOUNT}":
    name: production
    regions:
      {REGION}:
        guardduty: {{runtime_monitoring: true, ec2_agent_management: true}}
        link_local: true
        vpcs: {{shop: {{cidr: 10.0.0.0/16, subnets: {{a: eu-west-1a}}}}}}
        instances:
          - {{name: new, vpc: shop, agent: {{version: 1.17.1, by: guardduty}}}}
          - {{name: older, vpc: shop, agent: {{version: 1.16.0, by: guardduty}}}}
          - {{name: manual, vpc: shop, agent: {{version: 1.17.1, by: manual}}}}
"""
    rows = by_name(Cloud(fleet))
    assert {n: r["CoverageStatus"] for n, r in rows.items()} == {
        "new": "HEALTHY",
        "older": "UNHEALTHY",
        "manual": "UNHEALTHY",
    }


def test_filters(cloud: Cloud) -> None:
    assert by_name(cloud, **criteria(COVERAGE_STATUS=["HEALTHY"])).keys() == {"good", "node"}
    assert by_name(cloud, **criteria(AGENT_VERSION=["1.17.1"], COVERAGE_STATUS=["UNHEALTHY"])).keys() == {"cut-off"}
    assert by_name(cloud, **criteria(MANAGEMENT_TYPE=["AUTO_MANAGED"])).keys() == {"waiting", "graviton1"}
    instance = by_name(cloud)["bare"]["ResourceDetails"]["Ec2InstanceDetails"]["InstanceId"]
    assert by_name(cloud, **criteria(INSTANCE_ID=[instance])).keys() == {"bare"}
    arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/orders"
    assert by_name(cloud, **criteria(CLUSTER_ARN=[arn])).keys() == {"node"}
    assert by_name(cloud, **criteria(RESOURCE_TYPE=["EKS"])) == {}
    assert by_name(cloud, **criteria(ACCOUNT_ID=["222222222222"])) == {}
    unlike = {"CriterionKey": "COVERAGE_STATUS", "FilterCondition": {"NotEquals": ["UNHEALTHY"]}}
    assert by_name(cloud, FilterCriteria={"FilterCriterion": [unlike]}).keys() == {"good", "node"}


def test_sorting(cloud: Cloud) -> None:
    def ids(order: str) -> list[str]:
        rows = listed(cloud, SortCriteria={"AttributeName": "INSTANCE_ID", "OrderBy": order})
        return [row["ResourceId"] for row in rows]

    assert ids("ASC") == sorted(ids("ASC")) and ids("DESC") == ids("ASC")[::-1]
    guardduty = cloud.client("guardduty")
    (detector,) = guardduty.list_detectors()["DetectorIds"]
    by_issue = {"DetectorId": detector, "SortCriteria": {"AttributeName": "ISSUE", "OrderBy": "ASC"}}
    assert code_of(guardduty.list_coverage, **by_issue, **criteria(RESOURCE_TYPE=["EC2"])) == "BadRequestException"
    assert guardduty.list_coverage(**by_issue)["Resources"]


def test_pages(cloud: Cloud) -> None:
    guardduty = cloud.client("guardduty")
    (detector,) = guardduty.list_detectors()["DetectorIds"]
    first = guardduty.list_coverage(DetectorId=detector, MaxResults=4)
    assert len(first["Resources"]) == 4
    again = guardduty.list_coverage(DetectorId=detector, MaxResults=4, NextToken=first["NextToken"])
    assert again["Resources"] != first["Resources"]
    call = guardduty.list_coverage
    assert code_of(call, DetectorId=detector, MaxResults=51) == "BadRequestException"
    assert code_of(call, DetectorId=detector, NextToken="made up") == "BadRequestException"
    assert code_of(call, DetectorId="0" * 32) == "BadRequestException"
    assert code_of(call, DetectorId=detector, **criteria(COLOUR=["red"])) == "BadRequestException"


def test_statistics(cloud: Cloud) -> None:
    guardduty = cloud.client("guardduty")
    (detector,) = guardduty.list_detectors()["DetectorIds"]
    count = guardduty.get_coverage_statistics(
        DetectorId=detector, StatisticsType=["COUNT_BY_RESOURCE_TYPE", "COUNT_BY_COVERAGE_STATUS"]
    )["CoverageStatistics"]
    assert count == {"CountByResourceType": {"EC2": 12}, "CountByCoverageStatus": {"HEALTHY": 2, "UNHEALTHY": 10}}
    filtered = guardduty.get_coverage_statistics(
        DetectorId=detector, StatisticsType=["COUNT_BY_COVERAGE_STATUS"], **criteria(COVERAGE_STATUS=["HEALTHY"])
    )["CoverageStatistics"]
    assert filtered == {"CountByCoverageStatus": {"HEALTHY": 2}}


def test_a_change_shows_after_the_pace_of_coverage(cloud: Cloud, clock: Clock) -> None:
    WORLD.pace.coverage = 1000
    before = by_name(cloud)["good"]
    assert before["CoverageStatus"] == "HEALTHY"
    ec2 = cloud.client("ec2")
    instance = before["ResourceId"]
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpEndpoint="disabled")
    clock.ahead += 900
    assert by_name(cloud)["good"]["CoverageStatus"] == "HEALTHY"
    clock.ahead += 100
    after = by_name(cloud)["good"]
    assert after["CoverageStatus"] == "UNHEALTHY" and after["UpdatedAt"] > before["UpdatedAt"]
    ec2.stop_instances(InstanceIds=[instance])
    assert "good" in by_name(cloud)
    clock.ahead += 1000
    assert "good" not in by_name(cloud)


def test_ten_thousand_rows_in_two_hundred_pages_are_cheap() -> None:
    cloud = Cloud(FLEET.replace("{name: good,", "{name: good, count: 10000,"))
    guardduty = cloud.client("guardduty")
    (detector,) = guardduty.list_detectors()["DetectorIds"]
    pages, rows, token = 0, 0, {}
    while True:
        page = guardduty.list_coverage(DetectorId=detector, MaxResults=50, **token)
        pages, rows = pages + 1, rows + len(page["Resources"])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert (pages, rows) == (201, 10_011)
    assert cloud.server_seconds < 3
