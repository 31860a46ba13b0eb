# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which events trigger a rulebook, and how a queue and its rules must be configured so that it receives nothing else.

Sources: EventBridge user guide (event patterns; resource-based policies, "Amazon SQS permissions"), EventBridge events
reference (EC2, tag and GuardDuty events), SQS API reference (SetQueueAttributes).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...model.events import EventArea, EventRule, Queue
from ...model.fleet import MANAGED_TAG, Problem
from ..plan import Change, Plan
from ..tag_rules import refused_tags
from .changes import DEAD_LETTER_QUEUE, EVENT_QUEUE, QUEUE, RULE, CreateRule, DeleteRule, QueueChanges, UpdateRule

PATTERNS: dict[str, dict[str, Any]] = {
    "instance_running": {
        "source": ["aws.ec2"],
        "detail-type": ["EC2 Instance State-change Notification"],
        "detail": {"state": ["running"]},
    },
    "tag_change": {
        "source": ["aws.tag"],
        "detail-type": ["Tag Change on Resource"],
        "detail": {"service": ["ec2"], "resource-type": ["instance"], "changed-tag-keys": [MANAGED_TAG]},
    },
    "coverage_unhealthy": {
        "source": ["aws.guardduty"],
        "detail-type": ["GuardDuty Runtime Protection Unhealthy"],
    },
}
# Marks what this collection created.
OWNER_TAG = "fleetsec-guardduty-events"
OPERATION = "the change of the event queue"
# A rule's name has at most 64 characters, and the longest of ours adds 19 to it.
NAME = re.compile(r"[A-Za-z0-9_-]{1,45}")
JSON_ATTRIBUTES = frozenset({"Policy", "RedrivePolicy"})


@dataclass(frozen=True, slots=True)
class DesiredEvents:
    """The desired state. C(present) false: none of it exists."""

    name: str
    present: bool = True
    events: Sequence[str] = tuple(PATTERNS)
    retention: int = 86_400
    dead_letter_retention: int = 1_209_600
    max_receives: int = 5
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def dead_letters(self) -> str:
        return f"{self.name}-dead-letters"

    @property
    def rule_prefix(self) -> str:
        return f"{self.name}-"

    @property
    def all_tags(self) -> dict[str, str]:
        return {**self.tags, OWNER_TAG: self.name}

    def rule_name(self, event: str) -> str:
        return self.rule_prefix + event.replace("_", "-")


def refusal(desired: DesiredEvents) -> str:
    """Why AWS would reject the desired state, or None (SQS API reference, CreateQueue; EventBridge API reference, PutRule)."""
    if not NAME.fullmatch(desired.name):
        return f"name is {desired.name!r}; it must be 1 to 45 letters, digits, - and _."
    if not desired.events:
        return "events is empty; list at least one kind of event, or use state=absent."
    for option, value in (("retention", desired.retention), ("dead_letter_retention", desired.dead_letter_retention)):
        if not 60 <= value <= 1_209_600:
            return f"{option} is {value}; set it to 60 to 1209600 seconds."
    if not 1 <= desired.max_receives <= 1000:
        return f"max_receives is {desired.max_receives}; set it to 1 to 1000."
    return refused_tags(desired.tags) or ""


@dataclass(frozen=True, slots=True)
class EventPlan:
    plan: Plan
    problems: tuple[Problem, ...]


def plan_events(areas: Sequence[EventArea], desired: DesiredEvents) -> EventPlan:
    changes: list[Change] = []
    problems: list[Problem] = []
    for area in areas:
        strangers = _strangers(area, desired)
        problems += strangers
        if not strangers:
            changes += _making(area, desired) if desired.present else _taking_away(area, desired)
    return EventPlan(Plan.of(changes), tuple(problems))


def queue_row(area: EventArea, desired: DesiredEvents) -> dict[str, Any]:
    """The queue in the form that a rulebook's source needs."""
    return {
        "account_id": area.account_id,
        "region": area.region,
        "queue_name": desired.name,
        "queue_arn": queue_arn(area, desired.name),
    }


def queue_arn(area: EventArea, name: str) -> str:
    return f"arn:{area.partition}:sqs:{area.region}:{area.account_id}:{name}"


def _strangers(area: EventArea, desired: DesiredEvents) -> list[Problem]:
    """Problems of resources with our names and without our tag: they are neither changed nor deleted."""
    rule_names = {desired.rule_name(event) for event in PATTERNS}
    tagged = [
        *((QUEUE, name, queue.tags) for name, queue in area.queues.items()),
        *((RULE, name, rule.tags) for name, rule in area.rules.items() if name in rule_names),
    ]
    return [
        Problem(
            area.account_id,
            area.region,
            OPERATION,
            "NotOurs",
            f"the {kind} {name} has no tag {OWNER_TAG}={desired.name}, so this collection did not create it",
            "",
            "Choose another name, or delete it yourself.",
        )
        for kind, name, tags in tagged
        if tags.get(OWNER_TAG) != desired.name
    ]


def _making(area: EventArea, desired: DesiredEvents) -> list[Change]:
    found = [
        *_queue_changes(area, desired, DEAD_LETTER_QUEUE, desired.dead_letters, _dead_letter_attributes(desired)),
        *_queue_changes(area, desired, EVENT_QUEUE, desired.name, _queue_attributes(area, desired)),
    ]
    for event in PATTERNS:
        name = desired.rule_name(event)
        rule = area.rules.get(name)
        if event in desired.events:
            found += _rule_change(area, desired, event, rule)
        elif rule is not None:
            found.append(_rule_deletion(area, name, rule))
    return found


