# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members that are not served: those that settle, those that a fault leaves out, too many, and no longer monitored ones."""

from __future__ import annotations

from typing import Any

import pytest
from in_process import REGION, Clock, Cloud, code_of

from emulated_aws.faults import Rule

SECURITY, SHOP, DATA = (str(n) * 12 for n in range(1, 4))
FLEET = f"""
pace: {{member: 60}}
organization: {{management_account: "{SECURITY}", guardduty_administrator: "{SECURITY}", member_limit: 2}}
accounts:
  "{SECURITY}": {{regions: {{{REGION}: {{guardduty: {{}}}}}}}}
  "{SHOP}": {{regions: {{{REGION}: {{guardduty: {{eks_runtime_monitoring: true}}}}}}}}
  "{DATA}": {{}}
  "444444444444": {{}}
"""
ON = [{"Name": "RUNTIME_MONITORING", "Status": "ENABLED"}]


@pytest.fixture
def cloud() -> Cloud:
    return Cloud(FLEET)


@pytest.fixture
def security(cloud: Cloud) -> Any:
    return cloud.client("guardduty", SECURITY)


@pytest.fixture
def detector(security: Any) -> str:
    return str(security.list_detectors()["DetectorIds"][0])


def unprocessed(answer: dict[str, Any]) -> dict[str, str]:
    return {row["AccountId"]: row["Result"] for row in answer["UnprocessedAccounts"]}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_a_member_settles_after_it_joined(cloud: Cloud, security: Any, detector: str, clock: Clock) -> None:
    details = [{"AccountId": DATA, "Email": "data@example.com"}]
    assert security.create_members(DetectorId=detector, AccountDetails=details)["UnprocessedAccounts"] == []
    for call, more in ((security.get_member_detectors, {}), (security.update_member_detectors, {"Features": ON})):
        left_out = unprocessed(call(DetectorId=detector, AccountIds=[SHOP, DATA], **more))
        assert left_out.keys() == {DATA} and "not an associated member" in left_out[DATA]
    clock.ahead = 60
    assert not unprocessed(security.get_member_detectors(DetectorId=detector, AccountIds=[SHOP, DATA]))


def test_a_fault_leaves_members_out(cloud: Cloud, security: Any, detector: str) -> None:
    cloud.faults(
        {
            "op": "guardduty:UpdateMemberDetectors",
            "kind": "unprocessed",
            "accounts": [SHOP],
            "message": "Later.",
            "times": 1,
        }
    )
    update = security.update_member_detectors
    assert unprocessed(update(DetectorId=detector, AccountIds=[SHOP], Features=ON)) == {SHOP: "Later."}
    shown = security.get_member_detectors(DetectorId=detector, AccountIds=[SHOP])
    features = shown["MemberDataSourceConfigurations"][0]["Features"]
    assert next(f["Status"] for f in features if f["Name"] == "RUNTIME_MONITORING") == "DISABLED"
    assert not unprocessed(update(DetectorId=detector, AccountIds=[SHOP], Features=ON))
    with pytest.raises(ValueError, match="no fault"):
        Rule("unprocesed")


def test_an_administrator_has_a_limit_of_members(security: Any, detector: str) -> None:
    described = security.describe_organization_configuration
    assert described(DetectorId=detector)["MemberAccountLimitReached"] is False
    details = [{"AccountId": account, "Email": "x@example.com"} for account in (DATA, "444444444444")]
    answer = security.create_members(DetectorId=detector, AccountDetails=details)
    assert unprocessed(answer).keys() == {"444444444444"}
    assert described(DetectorId=detector)["MemberAccountLimitReached"] is True


def test_a_member_that_is_no_longer_monitored(cloud: Cloud, security: Any, detector: str) -> None:
    answer = security.stop_monitoring_members(DetectorId=detector, AccountIds=[SHOP, DATA])
    assert unprocessed(answer).keys() == {DATA}
    (member,) = security.list_members(DetectorId=detector)["Members"]
    assert member["RelationshipStatus"] == "Disabled"
    shop = cloud.client("guardduty", SHOP)
    own = shop.list_detectors()["DetectorIds"][0]
    assert shop.get_detector(DetectorId=own)["Status"] == "DISABLED"
    assert code_of(shop.stop_monitoring_members, DetectorId=own, AccountIds=[DATA]) == "BadRequestException"


def test_the_addon_management_is_disabled_with_eks_runtime_monitoring(security: Any, detector: str) -> None:
    def eks(status: str, *parts: dict[str, str]) -> dict[str, str]:
        features = [{"Name": "EKS_RUNTIME_MONITORING", "Status": status, "AdditionalConfiguration": list(parts)}]
        security.update_member_detectors(DetectorId=detector, AccountIds=[SHOP], Features=features)
        shown = security.get_member_detectors(DetectorId=detector, AccountIds=[SHOP])
        found = {f["Name"]: f for f in shown["MemberDataSourceConfigurations"][0]["Features"]}
        return {p["Name"]: p["Status"] for p in found["EKS_RUNTIME_MONITORING"]["AdditionalConfiguration"]}

    assert eks("ENABLED", {"Name": "EKS_ADDON_MANAGEMENT", "Status": "ENABLED"}) == {"EKS_ADDON_MANAGEMENT": "ENABLED"}
    assert eks("DISABLED") == {"EKS_ADDON_MANAGEMENT": "DISABLED"}
