# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick readers return every member that the records use: one missing from their tables would look absent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest

from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client.instance_pages import INSTANCE
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client.json_pages import COVERAGE, NODE
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.fleet import ec2, guardduty, ssm

CLIENT = "plugins/module_utils/observe/client"
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
    """A structure that records which of its members were read."""

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


def asked(service: str, shape: str, record: Callable[[Any], Any]) -> set[str]:
    notes: set[str] = set()
    model = botocore.session.get_session().get_service_model(service)
    record(whole(model.shape_for(shape), "", notes))
    return notes


# AWS's service and shape, what builds the record, and the table with its name
READ: tuple[tuple[str, str, Callable[[Any], Any], str, Mapping[str, tuple[str, Any]]], ...] = (
    ("ec2", "Instance", lambda item: ec2._instance(item, "1", "eu-west-1"), "instance_pages.py: INSTANCE", INSTANCE),
    ("guardduty", "CoverageResource", guardduty._row, "json_pages.py: COVERAGE", COVERAGE),
    ("ssm", "InstanceProperty", ssm._node, "json_pages.py: NODE", NODE),
)


def missing_members() -> Iterator[str]:
    """Members that a record is made of and that the table of the quick reader lacks, each as a sentence."""
    for service, shape, record, name, table in READ:
        for member in sorted(asked(service, shape, record) - paths(table)):
            yield f"{CLIENT}/{name} lacks {member}, which the record of {shape} is made of; add it"


def test_every_member_of_a_record_is_read() -> None:
    assert list(missing_members()) == []


@pytest.mark.parametrize(("service", "shape", "record"), [row[:3] for row in READ])
def test_what_a_record_is_made_of_is_seen(service: str, shape: str, record: Callable[[Any], Any]) -> None:
    notes = asked(service, shape, record)
    assert "InstanceId" in {note.rpartition(".")[2] for note in notes}
    assert service != "ec2" or {"State.Name", "Tags.Key", "MetadataOptions.HttpEndpoint"} <= notes
