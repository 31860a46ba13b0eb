# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which detector settings to change, so that Runtime Monitoring and its sub-features are as wanted.

Sources: GuardDuty API reference (CreateDetector, UpdateDetector, DetectorFeatureConfiguration) and the botocore model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.plan import Change, Plan
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model import (
    AccountRegion,
    Detector,
    Feature,
    Problem,
    Snapshot,
)

FEATURE = "RUNTIME_MONITORING"
LEGACY_FEATURE = "EKS_RUNTIME_MONITORING"
# Option name to the name that the API uses (botocore model, FeatureAdditionalConfiguration).
SUB_FEATURES = {
    "ec2_agent_management": "EC2_AGENT_MANAGEMENT",
    "eks_addon_management": "EKS_ADDON_MANAGEMENT",
    "ecs_fargate_agent_management": "ECS_FARGATE_AGENT_MANAGEMENT",
}


@dataclass(frozen=True, slots=True)
class MonitoringWish:
    """What the user wants. C(additional): option name to on or off; a sub-feature that is not named is left alone."""

    enabled: bool = True
    additional: Mapping[str, bool] = field(default_factory=dict)
    create_detector: bool = False


@dataclass(frozen=True, slots=True)
class MonitoringPlan:
    """The plan, the fleet as it will be, and the accounts and regions where the wish cannot be granted."""

    plan: Plan
    after: Snapshot
    problems: tuple[Problem, ...]


def plan_monitoring(snapshot: Snapshot, wish: MonitoringWish) -> MonitoringPlan:
    changes: list[Change] = []
    problems: list[Problem] = []
    areas = []
    for area in snapshot.areas:
        if "detector" in area.unknown:
            areas.append(area)
            continue
        refusal = _refusal(area, wish)
        if refusal is not None:
            problems.append(refusal)
            areas.append(area)
            continue
        wanted = wanted_feature(area.detector.monitoring, wish)
        changes += _changes(area, wanted, wish)
        areas.append(replace(area, detector=with_feature(area.detector, wanted, wish)))
    return MonitoringPlan(Plan(tuple(changes)), Snapshot(tuple(areas), snapshot.problems), tuple(problems))


def wanted_feature(current: Feature, wish: MonitoringWish) -> Feature:
    """The feature as it will be sent: every sub-feature, since what AWS does with an omitted one is not documented."""
    named = {SUB_FEATURES[option]: value for option, value in wish.additional.items()}
    additional = {name: named.get(name, current.additional.get(name, False)) for name in SUB_FEATURES.values()}
    return replace(current, enabled=wish.enabled, additional=additional)


def with_feature(detector: Detector, feature: Feature, wish: MonitoringWish) -> Detector:
    if detector.detector_id is None and not (wish.create_detector and wish.enabled):
        return detector
    detector_id = detector.detector_id or "new"
    return replace(detector, detector_id=detector_id, features={**detector.features, FEATURE: feature})


def _changes(area: AccountRegion, wanted: Feature, wish: MonitoringWish) -> list[Change]:
    detector, current = area.detector, area.detector.monitoring
    details = {"feature": wanted}
    if detector.detector_id is None:
        if not wish.enabled:
            return []
        shown = _shown(wanted, wanted.additional)
        return [Change(area.account_id, area.region, "create", "detector", "GuardDuty", None, shown, details)]
    differing = {
        name: value for name, value in wanted.additional.items() if current.additional.get(name, False) != value
    }
    # A sub-feature of a feature that stays off has no effect; it is still written when it was named.
    if current.enabled == wanted.enabled and not differing:
        return []
    before, after = _shown(current, differing), _shown(wanted, differing)
    if current.enabled == wanted.enabled:
        before.pop("runtime_monitoring")
        after.pop("runtime_monitoring")
    kind = "Runtime Monitoring setting"
    return [Change(area.account_id, area.region, "update", kind, detector.detector_id, before, after, details)]


def _shown(feature: Feature, names: Mapping[str, bool]) -> dict[str, Any]:
    shown: dict[str, Any] = {"runtime_monitoring": "enabled" if feature.enabled else "disabled"}
    for option, name in SUB_FEATURES.items():
        if name in names:
            shown[option] = "enabled" if feature.additional.get(name, False) else "disabled"
    return shown


def _refusal(area: AccountRegion, wish: MonitoringWish) -> Problem | None:
    detector = area.detector
    if area.region.startswith("cn-"):
        return _problem(
            area, "NotSupported", "Runtime Monitoring does not exist in the China regions", "Leave them out."
        )
    if detector.detector_id is None:
        if wish.create_detector or not wish.enabled:
            return None
        message = "GuardDuty has no detector in this account and region"
        return _problem(area, "NoDetector", message, "Enable GuardDuty there, or set create_detector.")
    if not _changes(area, wanted_feature(detector.monitoring, wish), wish):
        return None
    if detector.status != "ENABLED":
        message = f"the detector {detector.detector_id} is suspended"
        return _problem(area, "DetectorSuspended", message, "Resume GuardDuty in this account and region first.")
    if detector.monitoring.managed_by:
        message = f"an organization policy ({detector.monitoring.managed_by}) manages this setting"
        advice = (
            "Change the GuardDuty policy in AWS Organizations; account settings are read-only while it is attached."
        )
        return _problem(area, "ManagedByPolicy", message, advice)
    return None


def _problem(area: AccountRegion, code: str, message: str, advice: str) -> Problem:
    return Problem(area.account_id, area.region, "the change of Runtime Monitoring", code, message, "", advice)
