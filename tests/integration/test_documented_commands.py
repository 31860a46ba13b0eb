# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs what README.md and the guides tell a user to type, unchanged: commands, tasks and inventory files."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from harness import ROOT, Ansible, EmulatedAws

pytestmark = pytest.mark.story

README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDES = sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst"))
# pip and ansible-galaxy are run by .ci/run, make is what runs this, tests/awx runs what speaks to AWX, tests/eda runs
# ansible-rulebook, and aws, podman and a shell of your own belong to somebody else.
ELSEWHERE = ("ansible-builder", "ansible-galaxy", "ansible-rulebook", "aws", "export", "make", "pip", "podman")
OF_AWX = "fleetsec.guardduty.awx_setup"
BLOCK = re.compile(r"^\.\. code-block:: (?P<language>\w+)\n\n(?P<body>(?:(?:   .*)?\n)+)", re.MULTILINE)
INDENTED = re.compile(r"(?:^(?: {4,}.*)?\n)+", re.MULTILINE)
SOME_VPC = "vpc-0123456789abcdef0"
AREA = """
        guardduty: {}
        vpcs: {shop: {cidr: 10.0.0.0/16, subnets: {a: %(region)sa}}}
        instances:
          - {name: web, vpc: shop, ssm: online, tags: {role: web, wave: "1"}}
          - {name: build, vpc: shop, ssm: online, tags: {role: build}}
"""
# Both accounts, every region and the role that the documentation names; all of it can be covered.
FLEET = "organization: {id: o-exampleorgid, management_account: '111111111111'}\naccounts:\n" + "".join(
    f"  '{account}':\n    roles: [FleetSec]\n    regions:\n"
    + "".join(f"      {region}:{AREA % {'region': region}}" for region in ("eu-west-1", "us-east-1", "eu-central-1"))
    for account in ("111111111111", "222222222222")
)
# The pages whose first account administers GuardDuty in the other.
ADMINISTERED = ("guide_organization",)


@dataclass(frozen=True)
class Page:
    """The commands and the YAML files of a page."""

    name: str
    commands: tuple[list[str], ...]
    texts: tuple[str, ...]

    @property
    def fleet(self) -> str:
        if self.name not in ADMINISTERED:
            return FLEET
        return FLEET.replace("management_account:", "guardduty_administrator: '111111111111', management_account:")

    @property
    def tasks(self) -> list[dict[str, object]]:
        return [task for text in self.texts if text.startswith("- ") for task in yaml.safe_load(text)]

    @property
    def inventories(self) -> list[str]:
        return [text for text in self.texts if text.startswith("plugin:")]

    @property
    def variables(self) -> list[str]:
        return [text for text in self.texts if text.startswith("regions:")]


def guide(path: Path) -> Page:
    blocks = [(found["language"], textwrap.dedent(found["body"])) for found in BLOCK.finditer(path.read_text())]
    commands = [shlex.split(line) for kind, body in blocks if kind == "shell" for line in body.splitlines() if line]
    return Page(path.stem, tuple(commands), tuple(body for kind, body in blocks if kind == "yaml"))


def readme() -> Page:
    bodies = [textwrap.dedent(found[0]).strip() for found in INDENTED.finditer(README)]
    commands = [line for body in bodies for line in body.splitlines() if re.match(r"(ansible-|pip |make )", line)]
    return Page(
        "README",
        tuple(shlex.split(line, comments=True) for line in commands),
        tuple(body for body in bodies if body.startswith("plugin:")),
    )


PAGES = [readme(), *map(guide, GUIDES)]


def to_run() -> Iterator[tuple[Page, list[list[str]]]]:
    """Each command once, at the first page that has it."""
    seen = set()
    for page in PAGES:
        own = [words for words in page.commands if words[0] not in ELSEWHERE and OF_AWX not in words]
        fresh = [words for words in own if tuple(words) not in seen]
        # what a variables.yml says is the page's own
        seen |= {tuple(words) for words in fresh if "@variables.yml" not in words}
        if fresh:
            yield page, fresh


@pytest.mark.parametrize(("page", "commands"), [pytest.param(*pair, id=pair[0].name) for pair in to_run()])
def test_commands_run(aws: EmulatedAws, ansible: Ansible, page: Page, commands: list[list[str]]) -> None:
    run_all(aws, ansible, page, commands)


def some_vpc(ansible: Ansible) -> str:
    """The VPC that the documentation's example stands for."""
    hosts = ansible.inventory("regions: [eu-west-1]").ok().document["_meta"]["hostvars"]
    return str(next(iter(hosts.values()))["gd_vpc_id"])


def run_all(aws: EmulatedAws, ansible: Ansible, page: Page, commands: list[list[str]]) -> None:
    aws.load(page.fleet)
    for name, texts in (("fleet.guardduty.yml", page.inventories), ("variables.yml", page.variables)):
        if texts:
            text = texts[0].replace(SOME_VPC, some_vpc(ansible)) if SOME_VPC in texts[0] else texts[0]
            (ansible.folder / name).write_text(text, encoding="utf-8")
    for command, *arguments in commands:
        aws.clear()
        run = ansible.run(command, *arguments).ok()
        assert run.stdout
        reads_only = "--check" in arguments or "fleetsec.guardduty.rollout" not in arguments
        assert not (reads_only and aws.writes())


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES if page.tasks])
def test_tasks_run(aws: EmulatedAws, ansible: Ansible, page: Page) -> None:
    aws.load(page.fleet)
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": page.tasks}]
    written = ansible.folder / "tasks.yml"
    written.write_text(yaml.safe_dump(play).replace(SOME_VPC, some_vpc(ansible)), encoding="utf-8")
    run = ansible.playbook(str(written), "--check").ok()
    assert len(run.tasks) == len(page.tasks)


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES if page.inventories])
def test_inventory_files_are_read(aws: EmulatedAws, ansible: Ansible, page: Page) -> None:
    aws.load(FLEET)
    for text in page.inventories:
        options = yaml.safe_load(text)
        assert len(ansible.inventory(options).ok().document["_meta"]["hostvars"]) == 2 * len(options["regions"]) * len(
            options.get("assume_role_arns", ["own"])
        )


def test_the_readme_shows_what_the_demo_prints(tmp_path: Path) -> None:
    excerpt = textwrap.dedent(next(found[0] for found in INDENTED.finditer(README) if "Before\n" in found[0]))
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "demo" / "run.py")],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    printed = iter(map(timeless, done.stdout.splitlines()))
    assert [line for line in excerpt.split("\n") if line and timeless(line) not in printed] == []


def timeless(line: str) -> str:
    return re.sub(r"after \d+ s$", "after some time", line)


def test_nothing_is_overlooked() -> None:
    assert sum(len(commands) for _page, commands in to_run()) >= 10
    assert {words[0] for page in PAGES for words in page.commands} <= {
        "ansible-playbook",
        "ansible-inventory",
        *ELSEWHERE,
    }
    assert all(text.startswith(("- ", "plugin:", "regions:")) for page in PAGES for text in page.texts)
