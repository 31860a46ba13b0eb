# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for associations to run, and ssm_association_info, against the emulated AWS."""

from __future__ import annotations

from typing import Any

import pytest
from association_world import DOCUMENT, IDLE, OWN, WAVE, WORLD, state_manager


@pytest.fixture
def world(aws: Any) -> Any:
    aws.load(WORLD)
    return aws


@pytest.fixture
def ssm(world: Any) -> Any:
    return state_manager(world.endpoint_url)


def test_wait_gives_each_node_and_fails_for_the_failed(world: Any, ansible: Any, ssm: Any) -> None:
    tasks = """
    - name: good
      fleetsec.guardduty.ssm_association: {association_name: good, target_tags: {wave: 1}, wait: true}
    - name: bad
      fleetsec.guardduty.ssm_association: {association_name: bad, target_tags: {wave: [1, 2]}, wait: true}
      ignore_errors: true
    - name: bad still
      fleetsec.guardduty.ssm_association: {association_name: bad, wait: true}
      ignore_errors: true
    - name: offline
      fleetsec.guardduty.ssm_association: {association_name: offline, target_tags: {wave: 3}, wait: true, wait_timeout: 1}
      ignore_errors: true
    - name: nobody
      fleetsec.guardduty.ssm_association: {association_name: nobody, target_tags: {wave: 77}, wait: true}
    """
    done = ansible.playbook(tasks).ok().tasks
    assert [row["status"] for row in done["good"]["succeeded_targets"]] == ["Success"] * 3
    assert done["good"]["failed_targets"] == []
    bad = done["bad"]
    assert bad["failed"] and bad["changed"]
    assert len(bad["succeeded_targets"]) == 3
    (failed,) = bad["failed_targets"]
    assert failed["detailed_status"] == "Failed"
    assert f"1 of 4 targets failed: {failed['instance_id']} (Failed)" in bad["msg"]
    assert done["bad still"]["failed"] and not done["bad still"]["changed"]
    assert done["bad still"]["failed_targets"] == bad["failed_targets"]
    assert [row["status"] for row in done["offline"]["unfinished_targets"]] == ["Pending"]
    assert "1 of 1 targets had not finished after 1 seconds" in done["offline"]["msg"]
    assert done["nobody"]["unmatched"][0]["region"] == "eu-west-1"
    assert "No managed node matches the targets of the association nobody" in done["nobody"]["warnings"][0]


def test_wait_only_checks_the_new_version(world: Any, ansible: Any, ssm: Any) -> None:
    """The first version fails on a node that the second leaves out."""
    tasks = """
    - name: first
      fleetsec.guardduty.ssm_association: {association_name: agent, target_tags: {wave: [1, 2]}}
    - name: second
      fleetsec.guardduty.ssm_association: {association_name: agent, target_tags: {wave: 1}, wait: true}
    - name: run
      fleetsec.guardduty.ssm_association: {association_name: agent, state: run, wait: true}
    - name: info
      fleetsec.guardduty.ssm_association_info: {executions: true}
    """
    world.clear()
    done = ansible.playbook(tasks).ok().tasks
    second, run = done["second"]["succeeded_targets"], done["run"]["succeeded_targets"]
    assert {row["association_version"] for row in second} == {"2"}
    assert len(second) == len(run) == 3
    assert {row["execution_id"] for row in second}.isdisjoint({row["execution_id"] for row in run})
    assert done["run"]["changed"] and done["run"]["msg"] == "1 association started."
    (found,) = done["info"]["associations"]
    assert found["last_run"]["execution_id"] == run[0]["execution_id"]
    assert [row["status"] for row in found["last_run"]["targets"]] == ["Success"] * 3


def test_wait_has_one_call_a_page(aws: Any, ansible: Any) -> None:
    aws.load(WORLD.replace("count: 3", "count: 120"))
    done = (
        ansible.playbook("""
    - name: many
      fleetsec.guardduty.ssm_association: {association_name: many, target_tags: {wave: 1}, wait: true}
    """)
        .ok()
        .tasks["many"]
    )
    assert len(done["succeeded_targets"]) == 120
    calls = aws.calls()
    assert calls["ssm:DescribeAssociationExecutionTargets"] == 3
    assert calls["ssm:DescribeAssociationExecutions"] == 1
    assert "ssm:DescribeInstanceInformation" not in calls


def test_throttling_is_waited_out(world: Any, ansible: Any) -> None:
    world.faults(
        {"kind": "throttle", "op": "ssm:CreateAssociation", "times": 2},
        {"kind": "throttle", "op": "ssm:DescribeAssociation*", "times": 2},
    )
    done = ansible.playbook(WAVE + "    wait: true\n").ok().tasks["wave"]
    assert len(done["succeeded_targets"]) == 3
    assert world.calls()["ssm:CreateAssociation"] == 3


def test_info_shows_the_association_that_guardduty_made(aws: Any, ansible: Any) -> None:
    aws.load(WORLD.replace("{runtime_monitoring: true}", "{runtime_monitoring: true, ec2_agent_management: true}"))
    info = """
    - name: info
      fleetsec.guardduty.ssm_association_info: {executions: true}
    """
    (found,) = ansible.playbook(info).ok().tasks["info"]["associations"]
    assert (found["association_name"], found["owner"]) == (OWN, "guardduty")
    assert found["document_name"] == DOCUMENT
    assert {row["status"] for row in found["last_run"]["targets"]} == {"Success", "Failed", "Pending"}
    assert aws.calls() == {
        **IDLE,
        "ssm:ListTagsForResource": 1,
        "ssm:DescribeAssociationExecutions": 1,
        "ssm:DescribeAssociationExecutionTargets": 1,
    }


def test_info_by_name_document_and_filter(world: Any, ansible: Any, ssm: Any) -> None:
    for name in ("wave-1", "wave-2"):
        ssm.create_association(
            AssociationName=name,
            Name=DOCUMENT,
            Parameters={"action": ["Install"]},
            Targets=[{"Key": "tag:wave", "Values": [name[-1]]}],
        )
    world.clear()
    done = (
        ansible.playbook("""
    - name: named
      fleetsec.guardduty.ssm_association_info: {association_names: [wave-2, no-such]}
    - name: failed
      fleetsec.guardduty.ssm_association_info: {document_names: [], filters: {AssociationStatusName: Failed}}
    - name: other
      fleetsec.guardduty.ssm_association_info: {document_names: [AWS-RunShellScript]}
    - name: wrong
      fleetsec.guardduty.ssm_association_info: {filters: {Colour: red}}
      ignore_errors: true
    """)
        .ok()
        .tasks
    )
    (named,) = done["named"]["associations"]
    assert named["association_name"] == "wave-2" and named["owner"] == "operator"
    assert named["targets"] == [{"key": "tag:wave", "values": ["2"]}]
    assert named["status"] == "Failed" and named["status_counts"] == {"Failed": 1}
    assert "last_run" not in named
    assert [row["association_name"] for row in done["failed"]["associations"]] == ["wave-2"]
    assert done["other"]["associations"] == []
    assert "filters has no Colour" in done["wrong"]["msg"]
