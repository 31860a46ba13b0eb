# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2's filters: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from .wire import AwsError

Item = TypeVar("Item")
Values = str | Iterable[str] | None
Getter = Callable[[Any], Values]

_MOST_VALUES = 200


def select(
    items: Iterable[Item],
    filters: Sequence[Mapping[str, Any]] | None,
    getters: Mapping[str, Getter],
    tags_of: Callable[[Item], Mapping[str, str]],
) -> list[Item]:
    """The items that satisfy every filter; a filter is satisfied by any of its values."""
    filters = filters or ()
    if sum(len(each.get("Values") or ()) for each in filters) > _MOST_VALUES:
        raise AwsError(
            "FilterLimitExceeded", f"The maximum number of filter values specified on a single call is {_MOST_VALUES}"
        )
    tests = [(_getter(each.get("Name"), getters, tags_of), _matcher(each.get("Values") or ())) for each in filters]
    return [item for item in items if all(_any(get(item), matches) for get, matches in tests)]


def _getter(name: str | None, getters: Mapping[str, Getter], tags_of: Callable[[Any], Mapping[str, str]]) -> Getter:
    if name is None:
        raise AwsError("InvalidParameterValue", "The filter 'null' is invalid")
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda item: tags_of(item).get(key)
    if name == "tag-key":
        return lambda item: tags_of(item).keys()
    if name == "tag-value":
        return lambda item: tags_of(item).values()
    if name not in getters:
        raise AwsError("InvalidParameterValue", f"The filter '{name}' is invalid")
    return getters[name]


def _any(values: Values, matches: Callable[[str], bool]) -> bool:
    if values is None:
        return False
    return matches(values) if isinstance(values, str) else any(map(matches, values))


def _matcher(values: Sequence[str]) -> Callable[[str], bool]:
    exact = frozenset(v for v in values if not re.search(r"[*?\\]", v))
    patterns = [re.compile(_pattern(v), re.DOTALL) for v in values if v not in exact]
    return lambda value: value in exact or any(pattern.fullmatch(value) for pattern in patterns)


def _pattern(value: str) -> str:
    """* is any text, ? is one character, a backslash takes the meaning away."""
    parts = []
    characters = iter(value)
    for character in characters:
        if character == "\\":
            parts.append(re.escape(next(characters, "\\")))
        else:
            parts.append({"*": ".*", "?": "."}.get(character) or re.escape(character))
    return "".join(parts)
