# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever can tag an instance changes the row of that instance, and nothing else.

Fleets with generated hostile names, keys and values, next to a second inventory: hosts equal instances, the collection's
groups are exact, localhost and foreign hosts are untouched, and each play reaches its own addresses only.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from harness import Ansible, EmulatedAws

GROUPS = ("gd_wanted", "gd_route_package", "gd_route_ssm", "gd_route_none", "gd_blocked", "gd_absent", "gd_uncovered")
# Each is a name, a tag value and the value that becomes a group.
HOSTILE = (
    *("localhost", "127.0.0.1", "::1", "all", "ungrouped", *GROUPS, "teams", "picked"),
    *(
        "x,db-prod",
        "db-prod",
        "db-prod:all",
        "!all",
        "&all",
        "~.*",
        "*",
        "web[0:9]",
        "@/etc/passwd",
        "-i",
        "a:b",
        "..",
        ".",
    ),
    *(
        "../../etc/cron.d/x",
        "a/b",
        "{{ 7 * 6 }}",
        "{% raw %}",
        "$(id)",
        "`id`",
        "a;b",
        "\u009b31mred",
        "line\nbreak",
        "a\tb",
    ),
    *(
        "\u202egpj.exe",
        "\u0085next",
        "\u2028",
        "\u200b",
        " lead",
        "trail ",
        "",
        "web",
        "web",
        "web 1",
        "Ärzte-1",
        "a" * 256,
    ),
    *(
        '"',
        "'",
        "\\",
        "<script>alert(1)</script>",
        "=cmd()",
        "|id",
        "#",
        "%s",
        "None",
        "true",
        "1",
        "i-00000000000000001",
    ),
)
KEYS = (
    "Team",
    "Role",
    "__ansible_type",
    "__ansible_unsafe",
    "__ansible_vault",
    "ansible_host",
    "gd_route",
    "{{ x }}",
    "a\nb",
)
PATTERNS = ("gd_route_package", "gd_wanted", "{{ groups.gd_route_package }}", "{{ groups.gd_route_none }}")
STATIC = """
[databases]
db-prod ansible_host=198.51.100.7 site=here
[local]
localhost ansible_connection=local marker=ours
"""
OPTIONS: dict[str, Any] = {
    "plugin": "fleetsec.guardduty.ec2",
    "hostnames": ["tag:Name", "tag:Role"],
    "compose": {"ansible_host": "gd_private_ip", "team": "gd_tags.Team | default('')"},
    "groups": {"picked": "gd_tags.Team is defined"},
    "keyed_groups": [
        {"key": "gd_tags.Team", "prefix": "", "separator": "", "parent_group": "teams"},
        {"key": "gd_tags", "prefix": "tag"},
    ],
}


def world(seed: int, count: int = 40) -> dict[str, Any]:
    """A fleet in which every instance has its own address and hostile tags."""
    chance = random.Random(seed)
    instances = []
    for number in range(count):
        tags = {chance.choice(KEYS): chance.choice(HOSTILE) for _tag in range(chance.randrange(4))}
        tags["Name"] = chance.choice(HOSTILE)
        # XML carries no control characters below U+0020 but tab and line break. AWS takes at most 128 characters of a key
        # and 256 of a value (EC2 user guide, tag restrictions).
        # A1 is not supported, so that the groups differ.
        kind = {"type": "a1.large", "architecture": "arm64"} if number % 5 == 0 else {}
        instances.append({"name": f"n{number}", "vpc": "one", "tags": tags, **kind})
    region = {
        "guardduty": {"runtime_monitoring": True},
        "vpcs": {"one": {"subnets": {"a": "eu-west-1a"}}},
        "instances": instances,
    }
    return {"accounts": {"111111111111": {"name": "hostile", "regions": {"eu-west-1": region}}}}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cache", [False, True], ids=["read", "cached"])
def test_a_tag_changes_the_row_of_its_instance_only(aws: EmulatedAws, ansible: Ansible, seed: int, cache: bool) -> None:
    aws.load(json.dumps(world(seed)))
    (ansible.folder / "second.ini").write_text(STATIC, encoding="utf-8")
    caching = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(ansible.folder / "c")}
    config = ansible.folder / "fleet.guardduty.yml"
    config.write_text(json.dumps({**OPTIONS, **(caching if cache else {})}), encoding="utf-8")
    sources = ("-i", str(ansible.folder / "second.ini"), "-i", str(config))
    for _run in range(2 if cache else 1):
        listed = ansible.run("ansible-inventory", *sources, "--list").ok().document
    found = {name: row for name, row in listed["_meta"]["hostvars"].items() if "gd_instance_id" in row}

    # Hosts are the instances, one each, under a name that means nothing else.
    ids = [row["gd_instance_id"] for row in found.values()]
    assert len(ids) == len(set(ids)) == 40
    assert not set(found) & {"localhost", "db-prod", "all", "ungrouped", *listed}
    assert all(row["ansible_host"] == row["gd_private_ip"] for row in found.values())
    assert len({row["ansible_host"] for row in found.values()}) == 40
    assert not any(key.startswith("__ansible") for row in found.values() for key in row["gd_tags"])

    # What the other inventory says stays as it is.
    others = {name: row for name, row in listed["_meta"]["hostvars"].items() if name not in found}
    assert others["db-prod"] == {"ansible_host": "198.51.100.7", "site": "here"}
    assert others["localhost"] == {"ansible_connection": "local", "marker": "ours"}

    # The collection's groups hold what the rows say, and no pattern reaches anything else.
    routes = {route: {name for name, row in found.items() if row["gd_route"] == route} for route in ("package", "none")}
    plays = [
        {
            "hosts": pattern,
            "gather_facts": False,
            "tasks": [{"ansible.builtin.debug": {"msg": "{{ inventory_hostname }}={{ ansible_host }}"}}],
        }
        for pattern in PATTERNS
    ]
    (ansible.folder / "plays.yml").write_text(json.dumps(plays), encoding="utf-8")
    json_output = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
    ran = ansible.run("ansible-playbook", *sources, str(ansible.folder / "plays.yml"), env=json_output).ok().document
    reached = [{result["msg"] for task in play["tasks"] for result in task["hosts"].values()} for play in ran["plays"]]
    wanted = {name for name, row in found.items() if row["gd_wanted"]}
    expected = [routes["package"], wanted, routes["package"], routes["none"]]
    for pattern, hosts, names in zip(PATTERNS, reached, expected, strict=True):
        assert hosts ^ {f"{name}={found[name]['ansible_host']}" for name in names} == set(), pattern
