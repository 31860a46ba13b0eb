# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook upgrade: which hosts it selects, and instances that the inventory lacks. Molecule tests it on hosts."""

from __future__ import annotations

import json

import pytest
from harness import Ansible, EmulatedAws

FLEET = """
    accounts:
      '111111111111':
        regions:
          eu-west-1:
            guardduty: {runtime_monitoring: true}
            vpcs: {shop: {cidr: 10.0.0.0/16, subnets: {a: eu-west-1a}, endpoint: {owner: operator}}}
            instances:
              - {name: old, vpc: shop, agent: {version: 1.16.0, by: manual}}
              - {name: older, vpc: shop, agent: {version: 1.15.0, by: manual}}
              - {name: new, vpc: shop, agent: {version: 1.17.1, by: manual}}
              - {name: theirs, vpc: shop, ssm: online, tags: {GuardDutyManaged: "true"}, agent: {version: 1.16.0, by: guardduty}}
              - {name: without, vpc: shop}
"""


def ids(ansible: Ansible) -> dict[str, str]:
    hosts = ansible.inventory({"plugin": "fleetsec.guardduty.ec2", "regions": ["eu-west-1"]}).ok().document["_meta"]
    return {host["gd_tags"]["Name"]: name for name, host in hosts["hostvars"].items()}


def test_only_older_agents_of_the_package_route_are_taken(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    known = ids(ansible)
    taken: dict[str, set[str]] = {}
    for version in ("1.17.1", "1.16.0"):
        run = ansible.playbook("fleetsec.guardduty.upgrade", agent_version=version).ok()
        taken[version] = set(run.stats["guardduty_upgrade"]["not_in_the_inventory"])
    assert taken == {"1.17.1": {known["old"], known["older"]}, "1.16.0": {known["older"]}}
    assert aws.writes() == {}


def hosts_file(ansible: Ansible) -> str:
    """Two hosts with older agents, at a port on which nobody listens."""
    known = ids(ansible)
    nobody = {"ansible_host": "127.0.0.1", "ansible_port": 9}
    hosts = {"web": {**nobody, "gd_instance_id": known["old"]}, "db": {**nobody, "gd_instance_id": known["older"]}}
    inventory = ansible.folder / "hosts.yml"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    return str(inventory)


def test_a_host_that_cannot_be_reached_is_named_and_the_limit_leaves_the_other_out(
    aws: EmulatedAws, ansible: Ansible
) -> None:
    aws.load(FLEET)
    inventory = hosts_file(ansible)
    (ansible.folder / "limit.txt").write_text("web\nlocalhost\n")
    limit = ("--limit", f"@{ansible.folder}/limit.txt")
    answers = {"agent_version": "1.17.1", "package_connect_timeout": 1}
    run = ansible.playbook("fleetsec.guardduty.upgrade", "-i", inventory, *limit, **answers)
    assert run.returncode == 2
    result = run.stats["guardduty_upgrade"]
    assert [(host["host"], host["outcome"]) for host in result["package_hosts"]] == [("web", "failed")]
    assert len(result["problems"]) == 1 and result["problems"][0].startswith("web: The host was unreachable for 1 s: ")
    assert (result["left_out_by_limit"], result["not_in_the_inventory"]) == (["db"], [])
    assert "the limit excluded from this run: 1 (db)." in run.tasks["List the hosts that the limit excluded"]["msg"]


@pytest.mark.parametrize("name", ["upgrade", "gate"])
def test_a_limit_without_localhost_is_refused(name: str, aws: EmulatedAws, ansible: Ansible) -> None:
    """Ansible then skips every play on localhost, and exits with 0."""
    aws.load(FLEET)
    inventory = hosts_file(ansible)
    aws.clear()
    run = ansible.playbook(f"fleetsec.guardduty.{name}", "-i", inventory, "--limit", "all:!db")
    assert run.returncode == 2
    assert "Add localhost to the limit." in run.stdout
    assert aws.calls() == {}


def test_a_version_that_is_none_is_a_sentence(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    run = ansible.playbook("fleetsec.guardduty.upgrade", agent_version="newest")
    assert run.returncode == 2
    assert "set it to a version such as" in run.stdout
