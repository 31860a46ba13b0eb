# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the detector and its Runtime Monitoring feature."""

from __future__ import annotations

from ...decide.settings.detector import CreateDetector, DisableLegacyMonitoring, UpdateMonitoring
from ...decide.settings.features import FEATURE, LEGACY_FEATURE
from ..concurrent_runs import create_or_adopt, detector_refused
from ..run import AreaRun, Handlers, per_change
from .features import configuration, off


def _create(run: AreaRun, change: CreateDetector) -> None:
    client = run.target.client("guardduty")
    features = [configuration(FEATURE, change.feature)]

    def adopt() -> str | None:
        made = next(iter(client.list_detectors()["DetectorIds"]), None)
        if made is not None:
            client.update_detector(DetectorId=made, Features=features)
        return made

    create_or_adopt(
        lambda: client.create_detector(Enable=True, Features=features)["DetectorId"], detector_refused, adopt
    )


def _update(run: AreaRun, change: UpdateMonitoring) -> None:
    # Only this one feature: RUNTIME_MONITORING and EKS_RUNTIME_MONITORING in one call are rejected (API reference).
    features = [configuration(FEATURE, change.feature)]
    run.target.client("guardduty").update_detector(DetectorId=change.target, Features=features)


def _disable_legacy(run: AreaRun, change: DisableLegacyMonitoring) -> None:
    run.target.client("guardduty").update_detector(DetectorId=change.target, Features=[off(LEGACY_FEATURE)])


HANDLERS: Handlers = {
    CreateDetector: per_change("guardduty:CreateDetector", _create),
    UpdateMonitoring: per_change("guardduty:UpdateDetector", _update),
    DisableLegacyMonitoring: per_change("guardduty:UpdateDetector", _disable_legacy),
}
