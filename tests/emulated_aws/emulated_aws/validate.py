# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does an answer satisfy botocore's output shape? Catches what a lenient client would overlook."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from botocore.exceptions import UnknownServiceError
from botocore.model import ListShape, MapShape, OperationNotFoundError, Shape, StructureShape
from botocore.utils import parse_timestamp
from moto.core.utils import get_service_model

from .wire import Call, Reply

_XML_EXTRAS = {"requestId", "RequestId", "ResponseMetadata"}
# EC2 answers "available" and "windows" where its model has "Available" and "Windows", and has done so for years.
_LOOSE_ENUMS = {"State", "PlatformValues"}


def problems(call: Call, reply: Reply) -> list[str]:
    """What is wrong with a successful answer, or nothing."""
    try:
        shape = get_service_model(call.service).operation_model(call.operation).output_shape
    except (UnknownServiceError, OperationNotFoundError):
        return []
    if shape is None or (shape.serialization or {}).get("payload"):
        return []
    if call.protocol in ("json", "rest-json"):
        return _json_problems(shape, reply)
    if call.protocol in ("ec2", "query"):
        return _xml_problems(shape, reply)
    return []


def _json_problems(shape: StructureShape, reply: Reply) -> list[str]:
    try:
        body = json.loads(reply.body or b"{}")
    except ValueError as error:
        return [f"no JSON: {error}"]
    return list(_json_value(shape, body, ""))


def _json_value(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from _json_structure(shape, value, path)
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            yield f"{path}: no list: {value!r}"
            return
        for number, each in enumerate(value):
            yield from _json_value(shape.member, each, f"{path}[{number}]")
    elif isinstance(shape, MapShape):
        if not isinstance(value, dict):
            yield f"{path}: no map: {value!r}"
            return
        for key, each in value.items():
            yield from _json_value(shape.value, each, f"{path}.{key}")
    else:
        yield from _json_leaf(shape, value, path)


def _json_structure(shape: StructureShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: no structure: {value!r}"
        return
    if shape.metadata.get("document"):
        return
    names = {
        member.serialization.get("name", name): (name, member)
        for name, member in shape.members.items()
        if member.serialization.get("location") is None
    }
    for key, each in value.items():
        if key not in names:
            yield f"{path}.{key}: not in {shape.name}"
        else:
            yield from _json_value(names[key][1], each, f"{path}.{key}")
    present = {names[key][0] for key in value if key in names}
    in_body = {name for name, dummy in names.values()}
    for name in shape.required_members:
        if name in in_body and name not in present:
            yield f"{path}.{name}: required by {shape.name}, missing"


def _json_leaf(shape: Shape, value: Any, path: str) -> Iterator[str]:
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "boolean": (bool,),
        "integer": (int,),
        "long": (int,),
        "float": (int, float),
        "double": (int, float),
        "timestamp": (int, float, str),
        "blob": (str,),
    }
    expected = kinds[shape.type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        yield f"{path}: no {shape.type_name}: {value!r}"
    elif shape.type_name == "string":
        yield from _enum(shape, value, path)


def _enum(shape: Shape, value: str, path: str) -> Iterator[str]:
    allowed = getattr(shape, "enum", None) or []
    if allowed and value not in allowed:
        if shape.name in _LOOSE_ENUMS and value.lower() in {each.lower() for each in allowed}:
            return
        yield f"{path}: {value!r} is none of {shape.name}"


def _xml_problems(shape: StructureShape, reply: Reply) -> list[str]:
    try:
        root = ElementTree.fromstring(reply.body)
    except ElementTree.ParseError as error:
        return [f"no XML: {error}"]
    wrapper = (shape.serialization or {}).get("resultWrapper")
    if wrapper:
        inner = next((each for each in root if _tag(each) == wrapper), None)
        if inner is None:
            return [f"no {wrapper}"]
        root = inner
    return list(_xml_structure(shape, root, "", extras=_XML_EXTRAS))


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _xml_structure(
    shape: StructureShape, element: ElementTree.Element, path: str, extras: set[str] | frozenset[str] = frozenset()
) -> Iterator[str]:
    names = {_xml_name(name, member): (name, member) for name, member in shape.members.items()}
    present = defaultdict(int)
    for child in element:
        tag = _tag(child)
        if tag not in names:
            if tag not in extras:
                yield f"{path}.{tag}: not in {shape.name}"
            continue
        name, member = names[tag]
        present[name] += 1
        if isinstance(member, ListShape) and member.serialization.get("flattened"):
            yield from _xml_value(member.member, child, f"{path}.{name}")
        else:
            yield from _xml_value(member, child, f"{path}.{name}")
    for name, times in present.items():
        member = shape.members[name]
        if times > 1 and not (isinstance(member, ListShape) and member.serialization.get("flattened")):
            yield f"{path}.{name}: {times} times"
    for name in shape.required_members:
        if name not in present:
            yield f"{path}.{name}: required by {shape.name}, missing"


def _xml_name(name: str, member: Shape) -> str:
    if isinstance(member, ListShape) and member.serialization.get("flattened"):
        return member.member.serialization.get("name", member.serialization.get("name", name))
    return member.serialization.get("name", name)


def _xml_value(shape: Shape, element: ElementTree.Element, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from _xml_structure(shape, element, path)
    elif isinstance(shape, ListShape):
        item = shape.member.serialization.get("name", "member")
        for number, child in enumerate(element):
            if _tag(child) != item:
                yield f"{path}[{number}]: <{_tag(child)}> instead of <{item}>"
            else:
                yield from _xml_value(shape.member, child, f"{path}[{number}]")
    elif not isinstance(shape, MapShape):
        yield from _xml_leaf(shape, element, path)


def _xml_leaf(shape: Shape, element: ElementTree.Element, path: str) -> Iterator[str]:
    text = element.text or ""
    if len(element):
        yield f"{path}: a {shape.type_name} with elements inside"
    elif shape.type_name in ("integer", "long") and not text.lstrip("-").isdigit():
        yield f"{path}: no integer: {text!r}"
    elif shape.type_name == "boolean" and text not in ("true", "false"):
        yield f"{path}: no boolean: {text!r}"
    elif shape.type_name == "timestamp":
        try:
            parse_timestamp(text)
        except ValueError:
            yield f"{path}: no timestamp: {text!r}"
    elif shape.type_name == "string":
        yield from _enum(shape, text, path)
