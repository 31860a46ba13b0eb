# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills an inventory with many hosts in a fraction of the time of one call for each variable and template.

Ansible-core still decides what a variable, a group name or an expression means: it processes the first host, the first
value and everything that is not a plain lookup. Its results are repeated for similar hosts.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.inventory import Constructable
from ansible.template import is_trusted_as_template

# gd_region, gd_tags.env, gd_tags['cost-center']: nothing else is a plain lookup.
PATH = re.compile(r"gd_\w+(?:\.[A-Za-z_]\w*|\[(?:'[^'\\]+'|\"[^\"\\]+\")\])*")
PART = re.compile(r"\.(\w+)|\[['\"](.+?)['\"]\]")


@contextmanager
def no_collections() -> Iterator[None]:
    """Without Python's search for cycles: nothing that is created here is garbage, and the search grows with the fleet.

    The new objects are kept out of later searches too, as Python's documentation advises before processes are forked;
    Ansible forks next.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.freeze()
            gc.enable()


class HostWriter:
    """Adds hosts with their variables and groups. All hosts must have variables of the same names.

    The first host's variables go through the inventory, which checks and tags them. If that leaves them unchanged
    in the host, and no text became a template, the others' are set on the host at once.
    """

    def __init__(self, inventory: Any) -> None:
        self.inventory = inventory
        # The inventory is a proxy on some cores, whose attribute access takes as long as the work itself.
        self.hosts, self.groups = inventory.hosts, inventory.groups
        self.direct: bool | None = None

    def add(self, name: str, variables: Mapping[str, Any], groups: Iterable[str]) -> None:
        self.inventory.add_host(name)
        host = self.hosts[name]
        if self.direct:
            host.vars.update(variables)
        else:
            for key, value in variables.items():
                self.inventory.set_variable(name, key, value)
            if self.direct is None:
                self.direct = host.vars.__class__ is dict and all(
                    key in host.vars and _alike(host.vars[key], value) for key, value in variables.items()
                )
        for group in groups:
            self.groups[group].add_host(host)


def _alike(kept: Any, given: Any) -> bool:
    """Whether the inventory kept a value unchanged, and its text as text."""
    if isinstance(given, dict):
        return (
            isinstance(kept, dict)
            and kept.keys() == given.keys()
            and all(_alike(kept[key], given[key]) for key in given)
        )
    if isinstance(given, list):
        return isinstance(kept, list) and len(kept) == len(given) and all(map(_alike, kept, given))
    return bool(kept == given) and not is_trusted_as_template(kept)


class QuickConstructed(Constructable):
    """compose, groups and keyed_groups for many hosts; the results are those of ansible-core's own Constructable."""

    inventory: Any

    def start_constructing(
        self,
        compose: Mapping[str, str],
        groups: Mapping[str, str],
        keyed_groups: list[Any],
        reserved: Collection[str] = (),
    ) -> None:
        """The options, which are the same for every host. C(reserved): names that no keyed group may have.

        A tag's value may become a group's name: it must not add its host to a group that means something else.
        """
        self._reserved = {*reserved, *map(self._parent_name, keyed_groups)}
        self._renamed: set[str] = set()
        self._strict = self.get_option("strict")
        self._paths: dict[Any, tuple[str, ...] | None] = {}
        # The user's extra variables may override one of ours.
        self._plain = not self.get_option("use_extra_vars")
        self._as_given: dict[str, bool] = {}
        self._compositions, self._conditions = compose, groups
        # Each with the path of its key, and by value the functions that add a host to its groups.
        self._keyed: list[tuple[Any, Any, dict[str, list[Callable[[Any], Any]]]]] = [
            (keyed, self._path(keyed.get("key")) if isinstance(keyed, dict) else None, {}) for keyed in keyed_groups
        ]

    def _parent_name(self, keyed: Any) -> str:
        parent = keyed.get("parent_group") if isinstance(keyed, dict) else None
        try:
            return self._sanitize_group_name(self.templar.template(parent)) if parent else ""
        except AnsibleError:
            return ""  # ansible-core says what is wrong with it when it needs it

    def renamed_groups(self) -> list[str]:
        if not self._renamed:
            return []
        groups = ", ".join(sorted(self._renamed))
        return [
            f"keyed_groups: a tag's value is the name of another group; its hosts are in {groups} instead. Set a prefix."
        ]

    def construct(self, name: str, variables: Mapping[str, Any]) -> None:
        """Apply the options to one host."""
        if not (self._compositions or self._conditions or self._keyed):
            return
        host = self.inventory.hosts[name]
        for variable, template in self._compositions.items():
            self._set_composed(variable, template, variables, host)
        if self._conditions:
            everything = {**variables, **host.vars}
            self._add_host_to_composed_groups(
                self._conditions, everything, name, strict=self._strict, fetch_hostvars=False
            )
        for keyed, path, known in self._keyed:
            value = _look_up(path, host.vars)
            if isinstance(value, str) and value in known:
                for add in known[value]:
                    add(host)
                continue
            groups = self._add_to_keyed_groups(keyed, {**variables, **host.vars}, name)
            if isinstance(value, str):
                known[value] = groups

    def _set_composed(self, variable: str, template: Any, variables: Mapping[str, Any], host: Any) -> None:
        value = _look_up(self._path(template), variables)
        plain = isinstance(value, (str, bool))
        if plain and self._as_given.get(variable):
            host.vars[variable] = value
            return
        self._set_composite_vars({variable: template}, variables, host.name, strict=self._strict)
        if plain and variable not in self._as_given:
            kept = host.vars
            self._as_given[variable] = kept.__class__ is dict and variable in kept and _alike(kept[variable], value)

    def _add_to_keyed_groups(self, keyed: Any, variables: Mapping[str, Any], name: str) -> list[Callable[[Any], Any]]:
        """As ansible-core does it; returns the functions that add a host to the groups that it chose."""
        recorder: Any = _Recorder(self.inventory, self._reserved)
        self.inventory = recorder
        try:
            self._add_host_to_keyed_groups([keyed], variables, name, strict=self._strict, fetch_hostvars=False)
        finally:
            self.inventory = recorder.inventory
            self._renamed |= recorder.renamed
        return [self.inventory.groups[group].add_host for group in recorder.groups]

    def _compose(self, template: Any, variables: Any, *more: Any, **named: Any) -> Any:
        path = self._path(template)
        value = _look_up(path, variables)
        if isinstance(value, (str, bool)):
            return value
        if path is not None and value is ABSENT and not self._strict:
            raise KeyError(template)
        return super()._compose(template, variables, *more, **named)

    def _path(self, template: Any) -> tuple[str, ...] | None:
        """The keys of an expression that is a plain lookup in our variables; None for any other."""
        if template not in self._paths:
            plain = self._plain and isinstance(template, str) and PATH.fullmatch(template)
            self._paths[template] = _keys(template) if plain else None
        return self._paths[template]


