# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EventBridge: the events of EC2, tags and GuardDuty on the default bus, and the rules that send it to queues.

EventBridge events reference: EC2 ("EC2 Instance State-change Notification"), tag ("Tag Change on Resource"), GuardDuty
("GuardDuty Runtime Protection Healthy", "... Unhealthy"); the details of each in the user guides of EC2 (monitoring
instance state changes), Tag Editor (monitor tag changes) and GuardDuty (coverage of EC2, EventBridge notifications).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.events import urls
from moto.events.models import Rule, events_backends
from moto.events.responses import EventsHandler
from moto.sqs import sqs_backends

from . import coverage, ec2_state, ec2_view, policy
from .register import swap
from .wire import AwsError
from .world import ARRIVED

Key = tuple[str, str]
_TITLES = {"HEALTHY": "Healthy", "UNHEALTHY": "Unhealthy"}


@dataclass(frozen=True)
class _Seen:
    """The attributes of an instance whose changes cause events."""

    state: str
    tags: Mapping[str, str]
    coverage: str | None


# What was so at the last look, in accounts and regions that have a rule: events of before it reach nobody.
_seen: dict[Key, dict[str, _Seen]] = {}


def load() -> None:
    _seen.clear()


def _rules(account: str, region: str) -> list[Rule]:
    return list(events_backends[account][region].event_buses["default"].rules.values())


def settle(account: str, region: str) -> None:
    """Send the changes since the last check to the rules. Cheap without rules."""
    key = account, region
    if not ec2_state.used(account, region) or not _rules(account, region):
        _seen.pop(key, None)
        return
    rows = {row["resourceId"]: row for row in coverage.rows(account, region) if row["accountId"] == account}
    now = {
        one.instance_id: _Seen(one.state, dict(one.tags), rows.get(one.instance_id, {}).get("coverageStatus"))
        for one in ec2_view.instances(account, region)
    }
    before, _seen[key] = _seen.get(key), now
    if before is None:
        return
    for instance_id, there in now.items():
        _tell(account, region, instance_id, before.get(instance_id), there, rows.get(instance_id, {}))


def _tell(
    account: str, region: str, instance_id: str, before: _Seen | None, now: _Seen, row: Mapping[str, Any]
) -> None:
    resources = [f"arn:aws:ec2:{region}:{account}:instance/{instance_id}"]

    def emit(source: str, detail_type: str, detail: Mapping[str, Any], about: list[str] | None = None) -> None:
        deliver(account, region, source, detail_type, detail, resources if about is None else about)

    if before is None or before.state != now.state:
        detail = {"instance-id": instance_id, "state": now.state}
        emit("aws.ec2", "EC2 Instance State-change Notification", detail)
    old = before.tags if before is not None else {}
    changed = sorted(key for key in old.keys() | now.tags.keys() if old.get(key) != now.tags.get(key))
    if changed:
        detail = {"changed-tag-keys": changed, "service": "ec2", "resource-type": "instance", "version": 1}
        emit("aws.tag", "Tag Change on Resource", {**detail, "tags": dict(now.tags)})
    # "when the coverage status changes": whether the first status of a new row is told is not said, here it is not.
    if before is not None and before.coverage and now.coverage and before.coverage != now.coverage:
        detail = {
            "schemaVersion": "1.0",
            "resourceAccountId": account,
            "currentStatus": now.coverage,
            "previousStatus": before.coverage,
            "resourceDetails": row["resourceDetails"],
            "issue": row.get("issue") or "",
            "lastUpdatedAt": _time(),
        }
        emit("aws.guardduty", f"GuardDuty Runtime Protection {_TITLES[now.coverage]}", detail)


def _time() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def deliver(
    account: str, region: str, source: str, detail_type: str, detail: Mapping[str, Any], resources: list[str]
) -> str:
    """Send an event to the queues of each rule that matches, as far as their policies allow it."""
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": _time(),
        "region": region,
        "resources": resources,
        "detail": detail,
    }
    for rule in _rules(account, region):
        if rule.state == "ENABLED" and rule.event_pattern.matches_event(event):
            for target in rule.targets:
                _send(rule, target["Arn"], json.dumps(event))
    return str(event["id"])


def _send(rule: Rule, target: str, body: str) -> None:
    """Events that may not be sent, or have no queue, are lost: only the rule's metric FailedInvocations counts them."""
    service, region, account, name = target.split(":")[2:6]
    if service != "sqs":
        raise NotImplementedError(f"a target of {service}")
    queue = sqs_backends[account][region].queues.get(name)
    if queue is not None and policy.lets_rule_send(queue.policy, target, rule.arn):
        sqs_backends[account][region].send_message(name, body)
        ARRIVED.notify_all()


class EventsResponse(EventsHandler):
    """moto's EventBridge: rules and targets are its own, events are ours."""

    def _by_model(self, answer: tuple[str, dict[str, Any]], *lists: str) -> Any:
        """moto writes a token of null at the end of a list, and a member that the rules of a list do not have."""
        body = json.loads(answer[0])
        for name in lists:
            for item in body[name]:
                item.pop("CreatedBy", None)
        return json.dumps({key: value for key, value in body.items() if value is not None}), answer[1]

    def list_rules(self) -> Any:
        return self._by_model(super().list_rules(), "Rules")

    def list_targets_by_rule(self) -> Any:
        return self._by_model(super().list_targets_by_rule())

    def put_events(self) -> ActionResult:
        """Sources that begin with aws are AWS's own (API reference, PutEventsRequestEntry)."""
        self.parse_parameters(self.normalized_request)
        entries = []
        for one in self.params["Entries"]:
            if one.get("Source", "").startswith("aws."):
                error = "NotAuthorizedForSourceException"
                entries.append({"ErrorCode": error, "ErrorMessage": f"Not authorized for the source {one['Source']}"})
                continue
            detail = json.loads(one["Detail"])
            about = one.get("Resources") or []
            place = self.current_account, self.region
            entries.append({"EventId": deliver(*place, one["Source"], one["DetailType"], detail, about)})
        failed = sum("ErrorCode" in entry for entry in entries)
        return ActionResult({"FailedEntryCount": failed, "Entries": entries})

    def put_targets(self) -> Any:
        """EventBridge user guide: a queue of another account needs a role, which is not emulated."""
        self.parse_parameters(self.normalized_request)
        for target in self.params["Targets"]:
            if target["Arn"].split(":")[4] != self.current_account:
                raise AwsError("ValidationException", f"The target {target['Arn']} is in another account.")
        return super().put_targets()


def register() -> None:
    swap(urls, EventsResponse)
