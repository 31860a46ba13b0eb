# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies a plan on its host, in an order that leaves a usable host if interrupted at any point. Python 3.8."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile

from . import packages, service
from .agent import UNIT, installed, systemd_runs, unit
from .packages import Refused


def carry_out(module, plan, row, settle_seconds, watch):
    """Apply the plan's changes. C(row): the verified package, or None if the plan installs none. Refused or Crashed."""
    after = {change["what"]: change["after"] for change in plan["changes"]}
    if after and os.geteuid() != 0:
        raise Refused("Changing the agent requires root. Run the task with become.")
    if not systemd_runs():
        raise Refused("The host does not run systemd, which the agent's service requires.")
    if plan["state"] == "absent":
        _remove(module, after)
        return
    if "package" in after:
        with _own_copy(row) as path:
            packages.check_identity(module, path, row)
            packages.install(module, path, row, plan["action"])
    if "drop_in" in after:
        service.set_drop_in(module, after["drop_in"])
    renewed = "package" in after or "drop_in" in after
    if renewed:
        service.systemctl(module, "daemon-reload")
    if ("enabled" in after or renewed) and unit(module)["unit_file_state"] != "enabled":
        service.systemctl(module, "enable", UNIT)
    if plan["state"] == "image":
        service.stop(module)
        service.clear(directories=False)
    elif renewed or "running" in after or "process" in after:
        service.restart_and_watch(module, settle_seconds)
    elif watch:
        service.watch(module, settle_seconds)


def _remove(module, after):
    found = installed(module)
    service.stop(module)
    if found["status"] is not None:
        if unit(module)["unit_file_state"] == "enabled":
            service.systemctl(module, "disable", UNIT)
        packages.remove(module, found["format"])
    if "drop_in" in after:
        service.set_drop_in(module, None)
    service.clear(directories=True)
    service.systemctl(module, "daemon-reload")
    module.run_command(["systemctl", "reset-failed", UNIT])


@contextlib.contextmanager
def _own_copy(row):
    """A private copy of the verified package: the original is in a directory of the connection's user."""
    folder = tempfile.mkdtemp(prefix="fleetsec-guardduty-", dir="/var/tmp")
    try:
        path = os.path.join(folder, row["name"])
        digest = hashlib.sha256()
        try:
            with open(row["path"], "rb") as source, open(path, "wb") as target:
                for block in iter(lambda: source.read(1024 * 1024), b""):
                    digest.update(block)
                    target.write(block)
        except OSError as error:
            raise Refused(f"Reading {row['path']} on the host failed: {error.strerror}. Nothing was changed.") from None
        if digest.hexdigest() != row["sha256"]:
            raise Refused(
                f"{row['name']} changed after it was verified: its SHA-256 is {digest.hexdigest()}, expected"
                f" {row['sha256']}. Nothing was changed; run this again."
            )
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)
