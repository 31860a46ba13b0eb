# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's state on a managed host: its package, unit and drop-in. Python 3.8 and the standard library."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from typing import NamedTuple, Protocol

PACKAGE = "amazon-guardduty-agent"
UNIT = "amazon-guardduty-agent.service"
DROP_IN = "/etc/systemd/system/" + UNIT + ".d/50-fleetsec.conf"
# GuardDuty user guide, "Troubleshooting Runtime Monitoring": the log directory (amzn, not amazon).
LOGS = "/var/log/amzn-guardduty-agent"
RUN = "/run/amazon-guardduty-agent"
PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "MainPID",
    "NRestarts",
    "LimitMEMLOCKSoft",
    "LimitMEMLOCK",
    "ExecStart",
    "ExecMainStartTimestampMonotonic",
)
INSTALLED = "install ok installed"


class Commands(Protocol):
    """The part of AnsibleModule that runs commands."""

    def run_command(
        self, args: list[str], *, environ_update: dict[str, str] | None = None, handle_exceptions: bool = True
    ) -> tuple[int, str, str]: ...

    def get_bin_path(self, arg: str) -> str | None: ...


class Installed(NamedTuple):
    """The package according to the package manager: deb, rpm or None; None if not installed; the status in dpkg's terms.

    A DEB that was removed but not purged has a status but no version.
    """

    format: str | None
    version: str | None = None
    status: str | None = None


class Unit(NamedTuple):
    """The state of the agent's unit according to systemd, in systemd's words; C(outdated) as defined below."""

    load_state: str
    active_state: str
    sub_state: str
    unit_file_state: str
    main_pid: int
    restarts: int
    limit_memlock: str
    drop_in: str | None
    outdated: bool


def package_format(module: Commands) -> str | None:
    """deb, rpm or None, by the package database of the system, because a Debian host may also have the command rpm."""
    if os.path.exists("/var/lib/dpkg/status") and module.get_bin_path("dpkg-query"):
        return "deb"
    return "rpm" if module.get_bin_path("rpm") else None


def installed(module: Commands) -> Installed:
    """The agent's package on this host."""
    kind = package_format(module)
    if kind == "deb":
        code, text = module.run_command(["dpkg-query", "-W", "-f", "${Version}\n${Status}\n", PACKAGE])[:2]
        lines = text.splitlines()
        if code == 0 and len(lines) == 2 and not lines[1].endswith("not-installed"):
            removed = lines[1].endswith("config-files")
            return Installed(kind, None if removed else upstream(lines[0]), lines[1])
    elif kind == "rpm":
        code, text = module.run_command(["rpm", "-q", "--qf", "%{VERSION}\n", PACKAGE])[:2]
        versions = sorted(text.split(), key=_in_order) if code == 0 else []
        if versions:
            # An interrupted upgrade leaves both versions in rpm's database.
            whole = len(versions) == 1
            return Installed(kind, versions[-1], INSTALLED if whole else f"{' and '.join(versions)} at once")
    return Installed(kind)


def _in_order(version: str) -> list[int]:
    return [int(part) if part.isdigit() else 0 for part in version.split(".")]


def upstream(version: str) -> str:
    """The agent's own version: 1.17.1 for 1:1.17.1-2."""
    return version.split(":")[-1].split("-")[0]


def unit(module: Commands) -> Unit:
    """The agent's unit on this host."""
    command = ["systemctl", "show", "--property", ",".join(PROPERTIES), UNIT]
    text = module.run_command(command)[1] if systemd_runs() else ""
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return Unit(
        load_state=said.get("LoadState", ""),
        active_state=said.get("ActiveState", ""),
        sub_state=said.get("SubState", ""),
        unit_file_state=said.get("UnitFileState", ""),
        main_pid=int(said.get("MainPID") or 0),
        restarts=int(said.get("NRestarts") or 0),
        # systemd before 229 has a single limit for both.
        limit_memlock=said.get("LimitMEMLOCKSoft") or said.get("LimitMEMLOCK", ""),
        drop_in=read_text(DROP_IN),
        outdated=outdated(said),
    )


def outdated(said: Mapping[str, str]) -> bool:
    """Whether the process is older than its program: an upgrade was interrupted before the restart."""
    program = re.search(r"path=([^ ;]+)", said.get("ExecStart", ""))
    started = int(said.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
    if program is None or not started or not os.path.exists(program[1]):
        return False
    now = time.time()
    # A time in the future means that the clock was set back since; it is not evidence.
    return now - time.monotonic() + started < os.stat(program[1]).st_ctime <= now


def leftovers() -> list[str]:
    """Log and run files that the agent left. Their directories may belong to the package."""
    return sorted(
        os.path.join(place, name) for place in (LOGS, RUN) if os.path.isdir(place) for name in os.listdir(place)
    )


def systemd_runs() -> bool:
    return os.path.isdir("/run/systemd/system")


def read_text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError:
        return None
