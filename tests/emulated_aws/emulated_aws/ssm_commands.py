# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run Command for GuardDuty's document: a command is one execution, sent once."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from . import documents
from .ssm_associations import Execution, Nodes, Run
from .wire import AwsError
from .world import WORLD

# botocore, SendCommand.
_MAX_CONCURRENCY, _MAX_ERRORS = "50", "0"
_TIMEOUT = 3_600
_STEP = json.loads(documents.content(documents.CONFIGURE_PLUGIN))["mainSteps"][0]["name"]

# botocore, CommandInvocation.StatusDetails; which Status goes with Terminated is not said.
_STATUS = {
    "InProgress": ("InProgress", "In Progress"),
    "Skipped": ("Cancelled", "Terminated"),
    "TimedOut": ("TimedOut", "Delivery Timed Out"),
}
# "If the response code is -1, then the command hasn't started running" (botocore).
_CODES = {"Success": 0, "Failed": 1}


def _text(at: datetime | None) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else ""


def require(parameters: Mapping[str, Any], nodes: Nodes) -> list[str]:
    """The instances that SendCommand names itself; InvalidInstanceId, DuplicateInstanceId: botocore."""
    ids: list[str] = parameters.get("InstanceIds") or []
    if bool(ids) == bool(parameters.get("Targets")):
        raise AwsError("ValidationException", "Either InstanceIds or Targets must be specified, not both.")
    if len(set(ids)) < len(ids):
        raise AwsError("DuplicateInstanceId", "You can't specify a managed node ID more than once.")
    unknown = sorted(set(ids) - nodes.keys())
    if unknown:
        raise AwsError("InvalidInstanceId", f"Instances {unknown} not in a valid state for the account.")
    documents.require_version(parameters["DocumentName"], parameters.get("DocumentVersion"))
    documents.require_parameters(parameters["DocumentName"], parameters.get("Parameters"))
    return ids


@dataclass
class Command:
    """A command sent: what was asked, and how it goes on each node."""

    asked: dict[str, Any]
    instance_ids: list[str]
    at: float
    command_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    requested: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        settings = {
            "Name": self.asked["DocumentName"],
            "Parameters": self.asked.get("Parameters") or {},
            "MaxConcurrency": self.asked.get("MaxConcurrency") or _MAX_CONCURRENCY,
            "MaxErrors": self.asked.get("MaxErrors") or _MAX_ERRORS,
        }
        runs = {i: Run(i) for i in self.instance_ids}
        self.execution = Execution(self.command_id, 1, settings, "manual", runs, waiting=list(runs.values()))

    @property
    def _timeout(self) -> int:
        return int(self.asked.get("TimeoutSeconds") or _TIMEOUT)

    def advance(self, nodes: Nodes, since: float, now: float) -> bool:
        changed = self.execution.advance(nodes, since, now)
        if self.execution.waiting and now >= self.at + self._timeout:
            for run in self.execution.waiting:
                run.status, run.finished = "TimedOut", datetime.now(UTC)
            self.execution.waiting, changed = [], True
        return changed

    def next_due(self) -> float:
        timeout = self.at + self._timeout if self.execution.waiting else float("inf")
        return min(self.execution.next_due(), timeout)

    def _status(self) -> tuple[str, str]:
        """botocore, Command.StatusDetails; Incomplete when not all succeeded and MaxErrors is not exceeded."""
        now = WORLD.now()
        shown = [run.shown(now) for run in self.execution.runs.values()]
        if "InProgress" in shown or (self.execution.waiting and set(shown) != {"Pending"}):
            return _STATUS["InProgress"]
        if self.execution.waiting or self.execution.running:
            return "Pending", "Pending"
        if all(status == "Success" for status in shown):
            return "Success", "Success"
        return "Failed", "Failed" if self.execution.past_errors() else "Incomplete"

    def describe(self) -> dict[str, Any]:
        """Command, as SendCommand and ListCommands show it."""
        runs = self.execution.runs.values()
        status, details = self._status()
        settings = self.execution.settings
        return {
            "CommandId": self.command_id,
            "DocumentName": documents.short_name(settings["Name"]),
            "DocumentVersion": self.asked.get("DocumentVersion") or "$DEFAULT",
            "Comment": self.asked.get("Comment") or "",
            "ExpiresAfter": self.requested + timedelta(seconds=self._timeout),
            "Parameters": settings["Parameters"],
            "InstanceIds": self.asked.get("InstanceIds") or [],
            "Targets": self.asked.get("Targets") or [],
            "RequestedDateTime": self.requested,
            "Status": status,
            "StatusDetails": details,
            "MaxConcurrency": settings["MaxConcurrency"],
            "MaxErrors": settings["MaxErrors"],
            "TargetCount": len(runs),
            "CompletedCount": sum(run.finished is not None for run in runs),
            "ErrorCount": sum(run.status == "Failed" for run in runs),
            "DeliveryTimedOutCount": sum(run.status == "TimedOut" for run in runs),
            "TimeoutSeconds": self._timeout,
        }

    def _common(self, run: Run) -> dict[str, Any]:
        shown = run.shown(WORLD.now())
        status, details = _STATUS.get(shown, (shown, shown))
        return {
            "CommandId": self.command_id,
            "InstanceId": run.instance_id,
            "Comment": self.asked.get("Comment") or "",
            "DocumentName": documents.short_name(self.asked["DocumentName"]),
            "DocumentVersion": self.asked.get("DocumentVersion") or "$DEFAULT",
            "Status": status,
            "StatusDetails": details,
        }

    def invocation(self, instance_id: str, plugin: str | None) -> dict[str, Any]:
        """GetCommandInvocation's answer; the document has one step, whose name may be left out."""
        run = self.execution.runs.get(instance_id)
        if run is None:
            raise invocation_does_not_exist()
        if plugin not in (None, _STEP):
            raise AwsError("InvalidPluginName", "The plugin name isn't valid.")
        ran = run.finished is not None and run.began is not None
        return self._common(run) | {
            "PluginName": _STEP,
            "ResponseCode": _CODES.get(run.status, -1),
            "ExecutionStartDateTime": _text(self.requested) if ran else "",
            "ExecutionElapsedTime": "PT1S" if ran else "",
            "ExecutionEndDateTime": _text(run.finished) if ran else "",
            "StandardOutputContent": "",
            "StandardErrorContent": "",
        }

    def invocations(self, details: bool) -> list[dict[str, Any]]:
        """CommandInvocation of each node."""
        rows = []
        for run in self.execution.runs.values():
            row = self._common(run) | {"RequestedDateTime": self.requested, "CommandPlugins": []}
            if details:
                status = row["Status"] if row["Status"] != "Cancelling" else "Cancelled"
                plugin = {"Name": _STEP, "Status": status, "StatusDetails": row["StatusDetails"]}
                row["CommandPlugins"] = [plugin | {"ResponseCode": _CODES.get(run.status, -1)}]
            rows.append(row)
        return rows


def invocation_does_not_exist() -> AwsError:
    text = "The command ID and managed node ID you specified didn't match any invocations."
    return AwsError("InvocationDoesNotExist", text)
