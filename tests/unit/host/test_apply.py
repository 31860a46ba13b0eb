# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of packages on a host: real packages, real rpm and dpkg-deb; systemd's part is in tests/hosts."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
from real_packages import Build, Host, rpm_builder

from ansible_collections.fleetsec.guardduty.plugins.module_utils.host import agent, carry_out, packages, service
from ansible_collections.fleetsec.guardduty.plugins.module_utils.host.packages import Refused


@pytest.fixture
def rpm(tmp_path: Path) -> Build:
    return rpm_builder(tmp_path)


@pytest.fixture
def deb(tmp_path: Path) -> Build:
    if not shutil.which("dpkg-deb"):
        pytest.skip("LEFT OUT: real DEBs are not tested, dpkg-deb is not on this machine")

    def build(name: str = packages.PACKAGE, version: str = "1.17.1", machine: str = "amd64") -> Path:
        control = tmp_path / "tree" / "DEBIAN" / "control"
        control.parent.mkdir(parents=True, exist_ok=True)
        control.write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: {machine}\nMaintainer: none\nDescription: none\n"
        )
        path = tmp_path / f"{name}-{version}.{machine}.deb"
        subprocess.run(["dpkg-deb", "--build", str(tmp_path / "tree"), str(path)], check=True, capture_output=True)
        return path

    return build


def row(kind: str, machine: str = "x86_64", version: str = "1.17.1") -> dict[str, Any]:
    return {"version": version, "format": kind, "architecture": machine, "name": f"agent-{version}.{kind}"}


def test_a_package_that_is_what_its_name_says_is_taken(rpm: Build, deb: Build, tmp_path: Path) -> None:
    host = Host(HOME=str(tmp_path))
    packages.check_identity(host, str(rpm()), row("rpm"))
    packages.check_identity(host, str(rpm(machine="aarch64")), row("rpm", "arm64"))
    packages.check_identity(host, str(deb()), row("deb"))
    packages.check_identity(host, str(deb(version="1.17.1-2", machine="arm64")), row("deb", "arm64"))


@pytest.mark.parametrize(
    ("really", "words"),
    [
        ({"version": "1.15.0"}, "as amazon-guardduty-agent 1.15.0 for"),
        ({"machine": "arm64"}, "1.17.1 for a"),
        ({"name": "something-else"}, "something-else 1.17.1 for"),
    ],
)
def test_a_genuine_package_under_another_name_is_refused(
    rpm: Build, deb: Build, tmp_path: Path, really: dict[str, str], words: str
) -> None:
    host = Host(HOME=str(tmp_path))
    of_rpm = really | ({"machine": "aarch64"} if "machine" in really else {})
    for path, kind in ((rpm(**of_rpm), "rpm"), (deb(**really), "deb")):
        with pytest.raises(Refused, match="was rejected") as refused:
            packages.check_identity(host, str(path), row(kind))
        assert words in str(refused.value) and "Nothing was changed" in str(refused.value)


@pytest.mark.parametrize("kind", ["rpm", "deb"])
def test_what_is_no_package_is_refused(kind: str, rpm: Build, deb: Build, tmp_path: Path) -> None:
    path = tmp_path / f"agent.{kind}"
    path.write_text("no package")
    with pytest.raises(Refused, match="cannot be read as a package"):
        packages.check_identity(Host(HOME=str(tmp_path)), str(path), row(kind))


