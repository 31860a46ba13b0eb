# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the detector and its Runtime Monitoring feature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.fleetsec.guardduty.plugins.module_utils.converge.run import AreaRun, Handler
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.monitoring import FEATURE
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.plan import Change
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model import Feature


def _create(run: AreaRun, changes: Sequence[Change]) -> None:
    client = run.target.client("guardduty")

    def create(change: Change) -> None:
        client.create_detector(Enable=True, Features=[_configuration(change.details["feature"])])

    run.each(changes, "guardduty:CreateDetector", create)


def _update(run: AreaRun, changes: Sequence[Change]) -> None:
    client = run.target.client("guardduty")

    def update(change: Change) -> None:
        # Only this one feature: RUNTIME_MONITORING and EKS_RUNTIME_MONITORING in one call are refused (API reference).
        client.update_detector(DetectorId=change.target, Features=[_configuration(change.details["feature"])])

    run.each(changes, "guardduty:UpdateDetector", update)


def _configuration(feature: Feature) -> dict[str, Any]:
    return {
        "Name": FEATURE,
        "Status": _status(feature.enabled),
        "AdditionalConfiguration": [
            {"Name": name, "Status": _status(enabled)} for name, enabled in sorted(feature.additional.items())
        ],
    }


def _status(enabled: bool) -> str:
    return "ENABLED" if enabled else "DISABLED"


HANDLERS: dict[tuple[str, str], Handler] = {
    ("create", "detector"): _create,
    ("update", "Runtime Monitoring setting"): _update,
}
