# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filling an inventory quickly gives the same result as ansible-core, and text from AWS stays text."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.inventory import manager
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible.template import is_trusted_as_template, trust_as_template
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.plugin_utils.inventory import HostWriter, QuickConstructed

HOSTILE = "{{ 7 * 6 }}"
ROW = {"gd_region": "eu-west-1", "gd_tags": {"env": HOSTILE}, "gd_vpc_id": None, "gd_blockers": [HOSTILE]}
OPTIONS = {"strict": False, "use_extra_vars": False, "leading_separator": True}


class Plain(BaseInventoryPlugin, Constructable):
    """ansible-core's way, host by host."""

    NAME = "fleetsec.guardduty.ec2"

    def start_constructing(self, compose: Any, groups: Any, keyed_groups: Any) -> None:
        self.constructed = (compose, groups, keyed_groups)

    def construct(self, name: str, variables: Any) -> None:
        compose, groups, keyed_groups = self.constructed
        strict = self.get_option("strict")
        self._set_composite_vars(compose, variables, name, strict=strict)
        self._add_host_to_composed_groups(groups, variables, name, strict=strict)
        self._add_host_to_keyed_groups(keyed_groups, variables, name, strict=strict)


class Quick(QuickConstructed, BaseInventoryPlugin):
    NAME = "fleetsec.guardduty.ec2"


class Slowly(HostWriter):
    """A writer that never sets variables directly."""

    def add(self, *arguments: Any) -> None:
        self.direct = False
        super().add(*arguments)


def inventory_for(plugin: BaseInventoryPlugin) -> InventoryData:
    """What a plugin's parse() gets: since ansible-core 2.19 that marks text while variables are set."""
    data = InventoryData()
    wrapper = getattr(manager, "_InventoryDataWrapper", None)
    if wrapper is None:
        return data
    return wrapper(data, target_plugin=plugin, origin=manager.Origin(description="a test"))


def filled(
    kind: type[Any], writing: type[HostWriter], hosts: list[dict[str, Any]], options: dict[str, Any]
) -> dict[str, Any]:
    """The inventory that a plugin with these options makes of these hosts, or its error's kind."""
    plugin = kind()
    plugin._options = {**OPTIONS, **options}
    inventory = inventory_for(plugin)
    BaseInventoryPlugin.parse(plugin, inventory, DataLoader(), "x.guardduty.yml")
    keyed = [{"separator": "_", **entry} for entry in options.get("keyed_groups", [])]
    plugin.start_constructing(options.get("compose", {}), options.get("groups", {}), keyed)
    groups = [inventory.add_group(name) for name in ("gd_wanted", "gd_blocked")]
    writer = writing(inventory)
    try:
        for number, variables in enumerate(hosts):
            writer.add(f"host{number}", variables, groups[: number % 3])
            plugin.construct(f"host{number}", variables)
    except AnsibleError as error:
        return {"error": type(error)}
    inventory.reconcile_inventory()
    return {
        "vars": {name: host.get_vars() for name, host in inventory.hosts.items()},
        "groups": {name: [host.name for host in group.hosts] for name, group in inventory.groups.items()},
        "children": {name: [child.name for child in group.child_groups] for name, group in inventory.groups.items()},
        "of hosts": {name: {group.name for group in host.get_groups()} for name, host in inventory.hosts.items()},
        "trusted": trusted([host.vars for host in inventory.hosts.values()]),
    }


