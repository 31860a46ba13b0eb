# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated AWS and the real ansible commands, as tests speak to them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import warm

ROOT = Path(__file__).resolve().parents[2]
FLEETS = ROOT / "tests" / "fleets"
SITE = Path(__file__).with_name("site")
TIMEOUT = 300  # seconds
READ_ACTIONS = ("Describe", "Get", "List", "Assume")
# Long and unusual: Ansible masks a secret wherever its text appears in a result.
SECRET = "emulated-secret-that-appears-nowhere-else-4711"


@dataclass(frozen=True)
class Run:
    """What an ansible command said."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        return load_json(self.stdout)

    @property
    def tasks(self) -> dict[str, dict[str, Any]]:
        """The result of each task on localhost, by task name."""
        return {
            task["task"]["name"]: result
            for play in self.document["plays"]
            for task in play["tasks"]
            for result in task["hosts"].values()
        }

    @property
    def stats(self) -> dict[str, Any]:
        """What set_stats handed over."""
        return self.document["global_custom_stats"]

    def ok(self) -> Run:
        assert self.returncode == 0, f"{self.stdout[-6000:]}\n{self.stderr[-3000:]}"
        return self


def load_json(text: str) -> Any:
    """JSON as Ansible prints it: text that must not be templated is wrapped, which says nothing of its value."""
    return json.loads(text, object_hook=lambda item: item.get("__ansible_unsafe", item))


class EmulatedAws:
    """The server of this test run, seen through its admin API."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url

    def load(self, fleet: str | Path) -> None:
        """A new world, from a fleet file or from its text."""
        text = fleet.read_text(encoding="utf-8") if isinstance(fleet, Path) else textwrap.dedent(fleet)
        self._ask("POST", "fleet", text)

    def calls(self) -> dict[str, int]:
        """Every call since the last clear(), as service:Operation to count. STS is left out: it depends on the roles."""
        return {name: count for name, count in self._ask("GET", "calls").items() if not name.startswith("sts:")}

    def writes(self) -> dict[str, int]:
        return {name: n for name, n in self.calls().items() if not name.partition(":")[2].startswith(READ_ACTIONS)}

    def log(self) -> list[dict[str, Any]]:
        return self._ask("GET", "log")

    def clear(self) -> None:
        self._ask("DELETE", "log")

    def faults(self, *rules: Mapping[str, Any]) -> None:
        self._ask("POST", "faults", json.dumps(rules))

    def violations(self) -> Any:
        return self._ask("GET", "violations")

    def _ask(self, method: str, what: str, body: str | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.endpoint_url}/_world/{what}", data=body.encode() if body is not None else None, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error


@dataclass(frozen=True)
class Ansible:
    """The ansible commands, in an environment that holds nothing of the caller's."""

    aws: EmulatedAws
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "500",
            "AWS_ENDPOINT_URL": self.aws.endpoint_url,
            "AWS_ACCESS_KEY_ID": "AKIAEMULATEDCALLER00",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(home / "aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(home / "aws-credentials"),
            "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".cache")),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_SHOW_CUSTOM_STATS": "true",
            "ANSIBLE_HOME": warm.home(),
            "ANSIBLE_PIPELINING": "true",
            **bytecode_cache(),
        }

    def run(self, command: str, *arguments: str, env: Mapping[str, str | None] | None = None) -> Run:
        own = (env or {}).keys() - {"ANSIBLE_STDOUT_CALLBACK"}
        return run_ansible([command, *arguments], {**self.environment, **(env or {})}, self.folder, own)

    def playbook(
        self,
        playbook: str,
        *arguments: str,
        env: Mapping[str, str | None] | None = None,
        **extra_vars: Any,
    ) -> Run:
        """Run a playbook of the collection by name, or the tasks of a play on localhost given as YAML text."""
        if "\n" in playbook:
            written = self.folder / "play.yml"
            written.write_text(PLAY + textwrap.indent(textwrap.dedent(playbook), "    "), encoding="utf-8")
            playbook = str(written)
        merged = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", **(env or {})}
        given = ["-e", json.dumps(extra_vars)] if extra_vars else []
        return self.run("ansible-playbook", playbook, *given, *arguments, env=merged)

    def inventory(
        self, config: str | Mapping[str, Any], *arguments: str, env: Mapping[str, str | None] | None = None
    ) -> Run:
        """Run ansible-inventory on a configuration of fleetsec.guardduty.ec2."""
        path = self.folder / "fleet.guardduty.yml"
        text = textwrap.dedent(config) if isinstance(config, str) else json.dumps(config)
        path.write_text(
            f"plugin: fleetsec.guardduty.ec2\n{text}" if isinstance(config, str) else text, encoding="utf-8"
        )
        return self.run("ansible-inventory", "-i", str(path), *(arguments or ("--list",)), env=env)


def bytecode_cache() -> dict[str, str]:
    """The variables with which site/sitecustomize.py keeps the bytecode of packed modules."""
    folder = ROOT / ".cache" / "bytecode"
    folder.mkdir(exist_ok=True)
    return {"PYTHONPATH": str(SITE), "FLEETSEC_BYTECODE": str(folder)}


def run_ansible(
    words: Sequence[str], variables: Mapping[str, str | None], folder: Path, own: Collection[str] = ()
) -> Run:
    """Run an ansible command. C(own): names of the variables in which this run differs from others of the session."""
    given = {name: value for name, value in variables.items() if value is not None}
    command = [str(Path(sys.executable).with_name(words[0])), *words[1:]]
    if any(name.startswith("ANSIBLE_") for name in own):
        done = subprocess.run(
            command, cwd=folder, env=given, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    else:
        done = warm.run(command, given, folder, TIMEOUT)
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    return Run(done.returncode, done.stdout, done.stderr)


PLAY = """\
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/fleetsec.guardduty.guardduty:
      regions: [eu-west-1]
  tasks:
"""


def role_arns(accounts: Sequence[str], role: str = "FleetSec") -> list[str]:
    return [f"arn:aws:iam::{account}:role/{role}" for account in accounts]
