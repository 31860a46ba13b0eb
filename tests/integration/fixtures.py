# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulated AWS for a whole test run, a new world for each test, and the real ansible commands."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import FLEETS, Ansible, EmulatedAws


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedAws]:
    ready = tmp_path_factory.mktemp("emulated_aws") / "ready.json"
    log = ready.with_name("server.log").open("w")
    arguments = ["--fleet", str(FLEETS / "every_case.yml"), "--port", "0", "--ready-file", str(ready)]
    process = subprocess.Popen(
        [sys.executable, "-m", "emulated_aws", *arguments, "--validate", "--exit-with-parent"],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        for _dummy in range(600):
            if ready.exists():
                break
            assert process.poll() is None, ready.with_name("server.log").read_text()
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
        yield EmulatedAws(json.loads(ready.read_text())["endpoint_url"])
    finally:
        process.terminate()
        process.wait(10)
        log.close()


@pytest.fixture
def aws(server: EmulatedAws) -> Iterator[EmulatedAws]:
    """An emulated AWS; load() gives it a world. Whatever it could not answer, or answered wrongly, fails the test."""
    yield server
    assert server.violations() == []


@pytest.fixture
def ansible(aws: EmulatedAws, tmp_path: Path) -> Ansible:
    return Ansible(aws, tmp_path)
