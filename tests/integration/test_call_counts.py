# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often every module, the inventory and every playbook calls AWS on the fleet of every case, recorded in a file.

An additional or a missing call fails the test, which names it. If it is intended, update the file and check the diff:

    GOLDEN=write .venv/bin/pytest tests/integration/test_{call_counts,events,offboard,rollout,tag_playbook}.py

The longer playbooks are counted where they run anyway, on the fleets of their own tests.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from golden import hold, read
from harness import FLEETS, ROOT, Ansible, EmulatedAws, role_arns

MODULES = "ansible_collections.fleetsec.guardduty.plugins.modules"
TWO = role_arns(["111111111111", "222222222222"])
EVERYWHERE: dict[str, Any] = {"regions": ["eu-west-1", "us-east-1"], "assume_role_arns": TWO}
HERE: dict[str, Any] = {"regions": ["eu-west-1"]}
# What the action of vpc_endpoint fills in, which does not run here.
POLICY = (ROOT / "playbooks" / "templates" / "endpoint_policy.json.j2").read_text(encoding="utf-8")
ASSOCIATION = {"association_name": "fleetsec-guardduty-agent", "target_tags": {"role": "web"}}

# Each module as it is used at work. What writes runs twice: the second run shows what a scan of a finished fleet costs.
READS: dict[str, dict[str, Any]] = {
    "agent_package_info": HERE,
    "coverage_info": EVERYWHERE,
    "coverage_wait": {**EVERYWHERE, "percent": 1, "timeout": 5, "interval": 1},
    "eligibility_info": EVERYWHERE,
    "registration_wait": EVERYWHERE,
    "runtime_monitoring_info": EVERYWHERE,
    "ssm_association_info": EVERYWHERE,
    "vpc_endpoint_info": EVERYWHERE,
}
WRITES: dict[str, dict[str, Any]] = {
    "event_queue": EVERYWHERE,
    "instance_tags": {**EVERYWHERE, "managed": "repair", "tags": {"wave": "1"}},
    "member_runtime_monitoring": {**HERE, "ec2_agent_management": False},
    "organization_runtime_monitoring": {**HERE, "auto_enable": "all", "include_existing": True},
    "runtime_monitoring": {**EVERYWHERE, "ec2_agent_management": True},
    "ssm_association": {**EVERYWHERE, **ASSOCIATION},
    "vpc_endpoint": {**EVERYWHERE, "select": "needed", "dns_attributes": True, "policy_source": POLICY},
}
PLAYBOOKS: dict[str, dict[str, Any]] = {
    "audit": EVERYWHERE,
    "gate": {**EVERYWHERE, "coverage_percent": 1, "coverage_timeout": 5, "coverage_interval": 1},
    # What it adds to a roll-out: nothing is selected here.
    "enrol": {**HERE, "filters": {"tag:Name": "nobody"}},
    "upgrade": {**EVERYWHERE, "agent_version": "1.17.1"},
}
ELSEWHERE = ("events_setup", "offboard", "rollout", "tag")
# They work on hosts or files, and never call AWS.
NO_AWS = {"agent_apply", "agent_package", "agent_plan", "awx_setup", "capacity", "image", "report"}


@pytest.fixture
def world(aws: EmulatedAws) -> EmulatedAws:
    """The fleet of every case, without the endpoint that cannot be fixed: it would end the roll-out."""
    aws.load((FLEETS / "every_case.yml").read_text(encoding="utf-8").replace("state: failed}", "state: available}"))
    return aws


@pytest.fixture
def module(
    world: EmulatedAws, ansible: Ansible, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[str, dict[str, Any]], dict[str, Any]]]:
    """Runs a module's main() in this process, which spares a second for each."""
    for name, value in ansible.environment.items():
        monkeypatch.setenv(name, value)

    def run(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        world.clear()
        with patch_module_args(arguments), pytest.raises(SystemExit):
            importlib.import_module(f"{MODULES}.{name}").main()
        result = json.loads(capsys.readouterr().out)
        assert "changed" in result, result
        return result

    yield run


@pytest.mark.parametrize("name", READS)
def test_a_reading_module_makes_the_calls_of_the_file(name: str, world: EmulatedAws, module: Any) -> None:
    module(name, READS[name])
    hold(name, world.calls())
    assert world.writes() == {}


@pytest.mark.parametrize("name", WRITES)
def test_a_writing_module_makes_the_calls_of_the_file(name: str, world: EmulatedAws, module: Any) -> None:
    assert module(name, WRITES[name])["changed"]
    hold(name, world.calls())
    assert not module(name, WRITES[name])["changed"]
    hold(f"{name}, again", world.calls())


def test_the_inventory_makes_the_calls_of_the_file(world: EmulatedAws, ansible: Ansible) -> None:
    world.clear()
    ansible.inventory({"plugin": "fleetsec.guardduty.ec2", **EVERYWHERE}, "--graph").ok()
    hold("inventory", world.calls())


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_playbook_makes_the_calls_of_the_file(name: str, world: EmulatedAws, ansible: Ansible) -> None:
    world.clear()
    ansible.playbook(f"fleetsec.guardduty.{name}", **PLAYBOOKS[name]).ok()
    hold(f"playbook {name}", world.calls())


@pytest.mark.skipif(os.environ.get("GOLDEN") == "write", reason="the file is not whole yet")
def test_every_module_and_playbook_is_counted() -> None:
    modules = names(ROOT / "plugins" / "modules", "*.py")
    playbooks = names(ROOT / "playbooks", "*.yml")
    assert modules | playbooks == {*READS, *WRITES, *PLAYBOOKS, *ELSEWHERE, *NO_AWS}
    plays = {f"playbook {name}" for name in (*PLAYBOOKS, *ELSEWHERE)}
    twice = {f"{name}, again" for name in (*WRITES, *(f"playbook {name}" for name in ELSEWHERE))}
    assert read().keys() == {*READS, *WRITES, "inventory", *plays, *twice}


def names(folder: Path, pattern: str) -> set[str]:
    return {path.stem for path in folder.glob(pattern)}
