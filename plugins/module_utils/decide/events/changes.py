# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes of the queues and rules that deliver events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..plan import Change

RULE, QUEUE, DEAD_LETTERS = "event rule", "event queue", "dead-letter queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateQueue(Change):
    action = "create"
    kind = QUEUE
    attributes: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateQueue(Change):
    action = "update"
    kind = QUEUE
    url: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagQueue(Change):
    action = "tag"
    kind = QUEUE
    url: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteQueue(Change):
    action = "delete"
    kind = QUEUE
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDeadLetterQueue(CreateQueue):
    kind = DEAD_LETTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDeadLetterQueue(UpdateQueue):
    kind = DEAD_LETTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class TagDeadLetterQueue(TagQueue):
    kind = DEAD_LETTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDeadLetterQueue(DeleteQueue):
    kind = DEAD_LETTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRule(Change):
    """The rule C(target) for PutRule and PutTargets: C(pattern) is JSON, C(arn) the queue's."""

    kind = RULE
    pattern: str
    target_id: str
    arn: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRule(PutRule):
    action = "create"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRule(PutRule):
    action = "update"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRule(Change):
    action = "delete"
    kind = RULE
    target_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueueChanges:
    """The changes of a queue of one kind: events, or dead letters."""

    create: type[CreateQueue]
    update: type[UpdateQueue]
    tag: type[TagQueue]
    delete: type[DeleteQueue]


EVENT_QUEUE = QueueChanges(CreateQueue, UpdateQueue, TagQueue, DeleteQueue)
DEAD_LETTER_QUEUE = QueueChanges(
    CreateDeadLetterQueue, UpdateDeadLetterQueue, TagDeadLetterQueue, DeleteDeadLetterQueue
)
