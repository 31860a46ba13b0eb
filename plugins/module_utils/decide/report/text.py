# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as text for programs, with AWS's texts escaped where a program would interpret them as commands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from ...model.codec import to_plain
from ..fleet.summary import summarize
from ..verdict.eligibility import Verdict
from ..verdict.rows import COLUMNS, row
from .document import FORMAT, Report

# Characters that start a formula in a spreadsheet (OWASP, "CSV Injection"), also in full width. The apostrophe is included
# because it is the escape itself: so removing one apostrophe always restores the value.
_FORMULA = re.compile(r"[\t\r\n']|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")

_QUOTED = re.compile(r'[",\r\n]')


def to_json(report: Report) -> str:
    """A line for each instance, so that a comparison of two reports shows the instances that differ."""
    head = {
        "format": FORMAT,
        "reads": to_plain(report.reads),
        "problems": list(report.problems),
        "summary": summarize(report.verdicts),
        # Only if the package route was used.
        **({"hosts": to_plain(report.hosts)} if report.hosts else {}),
    }
    rows = ",\n".join(json.dumps(_tidy(verdict), ensure_ascii=False) for verdict in report.verdicts)
    start = json.dumps(head, indent=1, ensure_ascii=False)[:-2]
    return f'{start},\n "instances": [\n{rows}\n ]\n}}\n'


def to_csv(verdicts: Iterable[Verdict]) -> str:
    """A line for each instance: lists separated by spaces, tags as JSON, null as an empty cell."""
    lines = [",".join(COLUMNS), *(",".join(map(_cell, _tidy(verdict).values())) for verdict in verdicts)]
    return "\n".join(lines) + "\n"


def _tidy(verdict: Verdict) -> dict[str, Any]:
    """The row with its tags by name, since AWS promises no order of them."""
    return {**row(verdict), "gd_tags": dict(sorted(verdict.instance.tags.items()))}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        value = " ".join(str(item) for item in value)
    elif isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False)
    text = str(value)
    if _FORMULA.match(text):
        text = f"'{text}"
    # Python's csv leaves a lone carriage return unquoted before 3.13, and reads it back as the end of a row.
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def md_code(text: Any) -> str:
    """A code span of GitHub's Markdown for a table cell: it renders no HTML, link or mention.

    A bar would end the table's cell and cannot be escaped after a backslash, so it becomes a broken bar.
    """
    flat = re.sub(r"[\x00-\x20\x7f\u0085\u2028\u2029]+", " ", str(text)).strip().replace("|", "\u00a6")
    if not flat:
        return ""
    longest = max((len(run) for run in re.findall("`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat[0] == "`" or flat[-1] == "`" else ""
    return f"{fence}{pad}{flat}{pad}{fence}"
