# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until associations have run, and reads the result on each node."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ...decide.association.plan import AssociationPlan
from ...decide.association.runs import RunReport, all_finished, latest, state_of
from ...model.associations import Execution
from ...model.fleet import Problem
from ...observe.association.runs import execution_targets, executions, has_nodes
from ...observe.client.access import Target
from ...observe.fleet.snapshot import for_each_area
from .associations import StartedAssociation

# A run takes seconds at least; later polls are less frequent, since State Manager allows few calls per second and account.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 15.0


def await_runs(
    planned: AssociationPlan, targets: Sequence[Target], begun: Sequence[StartedAssociation], timeout: float
) -> tuple[list[RunReport], tuple[Problem, ...]]:
    """Wait for the runs that this module started, and for the newest run of associations that needed no change."""
    deadline = time.monotonic() + timeout
    fresh = {each.where: each for each in begun}

    def one(target: Target) -> RunReport:
        where = target.area_key
        if where in fresh:
            return _report(fresh[where], deadline, newest=False)
        return _report(StartedAssociation(target, planned.after[where]), deadline, newest=True)

    awaited = [target for target in targets if target.area_key in {*fresh, *planned.settled}]
    return for_each_area(awaited, "ssm:DescribeAssociationExecutions", one)


def _report(begun: StartedAssociation, deadline: float, newest: bool) -> RunReport:
    association = begun.association
    state, runs = _wait(begun, deadline, newest)
    found = latest(execution_targets(begun.target, association.association_id, runs))
    return RunReport(
        account_id=begun.target.account_id,
        region=begun.target.region,
        association_id=association.association_id,
        label=association.name or association.association_id,
        version=association.version,
        state=state or state_of(found, all_finished(runs)),
        targets=found,
    )


def _wait(begun: StartedAssociation, deadline: float, newest: bool) -> tuple[str | None, tuple[Execution, ...]]:
    """The runs, and their state if the runs do not show it."""
    association, pause, asked = begun.association, FIRST_PAUSE, False
    while True:
        runs = executions(begun.target, association.association_id, association.version, begun.since or "", newest)
        if all_finished(runs):
            return None, runs
        if not runs and begun.since is None and association.settings.get("ApplyOnlyAtCronInterval"):
            return "scheduled", ()
        if not runs and not asked:
            asked = True
            if has_nodes(begun.target, association.settings.get("Targets") or ()) is False:
                return "no_targets", ()
        left = deadline - time.monotonic()
        if left <= 0:
            return (None if runs else "not_started"), runs
        time.sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE)
