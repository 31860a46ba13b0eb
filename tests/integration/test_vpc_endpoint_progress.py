# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vpc_endpoint shows its progress on the screen while it waits, and prints nothing otherwise."""

from __future__ import annotations

import re

from endpoint_world import WORLD
from harness import Ansible, EmulatedAws

MAKE = """
- name: make
  fleetsec.guardduty.vpc_endpoint: {select: needed, vpc_ids: "{{ ids }}", tags: {owner: security}}
"""
SAID = re.compile(
    r"^VPC endpoints: 111111111111/eu-west-1: (\d+) of (\d+) VPC endpoints (\w+) after \d+ s$", re.MULTILINE
)


def test_a_long_wait_is_reported_and_the_result_is_the_same(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(WORLD.replace("pace: {endpoint: 1}", "pace: {endpoint: 9}"))
    hosts = ansible.inventory("regions: [eu-west-1]").ok().document["_meta"]["hostvars"]
    ids = sorted({host["gd_vpc_id"] for host in hosts.values() if host["gd_tags"]["Name"].startswith("bare")})
    aws.faults({"op": "ec2:CreateVpcEndpoint", "kind": "throttle", "times": 5})
    check = ansible.playbook(MAKE, "--check", ids=ids).ok()
    run = ansible.playbook(MAKE, ids=ids).ok()
    said = SAID.findall(run.stderr)
    assert ("0", "1", "created") in said or ("0", "1", "available") in said, run.stderr
    assert ("0", "1", "available") in said, run.stderr
    assert not SAID.search(check.stderr) and not SAID.search(run.stdout)
    make = run.tasks["make"]
    assert make["changes"] == check.tasks["make"]["changes"]
    # ansible-core 2.21 returns no invocation.
    assert make.get("invocation", {}).get("module_args", {}).get("progress_file") is None
    assert not SAID.search(ansible.playbook(MAKE, ids=ids).ok().stderr)


def test_nothing_is_reported_without_a_wait(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(WORLD)
    task = MAKE + "- name: in the background\n  fleetsec.guardduty.vpc_endpoint: {vpc_ids: [], state: absent}\n"
    # Without it the job is looked for in the home of /etc/passwd, and written in that of the environment.
    there = {"ANSIBLE_ASYNC_DIR": str(ansible.folder / "async")}
    run = ansible.playbook(task + "  async: 60\n  poll: 1\n", env=there, ids=[]).ok()
    assert run.stderr.strip() == "" and not run.tasks["in the background"]["changed"]
