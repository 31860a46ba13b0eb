# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook on the live hosts, as a process of its own, and its report as data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS = {
    "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
    "ANSIBLE_SHOW_CUSTOM_STATS": "true",
    "ANSIBLE_INJECT_FACT_VARS": "false",
    "ANSIBLE_FORKS": "20",
    "ANSIBLE_PIPELINING": "true",
}


@dataclass(frozen=True)
class Run:
    """What a run of ansible-playbook came to."""

    returncode: int
    seconds: float
    report: dict[str, Any]
    text: str

    def handed(self, name: str) -> dict[str, Any]:
        """What set_stats handed over."""
        assert name in self.report["global_custom_stats"], self.text[-4000:]
        found: dict[str, Any] = self.report["global_custom_stats"][name]
        return found


def counting_ssh(folder: Path) -> tuple[Path, Path]:
    """An ssh that notes each of its runs as a line of a file: the program, and the file."""
    program, notes = folder / "ssh", folder / "connections"
    program.write_text(f'#!/bin/sh\necho once >> {notes}\nexec ssh "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program, notes


def play(playbook: str | Path, *arguments: str | Path, **extra_vars: Any) -> Run:
    command = [Path(sys.executable).with_name("ansible-playbook"), playbook, *arguments, "-e", json.dumps(extra_vars)]
    started = time.monotonic()
    done = subprocess.run(command, env=os.environ | SETTINGS, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - started
    assert done.stdout.startswith("{"), done.stdout[-4000:] + done.stderr[-2000:]
    return Run(done.returncode, seconds, json.loads(done.stdout), done.stdout + done.stderr)
