# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits and retries: longer than botocore does, and always with a limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ..observe.client.problems import THROTTLED_CODES
from ..observe.client.sdk import ClientError

T = TypeVar("T")

FIRST_PAUSE = 1.0
# Endpoint writes have a bucket of 4 that refills by 0.3 a second (EC2 API reference, throttling): a longer pause than
# this would leave capacity unused.
LONGEST_PAUSE = 5.0


@dataclass(slots=True)
class Retry:
    """How long to continue without progress. One object serves a series of calls that share a throttling bucket.

    C(pausing) is called before each pause.
    """

    seconds: float
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    pausing: Callable[[], None] = lambda: None
    _exhausted: bool = field(default=False)

    def call(self, function: Callable[[], T], *, until: Callable[[ClientError], bool] = lambda error: False) -> T:
        """Call AWS; retry while it throttles, or while C(until) classifies the error as temporary.

        When throttling uses up the time for one call, it is used up for the next calls too: they share the bucket.
        """
        started, pause = self.clock(), FIRST_PAUSE
        while True:
            try:
                return function()
            except ClientError as error:
                throttled = error.response["Error"]["Code"] in THROTTLED_CODES
                if not throttled and not until(error):
                    raise
                if self._exhausted or self.clock() - started + pause > self.seconds:
                    self._exhausted = self._exhausted or throttled
                    raise
            self.pausing()
            self.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def poll(self, done: Callable[[], bool]) -> bool:
        """Poll until it is done. False: the time ran out."""
        started, pause = self.clock(), FIRST_PAUSE
        while not done():
            if self.clock() - started + pause > self.seconds:
                return False
            self.pausing()
            self.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE * 2)
        return True
