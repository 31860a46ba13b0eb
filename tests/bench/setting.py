# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where and when the bench ran: figures without it say nothing."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import yaml

import ansible_collections.amazon.aws


def setting() -> dict[str, object]:
    """The day, the machine and the versions."""
    galaxy = Path(next(iter(ansible_collections.amazon.aws.__path__))) / "MANIFEST.json"
    packages = {name: version(name) for name in ("ansible-core", "botocore")}
    amazon = yaml.safe_load(galaxy.read_text(encoding="utf-8"))["collection_info"]["version"]
    return {
        "taken": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "versions": {"Python": platform.python_version(), **packages, "amazon.aws": amazon},
    }
