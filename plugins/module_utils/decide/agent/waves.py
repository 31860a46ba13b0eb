# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package route in waves: which hosts of an inventory take part, the result of a wave, and whether the next one may start."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import NoneType
from typing import Any

from ..verdict.eligibility import Verdict
from ..verdict.rows import RowError
from ..wording import some
from .packages import LATEST, NEWEST, VERSION, numbers, resolve

# The outcomes of a host. The last two appear only at the end: for hosts without a result from any wave.
OUTCOMES = ("changed", "unchanged", "skipped", "failed", "not_reporting", "not_tried")


class WaveError(ValueError):
    """An invalid limit, as a sentence for the user."""


@dataclass(frozen=True, slots=True)
class PackageHosts:
    """The hosts that get the package, by name; the instances without a host; the hosts that the limit leaves out."""

    hosts: Mapping[str, Verdict]
    missing: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def left_out_note(self) -> str:
        if not self.left_out:
            return ""
        return (
            "Hosts of the package route that the limit excluded from this run:"
            f" {len(self.left_out)} ({some(self.left_out)})."
        )


@dataclass(frozen=True, slots=True)
class HostResult:
    """The result of one host. C(outcome) is one of OUTCOMES; the versions are the agent's, None if not installed."""

    host: str
    instance_id: str
    outcome: str
    version_before: str | None = None
    version: str | None = None
    message: str = ""
    findings: tuple[Mapping[str, Any], ...] = ()

    @property
    def bad(self) -> bool:
        return self.outcome in ("failed", "not_reporting")


@dataclass(frozen=True, slots=True)
class Wave:
    """The results of the hosts of one wave, and why no further wave may start, or an empty C(stop)."""

    hosts: tuple[HostResult, ...]
    stop: str = ""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """All waves together: a result for each host, counts by outcome, each failure as a sentence."""

    hosts: tuple[HostResult, ...]
    counts: Mapping[str, int]
    problems: tuple[str, ...]


def hosts_of(
    instance_ids: Iterable[str], verdicts: Iterable[Verdict], names: Mapping[str, str], within: Collection[str]
) -> PackageHosts:
    """The hosts of an inventory that are these instances, run and are within the limit.

    C(names): instance id to host name. C(within): the names of the hosts that a play may reach.
    """
    wanted = list(instance_ids)
    running = {verdict.instance.instance_id: verdict for verdict in verdicts if verdict.instance.running}
    found = {
        names[instance_id]: running[instance_id]
        for instance_id in wanted
        if instance_id in names and instance_id in running
    }
    return PackageHosts(
        {name: verdict for name, verdict in found.items() if name in within},
        tuple(instance_id for instance_id in wanted if instance_id not in names),
        tuple(name for name in found if name not in within),
    )


def older_agents(verdicts: Iterable[Verdict], version: str) -> list[str]:
    """The instances of the package route that run and whose agent reports an older version than this.

    Raises a WaveError if the version is invalid.
    """
    wanted = resolve(version)
    if not VERSION.fullmatch(wanted):
        raise WaveError(f"agent_version is '{version}'; set it to a version such as {NEWEST}, or {LATEST}.")
    return [
        verdict.instance.instance_id
        for verdict in verdicts
        if verdict.wanted
        and verdict.route == "package"
        and verdict.agent_version
        and VERSION.fullmatch(verdict.agent_version)
        and numbers(verdict.agent_version) < numbers(wanted)
    ]


def host_result(name: str, variables: Mapping[str, Any]) -> HostResult:
    """The result of one host, from what the role has registered there."""
    planned = variables.get("agent_planned") or {}
    applied = variables.get("agent_applied") or {}
    plan = planned.get("plan") or {}
    failure = variables.get("package_failure") or ""
    if failure:
        outcome, message = "failed", failure
    elif plan.get("action") == "skip":
        outcome, message = "skipped", plan.get("reason")
    else:
        outcome, message = ("changed" if applied.get("changed") else "unchanged"), applied.get("msg")
    return HostResult(
        host=name,
        instance_id=str(variables.get("gd_instance_id") or name),
        outcome=outcome,
        version_before=plan.get("installed_version"),
        version=applied.get("installed_version") or plan.get("installed_version"),
        message=str(message or ""),
        findings=tuple(finding for finding in planned.get("findings") or [] if finding.get("level") != "ok"),
    )


_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys((field.name for field in fields(HostResult)), (str,)),
    **dict.fromkeys(("version_before", "version"), (str, NoneType)),
    "findings": (list,),
}


