# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host names by the user's order of preference, written as the filters of DescribeInstances are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from ...model.fleet import Instance

ATTRIBUTES = {
    "instance-id": "instance_id",
    "private-ip-address": "private_ip",
    "private-dns-name": "private_dns",
    "ip-address": "public_ip",
    "dns-name": "public_dns",
}

# Quoted: ansible-test checks it for Pythons that have no | between types.
Preference: TypeAlias = "str | dict[str, str]"


def hostnames_error(preferences: Sequence[Any]) -> str | None:
    """What is wrong with the option, or None."""
    for preference in preferences:
        parts = [preference] if isinstance(preference, str) else _parts(preference)
        for part in parts:
            if part not in ATTRIBUTES and not part.startswith("tag:"):
                known = ", ".join([*ATTRIBUTES, "tag:NAME"])
                return f"hostnames: {part!r} is not a source of host names. Use one of {known}, or a dict of name and prefix."
    return None


def host_name(instance: Instance, preferences: Sequence[Preference]) -> str:
    """The first preference that gives a name; the instance id where none does."""
    for preference in preferences:
        name = _value(instance, preference) if isinstance(preference, str) else _prefixed(instance, preference)
        if name:
            return name
    return instance.instance_id


def _parts(preference: Any) -> list[str]:
    if not isinstance(preference, dict) or not isinstance(preference.get("name"), str):
        return [str(preference)]
    prefix = preference.get("prefix")
    return [preference["name"], *([str(prefix)] if prefix else [])]


def _prefixed(instance: Instance, preference: dict[str, str]) -> str | None:
    name = _value(instance, preference["name"])
    prefix = _value(instance, preference["prefix"]) if preference.get("prefix") else None
    return f"{prefix}{preference.get('separator', '_')}{name}" if name and prefix else name


def _value(instance: Instance, source: str) -> str | None:
    """C(tag:Name) gives the tag's value, C(tag:Name=Value) gives Name_Value where the tag has that value."""
    if not source.startswith("tag:"):
        return getattr(instance, ATTRIBUTES[source]) or None
    for desired in source.removeprefix("tag:").split(","):
        key, equals, wanted = desired.removeprefix("tag:").partition("=")
        value = instance.tags.get(key)
        if equals and value == wanted:
            return f"{key}_{wanted}"
        if not equals and value:
            return value
    return None
