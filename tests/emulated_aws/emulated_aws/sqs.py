# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""moto's SQS, except that long polling blocks no other caller, and that a deleted name is reserved for a minute."""

from __future__ import annotations

from typing import Any

from moto.sqs import sqs_backends, urls
from moto.sqs.responses import SQSResponse

from . import behaviour, events
from .register import swap
from .wire import AwsError
from .world import ARRIVED, WORLD

# SQS API reference, DeleteQueue: "you must wait at least 60 seconds before creating a queue with the same name".
REST_SECONDS = 60.0
# How often one who waits looks at what time alone changes.
_LOOK_SECONDS = 0.2
_deleted: dict[tuple[str, str, str], float] = {}


def load() -> None:
    _deleted.clear()


class SqsResponse(SQSResponse):
    def create_queue(self) -> Any:
        deleted = _deleted.get((self.current_account, self.region, self._get_param("QueueName")))
        if deleted is not None and WORLD.now() < deleted + REST_SECONDS:
            text = "You must wait 60 seconds after deleting a queue before you can create another with the same name."
            raise AwsError("AWS.SimpleQueueService.QueueDeletedRecently", text)
        return super().create_queue()

    def delete_queue(self) -> Any:
        answer = super().delete_queue()
        _deleted[self.current_account, self.region, self._get_queue_name()] = WORLD.now()
        return answer

    def receive_message(self) -> Any:
        """Long polling: wait while there is no message; moto would wait with the world locked."""
        seconds = int(self._get_param("WaitTimeSeconds") or 0)
        self._wait(seconds)
        self.params = {**self.params, "WaitTimeSeconds": 0}
        return super().receive_message()

    def _wait(self, seconds: int) -> None:
        queue = sqs_backends[self.current_account][self.region].get_queue(self._get_queue_name())
        caller, until = WORLD.caller, WORLD.now() + seconds
        self._settle()
        while not queue.messages and (left := until - WORLD.now()) > 0:
            ARRIVED.wait(min(left, _LOOK_SECONDS))
            WORLD.caller = caller
            self._settle()

    def _settle(self) -> None:
        behaviour.settle(self.current_account, self.region)
        events.settle(self.current_account, self.region)


def register() -> None:
    swap(urls, SqsResponse)
