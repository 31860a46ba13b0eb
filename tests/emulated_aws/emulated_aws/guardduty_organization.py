# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GuardDuty over an organization: the delegated administrator, its settings, its members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from . import guardduty_state
from .guardduty_base import GuardDutyBase
from .guardduty_detector import (
    EXTRAS,
    FEATURES,
    Detector,
    features_of,
    refused,
    require_features,
    timestamp,
)
from .guardduty_state import OrganizationSettings
from .wire import AwsError
from .world import WORLD, Organization

# botocore, OrgFeature: AI_ANALYST is none.
_FEATURES = tuple(name for name in FEATURES if name != "AI_ANALYST")
_DATA_SOURCES = {"S3Logs": "S3_DATA_EVENTS", "AuditLogs": "EKS_AUDIT_LOGS", "EbsVolumes": "EBS_MALWARE_PROTECTION"}

# Texts of refusals are not documented, except where a comment says so: codes are what matters.


def _organization() -> Organization:
    if WORLD.organization is None:
        raise refused("the current account is not part of an organization.")
    return WORLD.organization


class OrganizationOperations(GuardDutyBase):
    """Operations of the management account and of the delegated administrator."""

    # The management account

    def _as_management(self) -> Organization:
        organization = _organization()
        if self.current_account != organization.management_account_id:
            # botocore: "Only the organization's management account can run this API operation."
            raise refused("the current account is not the management account of the organization.")
        return organization

    def list_organization_admin_accounts(self) -> Any:
        p = self.checked_input()
        self._as_management()
        chief = self.state.administrator
        rows, token = self.paged(lambda: [{"AdminAccountId": chief, "AdminStatus": "ENABLED"}] if chief else [], p)
        return ActionResult({"AdminAccounts": rows, "NextToken": token})

    def enable_organization_admin_account(self) -> Any:
        wanted = self.checked_input()["AdminAccountId"]
        organization = self._as_management()
        if wanted not in WORLD.accounts:
            raise refused("the given account ID is not part of the organization.")
        if organization.guardduty_administrator_id not in (None, wanted) or self.state.administrator is not None:
            # User guide, "Managing accounts with AWS Organizations": one administrator, the same in every Region.
            raise refused("an account is already enabled as the GuardDuty delegated administrator.")
        organization.guardduty_administrator_id = self.state.administrator = wanted
        chief = guardduty_state.state(wanted, self.region)
        # Same page: designating an account enables GuardDuty for it in that Region.
        if chief.detector is None:
            chief.detector = Detector(wanted, self.region)
        return EmptyResult()

    # The delegated administrator

    def _as_administrator(self, p: Mapping[str, Any]) -> guardduty_state.GuardDutyState:
        self.state.get(p["DetectorId"])
        if guardduty_state.administrator(self.region) != self.current_account:
            raise refused("the current account is not the GuardDuty delegated administrator of the organization.")
        return self.state

    @property
    def _full(self) -> bool:
        return len(self.state.members) >= _organization().member_limit

    def describe_organization_configuration(self) -> Any:
        settings = self._as_administrator(self.checked_input()).organization
        features = [
            {
                "Name": name,
                "AutoEnable": settings.features.get(name, "NONE"),
                "AdditionalConfiguration": [
                    {"Name": extra, "AutoEnable": settings.extras.get((name, extra), "NONE")}
                    for extra in EXTRAS.get(name, ())
                ],
            }
            for name in _FEATURES
        ]
        return ActionResult(
            {
                "AutoEnable": settings.members != "NONE",
                "MemberAccountLimitReached": self._full,
                "AutoEnableOrganizationMembers": settings.members,
                "DataSources": _data_sources(settings),
                "Features": features,
            }
        )

    def update_organization_configuration(self) -> Any:
        p = self.checked_input()
        state = self._as_administrator(p)
        chosen, legacy = p.get("AutoEnableOrganizationMembers"), p.get("AutoEnable")
        if (chosen is None) == (legacy is None):
            # botocore: "You must provide a value for either autoEnableOrganizationMembers or autoEnable, but not both."
            raise refused("exactly one of autoEnableOrganizationMembers and autoEnable must be specified.")
        features = p.get("Features") or []
        require_features(features, p.get("DataSources"))
        settings = state.organization
        settings.members = chosen or ("NEW" if legacy else "NONE")
        _choose(settings, features or _features_of(p.get("DataSources") or {}))
        if settings.members == "ALL":
            for account in WORLD.accounts:
                self._join(account)
        # ALL "may take up to 24 hours" (botocore); here it is at once. NEW and NONE leave existing members alone.
        for account in state.members:
            _enable(guardduty_state.state(account, self.region).require(), settings, {"ALL"})
        return EmptyResult()

    def _join(self, account: str) -> None:
        """CreateMembers "will enable GuardDuty in the added member accounts" and apply auto-enable settings."""
        if account == self.current_account or (self._full and account not in self.state.members):
            return
        member = guardduty_state.state(account, self.region)
        if member.detector is None:
            # A member starts with what the administrator's settings say, no more.
            member.detector = Detector(account, self.region)
            for feature in member.detector.features.values():
                feature.enabled = False
        _enable(member.detector, self.state.organization, {"ALL", "NEW"})
        if account not in self.state.members:
            self.state.members.add(account)
            self.state.joined[account] = WORLD.now()

    def create_members(self) -> Any:
        p = self.checked_input()
        self._as_administrator(p)
        unprocessed = []
        for details in p["AccountDetails"]:
            account = details["AccountId"]
            if account == self.current_account or account not in WORLD.accounts:
                text = "The request is rejected because the account is not another member of the organization."
                unprocessed.append({"AccountId": account, "Result": text})
            elif self._full and account not in self.state.members:
                # GuardDuty user guide, quotas. The words are not documented.
                text = "The request is rejected because the maximum number of member accounts is reached."
                unprocessed.append({"AccountId": account, "Result": text})
            else:
                self._join(account)
        return ActionResult({"UnprocessedAccounts": unprocessed})

    def stop_monitoring_members(self) -> Any:
        """botocore: "Stops GuardDuty monitoring for the specified member accounts"; the relationship is Disabled then."""
        p = self.checked_input()
        self._as_administrator(p)
        members, unprocessed = self._split(p["AccountIds"])
        for account in members:
            guardduty_state.state(account, self.region).require().enabled = False
        self.state.stopped.update(members)
        return ActionResult({"UnprocessedAccounts": unprocessed})

    def list_members(self) -> Any:
        p = self.checked_input()
        self.state.get(p["DetectorId"])
        rows, token = self.paged(lambda: [self._member(account) for account in sorted(self.state.members)], p)
        return ActionResult({"Members": rows, "NextToken": token})

    def get_members(self) -> Any:
        p = self.checked_input()
        self.state.get(p["DetectorId"])
        members, unprocessed = self._split(p["AccountIds"])
        return ActionResult({"Members": [self._member(a) for a in members], "UnprocessedAccounts": unprocessed})

    def _member(self, account: str) -> dict[str, Any]:
        detector = guardduty_state.state(account, self.region).require()
        return {
            "AccountId": account,
            "DetectorId": detector.detector_id,
            "MasterId": self.current_account,
            "AdministratorId": self.current_account,
            "Email": WORLD.accounts[account].email,
            "RelationshipStatus": "Disabled" if account in self.state.stopped else "Enabled",
            "UpdatedAt": timestamp(detector.updated),
        }

    def get_administrator_account(self) -> Any:
        self.state.get(self.checked_input()["DetectorId"])
        chief = guardduty_state.administrator(self.region)
        if chief is None or not guardduty_state.is_member(self.current_account, self.region):
            return ActionResult({"Administrator": {}})
        return ActionResult({"Administrator": {"AccountId": chief, "RelationshipStatus": "Enabled"}})

    # Members' detectors

    def _split(self, accounts: Iterable[str]) -> tuple[list[str], list[dict[str, str]]]:
        """Those that can be processed, and those left out: unknown accounts, and members that still settle.

        That members are answered so for a time after they joined was seen in public issues (the same words for both).
        """
        members, unprocessed = [], []
        for account in accounts:
            reason = self._unprocessed(account)
            if reason is None:
                members.append(account)
            else:
                unprocessed.append({"AccountId": account, "Result": reason})
        return members, unprocessed

    def _unprocessed(self, account: str) -> str | None:
        if WORLD.left_out is not None and WORLD.left_out.covers(account):
            return WORLD.left_out.reason
        joined = self.state.joined.get(account)
        settles = joined is not None and WORLD.now() < joined + WORLD.pace.member
        if account in self.state.members and not settles:
            return None
        return (
            "The request is rejected because the given account ID is not an associated member of account "
            "the current account."
        )

    def get_member_detectors(self) -> Any:
        p = self.checked_input()
        self._as_administrator(p)
        members, unprocessed = self._split(p["AccountIds"])
        rows = []
        for account in members:
            detector = guardduty_state.state(account, self.region).require()
            features = detector.feature_rows(_FEATURES)
            rows.append({"AccountId": account, "DataSources": detector.data_sources(), "Features": features})
        return ActionResult({"MemberDataSourceConfigurations": rows, "UnprocessedAccounts": unprocessed})

    def update_member_detectors(self) -> Any:
        p = self.checked_input()
        self._as_administrator(p)
        features = p.get("Features") or []
        require_features(features, p.get("DataSources"))
        features = features or features_of(p.get("DataSources") or {})
        members, unprocessed = self._split(p["AccountIds"])
        for account in members:
            try:
                self._update_member(account, features)
            except AwsError as refusal:
                unprocessed.append({"AccountId": account, "Result": refusal.message})
        return ActionResult({"UnprocessedAccounts": unprocessed})

    def _update_member(self, account: str, features: list[dict[str, Any]]) -> None:
        if WORLD.accounts[account].status != "ACTIVE":
            raise refused("the account is suspended.")
        guardduty_state.state(account, self.region).require().apply(features)


