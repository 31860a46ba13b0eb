# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The associations of one account and region, and what AWS refuses of them."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend

from . import documents, ssm_commands
from .ssm_associations import DESCRIBED, Association, Execution, Nodes, Version, matching
from .ssm_commands import Command
from .ssm_nodes import managed
from .wire import AwsError
from .world import WORLD, AgentOrigin

# AWS General Reference, Systems Manager quotas: associations per account and Region; versions per association.
MAX_ASSOCIATIONS = 2_000
MAX_VERSIONS = 1_000
# SSM user guide, "Understanding targets and rate controls in State Manager associations".
MAX_PER_NODE = 20

_INSTANCE_ID = re.compile(r"i-(\w{8}|\w{17})|mi-\w{17}")
_SCHEDULE = re.compile(r"(cron|rate|at)\(.+\)")
_RATE = re.compile(r"rate\((\d+) (minutes?|hours?|days?)\)")
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}


def _settings(parameters: dict[str, Any]) -> dict[str, Any]:
    return {key: parameters[key] for key in DESCRIBED if parameters.get(key) is not None}


def _does_not_exist() -> AwsError:
    return AwsError("AssociationDoesNotExist", "The specified association does not exist.")


def _require_schedule(settings: dict[str, Any]) -> None:
    """SSM user guide, "Reference: Cron and rate expressions": cron, rate, at; 30 minutes at least."""
    schedule = settings.get("ScheduleExpression")
    if schedule is not None and not _SCHEDULE.fullmatch(schedule):
        raise AwsError("InvalidSchedule", f"The schedule {schedule} is invalid. Verify your cron or rate expression.")
    if schedule is not None and schedule.startswith("rate("):
        rate = _RATE.fullmatch(schedule)
        if not rate or int(rate[1]) * _MINUTES[rate[2].rstrip("s")] < 30:
            raise AwsError("InvalidSchedule", f"The schedule {schedule} is invalid: the minimum is 30 minutes.")
        if settings.get("ApplyOnlyAtCronInterval"):
            # botocore: "This parameter isn't supported for rate expressions"; the error code is not said.
            raise AwsError("ValidationException", "ApplyOnlyAtCronInterval isn't supported for rate expressions.")
    for key in ("ScheduleOffset", "Duration"):
        if settings.get(key) and not settings.get("ApplyOnlyAtCronInterval"):
            raise AwsError("ValidationException", f"To use {key}, you must specify ApplyOnlyAtCronInterval.")


def _require_targets(settings: dict[str, Any]) -> None:
    """botocore, Target: for State Manager InstanceIds and tag:KEY; and resource groups (CreateAssociation.Targets)."""
    if settings.get("Targets") and settings.get("TargetMaps"):
        raise AwsError("InvalidTargetMaps", "Both Targets and TargetMaps can't be specified together.")
    for target in settings.get("Targets") or []:
        key, values = target.get("Key") or "", target.get("Values") or []
        if not values:
            raise AwsError("InvalidTarget", f"The target {key} has no values.")
        if key == "InstanceIds":
            if values != ["*"] and not all(_INSTANCE_ID.fullmatch(value) for value in values):
                raise AwsError("InvalidTarget", f"The target {key} with values {values} isn't valid or doesn't exist.")
        elif key == "tag:" or not (key.startswith("tag:") or key == "resource-groups:Name"):
            raise AwsError("InvalidTarget", f"The target key {key} isn't valid for an association.")


