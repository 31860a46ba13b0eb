# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GuardDuty detectors, expected from botocore's documentation and the GuardDuty user guide."""

from __future__ import annotations

from typing import Any

import pytest
from in_process import ACCOUNT, REGION, Cloud, code_of

MEMBER = "222222222222"
FLEET = f"""
accounts:
  "{ACCOUNT}": {{name: production}}
  "{MEMBER}":
    name: data
    regions:
      {REGION}:
        guardduty: {{runtime_monitoring: true, ec2_agent_management: true, managed_by_policy: true}}
"""
SUB_FEATURES = {"EKS_ADDON_MANAGEMENT", "ECS_FARGATE_AGENT_MANAGEMENT", "EC2_AGENT_MANAGEMENT"}


@pytest.fixture
def cloud() -> Cloud:
    return Cloud(FLEET)


@pytest.fixture
def guardduty(cloud: Cloud) -> Any:
    return cloud.client("guardduty")


@pytest.fixture
def detector(guardduty: Any) -> str:
    return str(guardduty.create_detector(Enable=True)["DetectorId"])


def features(guardduty: Any, detector: str) -> dict[str, Any]:
    return {f["Name"]: f for f in guardduty.get_detector(DetectorId=detector)["Features"]}


def extras(feature: dict[str, Any]) -> dict[str, str]:
    return {extra["Name"]: extra["Status"] for extra in feature["AdditionalConfiguration"]}


def test_one_detector_per_region(cloud: Cloud, guardduty: Any, detector: str) -> None:
    assert guardduty.list_detectors()["DetectorIds"] == [detector]
    assert code_of(guardduty.create_detector, Enable=True) == "BadRequestException"
    elsewhere = cloud.client("guardduty", region="us-east-1")
    assert elsewhere.list_detectors()["DetectorIds"] == []
    assert elsewhere.create_detector(Enable=True)["DetectorId"] != detector
    guardduty.delete_detector(DetectorId=detector)
    assert guardduty.list_detectors()["DetectorIds"] == []
    assert code_of(guardduty.get_detector, DetectorId=detector) == "BadRequestException"


def test_the_same_client_token_gives_the_same_detector(guardduty: Any) -> None:
    first = guardduty.create_detector(Enable=True, ClientToken="once")
    assert guardduty.create_detector(Enable=True, ClientToken="once")["DetectorId"] == first["DetectorId"]


def test_optional_features_come_up_enabled_but_runtime_monitoring(guardduty: Any, detector: str) -> None:
    found = features(guardduty, detector)
    off = {name for name, feature in found.items() if feature["Status"] == "DISABLED"}
    assert off == {"RUNTIME_MONITORING", "EKS_RUNTIME_MONITORING", "AI_ANALYST"}
    assert {"FLOW_LOGS", "DNS_LOGS", "CLOUD_TRAIL", "S3_DATA_EVENTS"} <= found.keys()
    assert all("UpdatedAt" in feature for feature in found.values())
    assert extras(found["RUNTIME_MONITORING"]) == dict.fromkeys(SUB_FEATURES, "DISABLED")


def test_features_of_a_new_detector_can_be_chosen(guardduty: Any) -> None:
    wanted = {
        "Name": "RUNTIME_MONITORING",
        "Status": "ENABLED",
        "AdditionalConfiguration": [{"Name": "EC2_AGENT_MANAGEMENT", "Status": "ENABLED"}],
    }
    made = guardduty.create_detector(Enable=True, Features=[wanted])["DetectorId"]
    runtime = features(guardduty, made)["RUNTIME_MONITORING"]
    assert runtime["Status"] == "ENABLED" and extras(runtime)["EC2_AGENT_MANAGEMENT"] == "ENABLED"
    assert extras(runtime)["EKS_ADDON_MANAGEMENT"] == "DISABLED"


def test_an_update_changes_what_it_names_only(guardduty: Any, detector: str) -> None:
    before = features(guardduty, detector)
    guardduty.update_detector(DetectorId=detector, Features=[{"Name": "RUNTIME_MONITORING", "Status": "ENABLED"}])
    after = features(guardduty, detector)
    assert after["RUNTIME_MONITORING"]["Status"] == "ENABLED"
    assert after["RUNTIME_MONITORING"]["UpdatedAt"] > before["RUNTIME_MONITORING"]["UpdatedAt"]
    assert {k: v for k, v in after.items() if k != "RUNTIME_MONITORING"} == {
        k: v for k, v in before.items() if k != "RUNTIME_MONITORING"
    }


