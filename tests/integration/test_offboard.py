# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing Runtime Monitoring: agents are removed, endpoints do not come back, VPCs can be deleted, the rest is reported."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from golden import hold
from harness import Ansible, EmulatedAws, Run, role_arns
from offboard_world import EVERYWHERE, ONE, THREE, TWO, Outside, begin

OFFBOARD = "fleetsec.guardduty.offboard"
ALL = {**EVERYWHERE, "all_vpcs": True, "include_guardduty": True}


@pytest.fixture
def fleet(aws: EmulatedAws, ansible: Ansible) -> EmulatedAws:
    begin(aws, ansible)
    return aws


def changes(run: Run) -> dict[str, list[tuple[Any, ...]]]:
    """What each step changed or would change."""
    return {
        name: sorted(
            (one["account_id"], one["action"], one["kind"], one["target"], str(one["after"]))
            for one in result["changes"]
        )
        for name, result in run.tasks.items()
        if result.get("changes")
    }


def left(run: Run) -> dict[str, str]:
    return {row["instance_id"]: row["reason"] for row in run.stats["guardduty_offboard"]["left_behind"]}


def test_everything_is_removed_and_does_not_come_back(fleet: EmulatedAws, ansible: Ansible) -> None:
    one, two = Outside(fleet, ONE), Outside(fleet, TWO)
    fleet.clear()
    predicted = ansible.playbook(OFFBOARD, "--check", "--diff", **ALL).ok()
    assert fleet.writes() == {}
    fleet.clear()
    real = ansible.playbook(OFFBOARD, "--diff", **ALL).ok()
    hold("playbook offboard", fleet.calls())
    assert changes(predicted) == changes(real)
    assert set(changes(real)) == {
        "Turn automated agent configuration off",
        "Exclude the instances by tag or remove their inclusion tags",
        "Delete the install association unless other VPCs need it",
        "Tag the instances for uninstallation",
        "Uninstall the agents through Systems Manager",
        "Delete the endpoints and their security groups",
    }
    reached = {
        row["instance_id"] for row in real.tasks["Uninstall the agents through Systems Manager"]["succeeded_targets"]
    }
    assert reached == {*one.ids("web"), *one.ids("pinned"), *one.ids("side"), *two.ids("db")}
    # Those that Systems Manager does not reach keep their agent, and are named; where there is none nothing is said.
    (lost,), (bare,) = one.ids("lost"), one.ids("bare")
    assert left(real) == {lost: "ssm_lost", bare: "ssm_absent"}
    assert one.with_agent() == {lost, bare}
    assert two.with_agent() == set()
    assert real.stats["guardduty_offboard"]["not_running_ids"] == one.ids("asleep")
    assert one.associations() == two.associations() == {"fleetsec-guardduty-uninstall"}

    fleet.clear()
    again = ansible.playbook(OFFBOARD, **ALL).ok()
    assert fleet.writes() == {}
    hold("playbook offboard, again", fleet.calls())
    assert again.document["stats"]["localhost"]["changed"] == 0
    assert left(again) == left(real)

    # Nothing is created again while the instances exist, and a host that starts later loses its agent too.
    one.ec2.start_instances(InstanceIds=one.ids("asleep"))
    one.poke("web")
    two.poke("db")
    assert one.with_agent() == {lost, bare}
    for account, name in ((one, "shop"), (one, "side"), (two, "data")):
        assert account.endpoints(account.vpc(name)) == []
    for account, name in ((one, "shop"), (two, "data")):
        vpc_id = account.vpc(name)
        account.terminate(vpc_id)
        for subnet in account.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["Subnets"]:
            account.ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        account.ec2.delete_vpc(VpcId=vpc_id)

    done = ansible.playbook(OFFBOARD, **ALL, remove_traces=True).ok()
    assert "Delete the uninstall association unless other VPCs need it" in changes(done)
    assert one.associations() == two.associations() == set()
    assert "fleetsec-guardduty-route" not in one.tags("side")


# A play of its own: defaults of the collection's action group would reach amazon.aws's modules too.
FREE = """
- hosts: localhost
  gather_facts: false
  tasks:
    - amazon.aws.ec2_vpc_subnet_info:
        filters: {vpc-id: "{{ vpc_id }}"}
      register: subnets
    - amazon.aws.ec2_vpc_subnet:
        vpc_id: "{{ vpc_id }}"
        cidr: "{{ item.cidr_block }}"
        state: absent
      loop: "{{ subnets.subnets }}"
    - amazon.aws.ec2_vpc_net:
        vpc_id: "{{ vpc_id }}"
        state: absent
"""


