# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs jobs as AWX does, with ansible-runner's own parts and without AWX.

Layout, arguments and variables are those of AWX 24.6.1, awx/main/tasks/jobs.py (RunJob and RunInventoryUpdate). The worker's
directory stands for /runner of its container. ANSIBLE_COLLECTIONS_SCAN_SYS_PATH, which AWX does not set, hides the checkout,
as in an execution environment that lacks the collection.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import ansible_runner
import yaml
from harness import ROOT, Ansible

BIN = Path(sys.executable).parent
# AWX's own, with what a project's collections/requirements.yml brought in front.
COLLECTIONS = "%s/requirements_collections:~/.ansible/collections:/usr/share/ansible/collections"


class Unsafe(str):
    """Text that AWX marks so that Ansible never takes it for a template."""


class UnsafeDumper(yaml.SafeDumper):
    pass


UnsafeDumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style="'"))


def unsafe(value: Any) -> Any:
    """Extra variables as AWX writes them: every text in them, keys too, is marked."""
    if isinstance(value, Mapping):
        return {unsafe(key): unsafe(one) for key, one in value.items()}
    if isinstance(value, list):
        return [unsafe(one) for one in value]
    return Unsafe(value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Job:
    """The data that AWX stores of a run."""

    status: str
    folder: Path
    events: list[dict[str, Any]]

    @property
    def stdout(self) -> str:
        return "\n".join(event["stdout"] for event in self.events)

    @property
    def artifacts(self) -> dict[str, Any]:
        """The data of set_stats for the workflow."""
        return next(one["event_data"] for one in self.events if one["event"] == "playbook_on_stats")["artifact_data"]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [one["event_data"] for one in self.events if one["event"] == event]

    def ok(self) -> Job:
        assert self.status == "successful", self.stdout[-6000:]
        return self


@dataclass
class Awx:
    """A controller with one project, whose collections are installed."""

    ansible: Ansible
    project: Path
    collections: Path
    numbers: count[int] = field(default_factory=lambda: count(1))

    def inventory_update(self, source: str, **env: str) -> tuple[Job, dict[str, Any]]:
        """The inventory that a source of the project gives, as AWX imports it; empty where it fails."""
        number, folder, runner = self._folders()
        output = f"artifacts/{number}/output.json"
        path = runner / "project" / source
        words = ["ansible-inventory", "--list", "--export", "-i", str(path), "--output", str(runner / output)]
        (folder / "args").write_text(" ".join([*words, "--playbook-dir", str(path.parent), "-v"]))
        variables = {
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_INVENTORY_EXPORT": "True",
            "ANSIBLE_VERBOSE_TO_STDERR": "True",
            "ANSIBLE_HOST_PATTERN_MISMATCH": "error",
            # The plural, which ansible-core 2.19 and later do not read.
            "ANSIBLE_COLLECTIONS_PATHS": COLLECTIONS % runner,
            **env,
        }
        job = self._run(number, folder, runner, variables)
        written = folder / output
        return job, json.loads(written.read_text()) if written.exists() else {}

    def job(
        self,
        playbook: str,
        *arguments: str,
        inventory: Mapping[str, Any] | None = None,
        part: tuple[int, int] = (1, 1),
        **extra_vars: Any,
    ) -> Job:
        """A job of a playbook of the project. C(part): which slice, of how many."""
        number, folder, runner = self._folders()
        script = f"#! /usr/bin/env python3\n# -*- coding: utf-8 -*-\nprint({json.dumps(sliced(inventory, *part))!r})\n"
        (folder / "inventory" / "hosts").write_text(script)
        (folder / "inventory" / "hosts").chmod(0o700)
        given = {**extra_vars, "awx_job_id": number, "awx_job_launch_type": "manual", "awx_user_name": "admin"}
        (folder / "env" / "extravars").write_text(yaml.dump(unsafe(given), Dumper=UnsafeDumper))
        settings = {"job_timeout": 300, "suppress_ansible_output": True, "suppress_output_file": True}
        (folder / "env" / "settings").write_text(json.dumps(settings))
        (folder / "env" / "cmdline").write_text(ansible_runner.utils.args2cmdline("-u", "root", *arguments))
        variables = {
            "JOB_ID": str(number),
            "INVENTORY_ID": "1",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "MAX_EVENT_RES": "700000",
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_FORCE_COLOR": "True",
            "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS % runner,
        }
        return self._run(number, folder, runner, variables, playbook=playbook)

    def _folders(self) -> tuple[int, Path, Path]:
        number = next(self.numbers)
        folder, runner = (self.ansible.folder / f"{name}_{number}" for name in ("awx", "runner"))
        runner.mkdir()
        for name in ("env", "inventory", f"artifacts/{number}", "cp"):
            (folder / name).mkdir(parents=True)
        shutil.copytree(self.project, folder / "project")
        shutil.copytree(self.collections, folder / "requirements_collections", symlinks=True)
        return number, folder, runner

    def _run(self, number: int, folder: Path, runner: Path, variables: Mapping[str, str], **what: Any) -> Job:
        """transmit | worker | process, as over AWX's mesh."""
        kept = {k: v for k, v in self.ansible.environment.items() if not k.startswith("ANSIBLE_")}
        hidden = {"ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false", "ANSIBLE_DEPRECATION_WARNINGS": "false"}
        common: dict[str, Any] = {"private_data_dir": str(folder), "ident": str(number)}
        options = {**common, **what, "envvars": {**kept, **hidden, **variables}, "suppress_env_files": True}
        to_worker, from_awx = os.pipe()
        to_awx, from_worker = os.pipe()
        command = [str(BIN / "ansible-runner"), "worker", "--private-data-dir", str(runner)]
        worker = subprocess.Popen(command, stdin=to_worker, stdout=from_worker, env=kept)
        os.close(to_worker)
        os.close(from_worker)

        def transmit() -> None:
            with os.fdopen(from_awx, "wb") as stream:
                ansible_runner.interface.run(streamer="transmit", _output=stream, **options)

        sender = threading.Thread(target=transmit)
        sender.start()
        events: list[dict[str, Any]] = []
        try:
            with os.fdopen(to_awx, "rb") as stream:
                done = ansible_runner.interface.run(
                    streamer="process",
                    quiet=True,
                    _input=stream,
                    event_handler=lambda e: not events.append(e),
                    **common,
                )
        finally:
            sender.join(60)
            worker.wait(60)
        return Job(done.status, folder, events)


def sliced(inventory: Mapping[str, Any] | None, number: int, total: int) -> dict[str, Any]:
    """AWX's inventory script: of all hosts each C(total)th, and the groups with these alone."""
    found = inventory or {"_meta": {"hostvars": {"localhost": LOCALHOST}}, "all": {"hosts": ["localhost"]}}
    variables = found["_meta"]["hostvars"]
    mine = sorted(variables)[number - 1 :: total]
    groups = {
        name: {**group, "hosts": [host for host in group.get("hosts", ()) if host in mine]}
        for name, group in found.items()
        if name != "_meta"
    }
    groups["all"] = {**groups.get("all", {}), "hosts": mine}
    ids = {
        host: {**variables[host], "remote_tower_enabled": "true", "remote_tower_id": i}
        for i, host in enumerate(mine, 1)
    }
    return {"_meta": {"hostvars": ids}, **groups}


# The variables of the host in AWX's demo inventory.
LOCALHOST = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


def installed_collections(ansible_environment: Mapping[str, str], folder: Path, amazon: Path) -> Path:
    """What a project update leaves: the collection, built and installed, and amazon.aws beside it."""
    galaxy = [str(BIN / "ansible-galaxy"), "collection"]
    target = folder / "requirements_collections"
    install: Sequence[str] = ("--no-deps", "--force", "--offline", "-p", str(target))
    for step in (["build", str(ROOT), "--output-path", str(folder)], ["install", "-r", "requirements.yml", *install]):
        if step[0] == "install":
            source = next(folder.glob("*.tar.gz"))
            (folder / "requirements.yml").write_text(
                json.dumps({"collections": [{"name": str(source), "type": "file"}]})
            )
        done = subprocess.run(
            [*galaxy, *step], cwd=folder, env=ansible_environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    (target / "ansible_collections" / "amazon").symlink_to(amazon)
    return target
