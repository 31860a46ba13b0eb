# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the scenarios' packages and connections were transferred, from the server's logs."""

from __future__ import annotations

import json
import os
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from lab.network import BEHIND_PROXY, GATEWAY
from lab.scenarios import Molecule, chosen, hosts, requests, tunnels


def of_scenario(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(name not in chosen(), reason=f"the scenario {name} is not chosen")


def asked_of_aws(what: str) -> Any:
    with urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/_world/{what}", timeout=30) as answer:
        return json.loads(answer.read())


@of_scenario("remove")
def test_a_bastion_alone_asks_for_the_packages_of_both_families(molecule: Molecule) -> None:
    assert molecule.succeeded("remove")
    bastion = hosts()["remove"]["remove-el"]
    keys = [each["key"] for each in requests() if each["caller"] == bastion and each["bucket"].endswith("-artifacts")]
    packages = [key.rpartition("-")[2] for key in keys if key.endswith((".rpm", ".deb"))]
    # The last is the way back.
    assert sorted(packages) == ["1.15.0.amd64.deb", "1.16.0.amd64.deb", "1.16.0.x86_64.rpm"]
    cache = Path(os.environ["GD_LAB_DIR"]) / "cache" / "remove"
    assert (cache / "1.15.0").exists() and not (cache / "1.16.0").exists(), "the controller fetched the first one only"


@of_scenario("image")
@of_scenario("upgrade")
def test_nothing_reaches_those_buckets_but_by_the_proxy(molecule: Molecule) -> None:
    """Hosts that fetch for themselves ask for what they need, the controller for what all need."""
    assert molecule.succeeded("image") and molecule.succeeded("upgrade")
    formats = defaultdict(set)
    for each in tunnels():
        formats[each["caller"]].add(each["target"].partition("-artifacts")[0].rpartition("-")[2])
    image = hosts()["image"]
    assert formats == {image["image-el"]: {"rpm"}, image["image-deb"]: {"deb"}, GATEWAY: {"rpm", "deb"}}
    behind = [each for each in requests() if f"-{BEHIND_PROXY}-" in each["bucket"]]
    assert len(behind) == len(tunnels())
    assert not {each["caller"] for each in behind} & {*image.values(), *hosts()["upgrade"].values(), GATEWAY}


@of_scenario("remove")
def test_a_host_was_reached_by_sessions(molecule: Molecule) -> None:
    assert molecule.succeeded("remove")
    started = [one for one in asked_of_aws("log") if one["operation"] == "StartSession"]
    assert started and {one["error"] for one in started} == {None}
    assert len({one["parameters"]["Target"] for one in started}) == 1


def test_the_emulated_aws_gave_no_answer_that_aws_would_not_give(molecule: Molecule) -> None:
    assert asked_of_aws("violations") == []
