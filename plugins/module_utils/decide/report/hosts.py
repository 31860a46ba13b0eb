# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts of the package route said of themselves, in a report: what came of each, and what it found in its way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..agent.waves import BAD, OUTCOMES

KEYS = ("host", "instance_id", "outcome", "version_before", "version", "message", "findings")


def merged_hosts(parts: Iterable[Iterable[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """A later row of the same instance replaces an earlier one."""
    rows = {one["instance_id"]: one for part in parts for one in part}
    return [{key: rows[name][key] for key in KEYS} for name in sorted(rows)]


def host_flaw(one: Any) -> str:
    """Why a row of a report's hosts cannot be used, or an empty text."""
    if not isinstance(one, dict):
        return "is no row"
    missing = [key for key in KEYS if key not in one]
    if missing:
        return f"lacks {missing[0]}"
    if one["outcome"] not in OUTCOMES:
        return f"has the outcome {one['outcome']!r}, which this version of the collection does not know"
    if not isinstance(one["findings"], list) or not all(isinstance(row, dict) for row in one["findings"]):
        return "has findings that are no rows"
    return ""


def hosts_view(hosts: Sequence[Mapping[str, Any]], limit: int) -> dict[str, Any]:
    """The counts by outcome, the findings by what they say, and the hosts that failed."""
    outcomes = Counter(one["outcome"] for one in hosts)
    found: Counter[tuple[str, str, str]] = Counter(
        (str(row.get("check", "")), str(row.get("message", "")), str(row.get("remedy", "")))
        for one in hosts
        for row in one["findings"]
    )
    findings = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    bad = [one for one in hosts if one["outcome"] in BAD]
    return {
        "hosts": len(hosts),
        "outcomes": [
            {"outcome": name.replace("_", " "), "hosts": outcomes[name]} for name in OUTCOMES if outcomes[name]
        ],
        "findings": [
            {"check": key[0], "message": key[1], "remedy": key[2], "hosts": count} for key, count in findings[:limit]
        ],
        "failed": [{**one, "outcome": str(one["outcome"]).replace("_", " ")} for one in bad[:limit]],
        "failed_count": len(bad),
    }