def trusted(value: Any) -> list[str]:
    """The texts within a value that would be templated."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in trusted(item)]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in trusted(item)]
    return [value] if is_trusted_as_template(value) else []


texts = st.sampled_from(["", "a", "prod", "eu-west-1", HOSTILE, "{% raw %}", "a b/c", "é", "None"])
tags = st.dictionaries(st.sampled_from(["env", "items", "cost-center", "app:tier", "Name"]), texts, max_size=4)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "gd_region": texts,
            "gd_tags": tags,
            "gd_vpc_id": st.none() | texts,
            "gd_wanted": st.booleans(),
            "gd_blockers": st.lists(texts, max_size=2),
        }
    ),
    max_size=5,
)
PATHS = [
    *("gd_region", "gd_tags.env", "gd_tags['cost-center']", 'gd_tags["app:tier"]', "gd_tags.items", "gd_tags['items']"),
    *("gd_vpc_id", "gd_wanted", "gd_blockers", "gd_tags", "gd_none", "gd_region.x", "gd_tags.env.x", "gd_none.x"),
    *("gd_region ~ '/' ~ gd_vpc_id", "inventory", "true", "'fixed'", "gd_tags.env | default('none')", "gd_region[0]"),
]
paths = st.sampled_from(PATHS).map(trust_as_template)
keyed_groups = st.lists(
    st.fixed_dictionaries(
        {"key": paths},
        optional={
            "prefix": st.sampled_from(["", "p"]),
            "default_value": st.just("none"),
            "parent_group": st.sampled_from(["every", trust_as_template("{{ gd_region }}")]),
        },
    ),
    max_size=3,
)
options = st.fixed_dictionaries(
    {
        "strict": st.booleans(),
        "leading_separator": st.booleans(),
        "compose": st.dictionaries(st.sampled_from(["owner", "ansible_host", "gd_region"]), paths, max_size=2),
        "groups": st.just({"west": trust_as_template("gd_region == 'eu-west-1'")}),
        "keyed_groups": keyed_groups,
    }
)


TWICE = [{"key": trust_as_template("gd_region"), "prefix": prefix} for prefix in ("one", "two")]
HIDING = {"gd_region": trust_as_template("'{{ 1 + 1 }}'")}


@given(rows, options)
@example([ROW, ROW], {"keyed_groups": TWICE})
@example([ROW, ROW], {"keyed_groups": TWICE, "compose": HIDING})
def test_it_is_the_inventory_that_ansible_core_makes(hosts: list[dict[str, Any]], chosen: dict[str, Any]) -> None:
    assert filled(Quick, HostWriter, hosts, chosen) == filled(Plain, Slowly, hosts, chosen)


def row(**more: Any) -> dict[str, Any]:
    return {**ROW, **more}


def test_text_of_aws_is_never_trusted() -> None:
    hosts = [row(), row(gd_region=HOSTILE), row()]
    chosen = {
        "compose": {"owner": trust_as_template("gd_tags.env"), "both": trust_as_template("gd_tags.env ~ gd_region")},
        "keyed_groups": [{"key": trust_as_template("gd_tags.env"), "prefix": "env"}],
    }
    for kind, writing in ((Quick, HostWriter), (Plain, Slowly)):
        made = filled(kind, writing, hosts, chosen)
        assert made["trusted"] == []
        assert [variables["owner"] for variables in made["vars"].values()] == [HOSTILE] * 3


def test_variables_are_set_directly_if_the_inventory_keeps_them_unchanged() -> None:
    inventory = inventory_for(Quick())
    writer = HostWriter(inventory)
    writer.add("one", row(), [])
    assert writer.direct is True


@pytest.mark.parametrize("changed", ["another value", "a template"])
def test_an_inventory_that_does_more_with_variables_is_left_to_do_it(changed: str) -> None:
    class Other(InventoryData):
        def set_variable(self, entity: str, varname: str, value: Any) -> None:
            if varname == "gd_region":
                value = trust_as_template(value) if changed == "a template" else f"{value}!"
            super().set_variable(entity, varname, value)

    inventory = Other()
    writer = HostWriter(inventory)
    for name in ("one", "two"):
        writer.add(name, row(), [])
    assert writer.direct is False
    assert inventory.hosts["two"].vars["gd_region"] == inventory.hosts["one"].vars["gd_region"]


def test_a_value_that_comes_again_costs_no_template() -> None:
    plugin = Quick()
    plugin._options = OPTIONS
    inventory = inventory_for(plugin)
    BaseInventoryPlugin.parse(plugin, inventory, DataLoader(), "x.guardduty.yml")
    plugin.start_constructing({"owner": "gd_tags.env"}, {}, [{"key": "gd_tags.env", "prefix": "env", "separator": "_"}])
    plugin.templar = None
    inventory.add_group("env_prod")
    writer = HostWriter(inventory)
    plugin._keyed[0][2]["prod"] = [inventory.groups["env_prod"].add_host]
    writer.add("one", row(gd_tags={"env": "prod"}), [])
    plugin.construct("one", row(gd_tags={"env": "prod"}))
    assert inventory.hosts["one"].vars["owner"] == "prod"
    assert [group.name for group in inventory.hosts["one"].get_groups()] == ["env_prod"]
