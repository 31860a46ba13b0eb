# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSM operations that moto lacks, or answers differently from AWS."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ssm import urls
from moto.ssm.responses import SimpleSystemManagerResponse

from . import behaviour, constraints, documents, paging, ssm_commands, ssm_nodes, ssm_state
from .register import swap
from .wire import AwsError
from .world import WORLD

Rows = Sequence[dict[str, Any]]


def _bad_size(size: int) -> AwsError:
    return AwsError("ValidationException", f"1 validation error detected: MaxResults {size} is out of range.")


def _bad_token() -> AwsError:
    return AwsError("InvalidNextToken", "The specified token isn't valid.")


def json_reply(body: Mapping[str, Any]) -> tuple[int, dict[str, str], str]:
    """An answer of the JSON protocol without moto's model serializer, which is slow for thousands of rows."""
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body)


class SsmResponse(SimpleSystemManagerResponse):
    """moto's SSM, with State Manager, managed nodes and the AWS-owned documents of GuardDuty."""

    def _input(self) -> dict[str, Any]:
        self.parse_parameters(self.normalized_request)
        parameters: dict[str, Any] = self.params
        constraints.require("ssm", self._get_action(), parameters)
        return parameters

    def _settled(self) -> ssm_state.SsmState:
        behaviour.settle(self.current_account, self.region)
        return self._state

    @property
    def _state(self) -> ssm_state.SsmState:
        return ssm_state.state(self.current_account, self.region)

    def _page(
        self,
        rows: Callable[[], Rows],
        parameters: Mapping[str, Any],
        *,
        default: int,
        maximum: int = 50,
        minimum: int = 1,
    ) -> tuple[Rows, dict[str, str]]:
        scope = f"{self._get_action()} {self.current_account} {self.region}"
        page, token = paging.page(
            rows,
            parameters,
            default=default,
            maximum=maximum,
            minimum=minimum,
            bad_size=_bad_size,
            bad_token=_bad_token,
            scope=scope,
        )
        return page, {"NextToken": token} if token else {}

    # Managed nodes

    def describe_instance_information(self) -> Any:
        state, p = self._settled(), self._input()
        # "The default value is 10 items" (botocore).
        rows, token = self._page(
            lambda: ssm_nodes.describe_information(self.current_account, self.region, p, state.statuses),
            p,
            default=10,
            minimum=5,
        )
        return json_reply({"InstanceInformationList": rows, **token})

    def describe_instance_properties(self) -> Any:
        state, p = self._settled(), self._input()
        # The default is not documented; the range is the model's.
        rows, token = self._page(
            lambda: ssm_nodes.describe_properties(self.current_account, self.region, p, state.statuses),
            p,
            default=50,
            maximum=1_000,
            minimum=5,
        )
        return json_reply({"InstanceProperties": rows, **token})

    # Associations

    def create_association(self) -> ActionResult:
        association = self._state.create(self._input())
        description = association.describe(WORLD.now())
        # The API reference's example answer of CreateAssociation.
        description["Overview"] = {"Status": "Pending", "DetailedStatus": "Creating"}
        return ActionResult({"AssociationDescription": description})

    def update_association(self) -> ActionResult:
        association = self._state.update(self._input())
        description = association.describe(WORLD.now())
        description["Overview"] = {"Status": "Pending", "DetailedStatus": "Creating"}
        return ActionResult({"AssociationDescription": description})

    def describe_association(self) -> ActionResult:
        state, p = self._settled(), self._input()
        if not p.get("AssociationId"):
            # "If you created the association by using the Targets parameter, then you must retrieve the association by
            # using the association ID" (botocore), and with InstanceId none can be created here.
            raise AwsError("AssociationDoesNotExist", "The specified association does not exist.")
        association = state.get(p["AssociationId"])
        version = state.version(association, p.get("AssociationVersion"))
        return ActionResult({"AssociationDescription": association.describe(WORLD.now(), version)})

    def list_associations(self) -> ActionResult:
        state, p = self._settled(), self._input()
        rows, token = self._page(lambda: _associations(state, p.get("AssociationFilterList") or []), p, default=50)
        return ActionResult({"Associations": rows, **token})

    def delete_association(self) -> ActionResult:
        self._state.delete(self._input().get("AssociationId") or "")
        return EmptyResult()

    def list_association_versions(self) -> ActionResult:
        p = self._input()
        association = self._state.get(p["AssociationId"])
        rows, token = self._page(association.version_rows, p, default=50)
        return ActionResult({"AssociationVersions": rows, **token})

    def start_associations_once(self) -> ActionResult:
        state, p = self._settled(), self._input()
        state.start_once(p["AssociationIds"])
        return EmptyResult()

    def describe_association_executions(self) -> ActionResult:
        state, p = self._settled(), self._input()
        association = state.get(p["AssociationId"])
        rows, token = self._page(
            lambda: _executions(
                [e.describe(WORLD.now()) for e in reversed(association.executions)], p.get("Filters") or []
            ),
            p,
            default=50,
        )
        return ActionResult({"AssociationExecutions": rows, **token})

    def describe_association_execution_targets(self) -> ActionResult:
        state, p = self._settled(), self._input()
        execution = state.execution(p["AssociationId"], p["ExecutionId"])
        wanted = {f["Key"]: f["Value"] for f in p.get("Filters") or []}
        rows, token = self._page(
            lambda: [r for r in execution.targets(WORLD.now()) if all(r[k] == v for k, v in wanted.items())],
            p,
            default=50,
        )
        return ActionResult({"AssociationExecutionTargets": rows, **token})

    # Session Manager: that a session may start. Its content uses another protocol, which is not emulated

    def start_session(self) -> ActionResult:
        p = self._input()
        if p.get("DocumentName"):
            raise AwsError("InvalidDocument", "Sessions are emulated with the default document alone.")
        node = ssm_nodes.managed(self.current_account, self.region).get(p["Target"])
        if node is None or not ssm_nodes.online(*node):
            raise AwsError("TargetNotConnected", f"{p['Target']} is not connected.")
        session = f"operator-{secrets.token_hex(9)[:17]}"
        url = f"wss://ssmmessages.{self.region}.amazonaws.com/v1/data-channel/{session}?role=publish_subscribe"
        return ActionResult({"SessionId": session, "TokenValue": secrets.token_urlsafe(64), "StreamUrl": url})

    def terminate_session(self) -> ActionResult:
        return ActionResult({"SessionId": self._input()["SessionId"]})

    # Run Command for GuardDuty's document; commands of other documents are moto's

    def send_command(self) -> ActionResult:
        p = self._input()
        if not documents.aws_owned(p["DocumentName"]):
            return super().send_command()
        return ActionResult({"Command": self._state.send(p, WORLD.now()).describe()})

    def get_command_invocation(self) -> ActionResult:
        state, p = self._settled(), self._input()
        if p["CommandId"] in state.commands:
            return ActionResult(state.commands[p["CommandId"]].invocation(p["InstanceId"], p.get("PluginName")))
        if not self._is_motos(p["CommandId"]):
            raise ssm_commands.invocation_does_not_exist()
        return super().get_command_invocation()

    def list_command_invocations(self) -> ActionResult:
        state, p = self._settled(), self._input()
        rows, token = self._page(
            lambda: _filtered(
                [row for c in _commands(state, p) for row in c.invocations(p.get("Details", False))], p, "InstanceId"
            ),
            p,
            default=50,
        )
        return ActionResult({"CommandInvocations": rows, **token})

    def list_commands(self) -> ActionResult:
        state, p = self._settled(), self._input()
        if p.get("CommandId") and self._is_motos(p["CommandId"]):
            return super().list_commands()
        rows, token = self._page(lambda: _filtered([c.describe() for c in _commands(state, p)], p), p, default=50)
        return ActionResult({"Commands": rows, **token})

    def _is_motos(self, command_id: str) -> bool:
        return any(command.command_id == command_id for command in self.ssm_backend._commands)

    # Tags of associations; those of other resources are moto's

    def _tags(self, p: Mapping[str, Any]) -> dict[str, str] | None:
        if p["ResourceType"] != "Association":
            return None
        association = self._state.associations.get(p["ResourceId"])
        if association is None:
            raise AwsError("InvalidResourceId", "The resource ID isn't valid. Verify that you entered the correct ID.")
        return association.tags

    def add_tags_to_resource(self) -> ActionResult:
        p = self._input()
        tags = self._tags(p)
        if tags is None:
            return super().add_tags_to_resource()
        tags |= {tag["Key"]: tag["Value"] for tag in p["Tags"]}
        return EmptyResult()

    def remove_tags_from_resource(self) -> ActionResult:
        p = self._input()
        tags = self._tags(p)
        if tags is None:
            return super().remove_tags_from_resource()
        for key in p["TagKeys"]:
            tags.pop(key, None)
        return EmptyResult()

    def list_tags_for_resource(self) -> ActionResult:
        tags = self._tags(self._input())
        if tags is None:
            return super().list_tags_for_resource()
        return ActionResult({"TagList": [{"Key": k, "Value": v} for k, v in tags.items()]})

    # Documents: AWS's own before the account's, which are moto's

    def describe_document(self) -> ActionResult:
        p = self._input()
        if not documents.aws_owned(p["Name"]):
            return super().describe_document()
        documents.require_version(p["Name"], p.get("DocumentVersion"))
        return ActionResult({"Document": documents.description(p["Name"])})

    def get_document(self) -> ActionResult:
        p = self._input()
        if not documents.aws_owned(p["Name"]):
            return super().get_document()
        documents.require_version(p["Name"], p.get("DocumentVersion"))
        row = documents.identifier(documents.short_name(p["Name"]))
        members = ("Name", "CreatedDate", "DocumentVersion", "DocumentType", "DocumentFormat")
        return ActionResult(
            {k: row[k] for k in members} | {"Status": "Active", "Content": documents.content(p["Name"])}
        )

    def list_documents(self) -> ActionResult:
        p = self._input()
        if p.get("DocumentFilterList"):
            return super().list_documents()
        rows, token = self._page(lambda: _documents(self.ssm_backend, p.get("Filters") or []), p, default=50)
        return ActionResult({"DocumentIdentifiers": rows, **token})


