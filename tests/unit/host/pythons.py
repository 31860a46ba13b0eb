# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pythons that a managed host may have, where this machine has them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.module_utils import basic

VERSIONS = [(3, 8), (3, 9), sys.version_info[:2]]


def interpreter(version: tuple[int, int]) -> str:
    """A Python of this version, from the path or from pyenv; an existing shim does not prove that it runs."""
    name = ".".join(str(part) for part in version)
    if version < basic._PY_MIN:
        pytest.skip(
            f"LEFT OUT: what runs on hosts is not run by Python {name}, on which this ansible-core runs no modules"
        )
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{name}.*/bin/python"))
    for candidate in (*kept, shutil.which(f"python{name}")):
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return str(candidate)
    pytest.skip(f"LEFT OUT: what runs on hosts is not run by Python {name}, which is not on this machine")
