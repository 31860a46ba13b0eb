# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Formats a summary as lines of at most 80 columns, each with a style that determines its color."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

WIDTH = 80
BAR = 24
ROUTE_WORDS = {
    "guardduty": "GuardDuty itself",
    "ssm": "you, through SSM",
    "package": "you, by package",
    "none": "nobody",
}

Line = tuple[str, str]  # style (title, good, bad, warn, muted, plain) and text


def summary_lines(summary: Mapping[str, Any], title: str) -> list[Line]:
    """Coverage, who installs the agent, blockers, and the instances that are left out."""
    return [*_head(summary, title), *_routes(summary), *_blockers(summary), *_left_out(summary)]


def verdict_change_lines(
    transitions: Sequence[Mapping[str, Any]], assumed: Mapping[str, Any], title: str
) -> list[Line]:
    """Predicted changes: a line for each transition between reasons, and how much of the assumed fleet reports today.

    C(assumed): the summary of the fleet as it would be.
    """
    lines: list[Line] = [("title", title)]
    if not transitions:
        return [*lines, ("muted", "  No verdict would change.")]
    for transition in transitions:
        lines.append(("plain", f"  {transition['count']:>8}  {transition['before']} -> {transition['after']}"))
    today = f"{assumed['healthy']} report healthy today ({assumed['healthy_percent']:g} %)"
    return [*lines, ("warn", f"  Of the {assumed['wanted']} instances that would be wanted, {today}.")]


def note_lines(notes: Sequence[str]) -> list[Line]:
    """The caller's notes, one paragraph each."""
    return [("plain", line) for note in notes for line in textwrap.wrap(note, WIDTH, **_NOTE)]


_NOTE: dict[str, Any] = {"initial_indent": "  - ", "subsequent_indent": "    ", "break_long_words": False}


def _head(summary: Mapping[str, Any], title: str) -> Iterator[Line]:
    wanted, healthy, share = summary["wanted"], summary["healthy"], summary["healthy_percent"]
    filled = int(BAR * share / 100)
    shown = "#" * filled + "." * (BAR - filled)
    style = "good" if wanted and healthy == wanted else "bad" if not healthy and wanted else "warn"
    yield "title", title
    if not wanted:
        yield "warn", f"  None of {summary['instances']} instances should run the agent."
    else:
        yield style, f"  [{shown}] {share:g} %   {healthy} of {wanted} wanted instances report healthy"
    places = {(area["account_id"], area["region"]) for area in summary["areas"]}
    accounts, regions = len({place[0] for place in places}), len({place[1] for place in places})
    yield (
        "muted",
        f"  {summary['instances']} instances in {_count(accounts, 'account')} and {_count(regions, 'region')}",
    )


def _routes(summary: Mapping[str, Any]) -> Iterator[Line]:
    if not summary["routes"]:
        return
    yield "title", "  Who installs the agent    wanted  healthy"
    for route in summary["routes"]:
        style = "good" if route["healthy"] == route["wanted"] else "plain"
        yield style, f"    {ROUTE_WORDS[route['route']]:<20}  {route['wanted']:>8} {route['healthy']:>8}"


def _blockers(summary: Mapping[str, Any]) -> Iterator[Line]:
    """Each instance counts under its most urgent blocker, so that a symptom does not hide its cause."""
    foremost = sorted(
        (blocker for blocker in summary["blockers"] if blocker["first"]), key=lambda blocker: -blocker["first"]
    )
    if not foremost:
        return
    yield "title", "  Blockers (each instance counted under its most urgent one)"
    for blocker in foremost:
        yield "bad", f"    {blocker['first']:>6}  {blocker['blocker']}"
        for line in textwrap.wrap(blocker["remedy"], WIDTH - 12):
            yield "muted", f"            {line}"


def _left_out(summary: Mapping[str, Any]) -> Iterator[Line]:
    left_out = [reason for reason in summary["reasons"] if not reason["wanted"]]
    if not left_out:
        return
    yield "title", "  Why the rest is left out"
    for reason in left_out:
        wrapped = textwrap.wrap(reason["cause"], WIDTH - 37)
        yield "plain", f"    {reason['instances']:>6}  {reason['reason']:<25}{wrapped[0]}"
        for line in wrapped[1:]:
            yield "plain", " " * 37 + line


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
