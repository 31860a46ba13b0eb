# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operating system of a managed host. Python 3.8."""

from __future__ import annotations

import os
from typing import Any

from ansible.module_utils.facts.system.distribution import Distribution


def system(module: Any) -> dict[str, str]:
    """The host's facts of these names, as Ansible gathers them."""
    told, kernel = Distribution(module).get_distribution_facts(), os.uname()
    return {
        "architecture": kernel.machine,
        "kernel": kernel.release,
        "distribution": told["distribution"],
        "distribution_version": told["distribution_version"],
    }
