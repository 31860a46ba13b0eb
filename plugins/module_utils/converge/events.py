# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the queues and rules that carry events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.fleetsec.guardduty.plugins.module_utils.converge.run import AreaRun, Handler
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.events import DEAD_LETTERS, QUEUE, RULE
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.plan import Change
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.sdk import ClientError


def _each(service: str, operation: str, make: Callable[[Any, Change], None]) -> Handler:
    def handler(run: AreaRun, changes: Sequence[Change]) -> None:
        client = run.target.client(service)
        run.each(changes, f"{service}:{operation}", lambda change: make(client, change))

    return handler


def _create_queue(client: Any, change: Change) -> None:
    client.create_queue(QueueName=change.target, Attributes=change.details["attributes"], tags=change.details["tags"])


def _update_queue(client: Any, change: Change) -> None:
    client.set_queue_attributes(QueueUrl=change.details["url"], Attributes=change.details["attributes"])


def _tag_queue(client: Any, change: Change) -> None:
    client.tag_queue(QueueUrl=change.details["url"], Tags=change.details["tags"])


def _delete_queue(client: Any, change: Change) -> None:
    client.delete_queue(QueueUrl=change.details["url"])


def _create_rule(client: Any, change: Change) -> None:
    tags = [{"Key": key, "Value": value} for key, value in change.details["tags"].items()]
    _put_rule(client, change, Tags=tags)


def _update_rule(client: Any, change: Change) -> None:
    _put_rule(client, change)


def _put_rule(client: Any, change: Change, **options: Any) -> None:
    details = change.details
    client.put_rule(Name=change.target, EventPattern=details["pattern"], State="ENABLED", **options)
    target = {"Id": details["target_id"], "Arn": details["arn"]}
    _all_done(client.put_targets(Rule=change.target, Targets=[target]), "PutTargets")


def _delete_rule(client: Any, change: Change) -> None:
    # A rule that has targets is not deleted (EventBridge API reference, DeleteRule).
    if change.details["target_ids"]:
        ids = list(change.details["target_ids"])
        _all_done(client.remove_targets(Rule=change.target, Ids=ids), "RemoveTargets")
    client.delete_rule(Name=change.target)


def _all_done(answer: dict[str, Any], operation: str) -> None:
    """EventBridge answers status 200 with the targets that it could not take (API reference, FailedEntries)."""
    for failed in answer.get("FailedEntries") or ():
        raise ClientError({"Error": {"Code": failed["ErrorCode"], "Message": failed["ErrorMessage"]}}, operation)


HANDLERS: dict[tuple[str, str], Handler] = {
    ("create", RULE): _each("events", "PutRule", _create_rule),
    ("update", RULE): _each("events", "PutRule", _update_rule),
    ("delete", RULE): _each("events", "DeleteRule", _delete_rule),
    **{
        (action, kind): _each("sqs", operation, make)
        for kind in (QUEUE, DEAD_LETTERS)
        for action, operation, make in (
            ("create", "CreateQueue", _create_queue),
            ("update", "SetQueueAttributes", _update_queue),
            ("tag", "TagQueue", _tag_queue),
            ("delete", "DeleteQueue", _delete_queue),
        )
    },
}
