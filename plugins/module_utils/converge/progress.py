# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports the progress of a long wait: lines in a file, which the process that started this may read meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from ..observe.client.access import Target

# In seconds: shorter waits are not reported; how often to report a number that changes; how often one that does not.
FIRST, CHANGED, UNCHANGED = 5.0, 10.0, 60.0


@dataclass(slots=True)
class Wait:
    """The progress of one wait. pause() is called before each pause, so that nothing is reported without a pause."""

    path: str | None
    head: str
    total: int
    what: str
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    _started: float = field(init=False)
    _told: tuple[float, int] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._started = self.clock()

    def pause(self) -> None:
        now = self.clock()
        if self._told is None:
            due = self._started + FIRST
        else:
            due = self._told[0] + (UNCHANGED if self._told[1] == self.done else CHANGED)
        if self.path is None or now < due:
            return
        self._told = now, self.done
        line = f"{self.head}: {self.done} of {self.total} {self.what} after {now - self._started:.0f} s\n"
        # A failed report must not end the work. Other threads do not interleave with one write of a short line.
        with suppress(OSError), open(self.path, "a", encoding="utf-8", buffering=1) as file:
            file.write(line)


@dataclass(frozen=True, slots=True)
class Progress:
    """C(path): the file to add lines to. None: nothing is reported."""

    path: str | None = None

    def wait(self, target: Target, total: int, what: str) -> Wait:
        return Wait(self.path, f"{target.account_id}/{target.region}", total, what)
