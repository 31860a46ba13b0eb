# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This tree keeps the rules of the rooms, and each rule finds the mistake that it is meant to find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import rooms
from told import expect_none
from tree import ROOT, files

Rule = Callable[[Path], list[str]]
RULES: list[Rule] = [
    rooms.wrong_imports,
    rooms.amazon_elsewhere,
    rooms.clocks_and_files,
    rooms.writes_elsewhere,
    rooms.long_modules,
    rooms.too_new_for_hosts,
]
OWN = "from ansible_collections.fleetsec.guardduty.plugins.module_utils"
MISTAKES: list[tuple[Rule, str, str]] = [
    (rooms.wrong_imports, "plugins/module_utils/decide/a.py", "import boto3"),
    (rooms.wrong_imports, "plugins/module_utils/decide/a.py", "from botocore.exceptions import ClientError"),
    (rooms.wrong_imports, "plugins/module_utils/decide/a.py", "from ansible.module_utils.basic import AnsibleModule"),
    (rooms.wrong_imports, "plugins/module_utils/decide/a.py", "def f():\n    import time"),
    (rooms.wrong_imports, "plugins/module_utils/decide/a.py", "from ..observe import ec2"),
    (rooms.wrong_imports, "plugins/module_utils/decide/a.py", f"{OWN}.converge.run import converge"),
    (rooms.wrong_imports, "plugins/module_utils/decide/a.py", f"{OWN} import aws"),
    (rooms.wrong_imports, "plugins/module_utils/model/a.py", "import pathlib"),
    (rooms.wrong_imports, "plugins/module_utils/observe/a.py", f"{OWN}.decide.verdict.catalogue import X"),
    (rooms.wrong_imports, "plugins/module_utils/observe/a.py", f"{OWN}.aws import session"),
    (rooms.wrong_imports, "plugins/module_utils/observe/a.py", "from ansible.errors import AnsibleError"),
    (
        rooms.amazon_elsewhere,
        "plugins/modules/a.py",
        "from ansible_collections.amazon.aws.plugins.module_utils import x",
    ),
    (rooms.amazon_elsewhere, "plugins/module_utils/observe/a.py", "import ansible_collections.amazon.aws"),
    (rooms.clocks_and_files, "plugins/module_utils/decide/a.py", "import datetime\nt = datetime.datetime.now()"),
    (rooms.clocks_and_files, "plugins/module_utils/model/a.py", "x = open('f')"),
    (rooms.writes_elsewhere, "plugins/module_utils/observe/a.py", "client.create_tags(Resources=[])"),
    (rooms.writes_elsewhere, "plugins/module_utils/aws.py", "getattr(client, 'modify_vpc_endpoint')()"),
    (rooms.writes_elsewhere, "plugins/modules/a.py", "client.start_associations_once(AssociationIds=[])"),
    (rooms.writes_elsewhere, "plugins/inventory/a.py", "call(client, 'update_detector')"),
    (rooms.writes_elsewhere, "plugins/module_utils/host/a.py", "client.create_connection(Name='x')"),
    (rooms.wrong_imports, "plugins/module_utils/decide/deeper/a.py", "import socket"),
    (rooms.wrong_imports, "plugins/module_utils/host/a.py", f"{OWN}.decide.verdict.catalogue import X"),
    (rooms.wrong_imports, "plugins/module_utils/host/a.py", "import boto3"),
    (rooms.too_new_for_hosts, "plugins/module_utils/host/a.py", "match 1:\n    case 1:\n        pass"),
    (rooms.too_new_for_hosts, "plugins/modules/a.py", f"{OWN}.host.agent import X\n{OWN}.model.fleet import Y"),
    (rooms.long_modules, "plugins/modules/a.py", "\n".join(f"x{i} = {i}" for i in range(61))),
]
ALLOWED: list[tuple[Rule, str, str]] = [
    (
        rooms.wrong_imports,
        "plugins/module_utils/decide/a.py",
        f"{OWN}.decide.verdict.catalogue import X\n{OWN}.model.fleet import Y",
    ),
    (rooms.wrong_imports, "plugins/module_utils/decide/a.py", "from datetime import datetime\nfrom .plan import X"),
    (rooms.wrong_imports, "plugins/module_utils/observe/a.py", f"import boto3, time\n{OWN}.model.fleet import Y"),
    (rooms.wrong_imports, "plugins/module_utils/host/a.py", f"import os, urllib.request\n{OWN}.host.agent import Y"),
    (
        rooms.too_new_for_hosts,
        "plugins/modules/a.py",
        f"{OWN}.model.fleet import Y\nmatch 1:\n    case 1:\n        pass",
    ),
    (rooms.amazon_elsewhere, "plugins/module_utils/aws.py", "import ansible_collections.amazon.aws"),
    (rooms.writes_elsewhere, "plugins/module_utils/converge/a.py", "client.create_tags(Resources=[])"),
    (rooms.writes_elsewhere, "plugins/module_utils/observe/a.py", "client.describe_instances()"),
    (rooms.writes_elsewhere, "plugins/module_utils/host/a.py", "socket.create_connection(('x', 443))"),
    (rooms.long_modules, "plugins/modules/a.py", "DOCUMENTATION = '''\n" + "x\n" * 99 + "'''\n# a\n\nx = 1"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    expect_none(rule(ROOT))


@pytest.mark.parametrize(("rule", "path", "code"), MISTAKES)
def test_the_rule_sees_the_mistake(rule: Rule, path: str, code: str, tmp_path: Path) -> None:
    write(tmp_path / path, code)
    assert len(rule(tmp_path)) == 1


@pytest.mark.parametrize(("rule", "path", "code"), ALLOWED)
def test_the_rule_lets_good_code_pass(rule: Rule, path: str, code: str, tmp_path: Path) -> None:
    write(tmp_path / path, code)
    assert rule(tmp_path) == []


def test_the_rules_have_something_to_look_at() -> None:
    assert all(files(ROOT, room.pattern) for room in rooms.ROOMS)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text + "\n", encoding="utf-8")
