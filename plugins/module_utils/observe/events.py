# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what delivers events to a rulebook: SQS queues, and the EventBridge rules that send to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..model.events import EventArea, EventRule, Queue
from ..model.fleet import Problem
from .client.access import Target
from .fleet.ec2 import tag_dict
from .fleet.snapshot import for_each_area


def event_areas(
    targets: Iterable[Target], queue_names: Iterable[str], rule_prefix: str
) -> tuple[list[EventArea], tuple[Problem, ...]]:
    """For each target, the queues of these names, and the rules whose names start with the prefix."""
    wanted = frozenset(queue_names)

    def one(target: Target) -> EventArea:
        queues = _queues(target, min(wanted, key=len), wanted)
        return EventArea(*target.area_key, target.partition, queues, _rules(target, rule_prefix))

    return for_each_area(targets, "sqs:ListQueues", one)


def _queues(target: Target, prefix: str, wanted: frozenset[str]) -> dict[str, Queue]:
    client = target.client("sqs")
    pages = client.get_paginator("list_queues").paginate(QueueNamePrefix=prefix)
    urls = [url for page in pages for url in page.get("QueueUrls") or ()]
    named = {url.rpartition("/")[2]: url for url in urls}
    return {name: _queue(client, url) for name, url in named.items() if name in wanted}


def _queue(client: Any, url: str) -> Queue:
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]).get("Attributes") or {}
    return Queue(url, attributes, client.list_queue_tags(QueueUrl=url).get("Tags") or {})


def _rules(target: Target, prefix: str) -> dict[str, EventRule]:
    client = target.client("events")
    pages = client.get_paginator("list_rules").paginate(NamePrefix=prefix)
    return {rule["Name"]: _rule(client, rule) for page in pages for rule in page["Rules"]}


def _rule(client: Any, rule: Mapping[str, Any]) -> EventRule:
    pages = client.get_paginator("list_targets_by_rule").paginate(Rule=rule["Name"])
    tags = client.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]
    return EventRule(
        pattern=rule.get("EventPattern") or "",
        enabled=rule.get("State") == "ENABLED",
        targets={target["Id"]: target["Arn"] for page in pages for target in page["Targets"]},
        tags=tag_dict(tags),
    )
