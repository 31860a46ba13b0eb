# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan: the changes from the current to the desired state. Check mode, diff, changed and the message derive from it.

Each kind of change is a frozen dataclass of its own, beside the planner that creates it. C(converge/) dispatches on the
class; C(action) and C(kind) are only words of the message and of the result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..model.fleet import InArea


@dataclass(frozen=True, slots=True)
class Change(InArea):
    """One change to one thing. A subclass adds the fields that converge needs and a diff does not.

    C(action) is the verb of the message ('tag', 'create', 'update', ...), C(kind) the kind of resource, C(target) its
    identifier (of the parent where the thing does not exist yet). C(before) and C(after) hold only what changes; None
    means that the resource does not exist.
    """

    action: ClassVar[str]
    kind: ClassVar[str]

    target: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    def describe(self) -> dict[str, Any]:
        """The change as a module returns it."""
        return {
            "account_id": self.account_id,
            "region": self.region,
            "action": self.action,
            "kind": self.kind,
            "target": self.target,
            "before": None if self.before is None else dict(self.before),
            "after": None if self.after is None else dict(self.after),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in the order in which they must be made."""

    changes: tuple[Change, ...] = ()

    @classmethod
    def of(cls, changes: Iterable[Change]) -> Plan:
        return cls(tuple(changes))

    @property
    def changed(self) -> bool:
        return bool(self.changes)

    def diff(self) -> dict[str, Any]:
        """Before and after, keyed by resource: account/region/kind target."""
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for change in self.changes:
            key = f"{change.area_key} {change.kind} {change.target}"
            if change.before is not None:
                before.setdefault(key, {}).update(change.before)
            if change.after is not None:
                after.setdefault(key, {}).update(change.after)
        return {"before": before, "after": after}

    def message(self, made: bool) -> str:
        """The changes in one sentence: '3 instances would be tagged, 1 VPC endpoint would be created.'"""
        if not self.changes:
            return "Nothing to change."
        counts = Counter((change.action, change.kind) for change in self.changes)
        would_be = "" if made else "would be "
        parts = [f"{n} {_plural(kind, n)} {would_be}{PAST[action]}" for (action, kind), n in counts.items()]
        return ", ".join(parts) + "."


# The verbs of the collection, with their past participle.
PAST = {
    "create": "created",
    "delete": "deleted",
    "disable": "disabled",
    "enable": "enabled",
    "start": "started",
    "tag": "tagged",
    "untag": "untagged",
    "update": "updated",
}


def _plural(kind: str, count: int) -> str:
    return kind if count == 1 else f"{kind}s"
