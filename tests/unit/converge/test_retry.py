# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retry waits out AWS's token bucket, and has a limit."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from ansible_collections.fleetsec.guardduty.plugins.module_utils.converge.retry import Retry


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "CreateVpcEndpoint")


class Bucket:
    """AWS's bucket for endpoint writes: four calls at once, then 0.3 a second (EC2 API reference, throttling)."""

    def __init__(self, refill: float = 0.3) -> None:
        self.now, self.refilled, self.tokens, self.refill, self.calls = 0.0, 0.0, 4.0, refill, 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def clock(self) -> float:
        return self.now

    def create(self) -> str:
        self.calls += 1
        self.tokens = min(4.0, self.tokens + (self.now - self.refilled) * self.refill)
        self.refilled = self.now
        if self.tokens < 1:
            raise error("RequestLimitExceeded")
        self.tokens -= 1
        return "vpce"


def test_a_hundred_endpoints_pass_the_bucket_in_little_more_than_the_time_it_needs() -> None:
    bucket = Bucket()
    retry = Retry(60, bucket.sleep, bucket.clock)
    assert [retry.call(bucket.create) for dummy in range(100)] == ["vpce"] * 100
    assert 96 / 0.3 <= bucket.now < 1.5 * 96 / 0.3
    assert bucket.calls < 400


def test_it_gives_up_after_its_time_and_at_once_for_the_calls_that_follow() -> None:
    bucket = Bucket(refill=0)
    retry = Retry(60, bucket.sleep, bucket.clock)
    for _dummy in range(4):
        retry.call(bucket.create)
    with pytest.raises(ClientError):
        retry.call(bucket.create)
    assert 50 <= bucket.now <= 60
    ended, calls = bucket.now, bucket.calls
    with pytest.raises(ClientError):
        retry.call(bucket.create)
    assert bucket.now == ended and bucket.calls == calls + 1


def test_other_errors_are_not_tried_again_unless_they_pass_by_themselves() -> None:
    bucket = Bucket()
    retry = Retry(60, bucket.sleep, bucket.clock)
    answers = [error("InvalidGroup.NotFound"), error("InvalidGroup.NotFound"), error("InvalidParameter")]

    def call() -> str:
        raise answers.pop(0)

    with pytest.raises(ClientError, match="InvalidParameter"):
        retry.call(call, until=lambda one: one.response["Error"]["Code"] == "InvalidGroup.NotFound")
    assert answers == [] and bucket.now > 0


def test_polling_ends_with_the_time() -> None:
    bucket = Bucket()
    asked: list[float] = []
    assert not Retry(30, bucket.sleep, bucket.clock).poll(lambda: asked.append(bucket.now) is not None)
    assert asked[0] == 0 and asked[-1] <= 30 and len(asked) < 12
    assert Retry(0, bucket.sleep, bucket.clock).poll(lambda: True)
