# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps from an account's features to the desired ones, in an order that AWS accepts.

One account's own detector and an administrator's members have the same features and the same rules. Sources: botocore
model (UpdateDetector, UpdateMemberDetectors), GuardDuty user guide, "Migrating from EKS Runtime Monitoring to Runtime
Monitoring" and "Disabling EKS Runtime Monitoring after migrating to Runtime Monitoring".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...model.fleet import Feature
from ..wording import some

FEATURE = "RUNTIME_MONITORING"
LEGACY_FEATURE = "EKS_RUNTIME_MONITORING"
EKS_ADDON = "EKS_ADDON_MANAGEMENT"
# Option name to the name that the API uses (botocore model, FeatureAdditionalConfiguration).
SUB_FEATURES = {
    "ec2_agent_management": "EC2_AGENT_MANAGEMENT",
    "eks_addon_management": EKS_ADDON,
    "ecs_fargate_agent_management": "ECS_FARGATE_AGENT_MANAGEMENT",
}


@dataclass(frozen=True, slots=True)
class DesiredFeatures:
    """The desired features. C(additional): option name to on or off; a sub-feature that is not named is left alone.

    C(migrate_eks): EKS_RUNTIME_MONITORING, which RUNTIME_MONITORING replaces, is disabled.
    """

    enabled: bool = True
    additional: Mapping[str, bool] = field(default_factory=dict)
    migrate_eks: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One call's worth: the feature C(name) as it will be sent, and the differences."""

    name: str
    wanted: Feature
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    managed_by: str | None = None


def steps(features: Mapping[str, Feature], desired: DesiredFeatures) -> tuple[Step, ...]:
    """The steps in the order in which they must be made; none if nothing differs.

    The two features exclude each other within one call only (botocore model: "specifying both ... will cause an error");
    an account may have both on, as during the migration that AWS describes: "Make sure to not disable EKS
    Runtime Monitoring before enabling Runtime Monitoring", since that would also disable its add-on management.
    For disabling, no order is documented. Inferred: GuardDuty cleans up when the second feature is disabled, so the older
    one is disabled first, and disabling Runtime Monitoring triggers the cleanup.
    """
    monitoring, legacy = _monitoring_step(features, desired), _legacy_step(features, desired)
    ordered = (monitoring, legacy) if desired.enabled else (legacy, monitoring)
    return tuple(step for step in ordered if step is not None)


def features_after(features: Mapping[str, Feature], taken: Sequence[Step]) -> dict[str, Feature]:
    return {**features, **{step.name: step.wanted for step in taken}}


def wanted_feature(features: Mapping[str, Feature], desired: DesiredFeatures) -> Feature:
    """The feature as it will be sent: every sub-feature, since what AWS does with an omitted one is not documented.

    A migration keeps the older feature's add-on management. AWS states that settings of a deployed agent are
    replicated automatically; that also sending them is harmless is inferred.
    """
    current = features.get(FEATURE, Feature())
    named = {SUB_FEATURES[option]: value for option, value in desired.additional.items()}
    legacy = features.get(LEGACY_FEATURE, Feature())
    if desired.enabled and desired.migrate_eks and legacy.enabled and legacy.additional.get(EKS_ADDON):
        named.setdefault(EKS_ADDON, True)
    additional = {name: named.get(name, current.additional.get(name, False)) for name in SUB_FEATURES.values()}
    return replace(current, enabled=desired.enabled, additional=additional)


def shown(feature: Feature, names: Sequence[str]) -> dict[str, Any]:
    """A feature in the names of the modules' options, with the sub-features in C(names)."""
    words: dict[str, Any] = {"runtime_monitoring": word(feature.enabled)}
    for option, name in SUB_FEATURES.items():
        if name in names:
            words[option] = word(feature.additional.get(name, False))
    return words


def word(enabled: bool) -> str:
    return "enabled" if enabled else "disabled"


def legacy_left(features: Mapping[str, Feature], desired: DesiredFeatures) -> bool:
    """Whether the older feature stays on, which still causes costs once Runtime Monitoring is off."""
    return features.get(LEGACY_FEATURE, Feature()).enabled and not desired.migrate_eks


def legacy_warning(places: Sequence[str], desired: DesiredFeatures) -> str | None:
    """One sentence for all the accounts in which the older feature stays on."""
    if not places:
        return None
    where = some(places)
    if desired.enabled:
        why = "it is now part of Runtime Monitoring, and still causes costs if only Runtime Monitoring is turned off later"
    else:
        why = "it still causes costs, and GuardDuty removes neither agents nor endpoints while it is on"
    return f"{LEGACY_FEATURE} stays on in {where}: {why}. Set migrate_eks to turn it off."


def _monitoring_step(features: Mapping[str, Feature], desired: DesiredFeatures) -> Step | None:
    current, wanted = features.get(FEATURE, Feature()), wanted_feature(features, desired)
    differing = [name for name, value in wanted.additional.items() if current.additional.get(name, False) != value]
    # A sub-feature of a feature that stays off has no effect; it is still written if it was set explicitly.
    if current.enabled == wanted.enabled and not differing:
        return None
    before, after = shown(current, differing), shown(wanted, differing)
    if current.enabled == wanted.enabled:
        del before["runtime_monitoring"], after["runtime_monitoring"]
    managers = (current.managed_by, *(current.parts_managed_by.get(name) for name in differing))
    return Step(FEATURE, wanted, before, after, next(filter(None, managers), None))


def _legacy_step(features: Mapping[str, Feature], desired: DesiredFeatures) -> Step | None:
    legacy = features.get(LEGACY_FEATURE, Feature())
    if not desired.migrate_eks or not legacy.enabled:
        return None
    words = "eks_runtime_monitoring"
    return Step(
        LEGACY_FEATURE,
        replace(legacy, enabled=False),
        {words: word(True)},
        {words: word(False)},
        legacy.managed_by,
    )