def test_rpm_upgrades_downgrades_repairs_and_removes(
    rpm: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = with_own_database(tmp_path, monkeypatch)
    for version, action in (
        ("1.16.0", "install"),
        ("1.17.1", "upgrade"),
        ("1.16.0", "downgrade"),
        ("1.16.0", "repair"),
    ):
        packages.install(host, str(rpm(version=version)), row("rpm", version=version), action)
        assert database(host) == f"{packages.PACKAGE}-{version}-1.x86_64"
    with pytest.raises(Refused, match="already installed"):
        packages.install(host, str(rpm(version="1.15.0")), row("rpm", version="1.15.0"), "upgrade")
    packages.remove(host, "rpm")
    assert database(host) == ""


def test_what_rpm_says_becomes_a_cause_and_a_remedy(
    rpm: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = with_own_database(tmp_path, monkeypatch)
    lacking = rpm(more="Requires: nothing-that-exists")
    with pytest.raises(Refused, match="nothing-that-exists is needed by.*Install its dependencies first"):
        packages.install(host, str(lacking), row("rpm"), "install")
    altered = tmp_path / "altered.rpm"
    content = rpm().read_bytes()
    altered.write_bytes(content[:-40] + bytes(40))
    with pytest.raises(
        Refused, match=r"Installing agent-1.17.1.rpm failed: rpm ended with 1: package .* does not verify"
    ):
        packages.install(host, str(altered), row("rpm"), "install")
    assert database(host) == ""


def with_own_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    (tmp_path / ".rpmmacros").write_text(f"%_dbpath {tmp_path}/db\n")
    host = Host(HOME=str(tmp_path))
    # This machine may have dpkg's database, and then is not an RPM host for agent.installed
    monkeypatch.setattr(packages, "installed", lambda module: seen(database(module)))
    return host


def seen(name: str) -> agent.Installed:
    return agent.Installed("rpm", name.split("-")[-2], agent.INSTALLED) if name else agent.Installed("rpm")


def database(host: Host) -> str:
    return host.run_command(["rpm", "-q", "--qf", "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}", "-a"])[1]


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("error: installing package x needs 4MB more space on the / filesystem", "full: free space"),
        ("dpkg: error: failed to write: No space left on device", "full: free space"),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)", "try again later"),
        ("E: dpkg was interrupted, you must manually run 'dpkg --configure -a'", "dpkg --configure -a on the host"),
        ("E: Unable to correct problems, you have held broken packages.", "Install its dependencies"),
        ("something new", "Check the host's package manager"),
    ],
)
def test_known_failures_have_a_remedy(text: str, remedy: str, tmp_path: Path) -> None:
    script = tmp_path / "apt-get"
    script.write_text(f"#!/bin/sh\ncat <<'END'\nReading lists\n{text}\nEND\nexit 100\n")
    script.chmod(0o755)
    with pytest.raises(Refused, match=r"Installing agent-1.17.1.deb failed: apt-get ended with 100") as refused:
        packages.install(Host(PATH=f"{tmp_path}:{os.environ['PATH']}"), "/x.deb", row("deb"), "install")
    assert text.rstrip(".") in str(refused.value) and remedy in str(refused.value)


def test_another_package_manager_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "lock"
    monkeypatch.setattr(packages, "LOCK_PAUSE", 0.01)
    code = f"import fcntl,sys; f=open({str(lock)!r},'w'); fcntl.lockf(f,fcntl.LOCK_EX); print(); sys.stdin.read()"
    command = [shutil.which("python3") or "python3", "-c", code]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdin and holder.stdout
    holder.stdout.readline()
    monkeypatch.setattr(packages, "LOCK_PATIENCE", 0)
    with pytest.raises(Refused, match="Another package manager has locked"):
        packages._wait_for(Host(), str(lock))
    monkeypatch.setattr(packages, "LOCK_PATIENCE", 20)
    threading.Timer(0.2, holder.stdin.close).start()
    packages._wait_for(Host(), str(lock), str(tmp_path / "nothing"))
    assert holder.wait(10) == 0
    with lock.open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


ROW = row("deb") | {"path": "/x", "sha256": "0" * 64}
STEP = {"what": "package", "before": None, "after": "1.17.1"}
PLAN: dict[str, Any] = {"state": "present", "action": "install", "changes": [STEP]}


def test_a_plan_from_the_wire_is_read_once() -> None:
    order = carry_out.parse(PLAN, [ROW])
    assert order == ("present", "install", {"package": "1.17.1"}, ROW)
    assert carry_out.parse(PLAN | {"state": "absent", "changes": [STEP | {"after": None}]}, []).package is None


@pytest.mark.parametrize(
    ("more", "rows", "words"),
    [
        ({"state": "gone"}, [ROW], "state, action or changes"),
        ({"action": 1}, [ROW], "state, action or changes"),
        ({"changes": None}, [ROW], "state, action or changes"),
        ({"changes": ["package"]}, [ROW], "a step is unknown or repeated: package"),
        ({"changes": [{"what": ["package"]}]}, [ROW], "a step is unknown or repeated"),
        ({"changes": [{"what": "reboot", "after": True}]}, [ROW], "a step is unknown or repeated: .*reboot"),
        ({"changes": [STEP, STEP]}, [ROW], "a step is unknown or repeated"),
        ({"changes": [STEP | {"after": 1}]}, [ROW], "the value of the step package"),
        ({"changes": [{"what": "running", "after": 1}]}, [], "the value of the step running"),
        ({}, [], "its package is missing"),
        ({}, ["row"], "is not a row of agent_package"),
        ({}, [ROW | {"sha256": None}], "is not a row of agent_package"),
    ],
)
def test_a_plan_that_is_not_valid_is_an_error_in_a_sentence(more: dict[str, Any], rows: list[Any], words: str) -> None:
    with pytest.raises(Refused, match=rf"^The plan is not valid: .*{words}.*\. Nothing was changed\."):
        carry_out.parse(PLAN | more, rows)


