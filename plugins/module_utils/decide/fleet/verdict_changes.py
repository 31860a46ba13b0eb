# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a change affects verdicts: before and after per instance, and the count of each transition."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ...model.fleet import Snapshot
from ..verdict.eligibility import Choices, Verdict, judge_fleet


def verdict_changes(before: Snapshot, after: Snapshot, choices: Choices) -> list[dict[str, Any]]:
    """The instances whose wanted, route or reason differs between two states of one fleet."""
    return compare(before, choices, after, choices)


def compare(before: Snapshot, choices: Choices, after: Snapshot, other_choices: Choices) -> list[dict[str, Any]]:
    """Like verdict_changes(), if the operator's choices differ as well."""
    old = {verdict.instance.instance_id: verdict for verdict in judge_fleet(before, choices)}
    found = []
    for verdict in judge_fleet(after, other_choices):
        was = old.get(verdict.instance.instance_id)
        if was is not None and _gist(was) != _gist(verdict):
            found.append(
                {
                    "instance_id": verdict.instance.instance_id,
                    "account_id": verdict.instance.account_id,
                    "region": verdict.instance.region,
                    "before": _gist(was),
                    "after": _gist(verdict),
                }
            )
    return found


def transitions(flipped: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A count for each pair of reasons, the most frequent first."""
    counts = Counter((flip["before"]["reason"], flip["after"]["reason"]) for flip in flipped)
    return [{"before": old, "after": new, "count": count} for (old, new), count in counts.most_common()]


def _gist(verdict: Verdict) -> dict[str, Any]:
    return {"wanted": verdict.wanted, "route": verdict.route, "reason": verdict.reason}
