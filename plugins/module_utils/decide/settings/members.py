# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members' settings an administrator changes, so that Runtime Monitoring reaches the desired state in all of them.

Source: botocore model, UpdateMemberDetectors. A change is made in the administrator's account, with the member as
its target.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ...model.fleet import Feature, Problem
from ...model.organization import MemberArea
from ..plan import Change, Plan
from .detector import managed_by_policy
from .features import (
    FEATURE,
    LEGACY_FEATURE,
    SUB_FEATURES,
    DesiredFeatures,
    Step,
    legacy_left,
    legacy_warning,
    shown,
    steps,
    word,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberChange(Change):
    """A feature of a member, C(target), as its administrator's detector sets it."""

    name: ClassVar[str]
    feature: Feature
    detector_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMember(MemberChange):
    action = "update"
    kind = "member Runtime Monitoring setting"
    name = FEATURE


@dataclass(frozen=True, slots=True, kw_only=True)
class DisableMemberLegacy(MemberChange):
    action = "disable"
    kind = "member EKS Runtime Monitoring setting"
    name = LEGACY_FEATURE


@dataclass(frozen=True, slots=True)
class MemberPlan:
    """The plan, and a problem for each member where the desired state is impossible."""

    plan: Plan
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...] = ()


def plan_members(areas: Sequence[MemberArea], desired: DesiredFeatures) -> MemberPlan:
    """In each area, all first steps come before all second steps, so that each kind of step can be made in bulk."""
    changes: list[Change] = []
    problems: list[Problem] = []
    left_on = []
    for area in areas:
        of_area: list[tuple[int, Change]] = []
        for account, features in area.members.items():
            needed = steps(features, desired)
            refusal = managed_by_policy(account, area.region, needed)
            if refusal is not None:
                problems.append(refusal)
                continue
            of_area += [(number, _change(area, account, step)) for number, step in _numbered(needed, desired)]
            if legacy_left(features, desired):
                left_on.append(f"{account}/{area.region}")
        changes += [change for dummy, change in sorted(of_area, key=lambda numbered: numbered[0])]
    warning = legacy_warning(left_on, desired)
    return MemberPlan(Plan(tuple(changes)), tuple(problems), (warning,) if warning else ())


def members_after(areas: Sequence[MemberArea], made: Iterable[Change]) -> tuple[MemberArea, ...]:
    """The members with these changes made."""
    members = {area.area_key: dict(area.members) for area in areas}
    for change in made:
        of_area = members.get(change.area_key, {})
        if isinstance(change, MemberChange) and change.target in of_area:
            of_area[change.target] = {**of_area[change.target], change.name: change.feature}
    return tuple(replace(area, members=members[area.area_key]) for area in areas)


def misspelled(account_ids: Iterable[str] | None) -> str | None:
    """The error for invalid account ids; botocore would reject the whole call without naming them."""
    wrong = [account for account in account_ids or () if not re.fullmatch(r"\d{12}", account)]
    if not wrong:
        return None
    return f"account_ids: {', '.join(map(repr, wrong))} is not a valid account ID. Write its 12 digits as a string, in quotes."


def member_rows(areas: Sequence[MemberArea]) -> list[dict[str, Any]]:
    """The members' settings in the names of the modules' options."""
    return [
        {
            "account_id": account,
            "region": area.region,
            "administrator_id": area.account_id,
            **shown(features.get(FEATURE, Feature()), tuple(SUB_FEATURES.values())),
            "eks_runtime_monitoring": word(features.get(LEGACY_FEATURE, Feature()).enabled),
            "managed_by": features.get(FEATURE, Feature()).managed_by,
        }
        for area in areas
        for account, features in area.members.items()
    ]


def skipped_rows(areas: Sequence[MemberArea]) -> list[dict[str, str]]:
    return [
        {"account_id": account, "region": area.region, "relationship": relationship}
        for area in areas
        for account, relationship in area.skipped.items()
    ]


def _numbered(needed: Sequence[Step], desired: DesiredFeatures) -> list[tuple[int, Step]]:
    order = (FEATURE, LEGACY_FEATURE) if desired.enabled else (LEGACY_FEATURE, FEATURE)
    return [(order.index(step.name), step) for step in needed]


def _change(area: MemberArea, account: str, step: Step) -> Change:
    change = UpdateMember if step.name == FEATURE else DisableMemberLegacy
    return change(*area.area_key, account, step.before, step.after, feature=step.wanted, detector_id=area.detector_id)