def _commands(state: ssm_state.SsmState, p: Mapping[str, Any]) -> list[ssm_commands.Command]:
    """The commands that ListCommands and ListCommandInvocations are about, newest first."""
    wanted, instance = p.get("CommandId"), p.get("InstanceId")
    if wanted and wanted not in state.commands:
        raise AwsError("InvalidCommandId", "The specified command ID isn't valid. Verify the ID and try again.")
    found = [state.commands[wanted]] if wanted else list(state.commands.values())[::-1]
    return [command for command in found if not instance or instance in command.execution.runs]


def _filtered(rows: list[dict[str, Any]], p: Mapping[str, Any], *own: str) -> Rows:
    """Filters of commands and invocations (botocore, CommandFilter); C(own) parameters name members themselves."""
    for key in own:
        rows = [row for row in rows if not p.get(key) or row[key] == p[key]]
    for one in p.get("Filters") or []:
        key, value = one["key"], one["value"]
        if key in ("Status", "DocumentName"):
            rows = [row for row in rows if row[key] == value]
        elif key in ("InvokedAfter", "InvokedBefore"):
            before = key == "InvokedBefore"
            rows = [row for row in rows if _earlier(row["RequestedDateTime"], value) == before]
        else:
            done = {True: "Complete", False: "Executing"}
            rows = [row for row in rows if done[row["Status"] not in ("Pending", "InProgress")] == value]
    return rows


