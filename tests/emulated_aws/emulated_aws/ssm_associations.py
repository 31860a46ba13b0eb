# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State Manager associations: what they are, how they run over time, and what AWS shows of them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from . import ssm_plugin
from .ec2_view import Ec2Instance
from .ssm_nodes import online
from .world import WORLD, AgentOrigin, Node

Nodes = dict[str, tuple[Node, Ec2Instance]]

# The members that a version of an association carries (botocore, AssociationVersionInfo), all optional but Name.
SETTINGS = [
    "Name",
    "DocumentVersion",
    "AutomationTargetParameterName",
    "Parameters",
    "Targets",
    "ScheduleExpression",
    "OutputLocation",
    "AssociationName",
    "MaxErrors",
    "MaxConcurrency",
    "ComplianceSeverity",
    "SyncCompliance",
    "ApplyOnlyAtCronInterval",
    "CalendarNames",
    "TargetLocations",
    "ScheduleOffset",
    "Duration",
    "TargetMaps",
    "AssociationDispatchAssumeRole",
]
DESCRIBED = [*SETTINGS, "AlarmConfiguration"]
# botocore, Association: what ListAssociations shows.
_LISTED = [
    "Name",
    "AssociationId",
    "AssociationVersion",
    "DocumentVersion",
    "Targets",
    "LastExecutionDate",
    "Overview",
    "ScheduleExpression",
    "AssociationName",
    "ScheduleOffset",
    "Duration",
    "TargetMaps",
]


def _now() -> datetime:
    return datetime.now(UTC)


def _amount(setting: str, whole: int) -> int:
    """A number of targets, given as such or as a percentage of them (botocore, MaxErrors and MaxConcurrency)."""
    return whole * int(setting[:-1]) // 100 if setting.endswith("%") else int(setting)


def matching(targets: Sequence[Mapping[str, Any]], nodes: Nodes) -> list[str]:
    """The managed nodes that targets name: all targets must match, any value of each."""
    found = list(nodes) if targets else []
    for target in targets:
        key, values = target["Key"], set(target.get("Values") or [])
        if key == "InstanceIds":
            found = found if values == {"*"} else [i for i in found if i in values]
        else:
            # Of resource groups there are none in this world.
            tag = key.removeprefix("tag:") if key.startswith("tag:") else None
            found = [i for i in found if tag is not None and nodes[i][1].tags.get(tag) in values]
    return found


@dataclass
class Run:
    """One target of an execution. C(began) is None while it waits: for its node, or for MaxConcurrency."""

    instance_id: str
    status: str = "Pending"
    began: float | None = None
    finished: datetime | None = None

    def shown(self, now: float) -> str:
        waits = self.status != "Pending" or self.began is None or now < self.began + WORLD.pace.association / 2
        return self.status if waits else "InProgress"


