# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GuardDuty's settings as rows for users and playbooks."""

from __future__ import annotations

from typing import Any

from ...model.fleet import Detector, Feature, Snapshot
from .features import LEGACY_FEATURE


def monitoring_rows(snapshot: Snapshot) -> list[dict[str, Any]]:
    """One row for each account and region whose detector could be read."""
    return [
        {"account_id": area.account_id, "region": area.region, **_settings(area.detector)}
        for area in snapshot.areas
        if "detector" not in area.unknown
    ]


def _settings(detector: Detector) -> dict[str, Any]:
    exists = detector.detector_id is not None
    in_effect = exists and detector.status == "ENABLED"
    return {
        "detector_id": detector.detector_id,
        "status": detector.status if exists else None,
        "runtime_monitoring": detector.runtime_monitoring,
        "automated_agent": detector.automated_agent,
        "eks_runtime_monitoring": in_effect and detector.features.get(LEGACY_FEATURE, Feature()).enabled,
        "managed_by": detector.monitoring.managed_by,
        "features": {name: _feature(feature) for name, feature in detector.features.items()},
    }


def _feature(feature: Feature) -> dict[str, Any]:
    return {
        "enabled": feature.enabled,
        "managed_by": feature.managed_by,
        "additional_configuration": {
            name: {"enabled": enabled, "managed_by": feature.parts_managed_by.get(name)}
            for name, enabled in feature.additional.items()
        },
    }
