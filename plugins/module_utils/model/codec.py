# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshot as plain data for an inventory cache, and back.

C(FORMAT) is part of every cache key: increase it when a record of fleet.py changes, so that an old cache is never read as
a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from .fleet import Snapshot

FORMAT = 3


def to_plain(value: Any) -> Any:
    """Lists, dicts, strings, numbers and None only."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return value


def snapshot_from_plain(plain: Any) -> Snapshot:
    """The inverse of to_plain() for a snapshot. Raises ValueError, TypeError or KeyError for other data."""
    built: Snapshot = _build(Snapshot, plain)
    return built


def _build(kind: Any, plain: Any) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{name: _build(hints[name], item) for name, item in plain.items()})
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):  # X | None, in that order
        return None if plain is None else _build(arguments[0], plain)
    if origin is tuple:
        return tuple(_build(arguments[0], item) for item in plain)
    if origin is frozenset:
        return frozenset(plain)
    if origin is not None and issubclass(origin, Mapping):
        return {key: _build(arguments[1], item) for key, item in plain.items()}
    return plain
