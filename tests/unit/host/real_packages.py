# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with this machine's commands and the test's own databases, and RPMs that it can install."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fleetsec.guardduty.plugins.module_utils.host.agent import PACKAGE

SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: none
License: none
AutoReqProv: no
{more}
%description
None.
%files
"""
Build = Callable[..., Path]


class Host:
    """The part of AnsibleModule that is used, with real commands in C(environment)."""

    def __init__(self, **environment: str) -> None:
        self.environment = os.environ | environment

    def run_command(self, command: list[str], environ_update: Any = None, **dummy: Any) -> tuple[int, str, str]:
        environment = self.environment | (environ_update or {})
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        return done.returncode, done.stdout, done.stderr


def rpm_builder(folder: Path) -> Build:
    """Builds RPMs that have no files, so that installing one touches a database in C(folder) only."""
    if not shutil.which("rpmbuild"):
        pytest.skip("LEFT OUT: real RPMs are not tested, rpmbuild is not on this machine (Debian: apt-get install rpm)")

    def build(name: str = PACKAGE, version: str = "1.17.1", machine: str = "x86_64", more: str = "") -> Path:
        spec = folder / "agent.spec"
        spec.write_text(SPEC.format(name=name, version=version, more=more))
        command = ["rpmbuild", "-bb", "--quiet", "--target", machine, "--define", f"_topdir {folder}/rpm", str(spec)]
        subprocess.run(command, check=True, capture_output=True, env=os.environ | {"HOME": str(folder)})
        return next((folder / "rpm" / "RPMS" / machine).glob(f"{name}-{version}-1.*.rpm"))

    return build