def test_a_package_that_changed_after_it_was_verified_is_not_installed(tmp_path: Path) -> None:
    path = tmp_path / "agent.deb"
    path.write_bytes(b"verified")
    good = row("deb") | {"path": str(path), "sha256": hashlib.sha256(b"verified").hexdigest()}
    with carry_out._own_copy(good) as copy:
        assert Path(copy).read_bytes() == b"verified" and Path(copy).parent.stat().st_mode & 0o777 == 0o700
    assert not Path(copy).parent.exists()
    path.write_bytes(b"swapped")
    with pytest.raises(Refused, match="changed after it was verified"), carry_out._own_copy(good):
        pytest.fail("it was handed out")
    with pytest.raises(Refused, match="failed: No such file"), carry_out._own_copy(good | {"path": "/nowhere"}):
        pytest.fail("it was handed out")


STATES = {
    "steady": [("active", "running", 7, 0)] * 2,
    "restarted": [("active", "running", 7, 0), ("active", "running", 9, 1)],
    "same process, counted": [("active", "running", 7, 0), ("active", "running", 7, 1)],
    "between two attempts": [("activating", "auto-restart", 0, 3)] * 2,
    "failed": [("failed", "failed", 0, 5)] * 2,
    "stopping": [("deactivating", "stop-sigterm", 7, 0)] * 2,
    "no process": [("active", "exited", 0, 0)] * 2,
}


@pytest.mark.parametrize("story", STATES)
def test_only_one_process_that_stays_counts_as_running(story: str, tmp_path: Path) -> None:
    """A fake systemctl with scripted answers; the real one is in tests/hosts."""
    for number, (active, sub, pid, restarts) in enumerate(STATES[story]):
        (tmp_path / str(number)).write_text(
            f"LoadState=loaded\nActiveState={active}\nSubState={sub}\nMainPID={pid}\nNRestarts={restarts}\n"
        )
    stand_in(tmp_path / "systemctl", "n=$(cat n 2>/dev/null || echo 0); cat $n; [ $n = 1 ] || echo 1 > n")
    stand_in(tmp_path / "journalctl", "echo fatal: no such kernel")
    host = Here(tmp_path)
    if story == "steady":
        service.watch(host, 0)
        return
    with pytest.raises(service.Crashed) as crash:
        service.watch(host, 0)
    assert crash.value.why.startswith("the service ") and crash.value.journal == ["fatal: no such kernel"]


def stand_in(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\ncd {path.parent}\n{textwrap.dedent(script)}\n")
    path.chmod(0o755)


class Here(Host):
    def __init__(self, folder: Path) -> None:
        super().__init__(PATH=f"{folder}:{os.environ['PATH']}")


@pytest.fixture(autouse=True)
def systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "systemd_runs", lambda: True)


def test_a_masked_unit_is_told_with_its_remedy(tmp_path: Path) -> None:
    stand_in(
        tmp_path / "systemctl",
        "echo Failed to enable unit: Unit file amazon-guardduty-agent.service is masked. >&2; exit 1",
    )
    with pytest.raises(Refused, match=r"systemctl enable .* failed: .* is masked\. Unmask it"):
        service.systemctl(Here(tmp_path), "enable", service.UNIT)


class Moving(Host):
    def atomic_move(self, source: str, target: str) -> None:
        os.replace(source, target)


def test_the_drop_in_is_written_as_a_whole_and_removed_with_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "unit.d" / "50-fleetsec.conf"
    monkeypatch.setattr(service, "DROP_IN", str(path))
    for text in ("[Service]\n", "[Service]\nMemoryMax=1G\n"):
        service.set_drop_in(Moving(), text)
        assert (
            path.read_text() == text and path.stat().st_mode & 0o777 == 0o644 and len(list(path.parent.iterdir())) == 1
        )
    own = path.with_name("10-mine.conf")
    own.write_text("")
    service.set_drop_in(Moving(), None)
    assert own.exists() and not path.exists()
    own.unlink()
    service.set_drop_in(Moving(), None)
    assert not path.parent.exists()


def test_clearing_follows_no_link_out_of_the_agents_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logs, elsewhere = tmp_path / "logs", tmp_path / "elsewhere"
    for folder in (logs / "old", elsewhere):
        folder.mkdir(parents=True)
        (folder / "file").write_text("")
    (logs / "link").symlink_to(elsewhere)
    monkeypatch.setattr(service, "LOGS", str(logs))
    monkeypatch.setattr(service, "RUN", str(tmp_path / "run"))
    monkeypatch.setattr(service, "leftovers", lambda: sorted(str(path) for path in logs.iterdir()))
    service.clear(directories=False)
    assert list(logs.iterdir()) == [] and (elsewhere / "file").exists()
    service.clear(directories=True)
    assert not logs.exists()
