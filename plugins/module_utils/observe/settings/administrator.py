# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first steps of each reader of a delegated administrator's account, and who must act if it is another account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from ...model.fleet import AreaKey, Problem
from ..client.access import Target
from ..client.accounts import WORKERS
from ..client.problems import AWS_ERRORS, AwsProblem, problem_from

T = TypeVar("T")


def for_each_area(
    targets: Sequence[Target],
    read: Callable[[Target, str], tuple[T, Sequence[Problem]]],
    known: Mapping[AreaKey, str] | None = None,
) -> tuple[tuple[T, ...], tuple[Problem, ...]]:
    """The result of C(read) for each account and region, called with the detector's id, and a problem for each failure.

    C(known): the detectors' ids that were already read, by account and region.
    """

    def one(target: Target) -> tuple[T | None, Sequence[Problem]]:
        detector_id = ""
        try:
            detector_id = (known or {}).get(target.area_key) or _detector_id(target)
            return read(target, detector_id)
        except AwsProblem as error:
            return None, [error.problem]
        except AWS_ERRORS as error:
            return None, [explained(target, detector_id, problem_from(error, "guardduty", *target.area_key))]

    with ThreadPoolExecutor(min(WORKERS, len(targets) or 1)) as pool:
        answers = list(pool.map(one, targets))
    areas = tuple(area for area, dummy in answers if area is not None)
    return areas, tuple(problem for dummy, problems in answers for problem in problems)


def explained(target: Target, detector_id: str, problem: Problem) -> Problem:
    """GuardDuty rejects everything with BadRequestException; usually the account is not the administrator."""
    if problem.code != "BadRequestException" or not detector_id:
        return problem
    advice = who_must_act(target, detector_id)
    return replace(problem, advice=advice or f"{NOT_ADMINISTRATOR} {problem.advice}".strip())


NOT_ADMINISTRATOR = (
    "Only the account of GuardDuty's delegated administrator can do this, separately in each region; if this is not that"
    " account, run it there."
)


def who_must_act(target: Target, detector_id: str) -> str | None:
    """A sentence with the administrator's account if this is a member; None if it is not, or if that is unknown.

    An administrator and a standalone account get an empty answer (botocore model, GetAdministratorAccount).
    """
    try:
        answer = target.client("guardduty").get_administrator_account(DetectorId=detector_id)
    except AWS_ERRORS:
        return None
    administrator = (answer.get("Administrator") or {}).get("AccountId")
    if not administrator:
        return None
    return f"This is a member account. Its GuardDuty administrator is {administrator}: run this there."


def is_delegated(target: Target, detector_id: str) -> bool:
    """Whether this is GuardDuty's delegated administrator: no other account may read the organization's configuration.

    False also if that call is denied: then it is unknown.
    """
    try:
        target.client("guardduty").describe_organization_configuration(DetectorId=detector_id)
    except AWS_ERRORS:
        return False
    return True


def _detector_id(target: Target) -> str:
    ids = target.client("guardduty").list_detectors()["DetectorIds"]
    if not ids:
        message = "GuardDuty has no detector in this account and region"
        advice = "Run this in the account of GuardDuty's delegated administrator, in a region where it has one."
        where = target.area_key
        raise AwsProblem(Problem(*where, "the lookup of the administrator", "NoDetector", message, "", advice))
    return str(ids[0])
