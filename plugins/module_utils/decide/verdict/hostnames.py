# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host names by the user's order of preference, written as the filters of DescribeInstances are.

Whoever can tag an instance chooses the text of a name. Ansible reads host names as patterns and uses them in paths, so
that only a name without any other meaning is used; the instance ID, which nobody can choose, takes its place.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeAlias

from ...model.fleet import Instance
from ..wording import some

ATTRIBUTES = {
    "instance-id": "instance_id",
    "private-ip-address": "private_ip",
    "private-dns-name": "private_dns",
    "ip-address": "public_ip",
    "dns-name": "public_dns",
}

# Quoted: ansible-test checks it for Pythons that have no | between types.
Preference: TypeAlias = "str | dict[str, str]"

# Letters and digits of any script, with dots, hyphens and underscores. No separator or wildcard of a host pattern (Ansible
# user guide, "Patterns"), of which a blank is one in a list of hosts; no path, no control or direction character.
SAFE = re.compile(r"[^\W_][\w.-]*")
# Ansible's names for the controller, and its own two groups.
RESERVED = frozenset({"localhost", "127.0.0.1", "::1", "all", "ungrouped"})


def hostnames_error(preferences: Sequence[Any]) -> str | None:
    """What is wrong with the option, or None."""
    for preference in preferences:
        parts = [preference] if isinstance(preference, str) else _parts(preference)
        for part in parts:
            if part not in ATTRIBUTES and not part.startswith("tag:"):
                known = ", ".join([*ATTRIBUTES, "tag:NAME"])
                return f"hostnames: {part!r} is not a source of host names. Use one of {known}, or a dict of name and prefix."
    return None


def host_names(
    instances: Iterable[Instance], preferences: Sequence[Preference], taken: Collection[str]
) -> tuple[dict[str, str], list[str]]:
    """The name of each instance that is not named by its ID, by ID, and warnings about names that are not used.

    C(taken): the names of groups, and of hosts that other inventories describe without naming the instance. A name that
    several instances have is used for none of them, so that nobody takes over the name of another instance.
    """
    if preferences and preferences[0] == "instance-id":
        return {}, []
    listed = list(instances)
    names = {instance.instance_id: host_name(instance, preferences) for instance in listed}
    unsafe = {key for key, name in names.items() if name != key and not _is_safe(name, taken)}
    # Another instance's ID counts as its name: it falls back to it.
    counts = Counter([*names.values(), *(key for key, name in names.items() if name != key)])
    shared = {key for key, name in names.items() if name != key and counts[name] > 1} - unsafe
    warnings = []
    if unsafe:
        warnings.append(
            f"The host name of {some(sorted(unsafe))} could be mistaken for a pattern, a path, a group or another host;"
            " using the instance ID instead."
        )
    if shared:
        warnings.append(
            f"{some(sorted(shared))} share a host name with another instance; using the instance ID instead."
        )
    return {key: name for key, name in names.items() if name != key and key not in unsafe | shared}, warnings


def _is_safe(name: str, taken: Collection[str]) -> bool:
    return bool(SAFE.fullmatch(name)) and name not in RESERVED and name not in taken


def host_name(instance: Instance, preferences: Sequence[Preference]) -> str:
    """The first preference that gives a name; the instance ID where none does."""
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
