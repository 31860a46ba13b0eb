# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a delegated administrator's configuration of its organization."""

from __future__ import annotations

from typing import Any

from ...decide.settings.features import FEATURE
from ...decide.settings.organization import DisableOrganizationLegacy, OrganizationChange, UpdateOrganization
from ...model.organization import AutoEnable
from ..run import AreaRun, Handlers, per_change


def _update(run: AreaRun, change: OrganizationChange) -> None:
    # Only this one feature: others stay unchanged, and the two runtime features in one call are rejected (botocore).
    run.target.client("guardduty").update_organization_configuration(
        DetectorId=change.target, Features=[_configuration(change.name, change.auto_enable)], **change.kept
    )


def _configuration(name: str, chosen: AutoEnable) -> Any:
    sent: dict[str, Any] = {"Name": name, "AutoEnable": chosen.feature}
    if name == FEATURE:
        sent["AdditionalConfiguration"] = [
            {"Name": part, "AutoEnable": choice} for part, choice in sorted(chosen.additional.items())
        ]
    return sent


HANDLERS: Handlers = dict.fromkeys(
    (UpdateOrganization, DisableOrganizationLegacy), per_change("guardduty:UpdateOrganizationConfiguration", _update)
)
