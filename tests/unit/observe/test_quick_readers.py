# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick readers hand over every member that the records are made of: one that their tables lack would read as absent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest

from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe import (
    ec2,
    guardduty,
    instance_pages,
    json_pages,
    ssm,
)

WHOLE = {
    "string": "x",
    "boolean": True,
    "integer": 1,
    "long": 1,
    "timestamp": datetime(2026, 1, 1, tzinfo=UTC),
    "float": 1.0,
    "double": 1.0,
}


class Asked(dict[str, Any]):
    """A structure that notes which of its members somebody asked for."""

    def __init__(self, members: Mapping[str, Any], path: str, notes: set[str]) -> None:
        super().__init__(members)
        self.path, self.notes = path, notes

    def get(self, key: str, default: Any = None) -> Any:
        self.notes.add(f"{self.path}{key}")
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self.notes.add(f"{self.path}{key}")
        return super().__getitem__(key)


def whole(shape: Any, path: str, notes: set[str], depth: int = 0) -> Any:
    """A value of the shape with every member."""
    if shape.type_name == "structure":
        members = {} if depth > 5 else shape.members
        return Asked({n: whole(m, f"{path}{n}.", notes, depth + 1) for n, m in members.items()}, path, notes)
    if shape.type_name == "list":
        return [whole(shape.member, path, notes, depth + 1)]
    return {} if shape.type_name == "map" else WHOLE[shape.type_name]


def xml_paths(members: Mapping[str, tuple[str, Any]], path: str = "") -> set[str]:
    paths = set()
    for name, kind in members.values():
        below = kind[0] if isinstance(kind, list) else kind
        paths |= {f"{path}{name}"} | (xml_paths(below, f"{path}{name}.") if isinstance(below, dict) else set())
    return paths


def json_paths(read: Callable[[Any], Any], shape: Any) -> set[str]:
    """The paths in what a handler gives of a page that has everything."""
    answer: dict[str, Any] = {}
    read(response_dict={"status_code": 200, "body": shape}, customized_response_dict=answer)
    return answer_paths(answer)


def answer_paths(value: Any, path: str = "") -> set[str]:
    if isinstance(value, list):
        return set().union(*(answer_paths(item, path) for item in value))
    if not isinstance(value, dict):
        return set()
    return set().union(*({f"{path}{key}"} | answer_paths(below, f"{path}{key}.") for key, below in value.items()))


def asked(service: str, shape: str, record: Callable[[Any], Any]) -> set[str]:
    notes: set[str] = set()
    model = botocore.session.get_session().get_service_model(service)
    record(whole(model.shape_for(shape), "", notes))
    return notes


def test_every_member_of_an_instance() -> None:
    notes = asked("ec2", "Instance", lambda item: ec2._instance(item, "111111111111", "eu-west-1"))
    assert {"InstanceId", "State.Name", "Tags.Key", "MetadataOptions.HttpEndpoint"} <= notes
    assert notes <= xml_paths(instance_pages.INSTANCE)


@pytest.mark.parametrize(
    ("service", "shape", "record", "body", "within"),
    [
        (
            "guardduty",
            "CoverageResource",
            guardduty._row,
            b'{"resources": [{"coverageStatus": "x", "issue": "x", "updatedAt": 1, "resourceDetails": {"ec2InstanceDetails":'
            b' {"instanceId": "x", "managementType": "x", "clusterArn": "x", "agentDetails": {"version": "x"}}}}]}',
            "Resources.",
        ),
        (
            "ssm",
            "InstanceProperty",
            ssm._node,
            b'{"InstanceProperties": [{"InstanceId": "x", "PingStatus": "x", "AgentVersion": "x", "PlatformName": "x",'
            b' "PlatformVersion": "x"}]}',
            "InstanceProperties.",
        ),
    ],
)
def test_every_member_of_a_row(
    service: str, shape: str, record: Callable[[Any], Any], body: bytes, within: str
) -> None:
    event = next(event for event in json_pages.HANDLERS if f".{service}." in event)
    given = {path.removeprefix(within) for path in json_paths(json_pages.HANDLERS[event], body)}
    assert asked(service, shape, record) - {""} <= given