@pytest.mark.story
def test_one_vpc_while_automation_stays_on(fleet: EmulatedAws, ansible: Ansible) -> None:
    """GuardDuty would create the endpoint again while an instance exists: it is left alone until none does."""
    one = Outside(fleet, ONE)
    shop, side = one.vpc("shop"), one.vpc("side")
    desired = {**EVERYWHERE, "assume_role_arns": [], "vpc_ids": [shop], "include_guardduty": True}
    first = ansible.playbook(OFFBOARD, **desired).ok()
    assert [row["vpc_id"] for row in first.stats["guardduty_offboard"]["kept_vpcs"]] == [shop]
    assert "creates its endpoint again" in str(first.tasks["Show what will be done and what remains"]["msg"])
    assert one.endpoints(shop)
    assert one.tags("web")["GuardDutyManaged"] == "false"
    # GuardDuty's automation runs on, and does not install again where it is told not to.
    one.poke("web")
    assert one.with_agent() == {*one.ids("lost"), *one.ids("bare"), *one.ids("side")}
    assert "GuardDutyManaged" not in one.tags("side")

    one.terminate(shop)
    second = ansible.playbook(OFFBOARD, **desired).ok()
    assert list(changes(second)) == ["Delete the endpoints and their security groups"]
    assert second.stats["guardduty_offboard"]["kept_vpcs"] == []
    assert second.stats["guardduty_offboard"]["left_behind"] == []
    fleet.clear()
    ansible.playbook(OFFBOARD, **desired).ok()
    assert fleet.writes() == {}
    one.poke("side")
    (ansible.folder / "free.yml").write_text(FREE)
    ansible.playbook("free.yml", vpc_id=shop).ok()
    with pytest.raises(ClientError, match=r"InvalidVpcID\.NotFound"):
        one.ec2.describe_vpcs(VpcIds=[shop])
    assert one.endpoints(side), "the other VPC keeps what it needs"


@pytest.mark.story
def test_monitoring_off_at_the_end(fleet: EmulatedAws, ansible: Ansible) -> None:
    """GuardDuty then deletes its own endpoints."""
    one, two = Outside(fleet, ONE), Outside(fleet, TWO)
    desired = {**EVERYWHERE, "all_vpcs": True, "disable_monitoring": True}
    predicted = ansible.playbook(OFFBOARD, "--check", **desired).ok()
    real = ansible.playbook(OFFBOARD, **desired).ok()
    assert changes(predicted) == changes(real)
    assert list(changes(real))[-1] == "Turn Runtime Monitoring off"
    assert real.stats["guardduty_offboard"]["kept_vpcs"] == []
    assert one.endpoints(one.vpc("shop")) == two.endpoints(two.vpc("data")) == []
    fleet.clear()
    again = ansible.playbook(OFFBOARD, **desired).ok()
    assert fleet.writes() == {}
    # Without coverage nobody knows any more which of the hosts out of reach have an agent: all of them are named.
    assert set(left(again)) == {*one.ids("lost"), *one.ids("bare"), *one.ids("clean")}


@pytest.mark.story
def test_where_automation_cannot_be_stopped_nothing_is_torn_down(fleet: EmulatedAws, ansible: Ansible) -> None:
    """One account out of reach, one whose detector may not be changed; the third is served."""
    fleet.faults({"op": "guardduty:UpdateDetector", "account": ONE, "kind": "deny"})
    one, two = Outside(fleet, ONE), Outside(fleet, TWO)
    run = ansible.playbook(OFFBOARD, **{**ALL, "assume_role_arns": role_arns([THREE, ONE, TWO])})
    assert run.returncode != 0
    message = run.tasks["Fail if any step failed"]["msg"]
    assert "sts:AssumeRole in 333333333333 failed" in message
    assert "Allow guardduty:UpdateDetector" in message
    assert len(message.splitlines()) == 2
    # Uninstalled agents would come back, and so would the endpoints.
    assert set(left(run).values()) == {"still_managed"}
    assert {row["vpc_id"] for row in run.stats["guardduty_offboard"]["kept_vpcs"]} == {one.vpc("shop"), one.vpc("side")}
    assert set(one.ids("web")) <= one.with_agent()
    assert two.with_agent() == set()
    assert two.endpoints(two.vpc("data")) == []


@pytest.mark.parametrize(
    ("desired", "sentence"),
    [
        ({}, "Choose where to remove Runtime Monitoring"),
        ({"vpc_ids": ["vpc-1"], "all_vpcs": True}, "but not both"),
        (
            {"vpc_ids": ["vpc-1"], "disable_monitoring": True},
            "disable_monitoring turns off Runtime Monitoring in whole",
        ),
        ({"all_vpcs": True, "stop_by": "magic"}, "set it to automated_agent_off or tags"),
    ],
)
@pytest.mark.story
def test_refusals(aws: EmulatedAws, ansible: Ansible, desired: dict[str, Any], sentence: str) -> None:
    aws.clear()
    run = ansible.playbook(OFFBOARD, regions=["eu-west-1"], **desired)
    assert run.returncode != 0
    assert sentence in run.tasks["Check the selection"]["msg"]
    assert aws.calls() == {}
