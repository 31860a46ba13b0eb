# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2's XML from plain dicts, by botocore's output shapes. moto's own serializer needs 3 ms for one instance."""

from __future__ import annotations

import datetime
import functools
import uuid
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import ListShape, Shape, StructureShape
from moto.core.utils import get_service_model

Render = Callable[[Any], str]


@functools.cache
def _renderer(operation: str) -> Render:
    shape = get_service_model("ec2").operation_model(operation).output_shape
    return _compile(shape, {}) if shape is not None else lambda dummy: ""


@functools.cache
def part_renderer(operation: str, *path: str) -> Render:
    """Renders one part of the output, given by member names; a list's members follow it without a name."""
    shape: Any = get_service_model("ec2").operation_model(operation).output_shape
    for name in path:
        shape = shape.members[name]
        if isinstance(shape, ListShape):
            shape = shape.member
    return _compile(shape, {})


def render(operation: str, output: dict[str, Any] | str) -> str:
    """The whole response. C(output) may be XML already, made of parts."""
    inner = output if isinstance(output, str) else _renderer(operation)(output)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<{operation}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        f"<requestId>{uuid.uuid4()}</requestId>{inner}</{operation}Response>"
    )


def _compile(shape: Shape, compiling: dict[str, Render]) -> Render:
    if isinstance(shape, StructureShape):
        return _structure(shape, compiling)
    if isinstance(shape, ListShape):
        item = _compile(shape.member, compiling)
        return lambda values: "".join([f"<item>{item(value)}</item>" for value in values])
    if shape.type_name == "boolean":
        return lambda value: "true" if value else "false"
    if shape.type_name == "timestamp":
        return _timestamp
    if shape.type_name in ("integer", "long"):
        return str
    return escape


def _structure(shape: StructureShape, compiling: dict[str, Render]) -> Render:
    if shape.name in compiling:
        return compiling[shape.name]
    members: dict[str, tuple[str, Render, str]] = {}

    # An unknown name raises KeyError: a typing mistake of ours must not become a silently missing element.
    def render_structure(value: dict[str, Any]) -> str:
        parts = []
        for name, each in value.items():
            if each is not None:
                opening, inner, closing = members[name]
                parts.append(opening + inner(each) + closing)
        return "".join(parts)

    compiling[shape.name] = render_structure
    for name, member in shape.members.items():
        tag = member.serialization.get("name", name)
        members[name] = (f"<{tag}>", _compile(member, compiling), f"</{tag}>")
    return render_structure


def _timestamp(value: datetime.datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
