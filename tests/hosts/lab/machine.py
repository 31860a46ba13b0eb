# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this machine must have for test hosts, and how it comes by it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# Program to Debian's package of it.
PROGRAMS = {
    "podman": "podman",
    "runc": "runc",
    "iptables": "iptables",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "rpmbuild": "rpm",
    "dpkg-deb": "dpkg",
    "gpg": "gnupg",
    "openssl": "openssl",
    "ssh": "openssh-client",
}
# netavark is not on PATH.
FURTHER_PACKAGES = ("netavark",)
NETAVARK = Path("/usr/lib/podman/netavark")
DOCKER_NEEDS = ("docker", "ip", "rpmbuild", "dpkg-deb", "gpg", "openssl", "ssh")
# How long to wait for another package manager on this machine
LOCK_SECONDS = 600
# Each systemd takes about six; at Linux's default of 128 the nineteenth host hangs in its boot.
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_INSTANCES = 1024
# podman build lowers the number of processes to this first, and may not raise it again.
MOST_PROCESSES = 32_768


class LabError(Exception):
    """One sentence for the person at the keyboard."""


def run(
    *command: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command, its output kept; a failure is a LabError with what it said."""
    done = subprocess.run(
        [str(part) for part in command],
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(map(str, command))} failed ({done.returncode}): {done.stdout}{done.stderr}".strip())
    return done


def lacking(engine: str) -> str | None:
    """Why there can be no test hosts on this machine, or None. Nothing is changed yet."""
    if os.geteuid() != 0:
        return "they need root: containers with systemd, a network namespace and addresses of AWS of their own"
    missing = _missing(engine)
    if engine == "docker" and missing:
        return f"{', '.join(missing)} not found; with GD_ENGINE=docker nothing is installed for you"
    if missing and shutil.which("apt-get") is None:
        return f"{', '.join(missing)} not found, and this is not a Debian where apt-get could install them"
    done = run("unshare", "--net", "--mount", "true", check=False)
    if done.returncode != 0:
        return f"this machine gives no namespaces ({done.stderr.strip()})"
    return None


def prepare(engine: str) -> None:
    """Install what is missing, and raise the limit that many hosts would run into."""
    if engine == "podman" and _missing(engine):
        packages = [*dict.fromkeys(PROGRAMS.values()), *FURTHER_PACKAGES]
        _apt_get("update")
        _apt_get("install", "-y", "--no-install-recommends", *packages)
    if int(INOTIFY.read_text(encoding="ascii")) < INOTIFY_INSTANCES:
        INOTIFY.write_text(str(INOTIFY_INSTANCES), encoding="ascii")


def _apt_get(*words: str) -> None:
    """Run apt-get. It waits for dpkg's lock by itself, but gives up at once when another apt reads lists or downloads."""
    command = ("apt-get", "-qq", "-o", f"DPkg::Lock::Timeout={LOCK_SECONDS}", *words)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            run(*command, env=environment)
            return
        except LabError as error:
            if "Could not get lock" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(1)


def containers_conf(folder: Path) -> str:
    """podman's settings for this machine, so that no playbook needs a flag for it.

    Limits above the machine's hard ones are refused, crun does not start systemd on hybrid cgroups, and networks are
    kept apart from the machine's own.
    """
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    processes = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    limits = [f"nofile={_within(files, 1_048_576)}", f"nproc={_within(processes, MOST_PROCESSES)}"]
    return f"""\
[containers]
default_ulimits = [{", ".join(f'"{limit}"' for limit in limits)}]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[network]
network_backend = "netavark"
network_config_dir = "{folder}"
"""


def _within(hard: int, most: int) -> str:
    value = most if hard == resource.RLIM_INFINITY else min(hard, most)
    return f"{value}:{value}"


def _missing(engine: str) -> Sequence[str]:
    programs = DOCKER_NEEDS if engine == "docker" else tuple(PROGRAMS)
    missing = [program for program in programs if shutil.which(program) is None]
    if engine == "podman" and not NETAVARK.exists():
        missing.append("netavark")
    return missing
