# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the queues and rules that carry events."""

from __future__ import annotations

from typing import Any

from ..decide.events import DEAD_LETTERS, QUEUE, RULE
from ..decide.plan import Change
from ..observe.client.sdk import ClientError
from .run import AreaRun, Handler, per_change


def _create_queue(run: AreaRun, change: Change) -> None:
    details = change.details
    run.target.client("sqs").create_queue(
        QueueName=change.target, Attributes=details["attributes"], tags=details["tags"]
    )


def _update_queue(run: AreaRun, change: Change) -> None:
    details = change.details
    run.target.client("sqs").set_queue_attributes(QueueUrl=details["url"], Attributes=details["attributes"])


def _tag_queue(run: AreaRun, change: Change) -> None:
    run.target.client("sqs").tag_queue(QueueUrl=change.details["url"], Tags=change.details["tags"])


def _delete_queue(run: AreaRun, change: Change) -> None:
    run.target.client("sqs").delete_queue(QueueUrl=change.details["url"])


def _create_rule(run: AreaRun, change: Change) -> None:
    tags = [{"Key": key, "Value": value} for key, value in change.details["tags"].items()]
    _put_rule(run, change, Tags=tags)


def _update_rule(run: AreaRun, change: Change) -> None:
    _put_rule(run, change)


def _put_rule(run: AreaRun, change: Change, **options: Any) -> None:
    client, details = run.target.client("events"), change.details
    client.put_rule(Name=change.target, EventPattern=details["pattern"], State="ENABLED", **options)
    target = {"Id": details["target_id"], "Arn": details["arn"]}
    _all_done(client.put_targets(Rule=change.target, Targets=[target]), "PutTargets")


def _delete_rule(run: AreaRun, change: Change) -> None:
    client = run.target.client("events")
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
    ("create", RULE): per_change("events:PutRule", _create_rule),
    ("update", RULE): per_change("events:PutRule", _update_rule),
    ("delete", RULE): per_change("events:DeleteRule", _delete_rule),
    **{
        (action, kind): per_change(f"sqs:{operation}", make)
        for kind in (QUEUE, DEAD_LETTERS)
        for action, operation, make in (
            ("create", "CreateQueue", _create_queue),
            ("update", "SetQueueAttributes", _update_queue),
            ("tag", "TagQueue", _tag_queue),
            ("delete", "DeleteQueue", _delete_queue),
        )
    },
}
