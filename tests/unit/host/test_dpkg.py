# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real dpkg and apt on this machine's own system, in a copy that is removed after the test (an overlay in a mount namespace)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fleetsec.guardduty.plugins.module_utils.host import packages
from ansible_collections.fleetsec.guardduty.plugins.module_utils.host.agent import INSTALLED, installed
from ansible_collections.fleetsec.guardduty.plugins.module_utils.host.packages import PACKAGE, Refused

COPY = """\
set -e
mount -t tmpfs none {at}
mkdir {at}/up {at}/work {at}/root
mount -t overlay overlay -o lowerdir=/,upperdir={at}/up,workdir={at}/work {at}/root
mount --rbind /dev {at}/root/dev
mount -t proc proc {at}/root/proc
mount -t tmpfs none {at}/root/tmp
echo ready
exec cat
"""
STATUS = "/var/lib/dpkg/status"


class Copy:
    """The part of AnsibleModule that is used, with commands that run in the copy."""

    def __init__(self, holder: int, root: Path) -> None:
        self.inside = ["nsenter", "--target", str(holder), "--mount", "chroot", str(root)]

    def run_command(self, command: list[str], environ_update: Any = None, **dummy: Any) -> tuple[int, str, str]:
        environment = os.environ | (environ_update or {})
        words = [*self.inside, *command]
        done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
        return done.returncode, done.stdout, done.stderr

    def get_bin_path(self, name: str) -> str | None:
        return shutil.which(name)

    def shell(self, script: str) -> str:
        code, out, err = self.run_command(["sh", "-c", script])
        assert code == 0, out + err
        return out

    def build(self, version: str, postinst: str = "exit 0") -> str:
        control = f"Package: {PACKAGE}\nVersion: {version}\nArchitecture: all\nMaintainer: none\nDescription: none\n"
        self.shell(
            f"cd /tmp && rm -rf tree && mkdir -p tree/DEBIAN tree/opt/agent && echo {version} > tree/opt/agent/version"
            f" && cat > tree/DEBIAN/control <<'END'\n{control}END\n"
            f"printf '#!/bin/sh\\n{postinst}\\n' > tree/DEBIAN/postinst && chmod 755 tree/DEBIAN/postinst"
            f" && dpkg-deb --build tree {version}.deb"
        )
        return f"/tmp/{version}.deb"

    def install(self, version: str, action: str, path: str | None = None) -> None:
        row = {"format": "deb", "version": version, "name": f"agent-{version}.deb"}
        packages.install(self, path or self.build(version), row, action)
        assert self.state() == (version, INSTALLED)

    def state(self) -> tuple[str | None, str | None]:
        found = installed(self)
        return found.version, found.status


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Copy]:
    if os.geteuid() != 0 or not Path(STATUS).exists() or not shutil.which("apt-get") or not shutil.which("nsenter"):
        pytest.skip("LEFT OUT: real dpkg and apt are not tested, that needs root on a Debian")
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", COPY.format(at=tmp_path)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert holder.stdin and holder.stdout and holder.stderr
    try:
        if holder.stdout.readline() != "ready\n":
            pytest.skip(f"LEFT OUT: real dpkg and apt are not tested, no overlay here: {holder.stderr.read().strip()}")
        yield Copy(holder.pid, tmp_path / "root")
    finally:
        holder.stdin.close()
        holder.wait(20)


def test_apt_installs_upgrades_and_downgrades_only_when_told(host: Copy) -> None:
    host.install("1.16.0", "install")
    host.install("1.17.1", "upgrade")
    with pytest.raises(Refused, match="Packages were downgraded"):
        host.install("1.16.0", "upgrade")
    assert host.state() == ("1.17.1", INSTALLED)
    host.install("1.16.0", "downgrade")
    packages.remove(host, "deb")
    assert host.state() == (None, None) and not Path(STATUS).read_text().count(f"Package: {PACKAGE}\n")


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ("install reinstreq half-installed", "1.16.0"),
        ("install reinstreq half-installed", "1.17.1"),
        ("install ok unpacked", "1.16.0"),
        ("install ok half-configured", "1.15.0"),
    ],
)
def test_every_half_state_is_repaired_to_any_version(host: Copy, state: str, wanted: str) -> None:
    host.install("1.16.0", "install")
    own = f"/^Package: {PACKAGE}$/,/^$/"
    host.shell(f"sed -i '{own}s/^Status: .*/Status: {state}/' {STATUS}")
    assert host.state() == ("1.16.0", state)
    host.install(wanted, "repair")
    assert host.shell("cat /opt/agent/version") == f"{wanted}\n"


def test_half_an_installation_can_be_removed(host: Copy) -> None:
    host.install("1.16.0", "install")
    host.shell(f"sed -i '/^Package: {PACKAGE}$/,/^$/s/^Status: .*/Status: install reinstreq half-installed/' {STATUS}")
    packages.remove(host, "deb")
    assert host.state() == (None, None)


def test_a_package_that_cannot_be_configured_is_told_and_repaired_by_a_better_one(host: Copy) -> None:
    bad = host.build("1.17.1", "echo no kernel headers >&2; exit 7")
    with pytest.raises(Refused, match=r"post-installation script subprocess returned error exit status 7"):
        host.install("1.17.1", "install", bad)
    assert host.state() == ("1.17.1", "install ok half-configured")
    with pytest.raises(Refused, match="exit status 7"):
        host.install("1.17.1", "repair", bad)
    host.install("1.17.1", "repair")


def test_a_package_on_hold_is_not_moved_and_its_release_is_told(host: Copy) -> None:
    host.install("1.16.0", "install")
    host.shell(f"echo {PACKAGE} hold | dpkg --set-selections")
    assert host.state() == ("1.16.0", "hold ok installed")
    with pytest.raises(Refused, match=rf"apt-mark unhold {PACKAGE}"):
        host.install("1.17.1", "upgrade")
