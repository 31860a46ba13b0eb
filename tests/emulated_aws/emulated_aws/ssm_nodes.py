# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SSM's managed nodes: which there are, how they are shown, and how they are filtered."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import ec2_view
from .ec2_view import Ec2Instance
from .wire import AwsError
from .world import WORLD, Node

# DescribeInstanceInformation "does not return information for nodes that are either Stopped or Terminated" (botocore).
# For DescribeInstanceProperties nothing is said: the same.
_SHOWN_STATES = frozenset({"pending", "running", "stopping"})
_INSTANCE_ID = re.compile(r"i-(\w{8}|\w{17})|mi-\w{17}")
_PLATFORM_TYPES = {"linux": "Linux", "windows": "Windows", "macos": "MacOS"}

# botocore, InstanceInformationStringFilter.Key and InstancePropertyFilterKey; tags as the former says.
_INFORMATION_KEYS = frozenset(
    [
        "ActivationIds",
        "AgentVersion",
        "AssociationStatus",
        "IamRole",
        "InstanceIds",
        "PingStatus",
        "PlatformTypes",
        "ResourceType",
        "SourceIds",
        "SourceTypes",
    ]
)
_PROPERTY_KEYS = frozenset(
    [
        "InstanceIds",
        "AgentVersion",
        "PingStatus",
        "PlatformTypes",
        "DocumentName",
        "ActivationIds",
        "IamRole",
        "ResourceType",
        "AssociationStatus",
    ]
)
_FIELDS = {
    "ActivationIds": "ActivationId",
    "InstanceIds": "InstanceId",
    "PlatformTypes": "PlatformType",
    "SourceIds": "SourceId",
    "SourceTypes": "SourceType",
}
_VALUES = {
    "AssociationStatus": {"Success", "Pending", "Failed"},
    "PingStatus": {"Online", "ConnectionLost", "Inactive"},
    "PlatformTypes": {"Windows", "Linux", "MacOS"},
    "ResourceType": {"EC2Instance", "ManagedInstance"},
}

Statuses = Mapping[str, Mapping[str, str]]
Row = dict[str, Any]


def online(node: Node, instance: Ec2Instance) -> bool:
    return node.ssm == "online" and instance.state == "running"


def managed(account: str, region: str) -> dict[str, tuple[Node, Ec2Instance]]:
    """The managed nodes of an account and region, by instance id."""
    nodes = WORLD.nodes_in(account, region)
    return {
        instance.instance_id: (node, instance)
        for instance in ec2_view.instances(account, region)
        if instance.state in _SHOWN_STATES
        and (node := nodes.get(instance.instance_id)) is not None
        and node.ssm != "absent"
        and node.registers <= WORLD.now()
    }


def _association_fields(statuses: Mapping[str, str]) -> Row:
    """AssociationStatus: Success, Pending or Failed (botocore); the worst of the node's associations."""
    if not statuses:
        return {}
    count = Counter(statuses.values())
    worst = "Failed" if count["Failed"] else "Success" if count["Success"] == len(statuses) else "Pending"
    overview = {"DetailedStatus": worst, "InstanceAssociationStatusAggregatedCount": dict(count)}
    return {"AssociationStatus": worst, "AssociationOverview": overview}


def information(node: Node, instance: Ec2Instance, statuses: Mapping[str, str], now: float) -> Row:
    """InstanceInformation, as JSON carries it: timestamps are seconds."""
    up = online(node, instance)
    row = {
        "InstanceId": node.instance_id,
        "PingStatus": "Online" if up else "ConnectionLost",
        "LastPingDateTime": now - (30 if up else 3600),
        "AgentVersion": node.ssm_agent_version,
        "IsLatestVersion": True,
        "PlatformType": _PLATFORM_TYPES[instance.platform],
        "PlatformName": node.os_name,
        "PlatformVersion": node.os_version,
        "ResourceType": "EC2Instance",
        "SourceId": node.instance_id,
        "SourceType": "AWS::EC2::Instance",
    }
    if instance.private_ip:
        row["IPAddress"] = instance.private_ip
    if instance.private_dns:
        row["ComputerName"] = instance.private_dns
    if statuses:
        row.update(_association_fields(statuses))
    return row


