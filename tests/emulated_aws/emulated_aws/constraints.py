# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Constraints of botocore's service models that clients do not check: patterns, enums, upper bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.model import OperationModel, Shape

from .wire import AwsError

# The models' patterns are Java's, where a match spans the whole value and \p{..} names a class of characters.
_CLASSES = {r"\p{L}": r"a-zA-Z\u00c0-\uffff", r"\p{N}": "0-9", r"\p{Z}": r"\s"}


@cache
def operation_model(service: str, operation: str) -> OperationModel:
    return botocore.session.get_session().get_service_model(service).operation_model(operation)


@cache
def _pattern(java: str) -> re.Pattern[str]:
    for theirs, ours in _CLASSES.items():
        java = java.replace(theirs, ours)
    return re.compile(f"(?:{java})", re.ASCII)


def _size(shape: Shape, value: Any) -> Iterator[str]:
    amount = value if shape.type_name in ("integer", "long") else len(value)
    word = "value" if amount is value else "length"
    if amount < shape.metadata.get("min", amount):
        yield f"Member must have {word} greater than or equal to {shape.metadata['min']}"
    if amount > shape.metadata.get("max", amount):
        yield f"Member must have {word} less than or equal to {shape.metadata['max']}"


def scalar_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    problems = list(_size(shape, value))
    if shape.type_name == "string":
        enum = getattr(shape, "enum", None)
        if enum and value not in enum:
            problems.append(f"Member must satisfy enum value set: [{', '.join(enum)}]")
        pattern = shape.metadata.get("pattern")
        if pattern and not _pattern(pattern).fullmatch(value):
            problems.append(f"Member must satisfy regular expression pattern: {pattern}")
    for problem in problems:
        yield f"Value '{value}' at '{path}' failed to satisfy constraint: {problem}"


def _wire_name(name: str) -> str:
    return name[:1].lower() + name[1:]


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if value is None:
        return
    if shape.type_name == "structure":
        for name in shape.required_members:
            if value.get(name) is None:
                at = f"{path}.{_wire_name(name)}".lstrip(".")
                yield f"Value null at '{at}' failed to satisfy constraint: Member must not be null"
        for name, member in shape.members.items():
            yield from _problems(member, value.get(name), f"{path}.{_wire_name(name)}".lstrip("."))
    elif shape.type_name == "list":
        for problem in _size(shape, value):
            yield f"Value '{value}' at '{path}' failed to satisfy constraint: {problem}"
        for number, item in enumerate(value, 1):
            yield from _problems(shape.member, item, f"{path}.{number}.member")
    elif shape.type_name == "map":
        for problem in _size(shape, value):
            yield f"Value '{value}' at '{path}' failed to satisfy constraint: {problem}"
    elif shape.type_name in ("string", "integer", "long"):
        yield from scalar_problems(shape, value, path)


def violations(service: str, operation: str, parameters: dict[str, Any]) -> list[str]:
    """Each constraint of the botocore model that C(parameters) break, in the wording of AWS's front ends."""
    shape = operation_model(service, operation).input_shape
    return list(_problems(shape, parameters, "")) if shape is not None else []


def require(service: str, operation: str, parameters: dict[str, Any]) -> None:
    """Reject what the model rejects as C(ValidationException), one of AWS's common errors."""
    found = violations(service, operation, parameters)
    if found:
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
        raise AwsError("ValidationException", f"{count}: {'; '.join(found)}")
