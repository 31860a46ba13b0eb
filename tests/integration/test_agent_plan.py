# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""agent_plan as a task on this machine, by each Python that a managed host may have. Molecule runs it on hosts with an agent."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import Ansible, Run
from pythons import VERSIONS, interpreter

SYSTEMD = Path("/run/systemd/system").is_dir()
PACKAGES = bool(shutil.which("dpkg-query") or shutil.which("rpm"))
# A host of AWS's table, so that what is found against it is this machine's own doing.
FACTS = {
    "architecture": "x86_64",
    "distribution": "Debian",
    "distribution_version": "12",
    "kernel": "6.1.0-28-cloud-amd64",
    "memtotal_mb": 8192,
    "probe": False,
}


# A host that refuses its first two connections, as one does that has just started, and then is this machine.
SSH = """#!/bin/sh
echo once >> {log}
test "$(wc -l < {log})" -gt 2 || {{ echo 'ssh: connect to host web port 22: Connection refused' >&2; exit 255; }}
for last; do :; done
exec /bin/sh -c "$last"
"""


def planned(ansible: Ansible, *arguments: str, interpreter: str = sys.executable, **options: Any) -> dict[str, Any]:
    task = {"name": "Plan", "fleetsec.guardduty.agent_plan": FACTS | options, "ignore_errors": True}
    run = ansible.playbook(f"\n- {json.dumps(task)}\n", *arguments, ansible_python_interpreter=interpreter)
    return run.ok().tasks["Plan"]


def levels(result: dict[str, Any]) -> dict[str, str]:
    return {one["check"]: one["level"] for one in result["findings"]}


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_it_looks_at_a_host_by_each_python(ansible: Ansible, version: tuple[int, int]) -> None:
    result = planned(ansible, interpreter=interpreter(version), region="eu-west-1")
    host = result["host"]
    assert host["systemd"] == SYSTEMD
    assert host["machine"]["btf"] == Path("/sys/kernel/btf/vmlinux").exists()
    assert host["machine"]["vcpus"] == os.cpu_count()
    assert host["package"]["format"] in (("deb", "rpm") if PACKAGES else (None,))
    # Nobody is asked here: the probes have tests of their own, on this machine alone.
    assert (host["imds"], host["network"]) == (None, None)
    assert levels(result)["imds"] == "unknown"
    assert not result["changed"]


def test_the_facts_are_those_that_ansible_gathers(ansible: Ansible) -> None:
    names = ("architecture", "distribution", "distribution_version", "kernel")
    tasks = [
        {"name": "Gather", "ansible.builtin.setup": {"gather_subset": ["!all", "!min", "distribution", "platform"]}},
        {"name": "Plan", "fleetsec.guardduty.agent_plan": {"probe": False, "region": "eu-west-1"}, "ignore_errors": True},
        {"name": "Told", "fleetsec.guardduty.agent_plan": {"probe": False, "region": "eu-west-1"}
            | {name: f"{{{{ ansible_facts.{name} }}}}" for name in names}, "ignore_errors": True},
        {"name": "Partly", "fleetsec.guardduty.agent_plan": {"probe": False, "region": "eu-west-1", "kernel": "4.1.7"},
            "ignore_errors": True},
    ]  # fmt: skip
    made = ansible.playbook(f"\n{json.dumps(tasks)}\n").ok().tasks
    assert made["Plan"]["findings"] == made["Told"]["findings"]
    assert made["Plan"]["plan"] == made["Told"]["plan"]
    assert made["Gather"]["ansible_facts"]["ansible_kernel"] in str(made["Plan"]["findings"])
    assert "4.1.7" in str(made["Partly"]["findings"]), "what is given is not asked for"


def test_a_host_without_what_an_agent_needs_fails_with_every_reason(ansible: Ansible) -> None:
    result = planned(ansible, architecture="i686", region="eu-west-1")
    assert result["failed"]
    assert result["plan"]["package"] is None
    found = levels(result)
    assert found["architecture"] == "error"
    assert found["systemd"] == ("ok" if SYSTEMD else "error")
    for one in result["findings"]:
        assert (f"{one['message']} {one['remedy']}" in result["msg"]) == (one["level"] == "error")