def _properties(node: Node, instance: Ec2Instance, statuses: Mapping[str, str], now: float) -> Row:
    row = information(node, instance, statuses, now)
    del row["IsLatestVersion"]
    row["InstanceType"] = instance.instance_type
    row["InstanceState"] = instance.state
    row["Architecture"] = instance.architecture
    name = instance.tags.get("Name")
    if name:
        row["Name"] = name
    return row


def _require_values(key: str, values: list[str], code: str) -> None:
    if key == "InstanceIds":
        # A well-formed id of no node gives an empty list, on which many scripts wait; botocore only says that "a node
        # ID that isn't valid" is an error.
        for value in values:
            if not _INSTANCE_ID.fullmatch(value):
                raise AwsError("InvalidInstanceId", f"The instance ID {value} is not valid.")
    wrong = set(values) - _VALUES.get(key, set(values))
    if wrong:
        raise AwsError(code, f"The filter value {sorted(wrong)[0]} isn't valid for the key {key}.")


def _compare(operator: str, there: str, values: list[str]) -> bool:
    if operator == "NotEqual":
        return there not in values
    if operator == "BeginWith":
        return any(there.startswith(value) for value in values)
    if operator == "LessThan":
        return any(there < value for value in values)
    if operator == "GreaterThan":
        return any(there > value for value in values)
    return there in values


Test = Callable[[Row, Ec2Instance], bool]


def _test(key: str, values: list[str], operator: str = "Equal") -> Test:
    if key.startswith("tag:"):
        tag = key.removeprefix("tag:")
        return lambda dummy, instance: _compare(operator, instance.tags.get(tag, "\0"), values)
    if key == "tag-key":
        return lambda dummy, instance: any(value in instance.tags for value in values)
    field = _FIELDS.get(key, key)
    return lambda row, dummy: _compare(operator, row.get(field, ""), values)


def _matching(
    account: str, region: str, statuses: Statuses, show: Callable[..., Row], tests: list[Test]
) -> Iterator[Row]:
    now = time.time()
    for instance_id, (node, instance) in managed(account, region).items():
        row = show(node, instance, statuses.get(instance_id, {}), now)
        if all(test(row, instance) for test in tests):
            yield row


def describe_information(account: str, region: str, parameters: Mapping[str, Any], statuses: Statuses) -> list[Row]:
    """DescribeInstanceInformation (botocore): two filter styles, not both; tag filters stand alone."""
    legacy = parameters.get("InstanceInformationFilterList") or []
    filters = parameters.get("Filters") or []
    if legacy and filters:
        # botocore: "leads to an exception error"; which one is not said.
        raise AwsError("ValidationException", "InstanceInformationFilterList and Filters can't be used together.")
    pairs = [(f["key"], f["valueSet"]) for f in legacy] or [(f["Key"], f["Values"]) for f in filters]
    by_tag = [key for key, dummy in pairs if key == "tag-key" or key.startswith("tag:")]
    if by_tag and len(by_tag) < len(pairs):
        raise AwsError("InvalidFilterKey", "Tag filters can't be combined with other filter types.")
    for key, values in pairs:
        if key not in _INFORMATION_KEYS and key not in by_tag:
            raise AwsError("InvalidFilterKey", f"The specified key {key} isn't valid.")
        _require_values(key, values, "InvalidInstanceInformationFilterValue")
    tests = [_test(key, values) for key, values in pairs]
    return list(_matching(account, region, statuses, information, tests))


def describe_properties(account: str, region: str, parameters: Mapping[str, Any], statuses: Statuses) -> list[Row]:
    """DescribeInstanceProperties (botocore, which does not list the keys of FiltersWithOperator: those and tags)."""
    legacy = parameters.get("InstancePropertyFilterList") or []
    filters = parameters.get("FiltersWithOperator") or []
    triples = [(f["key"], f["valueSet"], "Equal") for f in legacy]
    triples += [(f["Key"], f["Values"], f.get("Operator", "Equal")) for f in filters]
    for key, values, _dummy in triples:
        if key not in _PROPERTY_KEYS and not key.startswith("tag:"):
            raise AwsError("InvalidFilterKey", f"The specified key {key} isn't valid.")
        _require_values(key, values, "InvalidInstancePropertyFilterValue")
    tests = [_test(*triple) for triple in triples]
    return list(_matching(account, region, statuses, _properties, tests))
