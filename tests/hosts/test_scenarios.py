# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each molecule scenario holds, and its hosts were really reached: "no hosts matched" is a success to Ansible."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from lab.scenarios import Molecule, chosen, hosts, requests

SSH = os.environ.get("GD_CONNECTION", "ssh") == "ssh"


@pytest.mark.parametrize("scenario", chosen())
def test_scenario(molecule: Molecule, scenario: str) -> None:
    assert molecule.succeeded(scenario), "see the end of molecule's output above, or .cache/lab/molecule.log"


@pytest.mark.skipif(not SSH, reason="GD_CONNECTION is not ssh: nobody logs in")
@pytest.mark.parametrize("scenario", chosen())
def test_its_hosts_were_reached(molecule: Molecule, scenario: str, on_hosts: Callable[..., dict[str, Any]]) -> None:
    answers = on_hosts(scenario, "command", "journalctl --no-pager -t sshd -g 'Accepted publickey for ec2-user'")
    assert sorted(answers) == sorted(hosts()[scenario])
    assert [name for name, answer in answers.items() if "169.254.169.1" not in answer["stdout"]] == []


@pytest.mark.skipif("mixed" not in chosen(), reason="the scenario mixed is not chosen")
def test_a_fleet_asks_for_each_artefact_once(molecule: Molecule) -> None:
    assert molecule.succeeded("mixed")
    # Nothing else is in that region.
    asked = [each for each in requests() if "eu-central-1-guardduty-agent" in each["bucket"] and each["status"] == 200]
    counted = Counter((each["bucket"].split("-")[-2], each["key"]) for each in asked)
    assert {count for key, count in counted.items()} == {1}, counted
    packages = {key.rpartition("/")[2] for dummy, key in counted if key.endswith((".rpm", ".deb"))}
    assert {"amazon-guardduty-agent-1.17.1.x86_64.rpm", "amazon-guardduty-agent-1.17.1.amd64.deb"} <= packages
