# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real botocore clients whose answers come from the test: parameters, paging and errors are botocore's own."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.client import BaseClient

from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client.access import (
    Access,
    Connection,
    Credentials,
    Target,
)

ACCOUNT = "111111111111"
REGION = "eu-west-1"
Answer = Mapping[str, Any] | Exception | Callable[[dict[str, Any]], Any]
SESSION = botocore.session.Session()  # one for all tests: loading the models is what costs time


@dataclass(frozen=True)
class Call:
    operation: str
    params: dict[str, Any]
    region: str
    access_key: str | None


@dataclass(frozen=True)
class Refusal:
    """An error as AWS sends it."""

    code: str
    message: str = "refused"
    status: int = 400

    def parsed(self) -> dict[str, Any]:
        metadata = {"RequestId": "req-0001", "HTTPStatusCode": self.status}
        return {"Error": {"Code": self.code, "Message": self.message}, "ResponseMetadata": metadata}


class _Http:
    def __init__(self, status: int) -> None:
        self.status_code = status


class Wire(Access):
    """An Access without a network. C(answers): by operation name a result, a Refusal, an exception, or a function."""

    def __init__(self, **answers: Any) -> None:
        super().__init__(Connection(credentials=Credentials("AKIDUNITTESTONLY", "unit-secret-7f3a", None)))
        self.session = SESSION
        self.answers = answers
        self.calls: list[Call] = []
        self._recording = threading.Lock()

    def client(self, service: str, region: str, credentials: Credentials | None = None) -> BaseClient:
        with _POOLING:
            pool = _POOL.setdefault((service, region), [])
            key = credentials.access_key if credentials else None
            mine = (slot for slot in pool if slot.wire() is self and slot.access_key == key)
            slot = next(mine, None) or next((slot for slot in pool if slot.wire() is None), None)
            if slot is None:
                slot = _Slot(self._make(service, region))
                pool.append(slot)
            slot.wire, slot.access_key = weakref.ref(self), key
        return slot.client

    def target(self, account_id: str = ACCOUNT, region: str = REGION) -> Target:
        return Target(account_id, region, "aws", self)

    def params(self, operation: str) -> list[dict[str, Any]]:
        return [call.params for call in self.calls if call.operation == operation]

    def answer(self, call: Call) -> tuple[_Http, dict[str, Any]]:
        with self._recording:
            self.calls.append(call)
        assert call.operation in self.answers, f"{call.operation} was not expected"
        answer = self.answers[call.operation]
        if callable(answer):
            answer = answer(call.params)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Refusal):
            return _Http(answer.status), answer.parsed()
        return _Http(200), dict(answer)


class _Slot:
    """A client that is reused by each Wire: creating one for each test would take most of the time."""

    def __init__(self, client: BaseClient) -> None:
        self.client = client
        self.wire: Callable[[], Wire | None] = lambda: None
        self.access_key: str | None = None
        client.meta.events.register("before-parameter-build", self._remember)
        client.meta.events.register("before-call", self._answer)

    def _remember(self, params: dict[str, Any], context: dict[str, Any], **dummy: Any) -> None:
        context["unit_params"] = dict(params)

    def _answer(self, model: Any, context: dict[str, Any], **dummy: Any) -> Any:
        wire = self.wire()
        assert wire is not None
        region = self.client.meta.region_name
        return wire.answer(Call(model.name, context["unit_params"], region, self.access_key))


_POOL: dict[tuple[str, str], list[_Slot]] = {}
_POOLING = threading.Lock()


def in_turn(*answers: Any) -> Callable[[dict[str, Any]], Any]:
    """The answers in sequence."""
    left = iter(answers)
    return lambda params: next(left)
