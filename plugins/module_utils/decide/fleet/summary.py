# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet comes to: how many are covered, who brings the agent, what stands in the way, and why the rest is left out.

A fleet is counted from verdicts while it is read, and from rows where reports are merged: both come down to InstanceFacts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..verdict.catalogue import BLOCKERS, REASONS, ROUTES
from ..verdict.eligibility import Verdict


class InstanceFacts(NamedTuple):
    """What a summary needs to know of one instance."""

    area: tuple[str, str]
    wanted: bool
    route: str
    reason: str
    blockers: Sequence[str]
    coverage: str

    @property
    def healthy(self) -> bool:
        """Of wanted instances only, so that healthy is a part of wanted."""
        return self.wanted and self.coverage == "healthy"


def summarize(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """The counts of a fleet that was judged just now."""
    return _summary(
        [
            InstanceFacts(
                (verdict.instance.account_id, verdict.instance.region),
                verdict.wanted,
                verdict.route,
                verdict.reason,
                verdict.blockers,
                verdict.coverage,
            )
            for verdict in verdicts
        ]
    )


def summarize_rows(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The same counts from rows of rows.row(), wherever they were kept."""
    return _summary(
        [
            InstanceFacts(
                (row["gd_account_id"], row["gd_region"]),
                row["gd_wanted"],
                row["gd_route"],
                row["gd_reason"],
                row["gd_blockers"],
                row["gd_coverage"],
            )
            for row in rows
        ]
    )


def percent(part: int, whole: int) -> float:
    """Rounded down to a tenth, so that 100 means all of them; an empty whole is complete."""
    return int(1000 * part / whole) / 10 if whole else 100.0


def _summary(listed: Sequence[InstanceFacts]) -> dict[str, Any]:
    wanted = [one for one in listed if one.wanted]
    healthy = sum(one.healthy for one in wanted)
    return {
        "instances": len(listed),
        "wanted": len(wanted),
        "healthy": healthy,
        "unhealthy": sum(one.coverage == "unhealthy" for one in wanted),
        "uncovered": sum(one.coverage == "absent" for one in wanted),
        "blocked": sum(bool(one.blockers) for one in listed),
        "healthy_percent": percent(healthy, len(wanted)),
        "routes": _routes(wanted),
        "reasons": _reasons(listed),
        "blockers": _blockers(listed),
        "areas": _areas(listed),
    }


def _routes(wanted: Sequence[InstanceFacts]) -> list[dict[str, Any]]:
    counts = Counter(one.route for one in wanted)
    healthy = Counter(one.route for one in wanted if one.healthy)
    return [{"route": route, "wanted": counts[route], "healthy": healthy[route]} for route in ROUTES if counts[route]]


def _reasons(listed: Sequence[InstanceFacts]) -> list[dict[str, Any]]:
    counts = Counter(one.reason for one in listed)
    return [
        {"reason": code, "instances": counts[code], "wanted": reason.wanted, "cause": reason.cause}
        for code, reason in REASONS.items()
        if counts[code]
    ]


def _blockers(listed: Sequence[InstanceFacts]) -> list[dict[str, Any]]:
    """The most frequent first; blockers that are equally frequent in order of importance.

    'first' counts the instances of which it is the most important blocker, each instance once.
    """
    counts = Counter(code for one in listed for code in one.blockers)
    first = Counter(one.blockers[0] for one in listed if one.blockers)
    found = [code for code in BLOCKERS if counts[code]]
    return [
        {
            "blocker": code,
            "instances": counts[code],
            "first": first[code],
            "cause": BLOCKERS[code].cause,
            "remedy": BLOCKERS[code].remedy,
            "fix": BLOCKERS[code].fix,
        }
        for code in sorted(found, key=lambda code: -counts[code])
    ]


def _areas(listed: Sequence[InstanceFacts]) -> list[dict[str, Any]]:
    total = Counter(one.area for one in listed)
    wanted = Counter(one.area for one in listed if one.wanted)
    healthy = Counter(one.area for one in listed if one.healthy)
    return [
        {
            "account_id": account_id,
            "region": region,
            "instances": total[account_id, region],
            "wanted": wanted[account_id, region],
            "healthy": healthy[account_id, region],
        }
        for account_id, region in sorted(total)
    ]
