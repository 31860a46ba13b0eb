# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the detector and its Runtime Monitoring feature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.fleetsec.guardduty.plugins.module_utils.converge.features import configuration, off
from ansible_collections.fleetsec.guardduty.plugins.module_utils.converge.rivals import detector_refused, make_or_adopt
from ansible_collections.fleetsec.guardduty.plugins.module_utils.converge.run import AreaRun, Handler
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.features import FEATURE, LEGACY_FEATURE
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.plan import Change


def _create(run: AreaRun, changes: Sequence[Change]) -> None:
    client = run.target.client("guardduty")

    def adopt(features: list[dict[str, Any]]) -> str | None:
        for detector_id in client.list_detectors()["DetectorIds"]:
            client.update_detector(DetectorId=detector_id, Features=features)
            return str(detector_id)
        return None

    def create(change: Change) -> None:
        features = [configuration(FEATURE, change.details["feature"])]
        make_or_adopt(
            lambda: client.create_detector(Enable=True, Features=features)["DetectorId"],
            detector_refused,
            lambda: adopt(features),
        )

    run.each(changes, "guardduty:CreateDetector", create)


def _update(run: AreaRun, changes: Sequence[Change]) -> None:
    client = run.target.client("guardduty")

    def update(change: Change) -> None:
        # Only this one feature: RUNTIME_MONITORING and EKS_RUNTIME_MONITORING in one call are refused (API reference).
        client.update_detector(DetectorId=change.target, Features=[configuration(FEATURE, change.details["feature"])])

    run.each(changes, "guardduty:UpdateDetector", update)


def _disable_legacy(run: AreaRun, changes: Sequence[Change]) -> None:
    client = run.target.client("guardduty")

    def disable(change: Change) -> None:
        client.update_detector(DetectorId=change.target, Features=[off(LEGACY_FEATURE)])

    run.each(changes, "guardduty:UpdateDetector", disable)


HANDLERS: dict[tuple[str, str], Handler] = {
    ("create", "detector"): _create,
    ("update", "Runtime Monitoring setting"): _update,
    ("disable", "EKS Runtime Monitoring setting"): _disable_legacy,
}
