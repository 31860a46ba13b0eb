# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what a delegated administrator chooses for its organization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...decide.plan import Change
from ...decide.settings.features import FEATURE
from ...model.organization import AutoEnable
from ..run import AreaRun, Handler


def _update(run: AreaRun, changes: Sequence[Change]) -> None:
    client = run.target.client("guardduty")

    def update(change: Change) -> None:
        # Only this one feature: others keep what they have, and the two for runtime in one call are refused (botocore).
        client.update_organization_configuration(
            DetectorId=change.target,
            Features=[_configuration(change.details["name"], change.details["auto_enable"])],
            **change.details["kept"],
        )

    run.each(changes, "guardduty:UpdateOrganizationConfiguration", update)


def _configuration(name: str, chosen: AutoEnable) -> dict[str, Any]:
    sent: dict[str, Any] = {"Name": name, "AutoEnable": chosen.feature}
    if name == FEATURE:
        sent["AdditionalConfiguration"] = [
            {"Name": part, "AutoEnable": choice} for part, choice in sorted(chosen.additional.items())
        ]
    return sent


HANDLERS: dict[tuple[str, str], Handler] = {
    ("update", "organization Runtime Monitoring setting"): _update,
    ("disable", "organization EKS Runtime Monitoring setting"): _update,
}
