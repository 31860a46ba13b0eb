# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet as it would be with other settings: the basis of every preview."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ...model.fleet import AccountRegion, Snapshot
from ..settings.detector import DesiredMonitoring, plan_monitoring
from ..tags import DesiredTags, plan_tags


@dataclass(frozen=True, slots=True)
class Assumption:
    """Settings to assume. None and empty: unchanged. C(instance_ids) empty: the tags of every instance."""

    runtime_monitoring: bool | None = None
    additional: Mapping[str, bool] = field(default_factory=dict)
    create_detector: bool = False
    managed: str | None = None
    instance_ids: frozenset[str] = frozenset()


def assume(snapshot: Snapshot, assumption: Assumption) -> Snapshot:
    """The snapshot as the assumption would make it. Coverage and nodes stay as they are: they do not follow from settings."""
    areas = tuple(_with_settings(area, assumption) for area in snapshot.areas)
    imagined = Snapshot(areas, snapshot.problems)
    if assumption.managed is None:
        return imagined
    return _with_tags(imagined, assumption)


def _with_settings(area: AccountRegion, assumption: Assumption) -> AccountRegion:
    """The settings after a real change; unchanged if AWS would reject it."""
    enabled = assumption.runtime_monitoring
    if enabled is None and not assumption.additional:
        return area
    if enabled is None:
        enabled = area.detector.monitoring.enabled
    desired = DesiredMonitoring(enabled, assumption.additional, create_detector=assumption.create_detector)
    return plan_monitoring(Snapshot((area,)), desired).after.areas[0]


def _with_tags(snapshot: Snapshot, assumption: Assumption) -> Snapshot:
    chosen = assumption.instance_ids
    narrowed = tuple(
        replace(
            area,
            instances=tuple(instance for instance in area.instances if not chosen or instance.instance_id in chosen),
        )
        for area in snapshot.areas
    )
    tagged = plan_tags(Snapshot(narrowed), DesiredTags(assumption.managed)).after
    areas = []
    for area, changed in zip(snapshot.areas, tagged.areas, strict=True):
        by_id = {instance.instance_id: instance for instance in changed.instances}
        areas.append(
            replace(area, instances=tuple(by_id.get(instance.instance_id, instance) for instance in area.instances))
        )
    return Snapshot(tuple(areas), snapshot.problems)
