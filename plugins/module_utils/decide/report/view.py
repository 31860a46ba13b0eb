# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report for display: the numbers and texts of the HTML and Markdown templates."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ...model.fleet import AreaKey
from ..fleet.issues import ISSUES, UNRECOGNIZED, decode_issue
from ..fleet.summary import percent, summarize
from ..verdict.eligibility import Verdict
from ..verdict.rows import row
from .console import ROUTE_WORDS
from .document import Report, first_things_first
from .hosts import hosts_view

# The page's names of the states of gd_coverage, and their meanings.
COVERAGE_WORDS = {
    "healthy": ("healthy", "GuardDuty receives data from a running agent."),
    "unhealthy": ("unhealthy", "GuardDuty knows the instance and reports that its agent does not work."),
    "absent": (
        "no record",
        "GuardDuty has no coverage record of the instance: its agent has never reported, or it is new.",
    ),
    "unknown": ("not known", "GuardDuty's coverage could not be read, so the state of these is unknown."),
}


def view(report: Report, limit: int) -> dict[str, Any]:
    """C(limit): the most rows in a table; the counts beside it always include all."""
    summary = summarize(report.verdicts)
    action = first_things_first(report.verdicts)
    quiet = [verdict for verdict in report.verdicts if not verdict.blockers]
    others = [verdict for verdict in quiet if not verdict.healthy]
    off = Counter(verdict.instance.area_key for verdict in report.verdicts if verdict.reason == "monitoring_off")
    areas = [{**area, "off": off[AreaKey(area["account_id"], area["region"])]} for area in summary["areas"]]
    accounts, regions = _accounts(areas)
    return {
        "summary": summary,
        "problems": report.problems,
        "problem_limit": limit,
        "reads": [_read_words(read) for read in report.reads[:limit]],
        "reads_left": max(0, len(report.reads) - limit),
        "parts": _parts(summary),
        "routes": [
            {**route, "who": ROUTE_WORDS[route["route"]], "percent": percent(route["healthy"], route["wanted"])}
            for route in summary["routes"]
        ],
        "wanted_reasons": [reason for reason in summary["reasons"] if reason["wanted"]],
        "left_out": [reason for reason in summary["reasons"] if not reason["wanted"]],
        "left_out_instances": summary["instances"] - summary["wanted"],
        "blockers": summary["blockers"],
        "issues": _issues(report.verdicts),
        "accounts": accounts[:limit],
        "account_count": len(accounts),
        "region_count": len(regions),
        "regions": regions,
        "everywhere": _cell(areas),
        "action": [_line(verdict) for verdict in action[:limit]],
        "action_count": len(action),
        "others": [_line(verdict) for verdict in others[:limit]],
        "other_count": len(others),
        "quiet_healthy": len(quiet) - len(others),
        "on_hosts": hosts_view(report.hosts, limit),
    }


def _parts(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The wanted instances by coverage, as parts of a whole."""
    known = summary["healthy"] + summary["unhealthy"] + summary["uncovered"]
    counts = {
        "healthy": summary["healthy"],
        "unhealthy": summary["unhealthy"],
        "absent": summary["uncovered"],
        "unknown": summary["wanted"] - known,
    }
    return [
        {
            "coverage": name,
            "word": COVERAGE_WORDS[name][0],
            "meaning": COVERAGE_WORDS[name][1],
            "instances": count,
            "percent": percent(count, summary["wanted"]),
        }
        for name, count in counts.items()
        if count or name != "unknown"
    ]


def _accounts(areas: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A line for each account with a cell for each region, most missing first; and the totals of each region.

    Where Runtime Monitoring is off, no instance is wanted, but these instances are gaps in coverage too.
    """
    cells = {(area["account_id"], area["region"]): _cell([area]) for area in areas}
    regions = sorted({place[1] for place in cells})
    grouped: dict[str, list[dict[str, Any]]] = {}
    for place, cell in cells.items():
        grouped.setdefault(place[0], []).append(cell)
    accounts = [
        {
            "account_id": account_id,
            **_cell(own),
            "cells": [cells.get((account_id, region)) for region in regions],
        }
        for account_id, own in grouped.items()
    ]
    accounts.sort(key=lambda account: (account["healthy"] - account["wanted"] - account["off"], account["account_id"]))
    totals = [
        {"region": region, **_cell([cell for place, cell in cells.items() if place[1] == region])} for region in regions
    ]
    return accounts, totals


def _cell(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    listed = list(parts)
    wanted, covered = sum(area["wanted"] for area in listed), sum(area["healthy"] for area in listed)
    return {
        "instances": sum(area["instances"] for area in listed),
        "wanted": wanted,
        "healthy": covered,
        "off": sum(area["off"] for area in listed),
        "percent": percent(covered, wanted),
        "grade": grade(covered, wanted),
    }


def grade(covered: int, wanted: int) -> str:
    """The step of the colour scale: few steps are easy to distinguish, and the ends mean none and all."""
    if not wanted:
        return "nothing"
    if covered in (0, wanted):
        return "all" if covered else "none"
    share = percent(covered, wanted)
    return "few" if share < 50 else "many" if share < 90 else "most"


def _issues(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """GuardDuty's issues of unhealthy agents, the most frequent first, each with an example of AWS's text."""
    texts = [verdict.issue for verdict in verdicts if verdict.coverage == "unhealthy" and verdict.issue]
    counts: Counter[str] = Counter()
    example: dict[str, str] = {}
    for text in sorted(texts):
        issue = decode_issue(text)
        if issue:
            counts[issue.code] += 1
            example.setdefault(issue.code, text)
    meanings = {issue.code: issue for issue in (*ISSUES, UNRECOGNIZED)}
    return [
        {
            "issue": code,
            "instances": count,
            "cause": meanings[code].cause,
            "remedy": meanings[code].remedy,
            "example": example[code],
        }
        for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def _read_words(read: Mapping[str, Any]) -> str:
    """How a part was read: 'regions eu-west-1, us-east-1; scope all'."""
    return "; ".join(f"{key.replace('_', ' ')} {_value_words(value)}" for key, value in read.items())


def _value_words(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _line(verdict: Verdict) -> dict[str, Any]:
    """A row of the tables of instances: its identity and its verdict."""
    return {
        **row(verdict),
        "name": verdict.instance.tags.get("Name"),
        "who": ROUTE_WORDS[verdict.route],
        "coverage": COVERAGE_WORDS[verdict.coverage][0],
    }
