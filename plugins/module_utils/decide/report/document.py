# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data of a report: a fleet's verdicts, what could not be read, results of hosts. Several reports can be merged.

The same fleet gives the same report to the byte: instances are sorted, and values that AWS changes with each call are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..agent.waves import HostResult, host_of
from ..verdict.catalogue import BLOCKER_ORDER
from ..verdict.eligibility import Verdict
from ..verdict.rows import RowError, read_rows, verdict_of
from .hosts import merged_hosts

FORMAT = 1
_LISTS = ("reads", "problems", "instances")

# Both differ at each call: the request id that this collection quotes, and the blob that EC2 puts into a denial.
_UNSTEADY = re.compile(r" \(request id [^)]*\)|\s*Encoded authorization failure message: [\w-]+")


class ReportError(ValueError):
    """A report that cannot be used, as a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Report:
    """C(reads): how each part was read, options by name. C(problems): a sentence for each failed call."""

    reads: tuple[Mapping[str, Any], ...]
    problems: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    hosts: tuple[HostResult, ...]


def report(fleet: Mapping[str, Any], earlier: Mapping[str, str], read: Mapping[str, Any]) -> Report:
    """The report of a fleet that was read now, merged with earlier reports. Raises a ReportError.

    C(fleet) is a result of eligibility_info, or empty; C(earlier) the text of each report.json by its path. A later row
    of the same instance replaces an earlier one, and what was read now is the latest. C(read): how it was read.
    """
    parts = [parse(text, path) for path, text in earlier.items()]
    if fleet:
        if not all(isinstance(fleet.get(key), list) for key in _LISTS[1:]):
            raise ReportError("The fleet lacks instances or problems. Use the result of eligibility_info.")
        reads = {key: value for key, value in read.items() if value not in (None, "", [], {})}
        parts.append(
            _part({**fleet, "reads": [reads] if reads else []}, "The fleet", "Use the result of eligibility_info")
        )
    latest = {verdict.instance.instance_id: verdict for part in parts for verdict in part.verdicts}
    return Report(
        tuple(read for part in parts for read in part.reads),
        tuple(dict.fromkeys(steady(problem) for part in parts for problem in part.problems)),
        tuple(sorted(latest.values(), key=_place)),
        merged_hosts(part.hosts for part in parts),
    )


def parse(text: str, path: str) -> Report:
    """The report that a file holds; a ReportError names the file and what is wrong with it."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ReportError(
            f"{path} is not valid JSON: {error}. Write it again with report_dir, or leave it out."
        ) from None
    if not isinstance(found, dict) or not all(isinstance(found.get(key), list) for key in _LISTS):
        raise ReportError(f"{path} is not a report of fleetsec.guardduty. Use files from a report_dir.")
    if found.get("format") != FORMAT:
        raise ReportError(
            f"{path} has format {found.get('format')!r}, but this version of the collection reads {FORMAT}."
            " Use the version that wrote it."
        )
    return _part(found, path, "Write it again with this version")


def _part(found: Mapping[str, Any], source: str, remedy: str) -> Report:
    try:
        return Report(
            read_rows(_read_of, found["reads"], "reads"),
            tuple(map(str, found["problems"])),
            read_rows(verdict_of, found["instances"], "instances"),
            read_rows(host_of, found.get("hosts", ()), "hosts"),
        )
    except RowError as error:
        raise ReportError(f"{source}: {error}. {remedy}.") from None


def _read_of(row: Any) -> Mapping[str, Any]:
    if not isinstance(row, Mapping):
        raise RowError("is not a row")
    return row


def steady(problem: str) -> str:
    """The problem without the parts that differ between failures of the same call."""
    return _UNSTEADY.sub("", problem)


def first_things_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Those with blockers, in this order: not covered, contradictions, not running, healthy despite a blocker."""
    return sorted(
        (verdict for verdict in verdicts if verdict.blockers),
        key=lambda verdict: (_urgency(verdict), BLOCKER_ORDER[verdict.blockers[0]], *_place(verdict)),
    )


def _place(verdict: Verdict) -> tuple[str, str, str]:
    return (*verdict.instance.area_key, verdict.instance.instance_id)


def _urgency(verdict: Verdict) -> int:
    if not verdict.wanted:
        return 1
    if verdict.healthy:
        return 3
    return 0 if verdict.instance.running else 2