class SsmState(BaseBackend):
    """What State Manager holds in one account and region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.associations: dict[str, Association] = {}
        self.commands: dict[str, Command] = {}
        self.statuses: dict[str, dict[str, str]] = {}
        self.next_due = float("inf")

    def get(self, association_id: str | None) -> Association:
        try:
            return self.associations[association_id or ""]
        except KeyError:
            raise _does_not_exist() from None

    def named(self, association_name: str) -> list[Association]:
        return [a for a in self.associations.values() if a.name == association_name]

    def execution(self, association_id: str, execution_id: str) -> Execution:
        for execution in self.get(association_id).executions:
            if execution.execution_id == execution_id:
                return execution
        raise AwsError("AssociationExecutionDoesNotExist", f"The execution {execution_id} doesn't exist.")

    def version(self, association: Association, number: str | None) -> Version:
        if number in (None, "$LATEST"):
            return association.versions[-1]
        for version in association.versions:
            if str(version.number) == number:
                return version
        raise AwsError("InvalidAssociationVersion", f"The version {number} of the association isn't valid.")

    def _require(self, settings: dict[str, Any]) -> None:
        documents.require_document(self.account_id, self.region_name, settings["Name"], settings.get("DocumentVersion"))
        documents.require_parameters(settings["Name"], settings.get("Parameters"))
        _require_schedule(settings)
        _require_targets(settings)

    def create(self, parameters: dict[str, Any], by: AgentOrigin = "manual") -> Association:
        if parameters.get("InstanceId"):
            # botocore: InstanceId with a document of schema version 2.0 or later "will fail", how is not said.
            raise AwsError("ValidationException", "InstanceId can't be used with this document's schema. Use Targets.")
        if not any(parameters.get(key) for key in ("Targets", "TargetMaps", "TargetLocations")):
            raise AwsError("ValidationException", "An association needs Targets.")
        settings = _settings(parameters)
        self._require(settings)
        if len(self.associations) >= MAX_ASSOCIATIONS:
            raise AwsError("AssociationLimitExceeded", f"You can have at most {MAX_ASSOCIATIONS} active associations.")
        tags = {tag["Key"]: tag["Value"] for tag in parameters.get("Tags") or []}
        association = Association(settings, by=by, tags=tags)
        self.associations[association.association_id] = association
        return association

    def update(self, parameters: dict[str, Any]) -> Association:
        """UpdateAssociation "removes all optional parameters" that the call leaves out (botocore).

        It says so of Name too; an association without a document cannot be, so that Name stays when left out.
        """
        association = self.get(parameters["AssociationId"])
        newest = association.versions[-1]
        if parameters.get("AssociationVersion") not in (None, "$LATEST", str(newest.number)):
            raise AwsError("InvalidAssociationVersion", "You must specify the latest association version.")
        settings = _settings(parameters)
        settings.setdefault("Name", newest.settings["Name"])
        self._require(settings)
        if len(association.versions) >= MAX_VERSIONS:
            raise AwsError("AssociationVersionLimitExceeded", f"An association has at most {MAX_VERSIONS} versions.")
        association.update(settings)
        return association

    def delete(self, association_id: str) -> None:
        """DeleteAssociation "doesn't change the configuration of the node" (botocore)."""
        self.get(association_id)
        del self.associations[association_id]
        for statuses in self.statuses.values():
            statuses.pop(association_id, None)

    def start_once(self, association_ids: list[str]) -> None:
        found = [self.get(association_id) for association_id in association_ids]
        targets = self._targets(managed(self.account_id, self.region_name))
        for association in found:
            if targets[association.association_id]:
                association.start(targets[association.association_id])

    def _targets(self, nodes: Nodes) -> dict[str, list[str]]:
        """The nodes of each association.

        AWS does not publish what becomes of a node's twenty-first association. State Manager "attempts to create the
        association on all nodes that match" (the same page), and CreateAssociation declares no error of it (botocore): here
        such a node is passed over.
        """
        count: Counter[str] = Counter()
        found = {}
        for association_id, association in self.associations.items():
            targets = [i for i in association.matching(nodes) if count[i] < MAX_PER_NODE]
            count.update(targets)
            found[association_id] = targets
        return found

    def send(self, parameters: dict[str, Any], now: float) -> Command:
        nodes = managed(self.account_id, self.region_name)
        _require_targets({"Targets": parameters.get("Targets")})
        instance_ids = ssm_commands.require(parameters, nodes) or matching(parameters["Targets"], nodes)
        command = Command(parameters, instance_ids, now)
        self.commands[command.command_id] = command
        return command

    def advance(self, since: float, now: float) -> bool:
        """Let associations run. What starts now began at C(since), in world seconds; whether anything changed."""
        coming = (node.registers for node in WORLD.nodes_in(self.account_id, self.region_name).values())
        self.next_due = min((at for at in coming if at > now), default=float("inf"))
        if not self.associations and not self.commands:
            return False
        nodes: Nodes = managed(self.account_id, self.region_name)
        changed = False
        targets = self._targets(nodes)
        for association in self.associations.values():
            if association.advance(targets[association.association_id], nodes, since, now):
                changed = True
                for instance_id, status in association.latest.items():
                    self.statuses.setdefault(instance_id, {})[association.association_id] = status
            self.next_due = min(self.next_due, association.next_due())
        for command in self.commands.values():
            changed = command.advance(nodes, since, now) or changed
            self.next_due = min(self.next_due, command.next_due())
        return changed

    def failed_on(self, association_id: str | None, instance_id: str) -> bool:
        return self.statuses.get(instance_id, {}).get(association_id or "") == "Failed"


states: BackendDict[SsmState] = BackendDict(SsmState, "ssm")


def state(account: str, region: str) -> SsmState:
    try:
        return states[account][region]
    except KeyError:
        raise AwsError("UnknownEndpoint", f"the emulated AWS has no region {region}") from None
