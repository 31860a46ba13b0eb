# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other two modules for hosts, as far as they go without an agent, by each Python that a host may have."""

from __future__ import annotations

import json
import shutil

import pytest
from harness import Ansible
from pythons import VERSIONS, interpreter

ROW = {
    "version": "1.17.1",
    "format": "deb",
    "architecture": "x86_64",
    "name": "amazon-guardduty-agent-1.17.1.amd64.deb",
    **dict.fromkeys(("package", "signature", "public_key"), "/nowhere/at/all"),
}
# Nothing to change, so that the agent of whoever runs this is watched at most.
PLAN = {
    "state": "present",
    "action": "none",
    "installed_version": None,
    "version": "1.17.1",
    "changes": [],
    "package": None,
    "rollback": None,
    "limits": None,
    "reason": "",
}


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_fetching_and_watching_by_each_python(ansible: Ansible, version: tuple[int, int]) -> None:
    if not shutil.which("gpg"):
        pytest.skip("LEFT OUT: gpg is not on this machine")
    cache = str(ansible.folder / "packages")
    tasks = [
        {"name": "Fetch", "fleetsec.guardduty.agent_package": {"packages": [ROW], "cache_dir": cache}},
        {
            "name": "Watch",
            "fleetsec.guardduty.agent_apply": {"plan": PLAN, "watch": True, "settle_seconds": 0},
            "ignore_errors": True,
        },
    ]
    text = "".join(f"\n- {json.dumps(task)}" for task in tasks)
    run = ansible.playbook(f"{text}\n", ansible_python_interpreter=interpreter(version)).ok()
    (fetched,) = run.tasks["Fetch"]["packages"]
    assert fetched["failed"]
    assert "/nowhere/at/all" in fetched["msg"]
    watched = run.tasks["Watch"]
    assert not watched["changed"]
    assert watched.get("failed", False) == bool(watched.get("crash") or "systemd" in watched["msg"])