def host_of(row: Any) -> HostResult:
    """A HostResult from plain data. Raises a RowError that names the key."""
    if not isinstance(row, Mapping):
        raise RowError("is not a row")
    for key, types in _TYPES.items():
        if key not in row:
            raise RowError(f"lacks {key}")
        if not isinstance(row[key], types):
            raise RowError(f"has a {key} that is not a {types[0].__name__}")
    if row["outcome"] not in OUTCOMES:
        raise RowError(f"has the outcome {row['outcome']!r}, which this version of the collection does not know")
    if not all(isinstance(finding, Mapping) for finding in row["findings"]):
        raise RowError("has findings that are not rows")
    return HostResult(
        **{**{key: row[key] for key in _TYPES}, "findings": tuple(dict(finding) for finding in row["findings"])}
    )


def wave_result(
    results: Iterable[HostResult],
    waiting: Iterable[Mapping[str, Any]],
    earlier: Sequence[Wave],
    total: int,
    max_failed: str,
    blind: str = "",
) -> Wave:
    """The result of one wave.

    C(waiting): the coverage gate's rows of the instances that did not become healthy. C(total): the hosts of all waves. The first
    wave is the canary: any failure in it stops the roll-out, unless it is the only wave. C(blind): why the gate could not check.
    """
    silent = {row["instance_id"]: str(row.get("cause") or row.get("issue") or "no record") for row in waiting}
    hosts = tuple(_with_coverage(result, silent) for result in results)
    before = [host for wave in earlier for host in wave.hosts]
    bad = [host.host for host in hosts if host.bad]
    so_far = len(bad) + sum(host.bad for host in before)
    tried = len(hosts) + len(before)
    stop = _stop(bad, so_far, tried, total, max_failed, first=not earlier)
    if blind and tried < total:
        stop = f"The coverage gate could not check: {blind}"
    return Wave(hosts, stop)


def _with_coverage(result: HostResult, silent: Mapping[str, str]) -> HostResult:
    if result.outcome not in ("changed", "unchanged") or result.instance_id not in silent:
        return result
    message = f"The agent does not report: {silent[result.instance_id]}"
    return replace(result, outcome="not_reporting", message=message)


def _stop(bad: Sequence[str], so_far: int, tried: int, total: int, max_failed: str, *, first: bool) -> str:
    allowed = limit_of(max_failed, total)
    if tried >= total or not bad:
        return ""
    if first:
        return f"The first wave is the canary, and {len(bad)} of its hosts failed ({some(bad)})."
    if so_far > allowed:
        return f"{so_far} of {tried} hosts failed ({some(bad)}), but at most {allowed} may fail."
    return ""


def limit_of(max_failed: str, total: int) -> int:
    """How many hosts may fail: a number, or a percentage of all hosts of the package route, rounded down."""
    text = str(max_failed).strip()
    digits = text.removesuffix("%")
    if not digits.isdigit() or (text.endswith("%") and int(digits) > 100):
        raise WaveError(
            f"package_max_failed is '{max_failed}'; set it to a number of hosts, or a percentage such as 10%."
        )
    return total * int(digits) // 100 if text.endswith("%") else int(digits)


def conclusion(names: Iterable[str], waves: Sequence[Wave]) -> Conclusion:
    done = {host.host: host for wave in waves for host in wave.hosts}
    stop = next((wave.stop for wave in waves if wave.stop), "")
    untouched = "An earlier wave stopped the roll-out." if stop else "This host did not answer."
    hosts = tuple(done.get(name) or HostResult(name, name, "not_tried", message=untouched) for name in names)
    counts = {outcome: sum(host.outcome == outcome for host in hosts) for outcome in OUTCOMES}
    problems = [f"{host.host}: {host.message}" for host in hosts if host.bad]
    if stop:
        problems.append(
            f"Stopped before {counts['not_tried']} more hosts were tried. {stop} Fix it and run this again."
        )
    elif counts["not_tried"]:
        lost = some(host.host for host in hosts if host.outcome == "not_tried")
        problems.append(f"No answer from {lost}. Run this again.")
    return Conclusion(hosts, {key: count for key, count in counts.items() if count}, tuple(problems))


def notes_of(end: Conclusion, missing: Sequence[str]) -> list[str]:
    """The summary of the package route at the end. C(missing): the instances that no wave included."""
    notes = []
    if missing:
        notes.append(f"{len(missing)} instances need the package on the host itself: {some(missing)}")
    if end.hosts:
        counts = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in end.counts.items())
        notes.append(f"{len(end.hosts)} hosts of the package route: {counts}")
    return notes
