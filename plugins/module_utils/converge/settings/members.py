# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes members' features from their administrator's account: the same settings, 50 accounts per call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...decide.settings.features import FEATURE, LEGACY_FEATURE
from ...decide.settings.members import DisableMemberLegacy, MemberChange, UpdateMember
from ...observe.client.problems import AWS_ERRORS, AwsProblem, problem_from
from ...observe.settings.administrator import explained
from ...observe.settings.member_retry import MemberRetry
from ...observe.settings.members import unprocessed
from ..run import AreaRun, Handlers, group_identical
from .features import configuration, off

OPERATION = "guardduty:UpdateMemberDetectors"


def handlers(member_retry: Callable[[], MemberRetry]) -> Handlers:
    """C(member_retry) returns a limit for each step of each account and region."""

    def update(run: AreaRun, changes: Sequence[UpdateMember]) -> None:
        retry = member_retry()
        # A call has one list of settings for all its accounts.
        for same in group_identical(changes, _settings):
            _write(run, same, _settings(same[0]), retry)

    def disable_legacy(run: AreaRun, changes: Sequence[DisableMemberLegacy]) -> None:
        _write(run, changes, off(LEGACY_FEATURE), member_retry())

    return {UpdateMember: update, DisableMemberLegacy: disable_legacy}


def _settings(change: UpdateMember) -> Any:
    return configuration(FEATURE, change.feature)


def _write(run: AreaRun, changes: Sequence[MemberChange], settings: Any, retry: MemberRetry) -> None:
    client, detector_id = run.target.client("guardduty"), changes[0].detector_id
    of = {change.target: change for change in changes}

    def call(batch: list[str]) -> dict[str, str]:
        try:
            answer = client.update_member_detectors(DetectorId=detector_id, AccountIds=batch, Features=[settings])
        except AWS_ERRORS as error:
            problem = problem_from(error, OPERATION, *run.target.area_key)
            reason = AwsProblem(explained(run.target, detector_id, problem))
            run.fail([of[account] for account in batch], OPERATION, reason)
            return {}
        reasons = {item["AccountId"]: item["Result"] for item in answer["UnprocessedAccounts"]}
        run.succeed(of[account] for account in batch if account not in reasons)
        return reasons

    for account, reason in retry.ask(list(of), call).items():
        problem = unprocessed(account, run.target.region, OPERATION, reason)
        run.fail([of[account]], OPERATION, AwsProblem(problem))
