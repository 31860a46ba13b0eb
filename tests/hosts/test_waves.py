# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves over the hosts that the scenario mixed leaves with 1.16.0, test by test: what fails, what stops, what continues."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab import artefacts
from lab.network import MOLECULE
from lab.playbooks import Run, counting_ssh, play
from lab.scenarios import Molecule, chosen, requests

pytestmark = pytest.mark.skipif("mixed" not in chosen(), reason="the scenario mixed is not chosen")

OnHosts = Callable[..., dict[str, Any]]
INVENTORY = MOLECULE / "mixed" / "inventory"
ANSWERS = f"-e@{MOLECULE / 'mixed' / 'vars' / 'rollout.yml'}"
BY_PACKAGE = {"mixed-el-1", "mixed-deb-1", "mixed-el-2", "mixed-deb-2"}
UNIT = "amazon-guardduty-agent.service"
# Ids follow from names, and the order of the hosts from ids: this one is in the second wave.
VICTIM = "mixed-deb-1"


def processes(on_hosts: OnHosts) -> dict[str, list[str]]:
    """Version and process of the agent of each host that has one."""
    answers = on_hosts("mixed", "shell", f"cat /run/amazon-guardduty-agent/status; systemctl show -P MainPID {UNIT}")
    lines = {name: answer["stdout_lines"] for name, answer in answers.items() if name in BY_PACKAGE}
    return {name: [said[0].partition("=")[2], said[-1]] for name, said in lines.items()}


def slices(folder: Path, total: int) -> list[Path]:
    """The inventory in parts as AWX slices it: of all hosts, by name, each C(total)th, from a script."""
    command = [Path(sys.executable).with_name("ansible-inventory"), "-i", INVENTORY, "--list", "--export"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    variables = found.pop("_meta")["hostvars"]
    folder.joinpath("group_vars").symlink_to(INVENTORY / "group_vars")
    parts = []
    for number in range(total):
        mine = sorted(variables)[number::total]
        part = {
            name: {"hosts": [host for host in group.get("hosts", ()) if host in mine]} for name, group in found.items()
        }
        part["all"] = {"hosts": mine}
        part["_meta"] = {"hostvars": {host: variables[host] for host in mine}}
        script = folder / f"part-{number}"
        script.write_text(f"#!/usr/bin/env python\nprint({json.dumps(part)!r})\n", encoding="utf-8")
        script.chmod(0o700)
        parts.append(script)
    return parts


def test_in_each_slice_a_canary_that_crashes_stops_the_others(
    molecule: Molecule, on_hosts: OnHosts, tmp_path: Path
) -> None:
    assert molecule.succeeded("mixed")
    before = processes(on_hosts)
    assert {version for version, _process in before.values()} == {"1.16.0"}

    def one(inventory: Path) -> Run:
        return play("fleetsec.guardduty.rollout", "-i", inventory, ANSWERS, agent_version=artefacts.CRASHING)

    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(one, slices(tmp_path, 2)))
    canaries, taken = [], []
    for run in runs:
        assert run.returncode == 2
        result = run.handed("guardduty_rollout")
        canary, other = result["package_hosts"]
        assert (canary["outcome"], other["outcome"]) == ("failed", "not_tried")
        for words in (
            "The agent 9.0.0 does not keep running",
            "simulated crash of 9.0.0",
            "The previous agent 1.16.0 was reinstalled",
        ):
            assert words in canary["message"]
        said = "\n".join(result["problems"])
        assert f"{canary['host']}: The agent 9.0.0" in said
        assert "Stopped before 1 more hosts were tried. The first wave is the canary, and 1 of its hosts" in said
        assert f"failed ({canary['host']})" in said
        assert "Fix it and run this again." in said
        canaries.append(canary["host"])
        taken += [canary["host"], other["host"]]
    assert sorted(taken) == sorted(BY_PACKAGE), "each slice takes hosts of its own"
    after = processes(on_hosts)
    assert {version for version, _process in after.values()} == {"1.16.0"}
    assert {name for name in BY_PACKAGE if after[name] != before[name]} == set(canaries), "the others were not touched"


def test_a_later_host_that_fails_does_not_stop_what_may_fail(
    molecule: Molecule, on_hosts: OnHosts, tmp_path: Path
) -> None:
    before = processes(on_hosts)
    on_hosts(VICTIM, "command", f"systemctl mask --runtime {UNIT}")
    ssh, connections = counting_ssh(tmp_path)
    wish = {"agent_version": "1.17.1", "package_max_failed": "1", "package_waves": [1, 1, "100%"]}
    run = play("fleetsec.guardduty.upgrade", "-i", INVENTORY, ANSWERS, **wish, ansible_ssh_executable=str(ssh))
    assert run.returncode == 2
    result = run.handed("guardduty_upgrade")
    assert result["counts"] == {"changed": 3, "failed": 1}
    second = result["package_hosts"][1]
    assert (second["host"], second["outcome"]) == (VICTIM, "failed")
    assert f"Unmask it (systemctl unmask {UNIT})" in second["message"]
    assert result["problems"] == [f"{VICTIM}: {second['message']}"]
    # One looks at a host; four ask for its home, make a folder for the package, apply, and remove it. sftp is none of them.
    assert len(connections.read_text(encoding="utf-8").splitlines()) == 5 * len(BY_PACKAGE)
    after = processes(on_hosts)
    assert after.pop(VICTIM) == before[VICTIM] and {version for version, _process in after.values()} == {"1.17.1"}


def test_a_further_run_takes_up_what_failed_and_nothing_else(molecule: Molecule, on_hosts: OnHosts) -> None:
    on_hosts(VICTIM, "command", f"systemctl unmask --runtime {UNIT}")
    before = processes(on_hosts)
    run = play("fleetsec.guardduty.upgrade", "-i", INVENTORY, ANSWERS, agent_version="1.17.1")
    result = run.handed("guardduty_upgrade")
    assert (run.returncode, result["counts"], result["package_hosts"][0]["host"]) == (0, {"changed": 1}, VICTIM)
    after = processes(on_hosts)
    assert after[VICTIM][0] == "1.17.1"
    assert {name for name in BY_PACKAGE if after[name] != before[name]} == {VICTIM}


def test_all_of_that_asked_for_each_artefact_once(molecule: Molecule) -> None:
    asked = [each for each in requests() if "eu-central-1-guardduty-agent" in each["bucket"]]
    counted = Counter((each["bucket"].split("-")[-2], each["key"]) for each in asked)
    assert set(counted.values()) == {1}, counted
    assert {key.partition("/")[0] for _kind, key in counted} >= {"1.16.0", "9.0.0", "1.17.1"}
