# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The coverage gate: whether enough instances are healthy, and what blocks the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..verdict.catalogue import BLOCKERS
from ..verdict.eligibility import Verdict
from .issues import decode_issue
from .summary import percent


@dataclass(frozen=True, slots=True)
class Gate:
    """The progress of the gate. C(waiting): the instances that are not healthy yet, each with the known causes."""

    expected: int
    healthy: int
    needed_percent: float
    waiting: tuple[dict[str, Any], ...]

    @property
    def percent(self) -> float:
        return percent(self.healthy, self.expected)

    @property
    def done(self) -> bool:
        return self.percent >= self.needed_percent


# Blockers that waiting does not remove: an operator has to act.
HARD_BLOCKERS = frozenset(
    {
        "not_running",
        "not_ssm_managed",
        "ssm_connection_lost",
        "imds_off",
        "vpc_dns_off",
        "endpoint_missing",
        "endpoint_misconfigured",
    }
)


@dataclass(frozen=True, slots=True)
class GateRule:
    """Which instances count: the listed ones, or every wanted instance that runs (of the routes, if given).

    C(skip_blocked) leaves out instances that waiting does not help.
    """

    percent: float = 100.0
    instance_ids: Sequence[str] | None = None
    routes: Sequence[str] = ()
    skip_blocked: bool = False


def gate(verdicts: Iterable[Verdict], rule: GateRule) -> Gate:
    """The gate's result: whether enough of the instances that count are healthy."""
    named = None if rule.instance_ids is None else frozenset(rule.instance_ids)
    expected = [verdict for verdict in verdicts if _counts(verdict, named, rule)]
    waiting = [verdict for verdict in expected if verdict.coverage != "healthy"]
    return Gate(len(expected), len(expected) - len(waiting), rule.percent, tuple(map(explain, waiting)))


def explain(verdict: Verdict) -> dict[str, Any]:
    """Why one instance is not healthy: GuardDuty's issue with its meaning, and the blockers."""
    issue = decode_issue(verdict.issue)
    first = BLOCKERS[verdict.blockers[0]] if verdict.blockers else None
    return {
        "instance_id": verdict.instance.instance_id,
        "account_id": verdict.instance.account_id,
        "region": verdict.instance.region,
        "route": verdict.route,
        "coverage": verdict.coverage,
        "issue": verdict.issue,
        "blockers": list(verdict.blockers),
        "cause": issue.cause if issue else first.cause if first else None,
        "remedy": issue.remedy if issue else first.remedy if first else None,
    }


def complaint(judged: Gate) -> str:
    """Why the gate failed, with the most frequent causes: the first sentence that an operator reads."""
    causes: dict[str, int] = {}
    for row in judged.waiting:
        words = row["cause"] or f"coverage is {row['coverage']}"
        causes[words] = causes.get(words, 0) + 1
    listed = sorted(causes.items(), key=lambda pair: -pair[1])[:3]
    reasons = " ".join(f"{count}: {cause}" for cause, count in listed)
    return (
        f"{judged.healthy} of {judged.expected} instances report healthy ({judged.percent:g} %,"
        f" {judged.needed_percent:g} % needed). {reasons} See waiting for each instance's remedy."
    )


def _counts(verdict: Verdict, named: frozenset[str] | None, rule: GateRule) -> bool:
    if named is not None:
        chosen = verdict.instance.instance_id in named
    else:
        chosen = verdict.wanted and verdict.instance.running
        chosen = chosen and (not rule.routes or verdict.route in rule.routes)
    return chosen and not (rule.skip_blocked and HARD_BLOCKERS.intersection(verdict.blockers))
