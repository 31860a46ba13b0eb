# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queues and rules that deliver events to a rulebook, as SQS and EventBridge return them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .fleet import InArea


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of SQS. C(attributes) as GetQueueAttributes returns them: strings only."""

    url: str
    attributes: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EventRule:
    """A rule of EventBridge's default bus. C(targets): ARNs by their ids in the rule."""

    pattern: str
    enabled: bool
    targets: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EventArea(InArea):
    """The queues and rules of one account and region, by name."""

    partition: str
    queues: Mapping[str, Queue]
    rules: Mapping[str, EventRule]
