# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies a plan: accounts and regions in parallel, each in the plan's order, in batches. Only this file tests check mode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, TypeVar

from ..decide.plan import Change, Plan
from ..model.fleet import AreaKey, Problem
from ..observe.client.access import Target
from ..observe.client.accounts import WORKERS
from ..observe.client.problems import AWS_ERRORS, problem_from


@dataclass(frozen=True, slots=True)
class Failure:
    """A change that was not made, and why."""

    change: Change
    problem: Problem

    def describe(self) -> dict[str, Any]:
        return {**self.change.describe(), "error": str(self.problem)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a plan. In check mode, C(done) is what would be done."""

    done: tuple[Change, ...] = ()
    failed: tuple[Failure, ...] = ()


AnyChange = TypeVar("AnyChange", bound=Change)
# Creates the problem of one change.
Tell = Callable[[Problem, Change], Problem]


def _as_it_is(problem: Problem, change: Change) -> Problem:
    return problem


@dataclass(slots=True)
class AreaRun:
    """One account and region while its changes are applied.

    C(made) carries identifiers from one step to the next: the security group that an endpoint needs, by its VPC.
    """

    target: Target
    made: dict[str, str] = field(default_factory=dict)
    done: list[Change] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)

    def succeed(self, changes: Iterable[Change]) -> None:
        self.done.extend(changes)

    def fail(self, changes: Iterable[Change], operation: str, error: Exception, tell: Tell = _as_it_is) -> None:
        problem = problem_from(error, operation, *self.target.area_key)
        self.failed.extend(Failure(change, tell(problem, change)) for change in changes)

    def each(
        self,
        changes: Iterable[AnyChange],
        operation: str,
        make: Callable[[AnyChange], None],
        *,
        tell: Tell = _as_it_is,
        settled: bool = True,
    ) -> None:
        """Apply changes one by one; a failure does not stop the others.

        C(settled): a successful call completes the change; otherwise the caller records the result.
        """
        for change in changes:
            try:
                make(change)
            except AWS_ERRORS as error:
                self.fail([change], operation, error, tell)
            else:
                if settled:
                    self.succeed([change])


# Applies consecutive changes of one class, and records in AreaRun whether each succeeded.
Handler = Callable[[AreaRun, Sequence[Any]], None]
Handlers = Mapping[type[Change], Handler]


def per_change(operation: str, make: Callable[[AreaRun, AnyChange], None]) -> Handler:
    """A handler whose changes take at least a call each. C(operation) is the operation that a problem names."""

    def handler(run: AreaRun, changes: Sequence[AnyChange]) -> None:
        run.each(changes, operation, lambda change: make(run, change))

    return handler


def converge(plan: Plan, targets: Iterable[Target], handlers: Handlers, check_mode: bool) -> Outcome:
    """Apply the plan's changes. C(handlers): by the class of the change."""
    if check_mode or not plan.changes:
        return Outcome(done=plan.changes)
    target_of = {target.area_key: target for target in targets}
    areas: dict[AreaKey, list[Change]] = {}
    for change in plan.changes:
        areas.setdefault(change.area_key, []).append(change)

    def converge_area(area: AreaKey) -> AreaRun:
        run = AreaRun(target_of[area])
        for batch in _batches(areas[area]):
            ready = list(_still_possible(run, batch))
            if ready:
                handlers[type(ready[0])](run, ready)
        return run

    with ThreadPoolExecutor(min(WORKERS, len(areas))) as pool:
        runs = list(pool.map(converge_area, areas))
    # In the plan's order again, so that the result of a run reads as check mode predicted it.
    place = {id(change): position for position, change in enumerate(plan.changes)}
    done = sorted((change for run in runs for change in run.done), key=lambda change: place[id(change)])
    failed = sorted((failure for run in runs for failure in run.failed), key=lambda failure: place[id(failure.change)])
    return Outcome(tuple(done), tuple(failed))


def group_identical(changes: Iterable[AnyChange], written: Callable[[AnyChange], Any]) -> list[list[AnyChange]]:
    """Groups changes that write the same: one call applies them all."""
    groups: dict[str, list[AnyChange]] = {}
    for change in changes:
        groups.setdefault(repr(written(change)), []).append(change)
    return list(groups.values())


def _batches(changes: Sequence[Change]) -> Iterator[list[Change]]:
    for _kind, batch in groupby(changes, key=type):
        yield list(batch)


def _still_possible(run: AreaRun, batch: Iterable[Change]) -> Iterator[Change]:
    """Leave out changes that depend on a failed one: a target that failed is not changed again."""
    broken = {failure.change.target: failure.problem for failure in run.failed}
    for change in batch:
        if change.target in broken:
            run.failed.append(Failure(change, broken[change.target]))
        else:
            yield change
