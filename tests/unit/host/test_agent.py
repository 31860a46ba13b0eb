# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the agent's state on a host, with the real dpkg-query and rpm on the test's own databases."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from real_packages import Host, rpm_builder

from ansible_collections.fleetsec.guardduty.plugins.module_utils.host import agent, packages


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    if not shutil.which("dpkg-query"):
        pytest.skip("LEFT OUT: dpkg's states are not tested, dpkg-query is not on this machine")
    monkeypatch.setattr(agent, "package_format", lambda dummy: "deb")
    for name in ("info", "updates"):
        (tmp_path / name).mkdir()
    (tmp_path / "available").touch()
    (tmp_path / "status").touch()
    return Host(DPKG_ADMINDIR=str(tmp_path))


# dpkg(1), package states and flags, as dpkg writes them into its status file.
@pytest.mark.parametrize(
    ("status", "version"),
    [
        ("install ok installed", "1.17.1"),
        ("hold ok installed", "1.17.1"),
        ("install ok half-configured", "1.17.1"),
        ("install ok unpacked", "1.17.1"),
        ("install reinstreq half-installed", "1.17.1"),
        ("deinstall ok config-files", None),
    ],
)
def test_a_deb_in_each_state(debian: Host, tmp_path: Path, status: str, version: str | None) -> None:
    lines = [f"Package: {agent.PACKAGE}", f"Status: {status}", "Maintainer: none <a@example.com>", "Architecture: all"]
    lines += ["Version: 1:1.17.1-2", "Description: none", "", ""]
    (tmp_path / "status").write_text("\n".join(lines))
    assert agent.installed(debian) == ("deb", version, status)


def test_no_deb(debian: Host, tmp_path: Path) -> None:
    assert agent.installed(debian) == ("deb", None, None)
    # As after a purge, while dpkg remembers the selection.
    (tmp_path / "status").write_text(f"Package: {agent.PACKAGE}\nStatus: purge ok not-installed\nArchitecture: all\n\n")
    assert agent.installed(debian) == ("deb", None, None)


@pytest.fixture
def el(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(agent, "package_format", lambda dummy: "rpm")
    # Of this machine's own database another may hold the lock.
    (tmp_path / ".rpmmacros").write_text(f"%_dbpath {tmp_path}/db\n%_rpmlock_path {tmp_path}/lock\n")
    return Host(HOME=str(tmp_path))


def test_an_rpm_and_an_upgrade_that_was_cut_off(el: Host, tmp_path: Path) -> None:
    build = rpm_builder(tmp_path)
    assert agent.installed(el) == ("rpm", None, None)
    old, new = (str(build(version=version)) for version in ("1.9.2", "1.17.1"))
    assert el.run_command(["rpm", "-i", old])[0] == 0
    assert agent.installed(el) == ("rpm", "1.9.2", agent.INSTALLED)
    # rpm adds the new one to its database before it takes the old one out: killed between the two, it has both.
    assert el.run_command(["rpm", "-i", "--force", new])[0] == 0
    assert agent.installed(el) == ("rpm", "1.17.1", "1.9.2 and 1.17.1 at once")
    both = el.run_command(["rpm", "-q", agent.PACKAGE])[1].split()
    assert len(both) == 2

    packages.install(el, new, {"version": "1.17.1", "format": "rpm", "name": "agent.rpm"}, "repair")
    assert agent.installed(el) == ("rpm", "1.17.1", agent.INSTALLED)

    assert el.run_command(["rpm", "-i", "--force", old])[0] == 0
    packages.remove(el, "rpm")
    assert agent.installed(el) == ("rpm", None, None)


def test_a_process_is_older_than_a_program_that_came_after_it(tmp_path: Path) -> None:
    program = tmp_path / "agent"
    program.touch()
    came = program.stat().st_ctime - time.time() + time.monotonic()

    def said(started: float, path: Path = program) -> dict[str, str]:
        """The output of systemctl show of systemd 252 and 219; ctime cannot be set, so the process is moved instead."""
        text = f"{{ path={path} ; argv[]={path} ; ignore_errors=no ; start_time=[n/a] }}"
        return {"ExecStart": text, "ExecMainStartTimestampMonotonic": str(int(started * 1e6))}

    assert agent.outdated(said(came - 5))
    assert not agent.outdated(said(came + 5))
    assert not agent.outdated(said(0)), "it never ran"
    assert not agent.outdated(said(came - 5, tmp_path / "gone"))
    assert not agent.outdated({})


def test_a_program_that_came_in_the_future_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock was put back since; it would restart the agent in every run."""
    came = tmp_path.stat().st_ctime
    monkeypatch.setattr(agent.time, "time", lambda: came - 100)
    monkeypatch.setattr(agent.time, "monotonic", lambda: 50)
    said = {"ExecStart": f"{{ path={tmp_path} ; }}", "ExecMainStartTimestampMonotonic": "1000000"}
    assert not agent.outdated(said)
    monkeypatch.setattr(agent.time, "time", lambda: came + 1)
    assert agent.outdated(said)


def test_leftovers_are_files_of_an_agent_that_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "LOGS", str(tmp_path / "log"))
    monkeypatch.setattr(agent, "RUN", str(tmp_path / "run"))
    assert agent.leftovers() == []
    (tmp_path / "log").mkdir()
    assert agent.leftovers() == []
    (tmp_path / "log" / "agent.log").touch()
    assert agent.leftovers() == [str(tmp_path / "log" / "agent.log")]


# systemctl show, as systemd 252 and 219 (Amazon Linux 2) answer it.
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nMainPID=812\nNRestarts=3\n"
            "LimitMEMLOCK=67108864\nLimitMEMLOCKSoft=33554432\n",
            {"active_state": "active", "main_pid": 812, "restarts": 3, "limit_memlock": "33554432"},
        ),
        (
            "LoadState=loaded\nActiveState=failed\nSubState=failed\nUnitFileState=disabled\nMainPID=0\nLimitMEMLOCK=65536\n",
            {"active_state": "failed", "main_pid": 0, "restarts": 0, "limit_memlock": "65536"},
        ),
        ("", {"load_state": "", "unit_file_state": "", "main_pid": 0, "limit_memlock": ""}),
    ],
)
def test_the_unit(said: str, expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "systemctl"
    command.write_text(f"#!/bin/sh\ncat <<'X'\n{said}X\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(agent, "systemd_runs", lambda: True)
    monkeypatch.setattr(agent, "DROP_IN", str(tmp_path / "50-fleetsec.conf"))
    found = agent.unit(Host())
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.drop_in is None
    (tmp_path / "50-fleetsec.conf").write_text("[Service]\n")
    assert agent.unit(Host()).drop_in == "[Service]\n"