ABSENT = object()


def _keys(template: str) -> tuple[str, ...] | None:
    first = re.match(r"\w+", template)
    rest = [attribute or item for attribute, item in PART.findall(template)]
    # Jinja finds a dict's methods before its keys.
    return None if first is None or any(hasattr(dict, key) for key in rest) else (first[0], *rest)


def _look_up(path: tuple[str, ...] | None, variables: Any) -> Any:
    """The value at a path; C(ABSENT) if there is no value or no path."""
    if not path:
        return ABSENT
    value = variables
    try:
        for key in path:
            value = value[key]
    except (KeyError, TypeError):
        return ABSENT
    return value


class _Recorder:
    """The inventory, noting to which groups a host is added, and giving another name to keyed groups with a reserved one."""

    def __init__(self, inventory: Any, reserved: Collection[str]) -> None:
        self.inventory = inventory
        self.reserved = reserved
        self.groups: list[str] = []
        self.renamed: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inventory, name)

    def add_group(self, group: str) -> Any:
        """Reserved names are those of parents too, so that nothing is created before it is known what the name is for."""
        if group not in self.reserved:
            return self.inventory.add_group(group)
        return f"{group}_"

    def add_host(self, host: str, group: str | None = None, *more: Any) -> Any:
        if group is not None:
            group = self.inventory.add_group(group)
            if group[:-1] in self.reserved:
                self.renamed.add(group)
            self.groups.append(group)
        return self.inventory.add_host(host, group, *more)

    def add_child(self, group: str, child: str) -> Any:
        return self.inventory.add_child(self.inventory.add_group(group), child)
