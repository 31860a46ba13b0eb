# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts of the package route said of themselves, in a report: what came of each, and what it found in its way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ...model.codec import to_plain
from ..agent.waves import OUTCOMES, HostResult


def merged_hosts(parts: Iterable[Iterable[HostResult]]) -> tuple[HostResult, ...]:
    """A later result of the same instance replaces an earlier one."""
    results = {one.instance_id: one for part in parts for one in part}
    return tuple(results[name] for name in sorted(results))


def hosts_view(hosts: Sequence[HostResult], limit: int) -> dict[str, Any]:
    """The counts by outcome, the findings by what they say, and the hosts that failed."""
    outcomes = Counter(host.outcome for host in hosts)
    found: Counter[tuple[str, str, str]] = Counter(
        (str(row.get("check", "")), str(row.get("message", "")), str(row.get("remedy", "")))
        for host in hosts
        for row in host.findings
    )
    findings = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    bad = [host for host in hosts if host.bad]
    return {
        "hosts": len(hosts),
        "outcomes": [{"outcome": _words(name), "hosts": outcomes[name]} for name in OUTCOMES if outcomes[name]],
        "findings": [
            {"check": key[0], "message": key[1], "remedy": key[2], "hosts": count} for key, count in findings[:limit]
        ],
        "failed": [{**to_plain(host), "outcome": _words(host.outcome)} for host in bad[:limit]],
        "failed_count": len(bad),
    }


def _words(outcome: str) -> str:
    return outcome.replace("_", " ")
