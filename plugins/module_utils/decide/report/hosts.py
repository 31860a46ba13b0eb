# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of the package route in a report: the result and the findings of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ...model.codec import to_plain
from ..agent.waves import OUTCOMES, HostResult


def merged_hosts(parts: Iterable[Iterable[HostResult]]) -> tuple[HostResult, ...]:
    """A later result of the same instance replaces an earlier one."""
    results = {result.instance_id: result for part in parts for result in part}
    return tuple(results[name] for name in sorted(results))


def hosts_view(hosts: Sequence[HostResult], limit: int) -> dict[str, Any]:
    """The counts by outcome, the findings by message, and the failed hosts."""
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
