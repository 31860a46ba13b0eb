# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the features of an administrator's members, 50 accounts per call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...model.fleet import AreaKey, Feature, Problem
from ...model.organization import MemberArea
from ..client.access import Target
from ..client.problems import AWS_ERRORS, problem_from
from ..fleet import guardduty
from .administrator import NOT_ADMINISTRATOR, explained, for_each_area, is_delegated, who_must_act
from .member_retry import MemberRetry

MEMBERS_PAGE = 50  # the largest that ListMembers allows (botocore model, MaxResults)
OPERATION = "guardduty:GetMemberDetectors"


def observe_members(
    targets: Sequence[Target],
    account_ids: Sequence[str] | None,
    member_retry: Callable[[], MemberRetry],
    administrators: Mapping[AreaKey, str] | None = None,
) -> tuple[tuple[MemberArea, ...], tuple[Problem, ...]]:
    """The members with these C(account_ids), or all enabled members, of the administrator in each account and region.

    C(administrators): the ids of detectors known to be administrators, by account and region. Elsewhere, an empty list of
    members is a problem unless AWS shows that this is an administrator: any other account has an empty list too.
    """

    def read(target: Target, detector_id: str) -> tuple[MemberArea, Sequence[Problem]]:
        problems: list[Problem] = []
        skipped: Mapping[str, str] = {}
        if account_ids is None:
            accounts, skipped = _all_members(target, detector_id)
            if administrators is None and not accounts and not skipped and not is_delegated(target, detector_id):
                problems.append(_no_members(target, detector_id))
        else:
            accounts = [account for account in dict.fromkeys(account_ids) if account != target.account_id]
            if target.account_id in account_ids:
                problems.append(_own_account(target))
        found, failed = member_features(target, detector_id, accounts, member_retry())
        return MemberArea(*target.area_key, detector_id, found, skipped), [*problems, *failed]

    return for_each_area(targets, read, administrators)


def member_features(
    target: Target, detector_id: str, accounts: Sequence[str], member_retry: MemberRetry
) -> tuple[dict[str, Mapping[str, Feature]], list[Problem]]:
    client = target.client("guardduty")
    found: dict[str, Mapping[str, Feature]] = {}
    problems: list[Problem] = []

    def call(batch: list[str]) -> dict[str, str]:
        try:
            answer = client.get_member_detectors(DetectorId=detector_id, AccountIds=batch)
        except AWS_ERRORS as error:
            problem = problem_from(error, OPERATION, *target.area_key)
            problems.append(explained(target, detector_id, problem))
            return {}
        for item in answer["MemberDataSourceConfigurations"]:
            features: dict[str, Feature] = {
                entry["Name"]: guardduty.feature(entry) for entry in item.get("Features") or ()
            }
            found[item["AccountId"]] = features
        return {item["AccountId"]: item["Result"] for item in answer["UnprocessedAccounts"]}

    left = member_retry.ask(accounts, call)
    problems += [unprocessed(account, target.region, OPERATION, reason) for account, reason in left.items()]
    return {account: found[account] for account in accounts if account in found}, problems


def unprocessed(account_id: str, region: str, operation: str, reason: str) -> Problem:
    advice = (
        "Check that the account is an enabled member of this administrator in this region; one that has just joined may need"
        " a larger settle_timeout."
    )
    return Problem(account_id, region, operation, "UnprocessedAccount", reason, "", advice)


def _all_members(target: Target, detector_id: str) -> tuple[list[str], dict[str, str]]:
    pages = (
        target.client("guardduty")
        .get_paginator("list_members")
        .paginate(DetectorId=detector_id, PaginationConfig={"PageSize": MEMBERS_PAGE})
    )
    listed = {item["AccountId"]: item["RelationshipStatus"] for page in pages for item in page.get("Members") or ()}
    enabled = [account for account, relationship in listed.items() if relationship == "Enabled"]
    skipped = {account: relationship for account, relationship in listed.items() if relationship != "Enabled"}
    return enabled, skipped


def _no_members(target: Target, detector_id: str) -> Problem:
    where = target.area_key
    advice = who_must_act(target, detector_id) or NOT_ADMINISTRATOR
    return Problem(*where, "guardduty:ListMembers", "NoMembers", "this account has no GuardDuty members", "", advice)


def _own_account(target: Target) -> Problem:
    where = target.area_key
    message = "the administrator's own account is not one of its members"
    advice = "Change it with fleetsec.guardduty.runtime_monitoring."
    return Problem(*where, "the choice of members", "OwnAccount", message, "", advice)
