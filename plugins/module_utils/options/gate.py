# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of coverage_wait that its action plugin needs as well."""

from __future__ import annotations

from typing import Any

WAITING: dict[str, Any] = {
    "timeout": {"type": "int", "default": 1800},
    "interval": {"type": "int", "default": 30},
}
