# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages the agent's service: its drop-in, its start, and the check that it keeps running. Python 3.8."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from typing import Protocol

from .agent import DROP_IN, LOGS, RUN, UNIT, Commands, Unit, leftovers, unit
from .packages import Refused

JOURNAL_LINES = 20
JOURNAL_CHARACTERS = 2000


class Files(Protocol):
    """The part of AnsibleModule that replaces files."""

    def atomic_move(self, src: str, dest: str) -> None: ...


class Crashed(Exception):
    """The service did not keep running. C(why): a clause; C(journal): its last lines."""

    def __init__(self, why: str, journal: Sequence[str]) -> None:
        super().__init__(why)
        self.why, self.journal = why, journal


def systemctl(module: Commands, *words: str) -> None:
    code, dummy, err = module.run_command(["systemctl", *words], environ_update={"LC_ALL": "C"})
    if code != 0:
        text = " / ".join(line.strip().rstrip(".") for line in err.splitlines() if line.strip())
        hint = f" Unmask it (systemctl unmask {UNIT})." if "masked" in text else ""
        raise Refused(
            f"systemctl {' '.join(words)} failed: {text or f'it ended with {code}'}.{hint} Then run this again."
        )


def set_drop_in(module: Files, text: str | None) -> None:
    """Write the drop-in atomically, or remove it."""
    folder = os.path.dirname(DROP_IN)
    if text is None:
        if os.path.lexists(DROP_IN):
            os.unlink(DROP_IN)
        # Other drop-ins stay.
        if os.path.isdir(folder) and not os.listdir(folder):
            os.rmdir(folder)
    else:
        os.makedirs(folder, mode=0o755, exist_ok=True)
        handle, path = tempfile.mkstemp(prefix=".fleetsec-", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o644)
        module.atomic_move(path, DROP_IN)


def stop(module: Commands) -> None:
    if unit(module).load_state == "loaded":
        systemctl(module, "stop", UNIT)


def restart_and_watch(module: Commands, seconds: float) -> None:
    """Restart the service, whose files may have changed, and check that it keeps running. Refused or Crashed."""
    began = time.time()
    # A version that crashed earlier may have used up systemd's start limit.
    module.run_command(["systemctl", "reset-failed", UNIT])
    try:
        systemctl(module, "restart", UNIT)
    except Refused as error:
        if unit(module).load_state in ("masked", "not-found"):
            raise
        raise Crashed(str(error), journal(module, began)) from None
    watch(module, seconds, began)


def watch(module: Commands, seconds: float, began: float | None = None) -> None:
    """Crashed unless the same process runs for so many seconds: being active right after the start proves nothing."""
    began = time.time() if began is None else began
    first = unit(module)
    deadline = time.monotonic() + seconds
    while True:
        why = _ailing(first, unit(module))
        if why:
            raise Crashed(why, journal(module, began))
        left = deadline - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(1, left))


def _ailing(first: Unit, now: Unit) -> str | None:
    if now.active_state != "active":
        return f"the service is {now.active_state or 'not there'} ({now.sub_state})"
    if now.main_pid == 0:
        return "the service is active without a process"
    if (now.main_pid, now.restarts) != (first.main_pid, first.restarts):
        return f"the service was restarted: process {first.main_pid} became {now.main_pid}"
    return None


def journal(module: Commands, began: float) -> list[str]:
    """The last lines of the service's journal since C(began) (Unix time), bounded in length."""
    options = ["--since", f"@{int(began)}", "--lines", str(JOURNAL_LINES), "--no-pager", "--output", "cat", "--quiet"]
    try:
        text = module.run_command(["journalctl", "--unit", UNIT, *options], handle_exceptions=False)[1]
    except OSError:
        return []
    return text[-JOURNAL_CHARACTERS:].splitlines()


def clear(directories: bool) -> None:
    """Delete log and run files, and with C(directories) also their directories, which an installed agent needs."""
    for path in leftovers():
        _remove(path)
    for path in (LOGS, RUN) if directories else ():
        _remove(path)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
