# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: throttling, errors, denials, and connections that fail."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

from .wire import AwsError, Call
from .world import Caller

KINDS = ("throttle", "error", "reset", "hang", "latency", "meet", "deny", "cut", "unprocessed")

_THROTTLES = {
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "ssm": ("ThrottlingException", "Rate exceeded", 400),
    "guardduty": ("TooManyRequestsException", "Too Many Requests", 429),
    "organizations": ("TooManyRequestsException", "Rate exceeded", 400),
    "s3": ("SlowDown", "Please reduce your request rate.", 503),
}
_INTERNAL = {
    "ec2": "InternalError",
    "ssm": "InternalServerError",
    "guardduty": "InternalServerErrorException",
    "organizations": "ServiceException",
}


class ConnectionDropped(ConnectionError):
    """The client's connection breaks here, with no further byte."""


@dataclass
class Rule:
    """One fault. C(op) is a glob over service:Operation; it fires C(times) times after C(skip) matching calls.

    C(accounts): of a call on many members, those that C(unprocessed) leaves out.
    """

    kind: str
    op: str = "*"
    account: str | None = None
    region: str | None = None
    code: str | None = None
    message: str | None = None
    status: int | None = None
    seconds: float = 1.0
    skip: int = 0
    times: int | None = None
    p: float = 1.0
    seed: int = 0
    accounts: list[str] = field(default_factory=list)
    seen: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: no fault {self.kind!r}; known: {', '.join(KINDS)}")
        if self.kind == "meet" and not self.times:
            raise ValueError("times: how many calls are to meet")
        self._random = random.Random(self.seed)
        self._met = threading.Barrier(self.times or 1)

    def fires(self, call: Call, account: str) -> bool:
        if not fnmatchcase(call.op, self.op):
            return False
        if self.account not in (None, account) or self.region not in (None, call.region):
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.times is not None and self.fired >= self.times):
            return False
        if self.p < 1.0 and self._random.random() >= self.p:
            return False
        self.fired += 1
        return True

    def meet(self) -> None:
        """Hold calls until C(times) have arrived, so that no caller sees what another is about to do."""
        try:
            self._met.wait(self.seconds)
        except threading.BrokenBarrierError:
            raise AwsError("NotMet", f"fewer than {self.times} calls came within {self.seconds} s", 500) from None


class Faults:
    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def add(self, described: list[Mapping[str, Any]]) -> None:
        known = {f.name for f in fields(Rule) if f.init}
        fresh = []
        for number, each in enumerate(described):
            unknown = sorted(set(each) - known)
            if unknown:
                raise ValueError(f"[{number}]: unknown {unknown[0]!r}; known: {', '.join(sorted(known))}")
            if "kind" not in each:
                raise ValueError(f"[{number}]: kind is missing")
            fresh.append(Rule(**each))
        with self._lock:
            self._rules += fresh

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def find(self, call: Call, account: str) -> Rule | None:
        with self._lock:
            return next((rule for rule in self._rules if rule.fires(call, account)), None)


def error_of(rule: Rule, call: Call, caller: Caller) -> AwsError:
    """The error that a throttle, error or deny rule answers with."""
    if rule.kind == "throttle":
        code, message, status = _THROTTLES.get(call.service, ("Throttling", "Rate exceeded", 400))
    elif rule.kind == "deny":
        code, message, status = _denial(call, caller)
    else:
        code = _INTERNAL.get(call.service, "InternalFailure")
        message, status = "An internal error has occurred", 500
    return AwsError(rule.code or code, rule.message or message, rule.status or status)


def _denial(call: Call, caller: Caller) -> tuple[str, str, int]:
    """AWS's wording: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html."""
    resource = f"arn:aws:{call.service}:{call.region}:{caller.account}:*"
    words = (
        f"User: {caller.arn} is not authorized to perform: {call.op} on resource: {resource} "
        f"because no identity-based policy allows the {call.op} action"
    )
    if call.service == "ec2":
        return "UnauthorizedOperation", f"You are not authorized to perform this operation. {words}.", 403
    if call.service in ("sts", "iam", "s3"):
        return "AccessDenied", words, 403
    return "AccessDeniedException", words, 403 if call.protocol == "rest-json" else 400
