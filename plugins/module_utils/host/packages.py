# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs and removes the agent's package with rpm or apt, whose own checks stay enabled. Python 3.8."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Mapping

from .agent import PACKAGE, Commands, installed, upstream
from .identity import unlike

# How long to wait for another package manager, in seconds.
LOCK_PATIENCE = 120
LOCK_PAUSE = 1
DPKG_LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock")
QUIET = {
    "LC_ALL": "C",
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    "NEEDRESTART_SUSPEND": "1",
}
APT = ["apt-get", "-y", "-q", "-o", f"DPkg::Lock::Timeout={LOCK_PATIENCE}"]
KEEP_CONFIGURATION = ["--force-confdef", "--force-confold"]
SAID = 4
WHOLE = " ok installed"
CAUSES = (
    (r"No space left|needs .* (more space )?on the .* filesystem|enough free space", "The disk is full: free space."),
    (
        r"[Cc]ould not get lock|is locked by another|transaction lock",
        "Another package manager is running: try again later.",
    ),
    (r"dpkg was interrupted", "An earlier dpkg was interrupted: run dpkg --configure -a on the host."),
    (r"Failed dependencies|unmet dependencies|broken packages", "Install its dependencies first."),
    (r"Held packages were changed", f"The package is on hold: release it (apt-mark unhold {PACKAGE})."),
    (r"Read-only file system", "The file system is read-only: remount it writable."),
)


class Refused(Exception):
    """Why nothing was done, or what failed; whole sentences."""


def check_identity(module: Commands, path: str, row: Mapping[str, str]) -> None:
    """Refused if a package is not what its name says: a genuine old package under a new name also has a good signature.

    Asks the package manager, because what it reads is what it installs.
    """
    if row["format"] == "rpm":
        command = ["rpm", "-qp", "--qf", "%{NAME}\n%{VERSION}\n%{ARCH}\n", path]
    else:
        command = ["dpkg-deb", "--show", "--showformat", "${Package}\n${Version}\n${Architecture}\n", path]
    code, out, err = module.run_command(command, environ_update=QUIET)
    lines = out.split()
    if code != 0 or len(lines) != 3:
        raise Refused(f"{row['name']} cannot be read as a package: {_last(err)}. Nothing was changed.")
    why = unlike(lines[0], upstream(lines[1]), lines[2], row)
    if why:
        raise Refused(f"{row['name']} was rejected: {why}. Nothing was changed. Find out who can write to the source.")


def install(module: Commands, path: str, row: Mapping[str, str], action: str) -> None:
    """Install the file and check the result. C(action): install, upgrade, downgrade or repair."""
    if row["format"] == "rpm":
        _wait_for(module, _rpm_lock(module))
        more = {"downgrade": ["--oldpackage"], "repair": ["--replacepkgs", "--oldpackage"]}.get(action, [])
        command = ["rpm", "-U", *more, path]
    elif action == "repair":
        _wait_for(module, *DPKG_LOCKS)
        # dpkg itself, as AWS documents: apt does not find the archive of a package that must be reinstalled, even if given.
        command = ["dpkg", *KEEP_CONFIGURATION, "--install", path]
    else:
        more = ["--allow-downgrades"] if action == "downgrade" else []
        options = [word for option in KEEP_CONFIGURATION for word in ("-o", f"Dpkg::Options::={option}")]
        command = [*APT, *options, "install", *more, path]
    _run(module, command, f"Installing {row['name']}")
    found = installed(module)
    # A package on hold is complete too (dpkg(1), package states).
    if found.version != row["version"] or not (found.status or "").endswith(WHOLE):
        raise Refused(
            f"Installing {row['name']} ended without an error, but the host has {found.version or 'no agent'}"
            f" ({found.status or 'not installed'}), not {row['version']}. Check the package manager's log on the host."
        )


def remove(module: Commands, kind: str | None) -> None:
    """Remove the package and its configuration, whatever its state."""
    if kind == "rpm":
        _wait_for(module, _rpm_lock(module))
        # An interrupted upgrade leaves more than one version.
        command = ["rpm", "-e", "--allmatches", PACKAGE]
    else:
        _wait_for(module, *DPKG_LOCKS)
        # Required to remove a half-installed package.
        command = ["dpkg", "--force-remove-reinstreq", "--purge", PACKAGE]
    _run(module, command, f"Removing {PACKAGE}")


def _run(module: Commands, command: list[str], doing: str) -> None:
    code, out, err = module.run_command(command, environ_update=QUIET)
    if code == 0:
        return
    text = f"{out}\n{err}"
    remedy = next(
        (remedy for pattern, remedy in CAUSES if re.search(pattern, text)), "Check the host's package manager."
    )
    raise Refused(f"{doing} failed: {command[0]} ended with {code}: {_last(text)}. {remedy} Then run this again.")


def _last(text: str) -> str:
    """The relevant part of a package manager's output as one line: from its first error on, otherwise its last lines."""
    lines = [line.strip().rstrip(".") for line in text.splitlines() if line.strip()]
    first = next(
        (number for number, line in enumerate(lines) if re.match(r"E:|error:|dpkg: error|.* does not verify", line)),
        -SAID,
    )
    return " / ".join(lines[first:][:SAID]) or "no error message"


def _rpm_lock(module: Commands) -> str:
    path = module.run_command(["rpm", "--eval", "%{?_rpmlock_path}"])[1].strip()
    return path or os.path.join(module.run_command(["rpm", "--eval", "%{_dbpath}"])[1].strip(), ".rpm.lock")


def _wait_for(module: Commands, *locks: str) -> None:
    """Wait for another package manager: rpm would wait forever, and dpkg not at all. Refused after the time limit."""
    deadline = time.monotonic() + LOCK_PATIENCE
    for path in locks:
        while _is_held(path):
            if time.monotonic() > deadline:
                raise Refused(
                    f"Another package manager has locked {path} for {LOCK_PATIENCE} s. Wait until it ends, then run this again."
                )
            time.sleep(LOCK_PAUSE)


def _is_held(path: str) -> bool:
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False
