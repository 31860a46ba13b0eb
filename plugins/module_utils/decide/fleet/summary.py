# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary of a fleet: coverage, who installs the agent, blockers, and why the rest is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ..verdict.catalogue import BLOCKERS, REASONS, ROUTES
from ..verdict.eligibility import Verdict


def summarize(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """The counts of a fleet, from new verdicts or from a report."""
    listed = list(verdicts)
    wanted = [verdict for verdict in listed if verdict.wanted]
    healthy = sum(verdict.healthy for verdict in wanted)
    return {
        "instances": len(listed),
        "wanted": len(wanted),
        "healthy": healthy,
        "unhealthy": sum(verdict.coverage == "unhealthy" for verdict in wanted),
        "uncovered": sum(verdict.coverage == "absent" for verdict in wanted),
        "blocked": sum(bool(verdict.blockers) for verdict in listed),
        "healthy_percent": percent(healthy, len(wanted)),
        "routes": _routes(wanted),
        "reasons": _reasons(listed),
        "blockers": _blockers(listed),
        "areas": _areas(listed),
    }


def percent(part: int, whole: int) -> float:
    """Rounded down to a tenth, so that 100 means all of them; 100 if there are none."""
    return int(1000 * part / whole) / 10 if whole else 100.0


def _routes(wanted: Sequence[Verdict]) -> list[dict[str, Any]]:
    counts = Counter(verdict.route for verdict in wanted)
    healthy = Counter(verdict.route for verdict in wanted if verdict.healthy)
    return [{"route": route, "wanted": counts[route], "healthy": healthy[route]} for route in ROUTES if counts[route]]


def _reasons(listed: Sequence[Verdict]) -> list[dict[str, Any]]:
    counts = Counter(verdict.reason for verdict in listed)
    return [
        {"reason": code, "instances": counts[code], "wanted": reason.wanted, "cause": reason.cause}
        for code, reason in REASONS.items()
        if counts[code]
    ]


def _blockers(listed: Sequence[Verdict]) -> list[dict[str, Any]]:
    """The most frequent first; equally frequent blockers in order of importance.

    'first' counts the instances for which it is the most important blocker, each instance once.
    """
    counts = Counter(code for verdict in listed for code in verdict.blockers)
    first = Counter(verdict.blockers[0] for verdict in listed if verdict.blockers)
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


def _areas(listed: Sequence[Verdict]) -> list[dict[str, Any]]:
    total = Counter(verdict.instance.area_key for verdict in listed)
    wanted = Counter(verdict.instance.area_key for verdict in listed if verdict.wanted)
    healthy = Counter(verdict.instance.area_key for verdict in listed if verdict.healthy)
    return [
        {
            "account_id": area.account_id,
            "region": area.region,
            "instances": total[area],
            "wanted": wanted[area],
            "healthy": healthy[area],
        }
        for area in sorted(total)
    ]
