# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is compared with what: the same work as each contender's user would ask for it."""

from __future__ import annotations

import json
import marshal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OURS, LESS, PEER, ALIKE, FLOOR, DIRECT, BARE, EMPTY = (
    "fleetsec.guardduty",
    "fleetsec.guardduty, coverage: false",
    "amazon.aws",
    "amazon.aws, alike",
    "floor",
    "floor, direct",
    "bare",
    "empty play",
)
INVENTORY = ("ansible-inventory", "-i")
UTILS = "ansible_collections.fleetsec.guardduty.plugins.modules"

# The same six keyed groups and two composed variables, each in the words of its inventory. Ours makes its own groups without
# being asked; C(ALIKE) has those of them that the peer's data suffice for, by which tag an instance has.
OURS_CONFIG = {
    "plugin": "fleetsec.guardduty.ec2",
    "filters": {"instance-state-name": "running"},
    "hostnames": ["instance-id"],
    "keyed_groups": [
        {"key": key, "prefix": key.rpartition(".")[2]}
        for key in ("gd_tags.env", "gd_tags.role", "gd_tags.team", "gd_instance_type", "gd_region", "gd_vpc_id")
    ],
    "compose": {"ansible_host": "gd_private_ip", "owner": "gd_tags.owner"},
}
PEER_CONFIG: dict[str, Any] = {
    "plugin": "amazon.aws.aws_ec2",
    "filters": {"instance-state-name": "running"},
    "hostnames": ["instance-id"],
    "keyed_groups": [
        {"key": key, "prefix": key.rpartition(".")[2]}
        for key in ("tags.env", "tags.role", "tags.team", "instance_type", "placement.region", "vpc_id")
    ],
    "compose": {"ansible_host": "private_ip_address", "owner": "tags.owner"},
}
ALIKE_GROUPS = {
    "gd_included": "tags.GuardDutyManaged | default('') == 'true'",
    "gd_excluded": "tags.GuardDutyManaged | default('') == 'false'",
    "gd_absent": "'GuardDutyManaged' not in tags",
    "gd_ineffective": "tags.GuardDutyManaged | default('true') not in ['true', 'false']",
}


@dataclass(frozen=True)
class Command:
    """A command, the inventory plugin it uses, and how many hosts must be in what it prints (None: nothing is counted)."""

    words: tuple[str, ...]
    plugin: str = "host_list"
    hosts: int | None = None

    def check(self, text: str) -> None:
        if self.hosts is None:
            return
        if "--graph" in self.words:
            found = len({line.rpartition("--")[2] for line in text.splitlines() if "--i-" in line})
        else:
            found = len(json.loads(text)["_meta"]["hostvars"])
        if found != self.hosts:
            raise RuntimeError(f"{' '.join(self.words)} printed {found} hosts; there are {self.hosts}")


def inventories(folder: Path, regions: Sequence[str], roles: Sequence[str] = ()) -> None:
    """Write the configuration of each contender."""
    ours = {**OURS_CONFIG, "regions": [*regions], "assume_role_arns": [*roles]}
    (folder / "ours.guardduty.yml").write_text(json.dumps(ours), encoding="utf-8")
    (folder / "less.guardduty.yml").write_text(json.dumps({**ours, "coverage": False}), encoding="utf-8")
    peer = {**PEER_CONFIG, "regions": [*regions]}
    (folder / "peer.aws_ec2.yml").write_text(json.dumps(peer), encoding="utf-8")
    (folder / "alike.aws_ec2.yml").write_text(json.dumps({**peer, "groups": ALIKE_GROUPS}), encoding="utf-8")
    for name, direct in (("through", False), ("direct", True)):
        floor = {"plugin": "floor", "data": str(folder / "floor.data"), "direct": direct}
        (folder / f"{name}.floor.yml").write_text(json.dumps(floor), encoding="utf-8")


CONFIGS = {
    OURS: ("ours.guardduty.yml", "fleetsec.guardduty.ec2"),
    LESS: ("less.guardduty.yml", "fleetsec.guardduty.ec2"),
    PEER: ("peer.aws_ec2.yml", "amazon.aws.aws_ec2"),
    ALIKE: ("alike.aws_ec2.yml", "amazon.aws.aws_ec2"),
    FLOOR: ("through.floor.yml", "floor"),
    DIRECT: ("direct.floor.yml", "floor"),
}


def inventory(who: str, form: str, hosts: int) -> Command:
    config, plugin = CONFIGS[who]
    return Command((*INVENTORY, config, *form.split()), plugin, hosts)


def write_floor(folder: Path, printed: str) -> None:
    """The hosts, variables and groups that ansible-inventory --list printed, as the floor's plugin reads them."""
    document: dict[str, Any] = json.loads(printed, object_hook=lambda item: item.get("__ansible_unsafe", item))
    made = ("inventory_dir", "inventory_file")
    hosts = {
        name: {key: value for key, value in variables.items() if key not in made}
        for name, variables in document.pop("_meta")["hostvars"].items()
    }
    groups = {name: group.get("hosts", []) for name, group in document.items() if name not in ("all", "ungrouped")}
    groups = {name: [] for name in document["all"]["children"] if name != "ungrouped"} | groups
    (folder / "floor.data").write_bytes(marshal.dumps({"hosts": hosts, "groups": groups}))


def play(folder: Path, name: str, *tasks: Mapping[str, Any]) -> Command:
    """A playbook on localhost, without facts."""
    written = [{"hosts": "localhost", "gather_facts": False, "connection": "local", "tasks": [*tasks]}]
    (folder / f"{name}.yml").write_text(json.dumps(written), encoding="utf-8")
    return Command(("ansible-playbook", "-i", "localhost,", f"{name}.yml"))


def tags_in_bulk(folder: Path, ids: Sequence[str], **tags: str) -> Command:
    module = {"regions": ["eu-west-1"], "instance_ids": [*ids], "tags": tags, "verdicts": False}
    return play(folder, "tags_in_bulk", {"fleetsec.guardduty.instance_tags": module})


def tags_in_a_loop(folder: Path, ids: Sequence[str], **tags: str) -> Command:
    task = {"amazon.aws.ec2_tag": {"region": "eu-west-1", "resource": "{{ item }}", "tags": tags}, "loop": [*ids]}
    return play(folder, "tags_in_a_loop", task)


def endpoints_in_bulk(folder: Path, vpc_ids: Sequence[str]) -> Command:
    module = {"regions": ["eu-west-1"], "vpc_ids": [*vpc_ids], "tags": {"owner": "security"}}
    return play(folder, "endpoints_in_bulk", {"fleetsec.guardduty.vpc_endpoint": module})


def endpoints_in_a_loop(folder: Path, vpc_ids: Sequence[str]) -> Command:
    module = {
        "region": "eu-west-1",
        "vpc_id": "{{ item }}",
        "service": "com.amazonaws.eu-west-1.guardduty-data",
        "vpc_endpoint_type": "Interface",
        "tags": {"owner": "security"},
    }
    return play(folder, "endpoints_in_a_loop", {"amazon.aws.ec2_vpc_endpoint": module, "loop": [*vpc_ids]})


def empty_play(folder: Path) -> Command:
    return play(folder, "empty")


def module(name: str, arguments: Mapping[str, Any]) -> Command:
    """A module alone in its process."""
    runner = Path(__file__).with_name("module.py")
    return Command(("python", str(runner), name, json.dumps(arguments)))


def reads(who: str) -> Command:
    if who == BARE:
        return module("bare_reads", {})
    return module(f"{UTILS}.eligibility_info", {"regions": ["eu-west-1"]})
