# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ssm_association at AWS's limit of 20 associations a node: what it reads, what it refuses, and its warnings."""

from __future__ import annotations

from typing import Any

import pytest
from association_world import DOCUMENT, WORLD, state_manager

INSTALL = {"action": ["Install"], "name": ["AmazonGuardDuty-RuntimeMonitoringSsmPlugin"]}
EVERYONE = [{"Key": "InstanceIds", "Values": ["*"]}]
WAVES = """
- name: wave 1
  fleetsec.guardduty.ssm_association: {association_name: wave-1, target_tags: {wave: 1}}
  ignore_errors: true
- name: wave 2
  fleetsec.guardduty.ssm_association: {association_name: wave-2, target_tags: {wave: 2}}
  ignore_errors: true
"""
FIND = {"ssm:ListAssociations": 2, "ssm:GetDocument": 1}  # by name, then all of them


@pytest.fixture
def ssm(aws: Any) -> Any:
    aws.load(WORLD)
    return state_manager(aws.endpoint_url)


def fill(ssm: Any, count: int, targets: Any, name: str = "older") -> None:
    for number in range(count):
        ssm.create_association(AssociationName=f"{name}-{number}", Name=DOCUMENT, Parameters=INSTALL, Targets=targets)


def wave(*values: str) -> list[dict[str, Any]]:
    return [{"Key": "tag:wave", "Values": list(values)}]


def test_a_full_node_is_refused_before_the_write(aws: Any, ansible: Any, ssm: Any) -> None:
    fill(ssm, 20, wave("1"))
    aws.clear()
    check = ansible.playbook(WAVES, "--check").ok().tasks
    assert aws.calls() == {
        "ssm:ListAssociations": 4,
        "ssm:GetDocument": 2,
        # Only for wave 1: no node of wave 2 can be a node of wave 1.
        "ec2:DescribeInstances": 1,
        "ssm:DescribeInstanceProperties": 1,
    }
    done = ansible.playbook(WAVES).ok().tasks
    assert done["wave 1"]["failed"] and not done["wave 2"].get("failed")
    assert "3 of its nodes already have 20 associations" in done["wave 1"]["msg"]
    assert done["wave 1"]["msg"].count("i-") == 3
    assert "Delete an association that these nodes no longer need" in done["wave 1"]["msg"]
    assert (check["wave 1"]["msg"], check["wave 2"]["changes"]) == (done["wave 1"]["msg"], done["wave 2"]["changes"])
    assert aws.writes() == {"ssm:CreateAssociation": 1}


def test_with_room_for_one_it_is_written_and_then_there_is_none(aws: Any, ansible: Any, ssm: Any) -> None:
    fill(ssm, 19, EVERYONE)
    aws.clear()
    tasks = """
    - name: twentieth
      fleetsec.guardduty.ssm_association: {association_name: wave-1, target_tags: {wave: 1}, wait: true}
    - name: again
      fleetsec.guardduty.ssm_association: {association_name: wave-1, target_tags: {wave: 1}}
    - name: same nodes
      fleetsec.guardduty.ssm_association: {association_name: wave-1, target_tags: {wave: [1, 9]}}
    """
    done = ansible.playbook(tasks).ok().tasks
    assert len(done["twentieth"]["succeeded_targets"]) == 3
    assert not done["again"]["changed"] and done["same nodes"]["changed"]
    assert {"ec2:DescribeInstances", "ssm:DescribeInstanceProperties"}.isdisjoint(aws.calls())
    more = "- name: more\n  fleetsec.guardduty.ssm_association: {association_name: more, target_tags: {wave: 1}}\n"
    refused = ansible.playbook(more + "  ignore_errors: true\n").ok().tasks["more"]
    assert "NodeLimit" in refused["msg"]


def test_new_targets_of_an_association_are_counted(aws: Any, ansible: Any, ssm: Any) -> None:
    fill(ssm, 20, wave("2"))
    tasks = """
    - name: made
      fleetsec.guardduty.ssm_association: {association_name: mover, target_tags: {wave: 1}}
    - name: moved
      fleetsec.guardduty.ssm_association: {association_name: mover, target_tags: {wave: 2}}
      ignore_errors: true
    """
    done = ansible.playbook(tasks).ok().tasks
    assert "1 of its nodes already have 20 associations" in done["moved"]["msg"]
    assert done["moved"]["associations"][0]["targets"] == [{"key": "tag:wave", "values": ["1"]}]
    assert "ssm:UpdateAssociation" not in aws.calls()


def test_unknown_limits_are_reported_and_left_to_aws(aws: Any, ansible: Any, ssm: Any) -> None:
    fill(ssm, 20, EVERYONE)
    aws.faults({"kind": "deny", "op": "ec2:DescribeInstances"})
    run = ansible.playbook(WAVES.partition("- name: wave 2")[0]).ok()
    done = run.tasks["wave 1"]
    assert done["changed"] and not done["problems"]
    said = " ".join(done["warnings"])
    assert "whether the nodes of association wave-1 in 111111111111/eu-west-1 exceed that is unknown" in said
    assert "ec2:DescribeInstances" in said


def test_a_page_holds_fifty(aws: Any, ansible: Any, ssm: Any) -> None:
    fill(ssm, 101, wave("9"))
    aws.clear()
    ansible.playbook(WAVES.partition("- name: wave 2")[0]).ok()
    assert aws.calls() == {**FIND, "ssm:ListAssociations": 1 + 3 + 1, "ssm:CreateAssociation": 1}
