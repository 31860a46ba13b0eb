# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands where ansible-test caches its get-pip.py: installs pip with the wheel that Python itself carries.

ansible-test downloads get-pip.py from a host of its own, which a closed network does not reach; everything else it
takes from the package index.
"""

from __future__ import annotations

import ensurepip
import os
import runpy
import sys
from pathlib import Path

# Debian keeps the wheels of ensurepip apart from Python.
FOLDERS = (Path(os.path.dirname(ensurepip.__file__)) / "_bundled", Path("/usr/share/python-wheels"))


def main() -> None:
    """Run the carried pip with ansible-test's arguments for get-pip.py."""
    wheels = [wheel for folder in FOLDERS for wheel in sorted(folder.glob("pip-*.whl"))]
    if not wheels:
        sys.exit("This Python carries no pip wheel: install its ensurepip (Debian: python3-venv).")
    sys.path.insert(0, str(wheels[0]))
    ignored = ("--no-setuptools", "--no-wheel")
    sys.argv = ["pip", "install", *(argument for argument in sys.argv[1:] if argument not in ignored)]
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


main()
