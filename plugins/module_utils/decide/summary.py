# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet comes to: how many are covered, who brings the agent, what stands in the way, and why the rest is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.eligibility import Verdict
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.words import BLOCKERS, REASONS, ROUTES


def summarize(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """The counts of a fleet. 'healthy' counts wanted instances only, so that it is a part of 'wanted'."""
    listed = list(verdicts)
    wanted = [verdict for verdict in listed if verdict.wanted]
    healthy = [verdict for verdict in wanted if verdict.coverage == "healthy"]
    return {
        "instances": len(listed),
        "wanted": len(wanted),
        "healthy": len(healthy),
        "unhealthy": sum(verdict.coverage == "unhealthy" for verdict in wanted),
        "uncovered": sum(verdict.coverage == "absent" for verdict in wanted),
        "blocked": sum(bool(verdict.blockers) for verdict in listed),
        "healthy_percent": percent(len(healthy), len(wanted)),
        "routes": _routes(listed),
        "reasons": _reasons(listed),
        "blockers": _blockers(listed),
        "areas": _areas(listed),
    }


def percent(part: int, whole: int) -> float:
    """Rounded down to a tenth, so that 100 means all of them; an empty whole is complete."""
    return int(1000 * part / whole) / 10 if whole else 100.0


def _routes(listed: Sequence[Verdict]) -> list[dict[str, Any]]:
    counts = Counter(verdict.route for verdict in listed if verdict.wanted)
    healthy = Counter(verdict.route for verdict in listed if verdict.wanted and verdict.coverage == "healthy")
    return [{"route": route, "wanted": counts[route], "healthy": healthy[route]} for route in ROUTES if counts[route]]


def _reasons(listed: Sequence[Verdict]) -> list[dict[str, Any]]:
    counts = Counter(verdict.reason for verdict in listed)
    return [
        {"reason": code, "instances": counts[code], "wanted": reason.wanted, "cause": reason.cause}
        for code, reason in REASONS.items()
        if counts[code]
    ]


def _blockers(listed: Sequence[Verdict]) -> list[dict[str, Any]]:
    """The most frequent first; blockers that are equally frequent in order of importance."""
    counts = Counter(code for verdict in listed for code in verdict.blockers)
    found = [code for code in BLOCKERS if counts[code]]
    return [
        {
            "blocker": code,
            "instances": counts[code],
            "cause": BLOCKERS[code].cause,
            "remedy": BLOCKERS[code].remedy,
            "fix": BLOCKERS[code].fix,
        }
        for code in sorted(found, key=lambda code: -counts[code])
    ]


def _areas(listed: Sequence[Verdict]) -> list[dict[str, Any]]:
    keys = sorted({(verdict.instance.account_id, verdict.instance.region) for verdict in listed})
    total = Counter((verdict.instance.account_id, verdict.instance.region) for verdict in listed)
    wanted = Counter((one.instance.account_id, one.instance.region) for one in listed if one.wanted)
    healthy = Counter(
        (one.instance.account_id, one.instance.region) for one in listed if one.wanted and one.coverage == "healthy"
    )
    return [
        {
            "account_id": account_id,
            "region": region,
            "instances": total[account_id, region],
            "wanted": wanted[account_id, region],
            "healthy": healthy[account_id, region],
        }
        for account_id, region in keys
    ]