@pytest.mark.skipif(not PACKAGES, reason="neither rpm nor dpkg here")
def test_the_plan_is_there_whatever_is_found(ansible: Ansible) -> None:
    result = planned(ansible, region="eu-west-1")
    assert result.get("failed", False) == (not SYSTEMD)
    plan = result["plan"]
    assert (plan["action"], plan["installed_version"], plan["version"]) == ("install", None, "1.17.1")
    assert plan["package"]["package"].startswith("https://694911143906-eu-west-1-guardduty-agent-")
    assert [change["what"] for change in plan["changes"]] == ["package", "enabled", "running"]


def test_warnings_warn_and_strict_fails(ansible: Ansible) -> None:
    old = {"distribution_version": "10", "wanted": True, "source": "/srv/guardduty"}
    text = "Debian 10 is not in AWS's table of verified systems"
    assert any(text in str(warning) for warning in planned(ansible, **old)["warnings"])
    strict = planned(ansible, **old, strict=True)
    assert strict["failed"]
    assert text in strict["msg"]


def test_who_should_not_run_it_is_skipped_in_silence(ansible: Ansible) -> None:
    result = planned(ansible, wanted=False, reason="excluded_by_tag", distribution_version="10", architecture="i686")
    assert not result.get("failed")
    assert result["plan"]["action"] == "skip"
    assert "excluded_by_tag" in result["msg"]
    assert not result.get("warnings")


def test_check_mode_returns_the_same(ansible: Ansible) -> None:
    real, predicted = planned(ansible, region="eu-west-1"), planned(ansible, "--check", region="eu-west-1")
    for result in (real, predicted):
        # Free space and addresses move while others work on the machine.
        result.pop("host")
    assert real == predicted


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"source": "mirror"}, "agent_source"),
        ({"version": "1.7.2"}, "Distributor package only"),
        ({"limits": {"MemoryMax": None}}, "MemoryMax"),
        ({"region": "cn-north-1"}, "agent_source to your own mirror"),
        ({"state": "gone"}, "one of: present, image, absent"),
        ({"probe_timeout": "soon"}, "probe_timeout"),
    ],
)
def test_options_that_are_wrong_are_explained(ansible: Ansible, options: dict[str, Any], words: str) -> None:
    result = planned(ansible, **{"region": "eu-west-1", **options})
    assert result["failed"]
    assert words in result["msg"]


def test_a_host_is_waited_for_by_the_connection_that_looks_at_it(ansible: Ansible) -> None:
    log, ssh = ansible.folder / "connections", ansible.folder / "ssh"
    ssh.write_text(SSH.format(log=log))
    ssh.chmod(0o755)
    by_ssh = {"ansible_connection": "ssh", "ansible_ssh_executable": str(ssh), "ansible_pipelining": True}
    task = {"name": "Plan", "fleetsec.guardduty.agent_plan": FACTS | {"region": "eu-west-1", "connect_timeout": 30}}
    tasks = f"\n- {json.dumps(task | {'ignore_errors': True})}\n"
    run = ansible.playbook(tasks, ansible_python_interpreter=sys.executable, **by_ssh).ok()
    assert run.tasks["Plan"]["host"]["machine"]["vcpus"] == os.cpu_count()
    assert len(log.read_text().splitlines()) == 3, "two that were refused, and one that did all"


def test_removal_asks_nobody(ansible: Ansible) -> None:
    result = planned(ansible, state="absent", probe=True, region="eu-west-1", architecture="i686")
    assert not result.get("failed")
    assert (result["host"]["imds"], result["host"]["network"]) == (None, None)
    assert result["plan"]["action"] in ("none", "remove")


def test_facts_of_this_machine_are_enough(ansible: Ansible) -> None:
    """As the role calls it, with facts that are not variables of the play."""
    run: Run = ansible.playbook(
        """
        - name: Facts
          ansible.builtin.setup: {gather_subset: ["!all", "!min", distribution, platform]}
        - name: Plan
          fleetsec.guardduty.agent_plan:
            architecture: "{{ ansible_facts.architecture }}"
            distribution: "{{ ansible_facts.distribution }}"
            distribution_version: "{{ ansible_facts.distribution_version }}"
            kernel: "{{ ansible_facts.kernel }}"
            source: /srv/guardduty
            probe: false
          ignore_errors: true
        """,
        env={"ANSIBLE_INJECT_FACT_VARS": "false"},
    ).ok()
    known = platform.machine() in ("x86_64", "aarch64")
    assert levels(run.tasks["Plan"])["architecture"] == ("ok" if known else "error")
