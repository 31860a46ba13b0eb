# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The molecule scenarios, as the tests run them: once, all of them, and what they and the endpoints said."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .network import CACHE, MOLECULE, ROOT

# Of two cores: scenarios wait for services and logins more than they compute.
WORKERS = 3
# These are started first, or the last one would run alone.
LONGEST = ("mixed", "upgrade", "remove")
LOG = CACHE / "molecule.log"
# Molecule colours its own words whatever it is told.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def known() -> list[str]:
    """The folders of extensions/molecule that test something."""
    found = (path.parent.name for path in MOLECULE.glob("*/molecule.yml"))
    return sorted(name for name in found if name != "default")


def chosen() -> list[str]:
    return os.environ.get("GD_SCENARIOS", "").split()


def hosts() -> dict[str, dict[str, str]]:
    """Scenario to its hosts, each with its address."""
    document = yaml.safe_load((MOLECULE / "inventory" / "hosts.yml").read_text(encoding="utf-8"))
    groups = document["all"]["children"]["test_hosts"]["children"]
    return {
        scenario: {name: host["container_ip"] for name, host in group["hosts"].items()}
        for scenario, group in groups.items()
    }


@dataclass(frozen=True)
class Molecule:
    """What a run of molecule said."""

    output: str = field(repr=False)

    def succeeded(self, scenario: str) -> bool:
        return f"Scenario '{scenario}' completed successfully" in self.output


def run_molecule(scenarios: Sequence[str]) -> Molecule:
    """Run scenarios on fresh hosts; what it says is shown, and kept in a file.

    molecule's plugin for pytest is not used: it passes without reaching a host.
    """
    in_order = sorted(scenarios, key=lambda name: (name not in LONGEST, name))
    names = [part for name in in_order for part in ("-s", name)]
    options = ["--workers", str(WORKERS), "--continue-on-failure", "--no-command-borders"]
    command = [str(Path(sys.executable).with_name("molecule")), "test", *names, *options]
    lines = []
    CACHE.mkdir(parents=True, exist_ok=True)
    with LOG.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            plain = COLOUR.sub("", line)
            log.write(plain)
            lines.append(plain)
            print(plain, end="", flush=True)
        process.wait()
    return Molecule("".join(lines))


def requests() -> list[dict[str, Any]]:
    """What was asked of the buckets and of GuardDuty's endpoint: method, bucket, key, status, caller."""
    return _lines("requests.jsonl")


def tunnels() -> list[dict[str, Any]]:
    """What went through the proxy: target, caller."""
    return _lines("tunnels.jsonl")


def _lines(name: str) -> list[dict[str, Any]]:
    log = Path(os.environ["GD_LAB_DIR"]) / name
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
