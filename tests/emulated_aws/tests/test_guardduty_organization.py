# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GuardDuty over an organization, expected from botocore's documentation and the GuardDuty user guide."""

from __future__ import annotations

from typing import Any

import pytest
from in_process import REGION, Cloud, code_of

MANAGER, SECURITY, SHOP, DATA, IDLE, POLICED = (str(n) * 12 for n in range(1, 7))
FLEET = f"""
organization:
  id: o-fleetsec0001
  management_account: "{MANAGER}"
  guardduty_administrator: "{SECURITY}"
accounts:
  "{MANAGER}": {{name: management}}
  "{SECURITY}":
    name: security
    regions: {{{REGION}: {{guardduty: {{}}}}}}
  "{SHOP}":
    name: shop
    email: shop@example.org
    regions:
      {REGION}:
        guardduty: {{runtime_monitoring: true}}
        vpcs: {{shop: {{cidr: 10.0.0.0/16, subnets: {{a: eu-west-1a}}}}}}
        instances: [{{name: web, count: 2, vpc: shop}}]
  "{DATA}":
    name: data
    status: SUSPENDED
    regions:
      {REGION}:
        guardduty: {{runtime_monitoring: true}}
        vpcs: {{data: {{cidr: 10.0.0.0/16, subnets: {{a: eu-west-1a}}}}}}
        instances: [{{name: db, vpc: data}}]
  "{IDLE}": {{name: idle}}
  "{POLICED}":
    name: policed
    regions: {{{REGION}: {{guardduty: {{managed_by_policy: true}}}}}}
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
    return own_detector(security)


def own_detector(guardduty: Any) -> str:
    (detector,) = guardduty.list_detectors()["DetectorIds"]
    return str(detector)


def runtime(cloud: Cloud, account: str) -> tuple[str, dict[str, str]]:
    guardduty = cloud.client("guardduty", account)
    features = guardduty.get_detector(DetectorId=own_detector(guardduty))["Features"]
    (found,) = [f for f in features if f["Name"] == "RUNTIME_MONITORING"]
    return found["Status"], {extra["Name"]: extra["Status"] for extra in found["AdditionalConfiguration"]}


def test_the_management_account_knows_the_administrator(cloud: Cloud, security: Any) -> None:
    manager = cloud.client("guardduty", MANAGER)
    admins = manager.list_organization_admin_accounts()["AdminAccounts"]
    assert admins == [{"AdminAccountId": SECURITY, "AdminStatus": "ENABLED"}]
    assert code_of(security.list_organization_admin_accounts) == "BadRequestException"
    assert code_of(manager.enable_organization_admin_account, AdminAccountId=SHOP) == "BadRequestException"


def test_the_administrator_is_enabled_region_by_region(cloud: Cloud) -> None:
    manager = cloud.client("guardduty", MANAGER, "us-east-1")
    assert manager.list_organization_admin_accounts()["AdminAccounts"] == []
    assert code_of(manager.enable_organization_admin_account, AdminAccountId=SHOP) == "BadRequestException"
    manager.enable_organization_admin_account(AdminAccountId=SECURITY)
    assert manager.list_organization_admin_accounts()["AdminAccounts"][0]["AdminAccountId"] == SECURITY
    elsewhere = cloud.client("guardduty", SECURITY, "us-east-1")
    assert elsewhere.list_members(DetectorId=own_detector(elsewhere))["Members"] == []
    shop = cloud.client("guardduty", SHOP)
    assert code_of(shop.enable_organization_admin_account, AdminAccountId=SHOP) == "BadRequestException"


def test_members_are_listed_with_their_administrator(security: Any, detector: str) -> None:
    first = security.list_members(DetectorId=detector, MaxResults=1)
    rest = security.list_members(DetectorId=detector, MaxResults=1, NextToken=first["NextToken"])
    members = {m["AccountId"]: m for m in first["Members"] + rest["Members"]}
    assert members.keys() == {SHOP, DATA}
    assert members[SHOP]["Email"] == "shop@example.org" and members[SHOP]["AdministratorId"] == SECURITY
    assert members[SHOP]["RelationshipStatus"] == "Enabled"


def test_a_member_knows_its_administrator_and_cannot_change_its_settings(cloud: Cloud) -> None:
    shop = cloud.client("guardduty", SHOP)
    detector = own_detector(shop)
    assert shop.get_administrator_account(DetectorId=detector)["Administrator"]["AccountId"] == SECURITY
    assert code_of(shop.update_detector, DetectorId=detector, Features=ON) == "BadRequestException"
    assert code_of(shop.delete_detector, DetectorId=detector) == "BadRequestException"
    assert code_of(shop.describe_organization_configuration, DetectorId=detector) == "BadRequestException"


def test_the_administrator_changes_members(cloud: Cloud, security: Any, detector: str) -> None:
    extra = [{"Name": "EC2_AGENT_MANAGEMENT", "Status": "ENABLED"}]
    features = [ON[0] | {"AdditionalConfiguration": extra}]
    stranger = "999999999999"
    accounts = [SHOP, DATA, POLICED, stranger]
    answer = security.update_member_detectors(DetectorId=detector, AccountIds=accounts, Features=features)
    unprocessed = {row["AccountId"]: row["Result"] for row in answer["UnprocessedAccounts"]}
    assert unprocessed.keys() == {DATA, POLICED, stranger} and all(unprocessed.values())
    assert runtime(cloud, SHOP)[1]["EC2_AGENT_MANAGEMENT"] == "ENABLED"
    assert runtime(cloud, POLICED)[0] == "DISABLED"
    # GuardDuty acts in the member's account.
    associations = cloud.client("ssm", SHOP).list_associations()["Associations"]
    assert [a["AssociationName"] for a in associations] == ["GuardDutyRuntimeMonitoring-do-not-delete"]


def test_member_detectors_are_read_in_fifties(security: Any, detector: str) -> None:
    answer = security.get_member_detectors(DetectorId=detector, AccountIds=[SHOP, POLICED, IDLE])
    found = {row["AccountId"]: row for row in answer["MemberDataSourceConfigurations"]}
    assert found.keys() == {SHOP, POLICED}
    assert [row["AccountId"] for row in answer["UnprocessedAccounts"]] == [IDLE]
    (policed,) = [f for f in found[POLICED]["Features"] if f["Name"] == "RUNTIME_MONITORING"]
    assert policed["ManagedBy"] == "GUARDDUTY_POLICY"
    many = [f"{n:012}" for n in range(51)]
    for call, more in ((security.get_member_detectors, {}), (security.update_member_detectors, {"Features": ON})):
        assert code_of(call, DetectorId=detector, AccountIds=many, **more) == "BadRequestException"


def test_both_runtime_features_are_an_error_here_too(security: Any, detector: str) -> None:
    both = [{"Name": name, "Status": "ENABLED"} for name in ("RUNTIME_MONITORING", "EKS_RUNTIME_MONITORING")]
    call = security.update_member_detectors
    assert code_of(call, DetectorId=detector, AccountIds=[SHOP], Features=both) == "BadRequestException"
    auto = [{"Name": f["Name"], "AutoEnable": "ALL"} for f in both]
    call = security.update_organization_configuration
    wrong = code_of(call, DetectorId=detector, AutoEnableOrganizationMembers="ALL", Features=auto)
    assert wrong == "BadRequestException"


def test_exactly_one_auto_enable_is_required(security: Any, detector: str) -> None:
    call = security.update_organization_configuration
    assert code_of(call, DetectorId=detector) == "BadRequestException"
    assert (
        code_of(call, DetectorId=detector, AutoEnable=True, AutoEnableOrganizationMembers="ALL")
        == "BadRequestException"
    )
    call(DetectorId=detector, AutoEnable=True)
    assert security.describe_organization_configuration(DetectorId=detector)["AutoEnableOrganizationMembers"] == "NEW"


def choose(security: Any, detector: str, members: str, feature: str, extra: str) -> None:
    additional = [{"Name": "EC2_AGENT_MANAGEMENT", "AutoEnable": extra}]
    features = [{"Name": "RUNTIME_MONITORING", "AutoEnable": feature, "AdditionalConfiguration": additional}]
    security.update_organization_configuration(
        DetectorId=detector, AutoEnableOrganizationMembers=members, Features=features
    )


def test_new_leaves_existing_members_alone(cloud: Cloud, security: Any, detector: str) -> None:
    choose(security, detector, "NEW", "NEW", "NEW")
    assert runtime(cloud, SHOP)[1]["EC2_AGENT_MANAGEMENT"] == "DISABLED"
    joined = security.create_members(
        DetectorId=detector, AccountDetails=[{"AccountId": IDLE, "Email": "idle@example.com"}]
    )
    assert joined["UnprocessedAccounts"] == []
    status, extras = runtime(cloud, IDLE)
    assert status == "ENABLED" and extras["EC2_AGENT_MANAGEMENT"] == "ENABLED"


def test_all_reaches_every_account_and_none_switches_nothing_off(cloud: Cloud, security: Any, detector: str) -> None:
    choose(security, detector, "ALL", "ALL", "ALL")
    for account in (SHOP, IDLE, MANAGER):
        status, extras = runtime(cloud, account)
        assert status == "ENABLED" and extras["EC2_AGENT_MANAGEMENT"] == "ENABLED"
    shown = security.describe_organization_configuration(DetectorId=detector)
    (chosen,) = [f for f in shown["Features"] if f["Name"] == "RUNTIME_MONITORING"]
    assert (shown["AutoEnable"], shown["AutoEnableOrganizationMembers"], chosen["AutoEnable"]) == (True, "ALL", "ALL")
    choose(security, detector, "NONE", "NONE", "NONE")
    assert runtime(cloud, SHOP)[0] == "ENABLED"


def test_accounts_that_cannot_be_members(security: Any, detector: str) -> None:
    details = [{"AccountId": a, "Email": "x@example.com"} for a in (SECURITY, "999999999999")]
    answer = security.create_members(DetectorId=detector, AccountDetails=details)
    assert [row["AccountId"] for row in answer["UnprocessedAccounts"]] == [SECURITY, "999999999999"]


def test_the_administrator_sees_the_coverage_of_active_members(cloud: Cloud, security: Any, detector: str) -> None:
    rows = security.list_coverage(DetectorId=detector)["Resources"]
    assert [row["AccountId"] for row in rows] == [SHOP, SHOP]
    shop = cloud.client("guardduty", SHOP)
    assert {row["DetectorId"] for row in rows} == {own_detector(shop)}
    assert len(shop.list_coverage(DetectorId=own_detector(shop))["Resources"]) == 2
