# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package route in waves: which hosts of an inventory take part, what came of a wave, and whether the next one may start."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from .packages import LATEST, NEWEST, VERSION, numbers, resolve

# What a host can come to. The last two are said at the end only: of hosts that no wave has an answer of.
OUTCOMES = ("changed", "unchanged", "skipped", "failed", "not_reporting", "not_tried")
BAD = ("failed", "not_reporting")


class WaveError(ValueError):
    """A limit that cannot be understood, as a sentence for the user."""


def hosts_of(
    instance_ids: Iterable[str], rows: Iterable[Mapping[str, Any]], names: Mapping[str, str], within: Collection[str]
) -> dict[str, Any]:
    """The hosts of an inventory that are these instances, run and are within the limit; and who is left out, and why.

    C(names): instance id to host name. C(within): the names of the hosts that a play may reach. Each host comes with its
    row, whose verdict is the one to act by.
    """
    row_of = {row["gd_instance_id"]: row for row in rows if row["gd_state"] == "running"}
    wanted = list(instance_ids)
    found = [{"name": names[one], **row_of[one]} for one in wanted if one in names and one in row_of]
    left_out = [host["name"] for host in found if host["name"] not in within]
    return {
        "hosts": [host for host in found if host["name"] in within],
        "missing": [one for one in wanted if one not in names],
        "left_out": left_out,
        "left_out_note": (
            f"Hosts of the package route that the limit left out, and that this run did not touch: {len(left_out)}"
            f" ({_few(left_out)})."
            if left_out
            else ""
        ),
    }


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" and more" if names[3:] else "")


def older_agents(rows: Iterable[Mapping[str, Any]], version: str) -> list[str]:
    """The instances of the package route that run and whose agent reports an older version than this.

    Raises a WaveError where there is no such version.
    """
    wanted = resolve(version)
    if not VERSION.fullmatch(wanted):
        raise WaveError(f"agent_version is '{version}'; write it like {NEWEST}, or {LATEST}.")
    return [
        row["gd_instance_id"]
        for row in rows
        if row["gd_wanted"]
        and row["gd_route"] == "package"
        and VERSION.fullmatch(row["gd_agent_version"] or "")
        and numbers(row["gd_agent_version"]) < numbers(wanted)
    ]


def host_result(name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """What came of one host, from what the role has registered there."""
    planned = variables.get("agent_planned") or {}
    applied = variables.get("agent_applied") or {}
    plan = planned.get("plan") or {}
    failure = variables.get("package_failure") or ""
    if failure:
        outcome, message = "failed", str(failure)
    elif plan.get("action") == "skip":
        outcome, message = "skipped", str(plan.get("reason") or "")
    else:
        outcome, message = ("changed" if applied.get("changed") else "unchanged"), str(applied.get("msg") or "")
    return {
        "host": name,
        "instance_id": str(variables.get("gd_instance_id") or name),
        "outcome": outcome,
        "version_before": plan.get("installed_version"),
        "version": applied.get("installed_version") or plan.get("installed_version"),
        "message": message,
        "findings": [one for one in planned.get("findings") or [] if one.get("level") != "ok"],
    }


def wave_result(
    results: Sequence[Mapping[str, Any]],
    waiting: Iterable[Mapping[str, Any]],
    earlier: Sequence[Mapping[str, Any]],
    total: int,
    max_failed: str,
    blind: str = "",
) -> dict[str, Any]:
    """One wave: its hosts, and why no further one may start, or an empty C(stop).

    C(waiting): the rows of the coverage gate that did not become healthy. C(total): the hosts of all waves. The first
    wave is the canary: any failure in it stops, unless it is the only one. C(blind): why the gate could not look.
    """
    silent = {row["instance_id"]: str(row.get("cause") or row.get("issue") or "no record") for row in waiting}
    hosts = [_with_coverage(result, silent) for result in results]
    bad = [host for host in hosts if host["outcome"] in BAD]
    so_far = len(bad) + sum(host["outcome"] in BAD for wave in earlier for host in wave["hosts"])
    tried = len(hosts) + sum(len(wave["hosts"]) for wave in earlier)
    stop = _stop(bad, so_far, tried, total, max_failed, first=not earlier)
    if blind and tried < total:
        stop = f"The coverage gate could not look: {blind}"
    return {"hosts": hosts, "stop": stop}


def _with_coverage(result: Mapping[str, Any], silent: Mapping[str, str]) -> dict[str, Any]:
    if result["outcome"] in ("changed", "unchanged") and result["instance_id"] in silent:
        return {
            **result,
            "outcome": "not_reporting",
            "message": f"The agent does not report: {silent[result['instance_id']]}",
        }
    return dict(result)


def _stop(
    bad: Sequence[Mapping[str, Any]], so_far: int, tried: int, total: int, max_failed: str, *, first: bool
) -> str:
    allowed = limit_of(max_failed, total)
    names = _few([str(host["host"]) for host in bad])
    if tried >= total or not bad:
        return ""
    if first:
        return f"The first wave is the canary, and {len(bad)} of its hosts did not get there ({names})."
    if so_far > allowed:
        return f"{so_far} of {tried} hosts did not get there ({names}), and at most {allowed} may."
    return ""


def limit_of(max_failed: str, total: int) -> int:
    """How many hosts may fail: a number, or a percentage of all hosts of the package route, rounded down."""
    text = str(max_failed).strip()
    digits = text.removesuffix("%")
    if not digits.isdigit() or (text.endswith("%") and int(digits) > 100):
        raise WaveError(f"package_max_failed is '{max_failed}'; give a number of hosts, or a percentage like 10%.")
    return total * int(digits) // 100 if text.endswith("%") else int(digits)


def conclusion(names: Iterable[str], waves: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All waves together: a row for each host, counts by outcome, and each failure as a sentence."""
    done = {host["host"]: host for wave in waves for host in wave["hosts"]}
    stop = next((wave["stop"] for wave in waves if wave["stop"]), "")
    rows = [done.get(name) or _untouched(name, stop) for name in names]
    counts = {outcome: sum(row["outcome"] == outcome for row in rows) for outcome in OUTCOMES}
    problems = [f"{row['host']}: {row['message']}" for row in rows if row["outcome"] in BAD]
    if stop:
        problems.append(
            f"Stopped before {counts['not_tried']} more hosts were tried. {stop} Mend it and run this again."
        )
    elif counts["not_tried"]:
        lost = [row["host"] for row in rows if row["outcome"] == "not_tried"]
        problems.append(f"No answer came from {_few(lost)}. Run this again.")
    return {"hosts": rows, "counts": {key: count for key, count in counts.items() if count}, "problems": problems}


def _untouched(name: str, stop: str) -> dict[str, Any]:
    message = "An earlier wave stopped the roll-out." if stop else "No answer came from this host."
    empty: dict[str, Any] = {"version_before": None, "version": None, "findings": []}
    return {"host": name, "instance_id": name, "outcome": "not_tried", "message": message, **empty}
