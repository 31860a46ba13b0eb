# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of an association: their names as module options, their comparison, and their form in results.

Source: botocore's model of CreateAssociation, UpdateAssociation and AssociationDescription (SSM API reference).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..tag_rules import as_text

# AWS's name to the modules' option.
OPTIONS = {
    "AssociationName": "association_name",
    "Name": "document_name",
    "DocumentVersion": "document_version",
    "Parameters": "parameters",
    "Targets": "targets",
    "ScheduleExpression": "schedule_expression",
    "ScheduleOffset": "schedule_offset",
    "ApplyOnlyAtCronInterval": "apply_only_at_cron_interval",
    "MaxConcurrency": "max_concurrency",
    "MaxErrors": "max_errors",
    "ComplianceSeverity": "compliance_severity",
    "SyncCompliance": "sync_compliance",
    "OutputLocation": "output_location",
    "CalendarNames": "calendar_names",
    "TargetLocations": "target_locations",
    "AlarmConfiguration": "alarm_configuration",
    "Duration": "duration",
    "AssociationDispatchAssumeRole": "dispatch_assume_role_arn",
}
# The value of a setting that was never set. AWS may return it or omit it; both compare as equal.
DEFAULTS: dict[str, Any] = {
    "DocumentVersion": "$DEFAULT",
    "ApplyOnlyAtCronInterval": False,
    "MaxConcurrency": "100%",
    "ComplianceSeverity": "UNSPECIFIED",
    "SyncCompliance": "AUTO",
}
INSTANCE_IDS = "InstanceIds"
EVERY_NODE = "*"


def is_empty(value: Any) -> bool:
    """Whether a value means 'clear'. False is a value."""
    return value is None or (not value and value is not False)


def target_key(key: str) -> str:
    """AWS returns InstanceIds in the letter case that was sent; the case has no meaning."""
    return INSTANCE_IDS if key.lower() == INSTANCE_IDS.lower() else key


def same(member: str, one: Any, other: Any) -> bool:
    return bool(_canonical(member, one) == _canonical(member, other))


def same_document(one: str, other: str) -> bool:
    """A document of AWS or of this account may be given as a name or an ARN; two ARNs can also differ by account."""
    if one.startswith("arn:") and other.startswith("arn:"):
        return one == other
    return one.rpartition("document/")[2] == other.rpartition("document/")[2]


def _canonical(member: str, value: Any) -> Any:
    if is_empty(value):
        return DEFAULTS.get(member)
    if member == "Parameters":
        return {key: list(values) for key, values in value.items()}
    if member == "Targets":
        value = [{"Key": target_key(item["Key"]), "Values": item.get("Values") or []} for item in value]
    return _unordered(value)


def _unordered(value: Any) -> Any:
    """The value without the order of lists, which AWS does not keep, and without empty or disabled members."""
    if isinstance(value, Mapping):
        return {key: _unordered(item) for key, item in sorted(value.items()) if item}
    if isinstance(value, (list, tuple)):
        unique = {repr(item): item for item in map(_unordered, value)}
        return [unique[key] for key in sorted(unique)]
    return value


def merged(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The full set of desired settings: settings that are not named stay, those that are cleared are removed."""
    return {member: value for member, value in {**current, **wanted}.items() if not is_empty(value)}


def shown(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in the names and form of the modules' options."""
    return {option_of(member): shown_value(member, value) for member, value in sorted(settings.items())}


def option_of(member: str) -> str:
    return OPTIONS.get(member) or _snake(member)


def shown_value(member: str, value: Any) -> Any:
    if is_empty(value):
        return DEFAULTS.get(member)
    if member == "Parameters":
        return {key: list(values) for key, values in value.items()}
    if member == "OutputLocation":
        location = value.get("S3Location") or {}
        return {_snake(key.removeprefix("Output")): item for key, item in location.items()}
    if member == "AlarmConfiguration":
        names = [alarm["Name"] for alarm in value.get("Alarms") or ()]
        ignored = bool(value.get("IgnorePollAlarmFailure"))
        return {"alarm_name": names[0] if names else None, "ignore_poll_alarm_failure": ignored}
    return _snake_keys(value)


def from_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the options name, under AWS's names. None: not named."""
    settings: dict[str, Any] = {}
    for member, option in OPTIONS.items():
        value = options.get(option)
        if value is not None:
            settings[member] = _from_option(member, value)
    targets = targets_from(options)
    if targets is not None:
        settings["Targets"] = targets
    return settings


def targets_from(options: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Targets from targets, target_tags or instance_ids, whichever is set."""
    if options.get("target_tags") is not None:
        return [{"Key": f"tag:{key}", "Values": _once(texts(value))} for key, value in options["target_tags"].items()]
    if options.get("instance_ids") is not None:
        return [{"Key": INSTANCE_IDS, "Values": _once(options["instance_ids"])}]
    if options.get("targets") is not None:
        return [{"Key": target_key(item["key"]), "Values": _once(item["values"])} for item in options["targets"]]
    return None


def _once(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def texts(value: Any) -> list[str]:
    return [as_text(item) for item in value] if isinstance(value, (list, tuple)) else [as_text(value)]


def _from_option(member: str, value: Any) -> Any:
    if member == "Parameters":
        return {key: texts(item) for key, item in value.items()}
    if member == "OutputLocation":
        location = {f"Output{_camel(key)}": item for key, item in value.items() if item}
        return {"S3Location": location} if location else {}
    if member == "AlarmConfiguration":
        if not value.get("alarm_name"):
            return {}
        return {
            "Alarms": [{"Name": value["alarm_name"]}],
            "IgnorePollAlarmFailure": bool(value.get("ignore_poll_alarm_failure")),
        }
    if member == "TargetLocations":
        return [_location(item) for item in value]
    return value


def _location(options: Mapping[str, Any]) -> dict[str, Any]:
    location = {_camel(key): value for key, value in options.items() if value not in (None, [], "")}
    if "Targets" in location:
        location["Targets"] = targets_from({"targets": options["targets"]})
    return location


def _snake_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_snake(key): _snake_keys(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_snake_keys(item) for item in value]
    return value


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