@dataclass
class Execution:
    """One run of an association over its targets."""

    association_id: str
    version: int
    settings: dict[str, Any]
    by: AgentOrigin
    runs: dict[str, Run]
    execution_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: datetime = field(default_factory=_now)
    waiting: list[Run] = field(default_factory=list)
    running: list[Run] = field(default_factory=list)
    failed: int = 0

    def advance(self, nodes: Nodes, since: float, now: float) -> bool:
        """Let targets start and finish; whether anything changed. What starts now began at C(since)."""
        changed = self._start(nodes, since) or self._stop_at_errors()
        pace = WORLD.pace.association
        while due := [run for run in self.running if run.began is not None and now >= run.began + pace]:
            changed = True
            for run in due:
                self._finish(run, nodes)
            self.running = [run for run in self.running if run.status == "Pending"]
            at = max(run.began or 0.0 for run in due) + pace
            self._stop_at_errors()
            self._start(nodes, at)
        return changed

    def _start(self, nodes: Nodes, at: float) -> bool:
        limit = max(1, _amount(self.settings.get("MaxConcurrency") or "100%", len(self.runs)))
        started: list[Run] = []
        for run in self.waiting:
            if len(self.running) + len(started) >= limit:
                break
            there = nodes.get(run.instance_id)
            if there is not None and online(*there):
                run.began = at
                started.append(run)
        if started:
            self.waiting = [run for run in self.waiting if run.began is None]
            self.running += started
        return bool(started)

    def _stop_at_errors(self) -> bool:
        """After MaxErrors failures no more targets are sent to (botocore); what AWS then calls them is not said."""
        if not self.waiting or not self.past_errors():
            return False
        for run in self.waiting:
            run.status, run.finished = "Skipped", _now()
        self.waiting = []
        return True

    def past_errors(self) -> bool:
        limit = self.settings.get("MaxErrors")
        return limit is not None and self.failed > _amount(limit, len(self.runs))

    def _finish(self, run: Run, nodes: Nodes) -> None:
        there = nodes.get(run.instance_id)
        at = (run.began or 0.0) + WORLD.pace.association
        done = there is not None and ssm_plugin.run(
            self.settings["Name"], self.settings.get("Parameters") or {}, *there, self.by, at
        )
        run.status, run.finished = ("Success" if done else "Failed"), _now()
        self.failed += not done

    def next_due(self) -> float:
        return min((run.began or 0.0 for run in self.running), default=float("inf")) + WORLD.pace.association

    def status(self, now: float) -> str:
        shown = {run.shown(now) for run in self.runs.values()}
        for status in ("InProgress", "Pending", "Failed", "Skipped"):
            if status in shown:
                return status
        return "Success"

    def last_finished(self) -> datetime | None:
        return max((run.finished for run in self.runs.values() if run.finished), default=None)

    def describe(self, now: float) -> dict[str, Any]:
        """AssociationExecution; the form of ResourceCountByStatus is that of the API reference's example."""
        count = Counter(run.shown(now) for run in self.runs.values())
        status = self.status(now)
        row = {
            "AssociationId": self.association_id,
            "AssociationVersion": str(self.version),
            "ExecutionId": self.execution_id,
            "Status": status,
            "DetailedStatus": status,
            "CreatedTime": self.created,
            "ResourceCountByStatus": "{" + ", ".join(f"{k}={v}" for k, v in sorted(count.items())) + "}",
        }
        finished = self.last_finished()
        return row | ({"LastExecutionDate": finished} if finished else {})

    def targets(self, now: float) -> list[dict[str, Any]]:
        """AssociationExecutionTarget of each target."""
        rows = []
        for run in self.runs.values():
            status = run.shown(now)
            row: dict[str, Any] = {
                "AssociationId": self.association_id,
                "AssociationVersion": str(self.version),
                "ExecutionId": self.execution_id,
                "ResourceId": run.instance_id,
                "ResourceType": "ManagedInstance",
                "Status": status,
                "DetailedStatus": status,
            }
            if run.finished:
                row["LastExecutionDate"] = run.finished
                row["OutputSource"] = {"OutputSourceId": self.execution_id, "OutputSourceType": "RunCommand"}
            rows.append(row)
        return rows


@dataclass
class Version:
    number: int
    settings: dict[str, Any]
    created: datetime = field(default_factory=_now)