def _earlier(at: datetime, text: str) -> bool:
    return at.isoformat().replace("+00:00", "Z") < text


def _associations(state: ssm_state.SsmState, filters: list[dict[str, str]]) -> Rows:
    """ListAssociations by its filters (botocore, AssociationFilterKey); all of them must match."""
    now = WORLD.now()
    rows = [association.summary(now) for association in state.associations.values()]
    for one in filters:
        key, value = one["key"], one["value"]
        if key in ("InstanceId", "ResourceGroupName", "CloudConnectorId"):
            # InstanceId finds legacy associations only (botocore), which cannot be made here.
            return []
        if key == "AssociationStatusName":
            rows = [row for row in rows if row["Overview"]["Status"] == value]
        elif key.startswith("LastExecuted"):
            rows = [row for row in rows if _executed(row, value, before=key == "LastExecutedBefore")]
        else:
            rows = [row for row in rows if row.get(key) == value]
    return rows


def _executed(row: Mapping[str, Any], value: str, before: bool) -> bool:
    at = row.get("LastExecutionDate")
    return at is not None and _earlier(at, value) == before


def _executions(rows: list[dict[str, Any]], filters: list[dict[str, str]]) -> Rows:
    """Filters of DescribeAssociationExecutions: ExecutionId and Status with EQUAL, CreatedTime with all (botocore)."""
    for one in filters:
        key, value, operator = one["Key"], one["Value"], one["Type"]
        if key != "CreatedTime":
            rows = [row for row in rows if row[key] == value]
            continue
        compare = {"EQUAL": str.__eq__, "LESS_THAN": str.__lt__, "GREATER_THAN": str.__gt__}[operator]
        rows = [row for row in rows if compare(row[key].isoformat().replace("+00:00", "Z"), value)]
    return rows


def _documents(backend: Any, filters: list[dict[str, Any]]) -> Rows:
    """ListDocuments (botocore, DocumentKeyValuesFilter): AWS's documents of GuardDuty and the account's own."""
    mine, token = [], ""
    while True:
        more, token = backend.list_documents(None, [], 50, token)
        mine += more
        if not token:
            break
    rows = [*documents.identifiers(), *mine]
    for one in filters:
        key, values = one.get("Key", ""), one.get("Values") or []
        if key == "Owner":
            amazon, self_owned = "Amazon" in values, bool({"Private", "Self"} & set(values))
            rows = [r for r in rows if "All" in values or (amazon if r["Owner"] == "Amazon" else self_owned)]
        elif key in ("Name", "SearchKeyword"):
            rows = [r for r in rows if any(r["Name"].startswith(v) for v in values)]
        elif key == "PlatformTypes":
            rows = [r for r in rows if set(values) & set(r.get("PlatformTypes") or [])]
        elif key in ("DocumentType", "TargetType"):
            rows = [r for r in rows if r.get(key) in values]
    return rows


def register() -> None:
    swap(urls, SsmResponse)
