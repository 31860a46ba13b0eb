# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each molecule scenario passes, and its hosts were really reached: "no hosts matched" is a success to Ansible.

These look at the live hosts that the scenarios leave behind, by ad-hoc modules and without code of the collection.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab import artefacts
from lab.playbooks import play
from lab.scenarios import Molecule, chosen, hosts, requests

OnHosts = Callable[..., dict[str, Any]]
SSH = os.environ.get("GD_CONNECTION", "ssh") == "ssh"
STANDIN = "GD_EL_IMAGE" not in os.environ
# The version that a scenario leaves running; None: no agent runs
RUNNING = {
    "install": "1.16.0",
    "upgrade": "1.17.1",
    "refuse": "1.16.0",
    "image": "1.16.0",
    "airgap": "1.16.0",
    "remove": None,
}
MOST_TASKS = 12
HAPPY_PATH = """
- hosts: remove
  gather_facts: false
  tasks:
    - name: Bring the agent
      ansible.builtin.import_role:
        name: fleetsec.guardduty.agent
"""


@pytest.mark.parametrize("scenario", chosen())
def test_scenario(molecule: Molecule, scenario: str) -> None:
    assert molecule.succeeded(scenario), "see the end of molecule's output above, or .cache/lab/molecule.log"


@pytest.mark.skipif(not SSH, reason="GD_CONNECTION is not ssh: nobody logs in")
@pytest.mark.parametrize("scenario", chosen())
def test_its_hosts_were_reached(molecule: Molecule, scenario: str, on_hosts: OnHosts) -> None:
    answers = on_hosts(scenario, "command", "journalctl --no-pager -t sshd -g 'Accepted publickey for ec2-user'")
    assert sorted(answers) == sorted(hosts()[scenario])
    assert [name for name, answer in answers.items() if "169.254.169.1" not in answer["stdout"]] == []


@pytest.mark.parametrize("scenario", [name for name in chosen() if name in RUNNING])
def test_the_agent_that_it_left_runs(molecule: Molecule, scenario: str, on_hosts: OnHosts) -> None:
    look = "systemctl is-active amazon-guardduty-agent; cat /run/amazon-guardduty-agent/status"
    answers = on_hosts(scenario, "shell", look)
    assert sorted(answers) == sorted(hosts()[scenario])
    for answer in answers.values():
        state, *status = answer["stdout_lines"]
        if RUNNING[scenario] is None:
            assert (state, status) == ("inactive", [])
        else:
            assert state == "active" and f"version={RUNNING[scenario]}" in status


@pytest.mark.parametrize("scenario", chosen()[:1])
def test_hosts_are_of_both_families(molecule: Molecule, scenario: str, on_hosts: OnHosts) -> None:
    answers = on_hosts(scenario, "setup", gather_subset=["!all", "!min", "distribution", "pkg_mgr", "service_mgr"])
    facts = {name: answer["ansible_facts"] for name, answer in answers.items()}
    managers = {f["ansible_pkg_mgr"] for f in facts.values()}
    assert managers == {"dnf", "apt"} and {f["ansible_service_mgr"] for f in facts.values()} == {"systemd"}


@pytest.mark.skipif(not STANDIN, reason="GD_EL_IMAGE is a real distribution")
@pytest.mark.parametrize("scenario", chosen()[:1])
def test_the_stand_in_says_that_it_is_one(molecule: Molecule, scenario: str, on_hosts: OnHosts) -> None:
    answers = on_hosts(scenario, "command", "cat /etc/os-release")
    names = [answer["stdout"] for name, answer in answers.items() if "-el" in name]
    assert names and all("stand-in" in name for name in names)


@pytest.mark.skipif("mixed" not in chosen(), reason="the scenario mixed is not chosen")
def test_a_fleet_asks_for_each_artefact_once(molecule: Molecule) -> None:
    assert molecule.succeeded("mixed")
    # Nothing else is in that region.
    asked = [each for each in requests() if "eu-central-1-guardduty-agent" in each["bucket"] and each["status"] == 200]
    counted = Counter((each["bucket"].split("-")[-2], each["key"]) for each in asked)
    assert set(counted.values()) == {1}, counted
    packages = {key.rpartition("/")[2] for dummy, key in counted if key.endswith((".rpm", ".deb"))}
    assert {"amazon-guardduty-agent-1.16.0.x86_64.rpm", "amazon-guardduty-agent-1.16.0.amd64.deb"} <= packages


@pytest.mark.skipif("refuse" not in chosen(), reason="the scenario refuse is not chosen")
def test_every_hostile_package_was_really_offered(molecule: Molecule) -> None:
    assert molecule.succeeded("refuse")
    asked = {each["key"].partition("/")[0] for each in requests() if each["bucket"].endswith("-artifacts")}
    assert set(artefacts.HOSTILE.values()) <= asked


@pytest.mark.skipif(
    "remove" not in chosen(), reason="the scenario remove is not chosen; it leaves hosts without an agent"
)
def test_what_the_role_costs(molecule: Molecule, tmp_path: Path) -> None:
    """On two hosts at once, download included; neither with gathered facts nor with facts as variables."""
    assert molecule.succeeded("remove")
    written = tmp_path / "play.yml"
    written.write_text(HAPPY_PATH, encoding="utf-8")
    run = play(written, agent_version="1.17.1")
    assert run.returncode == 0, run.text[-4000:]
    results = [task["hosts"] for task in run.report["plays"][0]["tasks"]]
    tasks = {name: sum(not one[name].get("skipped") for one in results if name in one) for name in run.report["stats"]}
    # The download counts for the host that did it
    assert sorted(stats["changed"] for stats in run.report["stats"].values()) == [1, 2]
    print(f"\nThe role took {run.seconds:.1f} s on two hosts at once, and {max(tasks.values())} tasks.")
    assert max(tasks.values()) <= MOST_TASKS
