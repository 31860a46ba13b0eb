# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a delegated administrator's settings for its organization to change.

Source: botocore model, UpdateOrganizationConfiguration. AWS documents no order of NEW, ALL and NONE: they are compared as
strings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from ...model.fleet import AreaKey, Problem
from ...model.organization import AutoEnable, MemberArea, OrganizationArea
from ..plan import Change, Plan
from .features import EKS_ADDON, FEATURE, LEGACY_FEATURE, SUB_FEATURES, DesiredFeatures
from .members import MemberPlan, plan_members


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationChange(Change):
    """The setting of a feature for the organization of an administrator's detector, C(target).

    C(kept): the setting for GuardDuty itself, which every call must repeat.
    """

    name: ClassVar[str]
    auto_enable: AutoEnable
    kept: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOrganization(OrganizationChange):
    action = "update"
    kind = "organization Runtime Monitoring setting"
    name = FEATURE


@dataclass(frozen=True, slots=True, kw_only=True)
class DisableOrganizationLegacy(OrganizationChange):
    action = "disable"
    kind = "organization EKS Runtime Monitoring setting"
    name = LEGACY_FEATURE


@dataclass(frozen=True, slots=True)
class DesiredOrganization:
    """NEW, ALL or NONE for the feature, and by option name for its parts; parts that are not named are left alone."""

    auto_enable: str | None = None
    additional: Mapping[str, str] = field(default_factory=dict)
    migrate_eks: bool = False
    include_existing: bool = False


def desired_from(params: Mapping[str, Any]) -> DesiredOrganization:
    """The desired state from the module's options."""
    chosen = {option: params[option].upper() for option in ("auto_enable", *SUB_FEATURES) if params[option]}
    feature = chosen.pop("auto_enable", None)
    return DesiredOrganization(feature, chosen, params["migrate_eks"], params["include_existing"])


def reaching(areas: Sequence[OrganizationArea], desired: DesiredOrganization) -> dict[AreaKey, str]:
    """The accounts and regions, with their detectors, whose existing members must be read because settings apply to them."""
    if not desired.include_existing:
        return {}
    after = organizations_after(areas, _changes(areas, desired))
    return {area.area_key: area.detector_id for area in after if existing_desired(area, desired) is not None}


def plan_all(
    areas: Sequence[OrganizationArea], members: Sequence[MemberArea], desired: DesiredOrganization
) -> MemberPlan:
    """The organization's settings first, then what existing members lack. C(members): those of reaching()."""
    changes = _changes(areas, desired)
    desired_by_area = {area.area_key: existing_desired(area, desired) for area in organizations_after(areas, changes)}
    warnings = list(_warnings(areas, changes, desired))
    problems: list[Problem] = []
    for area in members:
        wanted = desired_by_area.get(area.area_key)
        if wanted is not None:
            existing = plan_members([area], wanted)
            changes += existing.plan.changes
            problems += existing.problems
            warnings += existing.warnings
    return MemberPlan(Plan(tuple(changes)), tuple(problems), tuple(warnings))


def _changes(areas: Sequence[OrganizationArea], desired: DesiredOrganization) -> list[Change]:
    return [change for area in areas for change in _steps(area, desired)]


def organizations_after(areas: Sequence[OrganizationArea], made: Iterable[Change]) -> tuple[OrganizationArea, ...]:
    """The organizations' settings with these changes made."""
    features = {area.area_key: dict(area.features) for area in areas}
    for change in made:
        if isinstance(change, OrganizationChange):
            features[change.area_key][change.name] = change.auto_enable
    return tuple(replace(area, features=features[area.area_key]) for area in areas)


def existing_desired(area: OrganizationArea, desired: DesiredOrganization) -> DesiredFeatures | None:
    """What existing members should have if members get it automatically; None if they do not.

    NONE means that members are managed one by one (botocore model), so it disables nothing in them.
    """
    chosen = area.features.get(FEATURE, AutoEnable())
    if chosen.feature == "NONE":
        return None
    additional = {
        option: True for option, name in SUB_FEATURES.items() if chosen.additional.get(name, "NONE") != "NONE"
    }
    return DesiredFeatures(True, additional, desired.migrate_eks)


