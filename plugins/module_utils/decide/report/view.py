# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as its reader sees it: the numbers and the texts that the HTML and Markdown templates put on the page."""

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

# How the page calls the states of gd_coverage, and what each means.
COVERAGE_WORDS = {
    "healthy": ("healthy", "The agent runs and GuardDuty hears of it."),
    "unhealthy": ("unhealthy", "GuardDuty knows the instance and says that its agent does not work."),
    "absent": (
        "no record",
        "GuardDuty has no coverage record of the instance: no agent has ever reported, or it is new.",
    ),
    "unknown": ("not known", "GuardDuty's coverage could not be read there, so nothing is said of these."),
}


def view(report: Report, limit: int) -> dict[str, Any]:
    """C(limit): how many rows a table may have; the counts beside it are always of all."""
    summary = summarize(report.verdicts)
    action = first_things_first(report.verdicts)
    quiet = [verdict for verdict in report.verdicts if not verdict.blockers]
    others = [verdict for verdict in quiet if not verdict.healthy]
    off = Counter(one.instance.area_key for one in report.verdicts if one.reason == "monitoring_off")
    areas = [{**one, "off": off[AreaKey(one["account_id"], one["region"])]} for one in summary["areas"]]
    accounts, regions = _accounts(areas)
    return {
        "summary": summary,
        "problems": report.problems,
        "problem_limit": limit,
        "reads": [_read_words(read) for read in report.reads[:limit]],
        "reads_left": max(0, len(report.reads) - limit),
        "parts": _parts(summary),
        "routes": [
            {**one, "who": ROUTE_WORDS[one["route"]], "percent": percent(one["healthy"], one["wanted"])}
            for one in summary["routes"]
        ],
        "wanted_reasons": [one for one in summary["reasons"] if one["wanted"]],
        "left_out": [one for one in summary["reasons"] if not one["wanted"]],
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
    """What the wanted instances come to, as parts of a whole."""
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

    Where Runtime Monitoring is off nothing is wanted, and yet all of it is missing to who looks for gaps.
    """
    cells = {(one["account_id"], one["region"]): _cell([one]) for one in areas}
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
    accounts.sort(key=lambda one: (one["healthy"] - one["wanted"] - one["off"], one["account_id"]))
    totals = [
        {"region": region, **_cell([cell for place, cell in cells.items() if place[1] == region])} for region in regions
    ]
    return accounts, totals


def _cell(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    listed = list(parts)
    wanted, covered = sum(one["wanted"] for one in listed), sum(one["healthy"] for one in listed)
    return {
        "instances": sum(one["instances"] for one in listed),
        "wanted": wanted,
        "healthy": covered,
        "off": sum(one["off"] for one in listed),
        "percent": percent(covered, wanted),
        "grade": grade(covered, wanted),
    }


def grade(covered: int, wanted: int) -> str:
    """The step of the colour scale: a scale of few steps can be told apart, and its ends mean none and all."""
    if not wanted:
        return "nothing"
    if covered in (0, wanted):
        return "all" if covered else "none"
    share = percent(covered, wanted)
    return "few" if share < 50 else "many" if share < 90 else "most"


def _issues(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """What GuardDuty says of unhealthy agents, the most frequent first, each with one of its texts as AWS gave it."""
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
    """A row of the tables of instances: what identifies it, and what is said of it."""
    return {
        **row(verdict),
        "name": verdict.instance.tags.get("Name"),
        "who": ROUTE_WORDS[verdict.route],
        "coverage": COVERAGE_WORDS[verdict.coverage][0],
    }
