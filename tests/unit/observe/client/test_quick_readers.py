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

from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client import instance_pages, json_pages
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.fleet import ec2, guardduty, ssm

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


def paths(members: Mapping[str, tuple[str, Any]], path: str = "") -> set[str]:
    """Every member of a table, with those that it is within."""
    found = set()
    for name, kind in members.values():
        below = kind[0] if isinstance(kind, list) else kind
        found |= {f"{path}{name}"} | (paths(below, f"{path}{name}.") if isinstance(below, dict) else set())
    return found


def lacking(place: str, notes: set[str], table: Mapping[str, tuple[str, Any]]) -> list[str]:
    return [
        f"plugins/module_utils/observe/client/{place} lacks {member}, which the record is made of; add it"
        for member in sorted(notes - paths(table))
    ]


def asked(service: str, shape: str, record: Callable[[Any], Any]) -> set[str]:
    notes: set[str] = set()
    model = botocore.session.get_session().get_service_model(service)
    record(whole(model.shape_for(shape), "", notes))
    return notes


def test_every_member_of_an_instance() -> None:
    notes = asked("ec2", "Instance", lambda item: ec2._instance(item, "111111111111", "eu-west-1"))
    assert {"InstanceId", "State.Name", "Tags.Key", "MetadataOptions.HttpEndpoint"} <= notes
    assert lacking("instance_pages.py: INSTANCE", notes, instance_pages.INSTANCE) == []


@pytest.mark.parametrize(
    ("service", "shape", "record", "table"),
    [
        ("guardduty", "CoverageResource", guardduty._row, json_pages.COVERAGE),
        ("ssm", "InstanceProperty", ssm._node, json_pages.NODE),
    ],
)
def test_every_member_of_a_row(
    service: str, shape: str, record: Callable[[Any], Any], table: Mapping[str, tuple[str, Any]]
) -> None:
    notes = asked(service, shape, record)
    assert "InstanceId" in {note.rpartition(".")[2] for note in notes}
    assert lacking(f"json_pages.py: the table of {shape}", notes, table) == []
