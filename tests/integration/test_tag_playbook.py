# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook tag: it plans, writes what it planned, and never treats an empty selection as everything."""

from __future__ import annotations

from typing import Any

import pytest
from golden import hold
from harness import Ansible, EmulatedAws, Run, role_arns

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"
FLEET = """
accounts:
  "111111111111":
    name: one
    roles: [FleetSec]
    regions:
      eu-west-1:
        guardduty: {runtime_monitoring: true, ec2_agent_management: true}
        vpcs: {shop: {cidr: 10.0.0.0/16, subnets: {a: eu-west-1a}}}
        instances:
          - {name: build, count: 3, vpc: shop, ssm: online, tags: {role: build}}
          - {name: web, count: 2, vpc: shop, ssm: online, tags: {GuardDutyManaged: "True"}}
          - {name: odd, vpc: shop, ssm: online, tags: {role: build, "cost center": "7"}}
  "222222222222":
    name: two
    roles: [FleetSec]
    regions:
      eu-west-1:
        guardduty: {runtime_monitoring: true}
        vpcs: {data: {cidr: 10.1.0.0/16, subnets: {a: eu-west-1a}}}
        instances:
          - {name: build, vpc: data, ssm: online, tags: {role: build}}
          - {name: db, vpc: data, ssm: online, tags: {GuardDutyManaged: "FALSE"}}
"""
EVERYWHERE: dict[str, Any] = {"regions": ["eu-west-1"], "assume_role_arns": role_arns([ONE, TWO])}
TAG = "fleetsec.guardduty.tag"
WRITE = "Tag the instances"


@pytest.fixture
def fleet(aws: EmulatedAws) -> EmulatedAws:
    aws.load(FLEET)
    return aws


def changes(run: Run, task: str = WRITE) -> list[tuple[str, str, str]]:
    return sorted((one["account_id"], one["action"], one["target"]) for one in run.tasks[task]["changes"])


def test_check_real_again(fleet: EmulatedAws, ansible: Ansible) -> None:
    desired = {**EVERYWHERE, "filters": {"tag:role": "build"}, "managed": "exclude"}
    predicted = ansible.playbook(TAG, "--check", "--diff", **desired).ok()
    assert fleet.writes() == {}
    fleet.clear()
    real = ansible.playbook(TAG, "--diff", **desired).ok()
    hold("playbook tag", fleet.calls())
    assert changes(predicted) == changes(real)
    assert changes(real, "Plan the tags") == changes(real)
    # Five instances get the tag; one of them holds a tag key with a space, so that its exclusion cannot be read.
    assert [action for _one, action, _other in changes(real)].count("tag") == 5
    assert [action for _one, action, _other in changes(real)].count("enable") == 4
    result = real.stats["guardduty_tag"]
    assert list(result["forbidden_keys"].values()) == [["cost center"]]
    reasons = {row["after"]["reason"] for row in result["verdict_changes"]}
    assert reasons == {"excluded_by_tag", "exclusion_unreadable"}
    foreseen = real.tasks["Preview the verdict changes"]["transitions"]
    assert foreseen == real.tasks[WRITE]["transitions"]
    fleet.clear()
    again = ansible.playbook(TAG, **desired).ok()
    assert fleet.writes() == {}
    hold("playbook tag, again", fleet.calls())
    assert again.document["stats"]["localhost"]["changed"] == 0


def test_repair_everything_on_explicit_request(fleet: EmulatedAws, ansible: Ansible) -> None:
    real = ansible.playbook(TAG, **EVERYWHERE, all_instances=True, managed="repair").ok()
    after = {change["after"].get("tag:GuardDutyManaged") for change in real.tasks[WRITE]["changes"]}
    assert after == {"true", "false", None}
    assert real.stats["guardduty_tag"]["after"]["instances"] == 8
    fleet.clear()
    ansible.playbook(TAG, **EVERYWHERE, all_instances=True, managed="repair").ok()
    assert fleet.writes() == {}


def test_groups_of_the_inventory(fleet: EmulatedAws, ansible: Ansible) -> None:
    inventory = ansible.folder / "fleet.guardduty.yml"
    inventory.write_text("plugin: fleetsec.guardduty.ec2\nregions: [eu-west-1]\n")
    desired = {"select_groups": ["gd_ineffective"], "managed": "repair"}
    run = ansible.playbook(TAG, "-i", str(inventory), **desired).ok()
    assert [change["after"] for change in run.tasks[WRITE]["changes"]] == [{"tag:GuardDutyManaged": "true"}] * 2
    # Now the group is empty: nothing is left to do, and the empty selection is not everything.
    fleet.clear()
    again = ansible.playbook(TAG, "-i", str(inventory), **desired).ok()
    assert fleet.writes() == {}
    assert again.stats["guardduty_tag"]["before"]["instances"] == 0
    unknown = ansible.playbook(TAG, "-i", str(inventory), select_groups=["gd_wrong"], managed="repair")
    assert "The inventory has no group gd_wrong" in unknown.stdout


@pytest.mark.parametrize(
    ("desired", "sentence"),
    [
        ({"managed": "include"}, "No instances are selected. Set instance_ids"),
        ({"managed": "include", "instance_ids": []}, "No instances are selected. Set instance_ids"),
        ({"managed": "", "all_instances": True}, "Set it to include, exclude, clear or repair"),
        (
            {"managed": "clear", "all_instances": True, "filters": {"tag:a": "b"}},
            "cannot be combined with instance_ids",
        ),
        ({"managed": "clear", "filters": {"tag:role": "biuld"}}, "The filters match no instance"),
    ],
)
def test_refusals(fleet: EmulatedAws, ansible: Ansible, desired: dict[str, Any], sentence: str) -> None:
    run = ansible.playbook(TAG, regions=["eu-west-1"], **desired)
    assert run.returncode != 0
    assert any(sentence in task.get("msg", "") for task in run.tasks.values())
    assert fleet.writes() == {}


def test_the_rest_is_tagged(fleet: EmulatedAws, ansible: Ansible) -> None:
    """One account that cannot be assumed, one in which tags may not be written."""
    fleet.faults({"op": "ec2:CreateTags", "account": TWO, "kind": "deny"})
    arns = role_arns([THREE, ONE, TWO])
    run = ansible.playbook(
        TAG, regions=["eu-west-1"], assume_role_arns=arns, filters={"tag:role": "build"}, managed="include"
    )
    assert run.returncode != 0
    message = run.tasks["Fail if any step failed"]["msg"]
    assert "sts:AssumeRole in 333333333333 failed" in message
    assert "ec2:CreateTags in 222222222222/eu-west-1 failed: UnauthorizedOperation" in message
    assert len(message.splitlines()) == 2
    assert {change[0] for change in changes(run)} == {ONE}
    assert len(changes(run)) == 4
