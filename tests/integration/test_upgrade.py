# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook upgrade: whom it takes, and what it says of instances that the inventory does not have. Hosts: molecule."""

from __future__ import annotations

import json

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
    taken = {}
    for version in ("1.17.1", "1.16.0"):
        run = ansible.playbook("fleetsec.guardduty.upgrade", agent_version=version).ok()
        taken[version] = run.stats["guardduty_upgrade"]["not_in_the_inventory"]
    assert taken == {"1.17.1": [known["old"]], "1.16.0": []}
    assert aws.writes() == {}


def test_a_host_that_cannot_be_reached_is_named_and_the_play_goes_on(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    old = ids(ansible)["old"]
    inventory = ansible.folder / "hosts.yml"
    # Nobody listens on this port.
    reach = {"ansible_host": "127.0.0.1", "ansible_port": 9, "gd_instance_id": old}
    inventory.write_text(json.dumps({"all": {"hosts": {"web": reach}}}))
    run = ansible.playbook(
        "fleetsec.guardduty.upgrade", "-i", str(inventory), agent_version="1.17.1", package_connect_timeout=1
    )
    assert run.returncode == 2
    result = run.stats["guardduty_upgrade"]
    assert [(host["host"], host["outcome"]) for host in result["package_hosts"]] == [("web", "failed")]
    assert result["problems"][0].startswith("web: ")


def test_a_version_that_is_none_is_a_sentence(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    run = ansible.playbook("fleetsec.guardduty.upgrade", agent_version="newest")
    assert run.returncode == 2
    assert "write it like" in run.stdout
