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
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from . import packages, service
from .agent import UNIT, Commands, installed, systemd_runs, unit
from .packages import Refused

RELOAD, ENABLE, START = "reload", "enable", "start"
STATES = ("present", "image", "absent")
OF_A_PACKAGE = ("version", "format", "architecture", "name", "path", "sha256")


class Order(NamedTuple):
    """A plan as the host needs it: the value after each step, by the step's kind, and the verified package, if it has one."""

    state: str
    action: str
    after: Mapping[str, Any]
    package: Mapping[str, str] | None


class Module(Commands, service.Files, Protocol):
    """The part of AnsibleModule that changes the host."""


class Kind(NamedTuple):
    """A kind of step: the types of its value, how it is written, and what the service needs after that."""

    types: tuple[type, ...]
    write: Callable[[Module, Order], None] | None
    then: tuple[str, ...]


def parse(plan: Mapping[str, Any], fetched: list[Any]) -> Order:
    """The plan and its package from the controller. C(fetched): the verified package's row, or empty. Refused."""
    state, action, changes = plan.get("state"), plan.get("action"), plan.get("changes")
    if state not in STATES or not isinstance(action, str) or not isinstance(changes, list):
        raise _malformed("its state, action or changes are not valid")
    after: dict[str, Any] = {}
    for change in changes:
        kind = change.get("what") if isinstance(change, dict) else None
        if not isinstance(kind, str) or kind not in KINDS or kind in after:
            raise _malformed(f"a step is unknown or repeated: {str(change)[:80]}")
        after[kind] = change.get("after")
        if after[kind] is not None and type(after[kind]) not in KINDS[kind].types:
            raise _malformed(f"the value of the step {kind} is not valid")
    row = fetched[0] if fetched else None
    if row is not None and not (isinstance(row, dict) and all(isinstance(row.get(key), str) for key in OF_A_PACKAGE)):
        raise _malformed("its package is not a row of agent_package")
    if "package" in after and state != "absent" and row is None:
        raise _malformed("its package is missing")
    return Order(str(state), action, after, row)


def _malformed(why: str) -> Refused:
    return Refused(f"The plan is not valid: {why}. Nothing was changed. Create a new plan with agent_plan.")


def carry_out(module: Module, order: Order, settle_seconds: float, watch: bool) -> None:
    """Apply the plan's steps. Refused or Crashed."""
    if order.after and os.geteuid() != 0:
        raise Refused("Changing the agent requires root. Run the task with become.")
    if not systemd_runs():
        raise Refused("The host does not run systemd, which the agent's service requires.")
    if order.state == "absent":
        _remove(module, order)
        return
    # In the table's order, whatever the order in the plan.
    kinds = [kind for name, kind in KINDS.items() if name in order.after]
    for kind in kinds:
        if kind.write is not None:
            kind.write(module, order)
    needed = {need for kind in kinds for need in kind.then}
    if RELOAD in needed:
        service.systemctl(module, "daemon-reload")
    if ENABLE in needed and unit(module).unit_file_state != "enabled":
        service.systemctl(module, "enable", UNIT)
    if order.state == "image":
        service.stop(module)
        service.clear(directories=False)
    elif START in needed:
        service.restart_and_watch(module, settle_seconds)
    elif watch:
        service.watch(module, settle_seconds)


def _install(module: Module, order: Order) -> None:
    if order.package is None:
        raise AssertionError("parse() rejects such a plan")
    with _own_copy(order.package) as path:
        packages.check_identity(module, path, order.package)
        packages.install(module, path, order.package, order.action)


def _set_drop_in(module: Module, order: Order) -> None:
    service.set_drop_in(module, order.after["drop_in"])


# In the order of their application.
KINDS = {
    "package": Kind((str,), _install, (RELOAD, ENABLE, START)),
    "drop_in": Kind((str,), _set_drop_in, (RELOAD, ENABLE, START)),
    "enabled": Kind((bool,), None, (ENABLE,)),
    "running": Kind((bool,), None, (START,)),
    "process": Kind((str,), None, (START,)),
    # An image is always cleared.
    "leftovers": Kind((int,), None, ()),
}


def _remove(module: Module, order: Order) -> None:
    found = installed(module)
    service.stop(module)
    if found.status is not None:
        if unit(module).unit_file_state == "enabled":
            service.systemctl(module, "disable", UNIT)
        packages.remove(module, found.format)
    if "drop_in" in order.after:
        service.set_drop_in(module, None)
    service.clear(directories=True)
    service.systemctl(module, "daemon-reload")
    module.run_command(["systemctl", "reset-failed", UNIT])


@contextlib.contextmanager
def _own_copy(row: Mapping[str, str]) -> Iterator[str]:
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
