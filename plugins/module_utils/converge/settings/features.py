# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Features as parameters of UpdateDetector and UpdateMemberDetectors."""

from __future__ import annotations

from typing import Any

from ...model.fleet import Feature


def configuration(name: str, feature: Feature) -> Any:
    return {
        "Name": name,
        "Status": _status(feature.enabled),
        "AdditionalConfiguration": [
            {"Name": part, "Status": _status(enabled)} for part, enabled in sorted(feature.additional.items())
        ],
    }


def off(name: str) -> Any:
    """A feature to disable with all its parts, as in the user guide's command for EKS Runtime Monitoring."""
    return {"Name": name, "Status": "DISABLED"}


def _status(enabled: bool) -> str:
    return "ENABLED" if enabled else "DISABLED"
