# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which detector settings to change, so that Runtime Monitoring and its sub-features reach the desired state.

Sources: GuardDuty API reference (CreateDetector, UpdateDetector, DetectorFeatureConfiguration) and the botocore model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...model.fleet import AccountRegion, Feature, Problem, Snapshot
from ..plan import Change, Plan
from .features import (
    FEATURE,
    DesiredFeatures,
    Step,
    features_after,
    legacy_left,
    legacy_warning,
    shown,
    steps,
    wanted_feature,
)


@dataclass(frozen=True, slots=True)
class DesiredMonitoring(DesiredFeatures):
    """The desired state of an account's own detector."""

    create_detector: bool = False


@dataclass(frozen=True, slots=True)
class MonitoringPlan:
    """The plan, the fleet as it will be, and a problem for each account and region where the desired state is impossible."""

    plan: Plan
    after: Snapshot
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDetector(Change):
    action = "create"
    kind = "detector"
    feature: Feature


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMonitoring(Change):
    action = "update"
    kind = "Runtime Monitoring setting"
    feature: Feature


@dataclass(frozen=True, slots=True)
class DisableLegacyMonitoring(Change):
    action = "disable"
    kind = "EKS Runtime Monitoring setting"


OPERATION = "the change of Runtime Monitoring"


def plan_monitoring(snapshot: Snapshot, desired: DesiredMonitoring) -> MonitoringPlan:
    changes: list[Change] = []
    problems: list[Problem] = []
    areas = []
    for area in snapshot.areas:
        needed = steps(area.detector.features, desired) if area.detector.detector_id else ()
        refusal = _refusal(area, desired, needed)
        if refusal is not None:
            problems.append(refusal)
        if refusal is not None or "detector" in area.unknown:
            areas.append(area)
        elif area.detector.detector_id is None:
            made, after = _creation(area, desired)
            changes += made
            areas.append(after)
        else:
            changes += [_change(area, area.detector.detector_id, step) for step in needed]
            features = features_after(area.detector.features, needed)
            areas.append(replace(area, detector=replace(area.detector, features=features)))
    left_on = [str(area.area_key) for area in areas if legacy_left(area.detector.features, desired)]
    warning = legacy_warning(left_on, desired)
    after_all = Snapshot(tuple(areas), snapshot.problems)
    return MonitoringPlan(Plan(tuple(changes)), after_all, tuple(problems), (warning,) if warning else ())


def _creation(area: AccountRegion, desired: DesiredMonitoring) -> tuple[list[Change], AccountRegion]:
    """A new detector with Runtime Monitoring, where GuardDuty is not enabled yet and the user requests it."""
    if not desired.enabled:
        return [], area
    wanted = wanted_feature({}, desired)
    words = shown(wanted, tuple(wanted.additional))
    change = CreateDetector(*area.area_key, "GuardDuty", None, words, feature=wanted)
    detector = replace(area.detector, detector_id="new", features={**area.detector.features, FEATURE: wanted})
    return [change], replace(area, detector=detector)


def _change(area: AccountRegion, detector_id: str, step: Step) -> Change:
    if step.name == FEATURE:
        return UpdateMonitoring(*area.area_key, detector_id, step.before, step.after, feature=step.wanted)
    return DisableLegacyMonitoring(*area.area_key, detector_id, step.before, step.after)


def _refusal(area: AccountRegion, desired: DesiredMonitoring, needed: Sequence[Step]) -> Problem | None:
    detector = area.detector
    if "detector" in area.unknown:
        return None
    if area.region.startswith("cn-"):
        return _problem(
            area, "NotSupported", "Runtime Monitoring does not exist in the China regions", "Leave them out."
        )
    if detector.detector_id is None:
        if desired.create_detector or not desired.enabled:
            return None
        message = "GuardDuty has no detector in this account and region"
        return _problem(area, "NoDetector", message, "Enable GuardDuty there, or set create_detector.")
    if not needed:
        return None
    if detector.status != "ENABLED":
        message = f"the detector {detector.detector_id} is suspended"
        return _problem(area, "DetectorSuspended", message, "Resume GuardDuty in this account and region first.")
    return managed_by_policy(*area.area_key, needed)


def managed_by_policy(account_id: str, region: str, needed: Sequence[Step]) -> Problem | None:
    """AWS Organizations user guide, GuardDuty policies: account settings are read-only while a policy is attached."""
    manager = next((step.managed_by for step in needed if step.managed_by), None)
    if manager is None:
        return None
    message = f"an organization policy ({manager}) manages this setting"
    advice = "Change the GuardDuty policy in AWS Organizations; account settings are read-only while it is attached."
    return Problem(account_id, region, OPERATION, "ManagedByPolicy", message, "", advice)


def _problem(area: AccountRegion, code: str, message: str, advice: str) -> Problem:
    return Problem(*area.area_key, OPERATION, code, message, "", advice)
