# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report holds: the rows of a fleet, what they come to, what could not be read. Several of them make one.

The same fleet gives the same report to the byte: rows are sorted, and what AWS changes with each call is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...model.fleet import Instance
from ..fleet.summary import summarize_rows
from ..verdict.catalogue import BLOCKERS, COVERAGE_STATES, REASONS, ROUTES
from ..verdict.eligibility import Verdict
from ..verdict.rows import row
from .hosts import host_flaw, merged_hosts

FORMAT = 1

_NOBODY = Verdict(Instance("", "", "", "", "", "", ""), "", False, "", "", (), "", "", "")
COLUMNS = tuple(row(_NOBODY))

_CODES: dict[str, Iterable[str]] = {
    "gd_reason": REASONS,
    "gd_route": ROUTES,
    "gd_coverage": COVERAGE_STATES,
}
_TYPES: dict[str, type] = {
    "gd_instance_id": str,
    "gd_account_id": str,
    "gd_region": str,
    "gd_reason": str,
    "gd_route": str,
    "gd_coverage": str,
    "gd_wanted": bool,
    "gd_blockers": list,
    "gd_tags": dict,
}
# Both differ at each call: the request id that this collection quotes, and the blob that EC2 puts into a denial.
_UNSTEADY = re.compile(r" \(request id [^)]*\)|\s*Encoded authorization failure message: [\w-]+")


class ReportError(ValueError):
    """A report that cannot be used, as a sentence for the user."""


def report(fleet: Mapping[str, Any], earlier: Mapping[str, str], read: Mapping[str, Any]) -> dict[str, Any]:
    """One report of a fleet that was read now and of earlier reports.

    C(fleet) is a result of eligibility_info, or empty; C(earlier) the text of each report.json by its path. A later row
    of the same instance replaces an earlier one, and what was read now is the latest. C(read) says how it was read.
    """
    parts = [parse(text, path) for path, text in earlier.items()]
    if fleet:
        reads = {key: value for key, value in read.items() if value not in (None, "", [], {})}
        parts.append(
            {
                "reads": [reads] if reads else [],
                "problems": fleet["problems"],
                "instances": fleet["instances"],
                "hosts": fleet.get("hosts", []),
            }
        )
    rows = {one["gd_instance_id"]: one for part in parts for one in part["instances"]}
    ordered = sorted(rows.values(), key=lambda one: (one["gd_account_id"], one["gd_region"], one["gd_instance_id"]))
    problems = [steady(problem) for part in parts for problem in part["problems"]]
    hosts = merged_hosts(part.get("hosts", []) for part in parts)
    return {
        "format": FORMAT,
        "reads": [one for part in parts for one in part["reads"]],
        "problems": list(dict.fromkeys(problems)),
        "summary": summarize_rows(ordered),
        # Only where the package route was taken.
        **({"hosts": hosts} if hosts else {}),
        "instances": [_tidy(one) for one in ordered],
    }


def parse(text: str, path: str) -> dict[str, Any]:
    """The report that a file holds; a ReportError names the file and what is wrong with it."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ReportError(f"{path} is no JSON: {error}. Write it again with report_dir, or leave it out.") from None
    keys = ("reads", "problems", "instances")
    if not isinstance(found, dict) or not all(isinstance(found.get(key), list) for key in keys):
        raise ReportError(f"{path} is no report of fleetsec.guardduty. Name files that report_dir has written.")
    if found.get("format") != FORMAT:
        raise ReportError(
            f"{path} has format {found.get('format')!r}, and this version of the collection reads {FORMAT}."
            " Use the version that wrote it."
        )
    for part, flaw_of in (("instances", _flaw), ("hosts", host_flaw)):
        for position, one in enumerate(found.get(part, [])):
            flaw = flaw_of(one)
            if flaw:
                raise ReportError(f"{path}: {part}[{position}] {flaw}. Write it again with this version.")
    return found


def steady(problem: str) -> str:
    """The problem without what differs each time that the same call fails."""
    return _UNSTEADY.sub("", problem)


def _flaw(one: Any) -> str:
    if not isinstance(one, dict):
        return "is no row"
    for name in COLUMNS:
        if name not in one:
            return f"lacks {name}"
    for name, kind in _TYPES.items():
        if not isinstance(one[name], kind):
            return f"has a {name} that is no {kind.__name__}"
    for name, known in _CODES.items():
        if one[name] not in known:
            return f"has the {name} {one[name]!r}, which this version of the collection does not know"
    unknown = [code for code in one["gd_blockers"] if code not in BLOCKERS]
    return f"has the blocker {unknown[0]!r}, which this version of the collection does not know" if unknown else ""


def _tidy(one: Mapping[str, Any]) -> dict[str, Any]:
    """Columns in the order of the words and tags by name, since AWS promises no order of tags."""
    tidy: dict[str, Any] = {name: one[name] for name in COLUMNS}
    tidy["gd_tags"] = dict(sorted(tidy["gd_tags"].items()))
    return tidy


def healthy(one: Mapping[str, Any]) -> bool:
    return bool(one["gd_wanted"]) and one["gd_coverage"] == "healthy"


def first_things_first(rows: Iterable[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The rows with blockers: uncovered ones, contradictions, what does not run, what is healthy all the same."""
    order = {code: position for position, code in enumerate(BLOCKERS)}
    return sorted(
        (one for one in rows if one["gd_blockers"]),
        key=lambda one: (
            _urgency(one),
            order[one["gd_blockers"][0]],
            one["gd_account_id"],
            one["gd_region"],
            one["gd_instance_id"],
        ),
    )


def _urgency(one: Mapping[str, Any]) -> int:
    if not one["gd_wanted"]:
        return 1
    if healthy(one):
        return 3
    return 0 if one["gd_state"] == "running" else 2