@dataclass
class Association:
    """An association with its versions, newest last. C(by) is who runs it: GuardDuty itself, or the customer."""

    first: dict[str, Any]
    by: AgentOrigin = "manual"
    tags: dict[str, str] = field(default_factory=dict)
    association_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    versions: list[Version] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    latest: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.versions.append(Version(1, self.first))

    @property
    def settings(self) -> dict[str, Any]:
        return self.versions[-1].settings

    @property
    def name(self) -> str | None:
        return self.settings.get("AssociationName")

    def update(self, settings: dict[str, Any]) -> None:
        """A new version. "When you update an association, the association immediately runs" (botocore)."""
        self.versions.append(Version(self.versions[-1].number + 1, settings))
        self.seen.clear()
        self.latest.clear()
        for execution in self.executions:
            for run in execution.waiting:
                del execution.runs[run.instance_id]
            execution.waiting = []

    def matching(self, nodes: Nodes) -> list[str]:
        return matching(self.settings.get("Targets") or [], nodes)

    def start(self, instance_ids: list[str]) -> Execution:
        runs = {i: Run(i) for i in instance_ids}
        execution = Execution(
            self.association_id, self.versions[-1].number, self.settings, self.by, runs, waiting=list(runs.values())
        )
        self.executions.append(execution)
        self.seen.update(instance_ids)
        return execution

    def advance(self, targets: Sequence[str], nodes: Nodes, since: float, now: float) -> bool:
        """Run on targets that are new, and carry on with executions under way; whether anything changed."""
        changed = False
        if not self.settings.get("ApplyOnlyAtCronInterval"):
            new = [i for i in targets if i not in self.seen]
            if new:
                self.start(new)
                changed = True
        for execution in self.executions:
            if execution.waiting or execution.running:
                self._forget_gone(execution, nodes)
                changed = execution.advance(nodes, since, now) or changed
                for run in execution.runs.values():
                    self.latest[run.instance_id] = run.status
        return changed

    def _forget_gone(self, execution: Execution, nodes: Nodes) -> None:
        """A waiting node that is no longer a managed node is removed from the targets; if it returns, it is a new target."""
        for run in [run for run in execution.waiting if run.instance_id not in nodes]:
            execution.waiting.remove(run)
            del execution.runs[run.instance_id]
            self.seen.discard(run.instance_id)

    def next_due(self) -> float:
        return min((e.next_due() for e in self.executions if e.running), default=float("inf"))

    def overview(self, now: float) -> dict[str, Any]:
        """AssociationOverview. Status can be Pending, Success or Failed (botocore); Pending while it never ran."""
        latest: dict[str, str] = {}
        for execution in self.executions:
            if execution.version == self.versions[-1].number:
                latest |= {run.instance_id: run.shown(now) for run in execution.runs.values()}
        count = Counter(latest.values())
        unfinished = count["Pending"] + count["InProgress"]
        if unfinished or not count:
            detailed = "InProgress" if count["InProgress"] else "Pending"
            return {"Status": "Pending", "DetailedStatus": detailed, "AssociationStatusAggregatedCount": dict(count)}
        status = "Success" if count["Success"] == len(latest) else "Failed"
        return {"Status": status, "DetailedStatus": status, "AssociationStatusAggregatedCount": dict(count)}

    def describe(self, now: float, version: Version | None = None) -> dict[str, Any]:
        """AssociationDescription, of the newest version or another."""
        version = version or self.versions[-1]
        row = {key: version.settings[key] for key in DESCRIBED if version.settings.get(key) is not None}
        row |= {
            "AssociationId": self.association_id,
            "AssociationVersion": str(version.number),
            "Date": self.versions[0].created,
            "LastUpdateAssociationDate": version.created,
            # The API reference's example answers show both defaults.
            "DocumentVersion": row.get("DocumentVersion", "$DEFAULT"),
            "ApplyOnlyAtCronInterval": row.get("ApplyOnlyAtCronInterval", False),
            "Overview": self.overview(now),
        }
        finished = [e.last_finished() for e in self.executions]
        if any(finished):
            row["LastExecutionDate"] = max(f for f in finished if f)
        succeeded = [f for e, f in zip(self.executions, finished, strict=True) if f and e.status(now) == "Success"]
        if succeeded:
            row["LastSuccessfulExecutionDate"] = max(succeeded)
        return row

    def summary(self, now: float) -> dict[str, Any]:
        """Association: the fewer fields of ListAssociations."""
        row = self.describe(now)
        return {key: row[key] for key in _LISTED if key in row}

    def version_rows(self) -> list[dict[str, Any]]:
        """AssociationVersionInfo of each version."""
        return [
            {key: version.settings[key] for key in SETTINGS if version.settings.get(key) is not None}
            | {
                "AssociationId": self.association_id,
                "AssociationVersion": str(version.number),
                "CreatedDate": version.created,
                "DocumentVersion": version.settings.get("DocumentVersion", "$DEFAULT"),
            }
            for version in self.versions
        ]
