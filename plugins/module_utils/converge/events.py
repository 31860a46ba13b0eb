# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the queues and rules that deliver events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..decide.events.changes import (
    DEAD_LETTER_QUEUE,
    EVENT_QUEUE,
    CreateQueue,
    CreateRule,
    DeleteQueue,
    DeleteRule,
    PutRule,
    TagQueue,
    UpdateQueue,
    UpdateRule,
)
from ..observe.client.sdk import ClientError
from .run import AreaRun, Handlers, per_change


def _create_queue(run: AreaRun, change: CreateQueue) -> None:
    attributes: Any = dict(change.attributes)
    run.target.client("sqs").create_queue(QueueName=change.target, Attributes=attributes, tags=dict(change.tags))


def _update_queue(run: AreaRun, change: UpdateQueue) -> None:
    attributes: Any = dict(change.attributes)
    run.target.client("sqs").set_queue_attributes(QueueUrl=change.url, Attributes=attributes)


def _tag_queue(run: AreaRun, change: TagQueue) -> None:
    run.target.client("sqs").tag_queue(QueueUrl=change.url, Tags=dict(change.tags))


def _delete_queue(run: AreaRun, change: DeleteQueue) -> None:
    run.target.client("sqs").delete_queue(QueueUrl=change.url)


def _create_rule(run: AreaRun, change: CreateRule) -> None:
    tags = [{"Key": key, "Value": value} for key, value in change.tags.items()]
    _put_rule(run, change, Tags=tags)


def _update_rule(run: AreaRun, change: UpdateRule) -> None:
    _put_rule(run, change)


def _put_rule(run: AreaRun, change: PutRule, **options: Any) -> None:
    client = run.target.client("events")
    client.put_rule(Name=change.target, EventPattern=change.pattern, State="ENABLED", **options)
    answer = client.put_targets(Rule=change.target, Targets=[{"Id": change.target_id, "Arn": change.arn}])
    _all_done(answer, "PutTargets")


def _delete_rule(run: AreaRun, change: DeleteRule) -> None:
    client = run.target.client("events")
    # A rule with targets cannot be deleted (EventBridge API reference, DeleteRule).
    if change.target_ids:
        answer = client.remove_targets(Rule=change.target, Ids=list(change.target_ids))
        _all_done(answer, "RemoveTargets")
    client.delete_rule(Name=change.target)


def _all_done(answer: Mapping[str, Any], operation: str) -> None:
    """EventBridge returns status 200 with the targets that it rejected (API reference, FailedEntries)."""
    for failed in answer.get("FailedEntries") or ():
        raise ClientError({"Error": {"Code": failed["ErrorCode"], "Message": failed["ErrorMessage"]}}, operation)


HANDLERS: Handlers = {
    CreateRule: per_change("events:PutRule", _create_rule),
    UpdateRule: per_change("events:PutRule", _update_rule),
    DeleteRule: per_change("events:DeleteRule", _delete_rule),
    **dict.fromkeys((EVENT_QUEUE.create, DEAD_LETTER_QUEUE.create), per_change("sqs:CreateQueue", _create_queue)),
    **dict.fromkeys(
        (EVENT_QUEUE.update, DEAD_LETTER_QUEUE.update), per_change("sqs:SetQueueAttributes", _update_queue)
    ),
    **dict.fromkeys((EVENT_QUEUE.tag, DEAD_LETTER_QUEUE.tag), per_change("sqs:TagQueue", _tag_queue)),
    **dict.fromkeys((EVENT_QUEUE.delete, DEAD_LETTER_QUEUE.delete), per_change("sqs:DeleteQueue", _delete_queue)),
}
