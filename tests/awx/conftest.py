# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake AWX, and ansible-playbook with awx.awx that uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import standin
import warm
from awx_objects import PROJECT, Playbook
from harness import ROOT, Run, run_ansible

COLLECTIONS = ROOT / ".cache" / "awx_collection"


@pytest.fixture(scope="session")
def collections() -> Path:
    """Where awx.awx is: in this environment's ansible package, or fetched."""
    spec = find_spec("ansible_collections.awx")
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).parents[1]
    done = subprocess.run(
        [sys.executable, "-I", str(ROOT / "tests" / "setup" / "awx_collection.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return COLLECTIONS


@pytest.fixture
def awx() -> Iterator[standin.Awx]:
    playbooks = [str(path.relative_to(PROJECT)) for path in (PROJECT / "playbooks").glob("*.yml")]
    server = standin.Awx(playbooks)
    with standin.running(server) as address:
        server.address = address
        yield server


@pytest.fixture
def run(awx: standin.Awx, collections: Path, tmp_path: Path) -> Playbook:
    """The playbook awx_setup with these arguments; env changes what its environment holds."""

    def playbook(*arguments: str, env: dict[str, str] | None = None) -> Run:
        variables = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / '.cache'}{os.pathsep}{collections}",
            "ANSIBLE_HOME": warm.home(),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_SHOW_CUSTOM_STATS": "true",
            "CONTROLLER_HOST": awx.address,
            "CONTROLLER_OAUTH_TOKEN": standin.TOKEN,
            **(env or {}),
        }
        return run_ansible(["ansible-playbook", *arguments], variables, tmp_path, own=env or {})

    return playbook
