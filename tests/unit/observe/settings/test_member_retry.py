# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that AWS leaves unprocessed are retried, fewer each time, and with a limit."""

from __future__ import annotations

from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.settings.member_retry import MemberRetry


class Aws:
    """Leaves each account out of the given number of calls; records the calls and the pauses between them."""

    def __init__(self, **left_out: int) -> None:
        self.left_out, self.calls, self.pauses = left_out, [], []

    def call(self, accounts: list[str]) -> dict[str, str]:
        self.calls.append(accounts)
        found = {account: "later" for account in accounts if self.left_out.get(account, 0) > 0}
        for account in found:
            self.left_out[account] -= 1
        return found

    def settling(self, seconds: float, jitter: float = 1.0) -> MemberRetry:
        return MemberRetry(seconds, self.pauses.append, lambda: jitter)


def test_only_those_left_out_are_asked_for_again() -> None:
    aws = Aws(b=1, c=2)
    assert aws.settling(60).ask(["a", "b", "c"], aws.call) == {}
    assert aws.calls == [["a", "b", "c"], ["b", "c"], ["c"]]
    assert aws.pauses == [2.0, 4.0]


def test_fifty_accounts_a_call() -> None:
    aws = Aws(**{"7": 1})
    accounts = [str(number) for number in range(120)]
    assert aws.settling(60).ask(accounts, aws.call) == {}
    assert [len(call) for call in aws.calls] == [50, 50, 20, 1]
    assert aws.settling(60).ask([], aws.call) == {} and len(aws.calls) == 4


def test_pauses_grow_to_a_limit_and_end_with_the_time() -> None:
    aws = Aws(a=99)
    assert aws.settling(60).ask(["a"], aws.call) == {"a": "later"}
    assert aws.pauses == [2.0, 4.0, 8.0, 15.0, 15.0, 15.0] and sum(aws.pauses) <= 60
    none = Aws(a=99)
    assert none.settling(0).ask(["a"], none.call) == {"a": "later"} and none.pauses == []


def test_pauses_are_spread_between_half_and_all() -> None:
    aws = Aws(a=2)
    aws.settling(60, jitter=0.0).ask(["a"], aws.call)
    assert aws.pauses == [1.0, 2.0]


def test_calls_that_share_it_share_its_time() -> None:
    aws = Aws(a=99, b=1)
    settling = aws.settling(10)
    assert settling.ask(["a"], aws.call) == {"a": "later"} and aws.pauses == [2.0, 4.0]
    assert settling.ask(["b"], aws.call) == {}
    assert aws.pauses == [2.0, 4.0, 2.0]