def organization_rows(areas: Sequence[OrganizationArea]) -> list[dict[str, Any]]:
    return [
        {
            "account_id": area.account_id,
            "region": area.region,
            "detector_id": area.detector_id,
            "members": (area.members or ("NEW" if area.new_members else "NONE")).lower(),
            **_words(area.features.get(FEATURE, AutoEnable()), ("auto_enable", *SUB_FEATURES)),
            "eks_runtime_monitoring": area.features.get(LEGACY_FEATURE, AutoEnable()).feature.lower(),
            "member_account_limit_reached": area.limit_reached,
        }
        for area in areas
    ]


def _steps(area: OrganizationArea, desired: DesiredOrganization) -> Iterator[Change]:
    """Runtime Monitoring first, as in the accounts themselves: the older feature's setting is changed after it is replaced."""
    current = area.features.get(FEATURE, AutoEnable())
    legacy = area.features.get(LEGACY_FEATURE, AutoEnable())
    wanted = _wanted(current, legacy, desired)
    differing = [
        option
        for option, name in SUB_FEATURES.items()
        if wanted.additional[name] != current.additional.get(name, "NONE")
    ]
    if wanted.feature != current.feature:
        differing.insert(0, "auto_enable")
    if differing:
        before, after = _words(current, differing), _words(wanted, differing)
        yield UpdateOrganization(*area.area_key, area.detector_id, before, after, auto_enable=wanted, kept=_kept(area))
    if desired.migrate_eks and legacy.feature != "NONE":
        before, after = {"eks_runtime_monitoring": legacy.feature.lower()}, {"eks_runtime_monitoring": "none"}
        off = replace(legacy, feature="NONE")
        yield DisableOrganizationLegacy(
            *area.area_key, area.detector_id, before, after, auto_enable=off, kept=_kept(area)
        )


def _wanted(current: AutoEnable, legacy: AutoEnable, desired: DesiredOrganization) -> AutoEnable:
    """The settings as they will be sent, with every part: what AWS does with an omitted one is not documented.

    A migration replicates "the same auto-enablement settings" (GuardDuty user guide) unless the user sets others.
    """
    named = {SUB_FEATURES[option]: choice for option, choice in desired.additional.items()}
    feature = desired.auto_enable or current.feature
    if desired.migrate_eks and legacy.feature != "NONE":
        if desired.auto_enable is None and current.feature == "NONE":
            feature = legacy.feature
        if current.additional.get(EKS_ADDON, "NONE") == "NONE":
            named.setdefault(EKS_ADDON, legacy.additional.get(EKS_ADDON, "NONE"))
    additional = {name: named.get(name, current.additional.get(name, "NONE")) for name in SUB_FEATURES.values()}
    return AutoEnable(feature, additional)


def _words(chosen: AutoEnable, names: Sequence[str]) -> dict[str, Any]:
    words = {"auto_enable": chosen.feature.lower()}
    words |= {option: chosen.additional.get(name, "NONE").lower() for option, name in SUB_FEATURES.items()}
    return {name: words[name] for name in names}


def _kept(area: OrganizationArea) -> dict[str, Any]:
    """The botocore model: "You must provide a value for either autoEnableOrganizationMembers or autoEnable, but not both"."""
    return {"AutoEnable": area.new_members} if area.members is None else {"AutoEnableOrganizationMembers": area.members}


def _warnings(
    areas: Sequence[OrganizationArea], changes: Sequence[Change], desired: DesiredOrganization
) -> Iterator[str]:
    if any("all" in (change.after or {}).values() for change in changes):
        sooner = (
            "" if desired.include_existing else " Set include_existing to apply it to existing members immediately."
        )
        yield f"AWS may take up to 24 hours to apply a setting of 'all' to every member.{sooner}"
    full = [str(area.area_key) for area in areas if area.limit_reached]
    if full:
        yield (
            f"The administrator in {', '.join(full)} has as many members as GuardDuty allows: accounts that join the"
            " organization are not added. Raise the quota, or remove members that no longer exist."
        )
    left_on = [
        str(area.area_key) for area in areas if area.features.get(LEGACY_FEATURE, AutoEnable()).feature != "NONE"
    ]
    if left_on and not desired.migrate_eks:
        yield (
            f"EKS_RUNTIME_MONITORING stays enabled in members of {', '.join(left_on)}, in addition to Runtime Monitoring,"
            " which replaces it. Set migrate_eks to disable it."
        )
