# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options for the desired state of Runtime Monitoring, and the fields that they state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..decide.settings.features import SUB_FEATURES

# Mirrored by the documentation fragment fleetsec.guardduty.features.
FEATURE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["enabled", "disabled"], "default": "enabled"},
    "migrate_eks": {"type": "bool", "default": False},
    **{option: {"type": "bool"} for option in SUB_FEATURES},
}


def stated(params: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a DesiredFeatures. An option that was left out leaves its sub-feature alone."""
    return {
        "enabled": params["state"] == "enabled",
        "additional": {option: params[option] for option in SUB_FEATURES if params[option] is not None},
        "migrate_eks": params["migrate_eks"],
    }