def _choose(settings: OrganizationSettings, features: Iterable[Mapping[str, Any]]) -> None:
    for feature in features:
        if feature.get("AutoEnable"):
            settings.features[feature["Name"]] = feature["AutoEnable"]
        for extra in feature.get("AdditionalConfiguration") or []:
            if extra.get("AutoEnable"):
                settings.extras[feature["Name"], extra["Name"]] = extra["AutoEnable"]


def _enable(detector: Detector, settings: OrganizationSettings, choices: set[str]) -> None:
    """Enable the configured settings for such members; NONE disables nothing (botocore)."""
    for name, choice in settings.features.items():
        if choice in choices:
            detector.features[name].set(True)
    for (name, extra), choice in settings.extras.items():
        if choice in choices:
            detector.features[name].extras[extra].set(True)


def _data_sources(settings: OrganizationSettings) -> dict[str, Any]:
    on = {name: {"AutoEnable": settings.features.get(f, "NONE") != "NONE"} for name, f in _DATA_SOURCES.items()}
    return {
        "S3Logs": on["S3Logs"],
        "Kubernetes": {"AuditLogs": on["AuditLogs"]},
        "MalwareProtection": {"ScanEc2InstanceWithFindings": {"EbsVolumes": on["EbsVolumes"]}},
    }


def _features_of(data_sources: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The deprecated data sources as features: AutoEnable is for new members."""
    scan = (data_sources.get("MalwareProtection") or {}).get("ScanEc2InstanceWithFindings") or {}
    found = {
        "S3Logs": data_sources.get("S3Logs"),
        "AuditLogs": (data_sources.get("Kubernetes") or {}).get("AuditLogs"),
        "EbsVolumes": scan.get("EbsVolumes"),
    }
    return [
        {"Name": _DATA_SOURCES[name], "AutoEnable": "NEW" if value["AutoEnable"] else "NONE"}
        for name, value in found.items()
        if value
    ]
