# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line, as a playbook or a test session uses it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

import pytest
from served import EMPTY, PACKAGE, Server

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PACKAGE)}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "emulated_aws", *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_server_announces_itself_once_it_answers_and_leaves_nothing(tmp_path):
    server = Server(tmp_path, ENVIRONMENT)
    announced = json.loads(server.ready.read_text())
    assert announced["pid"] == server.process.pid
    with urllib.request.urlopen(f"{announced['endpoint_url']}/_world/calls", timeout=10) as answer:
        assert json.load(answer) == {}
    assert announced["endpoint_url"].startswith("http://127.0.0.1:")
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(10) == 0
    assert not server.ready.exists()


def test_a_server_ends_with_its_parent(tmp_path):
    (tmp_path / "fleet.yml").write_text(EMPTY)
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "emulated_aws", "--fleet", str(tmp_path / "fleet.yml"), "--exit-with-parent"]
    script = f"""
import subprocess, time, pathlib
subprocess.Popen({[*command, "--ready-file", str(ready)]!r}, stdout=subprocess.DEVNULL)
while not pathlib.Path({str(ready)!r}).exists(): time.sleep(0.05)
"""
    subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT, timeout=60, check=True)
    until = time.monotonic() + 10
    while ready.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not ready.exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("accounts: [", "no YAML"),
        (
            'accounts: {"111111111111": {regions: {eu-west-1: {vpcs: {x: {subnets: {a: eu-west-1z}}}}}}}',
            'accounts.111111111111.regions.eu-west-1.vpcs.x.subnets.a: no zone "eu-west-1z"; known: eu-west-1a',
        ),
    ],
)
def test_a_mistake_in_the_fleet_file_is_one_sentence(tmp_path, text, sentence):
    path = tmp_path / "fleet.yml"
    path.write_text(text)
    done = run("--fleet", str(path))
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_missing_fleet_file(tmp_path):
    done = run("--fleet", str(tmp_path / "none.yml"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "cannot read the fleet file" in done.stderr


def test_a_port_that_is_taken(tmp_path, server):
    (tmp_path / "fleet.yml").write_text(EMPTY)
    done = run("--fleet", str(tmp_path / "fleet.yml"), "--port", server.url.rpartition(":")[2])
    assert done.returncode == 2
    assert "cannot listen on 127.0.0.1" in done.stderr
