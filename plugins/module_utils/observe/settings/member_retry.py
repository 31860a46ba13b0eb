# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retries the accounts that GuardDuty leaves unprocessed.

GuardDuty returns status 200 and leaves an account out while its membership settles, with the same message as for an account
that will never be a member ("not an associated member"; seen in public issues, AWS documents neither). So retries are limited.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..fleet import ec2

# GetMemberDetectors and UpdateMemberDetectors take 1 to 50 accounts (botocore model, AccountIds).
ACCOUNTS = 50
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 15.0


@dataclass(slots=True)
class MemberRetry:
    """The seconds to spend on pauses, over all calls that share this object."""

    seconds: float
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    spent: float = 0.0

    def ask(self, accounts: Sequence[str], call: Callable[[list[str]], dict[str, str]]) -> dict[str, str]:
        """Call for all accounts in batches of 50, and again for the unprocessed ones that the call returns (account to reason).

        Returns those that stayed unprocessed.
        """
        left, pause = list(accounts), FIRST_PAUSE
        while True:
            reasons: dict[str, str] = {}
            for batch in ec2.chunks(left, ACCOUNTS):
                reasons |= call(list(batch))
            # Between half of the pause and all of it, so that many regions do not retry at once.
            wait = pause * (1 + self.jitter()) / 2
            if not reasons or self.spent + wait > self.seconds:
                return reasons
            self.spent += wait
            self.sleep(wait)
            left, pause = [account for account in left if account in reasons], min(pause * 2, LONGEST_PAUSE)