def _taking_away(area: EventArea, desired: DesiredEvents) -> list[Change]:
    found: list[Change]
    names = [desired.rule_name(event) for event in PATTERNS]
    found = [_rule_deletion(area, name, area.rules[name]) for name in names if name in area.rules]
    for kind, name in ((EVENT_QUEUE, desired.name), (DEAD_LETTER_QUEUE, desired.dead_letters)):
        if name in area.queues:
            before = {"arn": queue_arn(area, name)}
            found.append(kind.delete(*area.area_key, name, before, None, url=area.queues[name].url))
    return found


def _dead_letter_attributes(desired: DesiredEvents) -> dict[str, str]:
    return {"MessageRetentionPeriod": str(desired.dead_letter_retention), "SqsManagedSseEnabled": "true"}


def _queue_attributes(area: EventArea, desired: DesiredEvents) -> dict[str, str]:
    redrive = {"deadLetterTargetArn": queue_arn(area, desired.dead_letters), "maxReceiveCount": desired.max_receives}
    return {
        "MessageRetentionPeriod": str(desired.retention),
        "SqsManagedSseEnabled": "true",
        "RedrivePolicy": json.dumps(redrive),
        "Policy": json.dumps(_policy(area, desired)),
    }


def _policy(area: EventArea, desired: DesiredEvents) -> dict[str, Any]:
    """Only these rules may send. Without aws:SourceArn, any rule of any account could."""
    rules = [
        f"arn:{area.partition}:events:{area.region}:{area.account_id}:rule/{desired.rule_name(event)}"
        for event in PATTERNS
        if event in desired.events
    ]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TheseRulesSend",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn(area, desired.name),
                "Condition": {"ArnEquals": {"aws:SourceArn": rules}},
            }
        ],
    }


def _queue_changes(
    area: EventArea, desired: DesiredEvents, kind: QueueChanges, name: str, wanted: Mapping[str, str]
) -> list[Change]:
    queue = area.queues.get(name)
    if queue is None:
        tags = desired.all_tags
        after = {**_shown(wanted), "tags": tags}
        return [kind.create(*area.area_key, name, None, after, attributes=wanted, tags=tags)]
    # Encryption with a KMS key is the operator's own choice, and excludes this one.
    kept = {"SqsManagedSseEnabled"} if queue.attributes.get("KmsMasterKeyId") else set()
    differing = {
        key: value
        for key, value in wanted.items()
        if key not in kept and not _same(key, queue.attributes.get(key), value)
    }
    found: list[Change] = []
    if differing:
        before = {key: queue.attributes[key] for key in differing if key in queue.attributes}
        words = _shown(before), _shown(differing)
        found.append(kind.update(*area.area_key, name, *words, url=queue.url, attributes=differing))
    return found + _tag_change(area, kind, name, queue, desired)


def _tag_change(area: EventArea, kind: QueueChanges, name: str, queue: Queue, desired: DesiredEvents) -> list[Change]:
    missing = {key: value for key, value in desired.all_tags.items() if queue.tags.get(key) != value}
    if not missing:
        return []
    before = {"tags": {key: queue.tags[key] for key in missing if key in queue.tags}}
    return [kind.tag(*area.area_key, name, before, {"tags": missing}, url=queue.url, tags=missing)]


def _rule_change(area: EventArea, desired: DesiredEvents, event: str, rule: EventRule | None) -> list[Change]:
    arn = queue_arn(area, desired.name)
    wanted = {"pattern": PATTERNS[event], "enabled": True, "target": arn}
    before = _rule_shown(rule, desired.name) if rule is not None else None
    if before == wanted:
        return []
    name = desired.rule_name(event)
    sent: dict[str, Any] = {"pattern": json.dumps(PATTERNS[event]), "target_id": desired.name, "arn": arn}
    tags = desired.all_tags
    if before is None:
        return [CreateRule(*area.area_key, name, None, {**wanted, "tags": tags}, tags=tags, **sent)]
    differing = sorted(key for key in wanted if before[key] != wanted[key])
    words = ({key: before[key] for key in differing}, {key: wanted[key] for key in differing})
    return [UpdateRule(*area.area_key, name, *words, tags=tags, **sent)]


def _rule_shown(rule: EventRule, target_id: str) -> dict[str, Any]:
    pattern = json.loads(rule.pattern) if rule.pattern else None
    return {"pattern": pattern, "enabled": rule.enabled, "target": rule.targets.get(target_id)}


def _rule_deletion(area: EventArea, name: str, rule: EventRule) -> Change:
    before = {"targets": sorted(rule.targets.values())}
    return DeleteRule(*area.area_key, name, before, None, target_ids=tuple(sorted(rule.targets)))


def _same(key: str, current: str | None, wanted: str) -> bool:
    if key in JSON_ATTRIBUTES and current:
        return bool(_plain(key, current) == _plain(key, wanted))
    return current == wanted


def _plain(key: str, value: str) -> Any:
    """The document in a form that AWS may also return: numbers as text."""
    document = json.loads(value)
    if key == "RedrivePolicy":
        return {name: str(one) for name, one in document.items()}
    return document


def _shown(attributes: Mapping[str, str]) -> dict[str, Any]:
    return {key: json.loads(value) if key in JSON_ATTRIBUTES else value for key, value in attributes.items()}
