# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of an association's runs.

State Manager's statuses (SSM user guide, "Viewing association histories"; botocore, AssociationOverview): a target
is Pending or InProgress, and then Success, or another status, which is a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...model.associations import AssociationRun, Execution, ExecutionTarget
from ...model.fleet import InArea, Problem
from ..wording import some

UNFINISHED = frozenset({"Pending", "InProgress", "Associating", "Creating", "Delayed"})
SUCCESS = "Success"
NAMED = 5


@dataclass(frozen=True, slots=True)
class RunReport(InArea):
    """The runs of one association, with the latest result of each node.

    C(state): finished, unfinished, not_started (no run appeared), scheduled (it only runs on schedule), or
    no_targets (no managed node matches).
    """

    association_id: str
    label: str
    version: str
    state: str
    targets: tuple[ExecutionTarget, ...] = ()

    @property
    def where(self) -> str:
        return f"{self.account_id}/{self.region}"


def all_finished(executions: Sequence[Execution]) -> bool:
    return bool(executions) and all(execution.status not in UNFINISHED for execution in executions)


def latest(targets: Iterable[ExecutionTarget]) -> tuple[ExecutionTarget, ...]:
    """One result for each node; C(targets) are ordered newest run first."""
    found: dict[str, ExecutionTarget] = {}
    for target in targets:
        found.setdefault(target.instance_id, target)
    return tuple(found.values())


def state_of(targets: Sequence[ExecutionTarget], finished: bool) -> str:
    if finished and not targets:
        return "no_targets"
    settled = finished and all(target.status not in UNFINISHED for target in targets)
    return "finished" if settled else "unfinished"


def results(reports: Iterable[RunReport]) -> dict[str, list[dict[str, Any]]]:
    """The targets of all reports in three lists, and the places in which no node matches."""
    succeeded: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    unfinished: list[dict[str, Any]] = []
    listed = list(reports)
    for report in listed:
        for target in report.targets:
            fate = succeeded if target.status == SUCCESS else unfinished if target.status in UNFINISHED else failed
            fate.append(target_row(report.account_id, report.region, report.association_id, target))
    return {
        "succeeded_targets": succeeded,
        "failed_targets": failed,
        "unfinished_targets": unfinished,
        "unmatched": [
            {"account_id": report.account_id, "region": report.region, "association_id": report.association_id}
            for report in listed
            if report.state == "no_targets"
        ],
    }


def target_row(account_id: str, region: str, association_id: str, target: ExecutionTarget) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "region": region,
        "association_id": association_id,
        "association_version": target.version,
        "execution_id": target.execution_id,
        "instance_id": target.instance_id,
        "status": target.status,
        "detailed_status": target.detailed_status,
        "last_execution": target.last_execution,
    }


def run_row(run: AssociationRun) -> dict[str, Any]:
    """The newest run of an association as ssm_association_info returns it."""
    return {
        "execution_id": run.execution.execution_id,
        "association_version": run.execution.version,
        "status": run.execution.status,
        "detailed_status": run.execution.detailed_status,
        "created": run.execution.created,
        "targets": [
            {
                "instance_id": target.instance_id,
                "status": target.status,
                "detailed_status": target.detailed_status,
                "last_execution": target.last_execution,
            }
            for target in run.targets
        ],
    }


def remarks(reports: Iterable[RunReport]) -> list[str]:
    """Warnings: what is not an error, but should be reported."""
    sentences = []
    for report in reports:
        if report.state == "no_targets":
            sentences.append(
                f"No managed node matches the targets of the association {report.label} in {report.where}, so it"
                " installs nothing there yet; it runs on new nodes when they register."
            )
        elif report.state == "scheduled":
            sentences.append(
                f"The association {report.label} in {report.where} only runs on schedule"
                " (apply_only_at_cron_interval), so there was no run to wait for."
            )
    return sentences


def problems(reports: Iterable[RunReport], timeout: float) -> list[Problem]:
    return [problem for report in reports if (problem := _problem(report, timeout)) is not None]


def _problem(report: RunReport, timeout: float) -> Problem | None:
    failed = [target for target in report.targets if target.status not in UNFINISHED and target.status != SUCCESS]
    unfinished = [target for target in report.targets if target.status in UNFINISHED]
    total = len(report.targets)
    what = f"the run of association {report.label}"
    if failed:
        message = f"{len(failed)} of {total} targets failed: {_named(failed)}"
        advice = "Read the execution's output in State Manager, or GuardDuty's issue with coverage_info."
        return Problem(*report.area_key, what, "TargetsFailed", message, "", advice)
    if report.state == "not_started":
        message = f"no run had started after {timeout:g} seconds"
        advice = "Check for a closed change calendar or a fired alarm; otherwise increase wait_timeout."
        return Problem(*report.area_key, what, "WaitTimeout", message, "", advice)
    if report.state == "unfinished":
        message = (
            f"{len(unfinished)} of {total} targets had not finished after {timeout:g} seconds: {_named(unfinished)}"
        )
        advice = "Nodes that are not online in Systems Manager stay Pending; otherwise increase wait_timeout."
        return Problem(*report.area_key, what, "WaitTimeout", message, "", advice)
    return None


def _named(targets: Sequence[ExecutionTarget]) -> str:
    return some((f"{target.instance_id} ({target.detailed_status or target.status})" for target in targets), NAMED)