def test_both_runtime_features_are_an_error(guardduty: Any, detector: str) -> None:
    both = [{"Name": name, "Status": "ENABLED"} for name in ("RUNTIME_MONITORING", "EKS_RUNTIME_MONITORING")]
    assert code_of(guardduty.update_detector, DetectorId=detector, Features=both) == "BadRequestException"
    assert code_of(guardduty.create_detector, Enable=True, Features=both) == "BadRequestException"


@pytest.mark.parametrize(
    "wrong",
    [
        {"DataSources": {"S3Logs": {"Enable": True}}, "Features": [{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}]},
        {"Features": [{"Name": "MIND_READING", "Status": "ENABLED"}]},
        {"Features": [{"Name": "RUNTIME_MONITORING", "Status": "On"}]},
        {
            "Features": [
                {
                    "Name": "S3_DATA_EVENTS",
                    "Status": "ENABLED",
                    "AdditionalConfiguration": [{"Name": "EC2_AGENT_MANAGEMENT", "Status": "ENABLED"}],
                }
            ]
        },
    ],
)
def test_what_is_refused(guardduty: Any, detector: str, wrong: dict[str, Any]) -> None:
    assert code_of(guardduty.update_detector, DetectorId=detector, **wrong) == "BadRequestException"


def test_old_data_sources_still_work(guardduty: Any, detector: str) -> None:
    guardduty.update_detector(DetectorId=detector, DataSources={"S3Logs": {"Enable": False}})
    assert features(guardduty, detector)["S3_DATA_EVENTS"]["Status"] == "DISABLED"
    assert guardduty.get_detector(DetectorId=detector)["DataSources"]["S3Logs"]["Status"] == "DISABLED"


def test_what_a_policy_manages_is_marked_and_read_only(cloud: Cloud) -> None:
    guardduty = cloud.client("guardduty", account=MEMBER)
    (detector,) = guardduty.list_detectors()["DetectorIds"]
    runtime = features(guardduty, detector)["RUNTIME_MONITORING"]
    assert (runtime["Status"], runtime["ManagedBy"]) == ("ENABLED", "GUARDDUTY_POLICY")
    assert {e.get("ManagedBy") for e in runtime["AdditionalConfiguration"]} == {"GUARDDUTY_POLICY"}
    off = [{"Name": "RUNTIME_MONITORING", "Status": "DISABLED"}]
    assert code_of(guardduty.update_detector, DetectorId=detector, Features=off) == "BadRequestException"
    assert features(guardduty, detector)["RUNTIME_MONITORING"]["Status"] == "ENABLED"


def test_the_same_fleet_has_the_same_detector(cloud: Cloud) -> None:
    first = cloud.client("guardduty", account=MEMBER).list_detectors()
    again = Cloud(FLEET).client("guardduty", account=MEMBER).list_detectors()
    assert first["DetectorIds"] == again["DetectorIds"]


def test_suspension_and_frequency(guardduty: Any, detector: str) -> None:
    guardduty.update_detector(DetectorId=detector, Enable=False, FindingPublishingFrequency="ONE_HOUR")
    shown = guardduty.get_detector(DetectorId=detector)
    assert (shown["Status"], shown["FindingPublishingFrequency"]) == ("DISABLED", "ONE_HOUR")


def test_tags(guardduty: Any) -> None:
    detector = guardduty.create_detector(Enable=True, Tags={"Owner": "security"})["DetectorId"]
    arn = f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/{detector}"
    guardduty.tag_resource(ResourceArn=arn, Tags={"Stage": "one"})
    assert guardduty.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"Owner": "security", "Stage": "one"}
    guardduty.untag_resource(ResourceArn=arn, TagKeys=["Owner", "Missing"])
    assert guardduty.get_detector(DetectorId=detector)["Tags"] == {"Stage": "one"}
    other = f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/{'0' * 32}"
    assert code_of(guardduty.list_tags_for_resource, ResourceArn=other) == "BadRequestException"
