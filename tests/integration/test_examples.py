# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every example of the documentation, in order, unchanged except for the identifiers."""

from __future__ import annotations

import json

import pytest
import yaml
from harness import ROOT, Ansible, EmulatedAws

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
# The accounts, regions and role that the examples name, with something for each of them to do.
AREA = """
        guardduty: {runtime_monitoring: true}
        vpcs:
          shop: {cidr: 10.0.0.0/16, dns_hostnames: false, subnets: {a: %(region)sa, b: %(region)sb}}
          data: {cidr: 10.1.0.0/16, subnets: {a: %(region)sa}, endpoint: {owner: operator}}
        instances:
          - {name: web, count: 2, vpc: shop, ssm: online, tags: {role: build, env: prod}}
          - {name: db, vpc: data, ssm: online, agent: {by: manual}, tags: {GuardDutyManaged: "True"}}
"""
ORGANIZATION = "organization: {id: o-exampleorgid, management_account: '111111111111'}\naccounts:\n"
FLEET = ORGANIZATION + "".join(
    f"  '{account}':\n    name: a{account}\n    roles: [FleetSec]\n    regions:\n"
    + "".join(f"      {region}:{AREA % {'region': region}}" for region in ("eu-west-1", "us-east-1"))
    for account in ("111111111111", "222222222222")
)
# A member of an administrator cannot change its own settings, as other examples do.
ADMINISTERED = ORGANIZATION.replace("}", ", guardduty_administrator: '111111111111'}")
FLEETS_OF = dict.fromkeys(
    ("member_runtime_monitoring", "organization_runtime_monitoring"), FLEET.replace(ORGANIZATION, ADMINISTERED)
)
# A gate is meant to fail on a fleet that is not covered; in check mode it looks once.
ARGUMENTS = {"coverage_wait": ["--check"]}
# Modules for managed hosts run here on this machine, whose agent they must leave alone: it is none that is wanted, so the
# plan is to skip it. What they do with a host that wants it, the scenarios in extensions/molecule run.
FOR_HOSTS = ("agent_apply", "agent_package", "agent_plan")
ALONE = {
    "fleetsec.guardduty.agent_plan": {"wanted": False, "probe": False},
    "fleetsec.guardduty.agent_package": {"retries": 0, "timeout": 5},
}
PLANNED = """
- name: What the examples build on
  fleetsec.guardduty.agent_plan: {architecture: x86_64, distribution: Debian, distribution_version: "12", kernel: 6.1.0}
  register: planned
- name: No package is needed
  ansible.builtin.set_fact: {fetched: {packages: []}}
"""

SHOP = {"plugin": "fleetsec.guardduty.ec2", "regions": ["eu-west-1"], "filters": {"tag:Name": "web-*"}}
OPEN_POLICY = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}


def documentation(ansible: Ansible, kind: str, name: str) -> str:
    run = ansible.run("ansible-doc", "--json", "-t", kind, f"fleetsec.guardduty.{name}").ok()
    return json.loads(run.stdout)[f"fleetsec.guardduty.{name}"]["examples"]


@pytest.mark.parametrize("module", MODULES)
def test_examples_of_modules_run(aws: EmulatedAws, ansible: Ansible, module: str) -> None:
    aws.load(FLEETS_OF.get(module, FLEET))
    vpc_id = next(iter(ansible.inventory(SHOP).ok().document["_meta"]["hostvars"].values()))["gd_vpc_id"]
    tasks = yaml.safe_load(documentation(ansible, "module", module).replace("vpc-0123456789abcdef0", vpc_id))
    if module in FOR_HOSTS:
        tasks = [*yaml.safe_load(PLANNED), *tasks]
    (ansible.folder / "guardduty-endpoint.json.j2").write_text(json.dumps(OPEN_POLICY))
    play = ansible.folder / "examples.yml"
    plays = [{"hosts": "localhost", "gather_facts": False, "module_defaults": ALONE, "tasks": tasks}]
    play.write_text(yaml.safe_dump(plays))
    run = ansible.playbook(str(play), *ARGUMENTS.get(module, [])).ok()
    assert len(run.tasks) == len(tasks), "every example has a name of its own"
    assert not any(result.get("false_condition") for result in run.tasks.values()), "every example was run"


def test_examples_of_the_inventory_run(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    for example in yaml.safe_load_all(documentation(ansible, "inventory", "ec2")):
        run = ansible.inventory(example).ok()
        assert "_meta" in run.document
