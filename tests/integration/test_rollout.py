# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roll-out of the demo's fleet: accurate check mode, no writes in a second run, and isolated failures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden import hold
from harness import FLEETS, Ansible, EmulatedAws, Run, role_arns

ACCOUNTS = ["111111111111", "222222222222", "333333333333"]
VARIABLES: dict[str, Any] = {
    "regions": ["eu-west-1", "eu-central-1"],
    "assume_role_arns": role_arns(ACCOUNTS),
    "create_detectors": True,
    "dns_attributes": True,
    "max_concurrency": "100%",
    "coverage_interval": 1,
    "coverage_timeout": 30,
}


@pytest.fixture
def fleet(aws: EmulatedAws) -> EmulatedAws:
    """The demo's fleet, in which nothing takes time."""
    text = (FLEETS / "demo.yml").read_text(encoding="utf-8")
    aws.load(text.replace("pace: {endpoint: 2, association: 1, coverage: 2}", "pace: {}"))
    return aws


def changes(run: Run) -> dict[str, list[tuple[Any, ...]]]:
    """What each step changed or would change."""
    return {
        name: sorted(
            (one["account_id"], one["region"], one["action"], one["kind"], one["target"], str(one["after"]))
            for one in result["changes"]
        )
        for name, result in run.tasks.items()
        if result.get("changes")
    }


def test_check_mode_predicts_the_run_and_a_second_run_writes_nothing(fleet: EmulatedAws, ansible: Ansible) -> None:
    predicted = ansible.playbook("fleetsec.guardduty.rollout", "--check", "--diff", **VARIABLES).ok()
    assert fleet.writes() == {}
    fleet.clear()
    # Two hosts that cannot be reached, and that the limit keeps the run from.
    by_package = predicted.stats["guardduty_rollout"]["package_instance_ids"]
    hosts = {f"web-{one}": {"gd_instance_id": one, "ansible_port": 9} for one in by_package[:2]}
    (ansible.folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": {**hosts, "other": {}}}}))
    limit = ("-i", str(ansible.folder / "hosts.yml"), "--limit", "other:localhost")
    report = ansible.folder / "report"
    real = ansible.playbook("fleetsec.guardduty.rollout", "--diff", *limit, **VARIABLES, report_dir=str(report)).ok()
    hold("playbook rollout", fleet.calls())
    assert changes(predicted) == changes(real)
    assert set(changes(real)) == {
        "Enable Runtime Monitoring",
        "Create VPC endpoints that GuardDuty does not create",
        "Repair tags and make exclusions readable",
        "Tag the instances of the SSM route",
        "Create or update the association for the tagged instances",
    }
    for name in changes(real):
        assert real.tasks[name]["diff"]["after"]
        assert real.tasks[name]["diff"] == predicted.tasks[name]["diff"]
    result = real.stats["guardduty_rollout"]
    # Worked out from the fleet file: every supported instance that is not excluded is wanted ...
    assert result["after"]["wanted"] == 82
    # ... and all but those of the package route (9) and the two of the GuardDuty route that SSM does not know report.
    assert result["after"]["healthy"] == 82 - 9 - 2
    assert len(result["package_instance_ids"]) == 9
    assert (result["package_hosts"], result["problems"]) == ([], [])
    assert result["left_out_by_limit"] == list(hosts)
    sentence = f"the limit excluded from this run: 2 ({', '.join(hosts)})."
    shown = " ".join(text.strip() for _style, text in real.tasks["Read the fleet again"]["screen"])
    assert sentence in shown
    assert sentence in (report / "report.html").read_text(encoding="utf-8")

    fleet.clear()
    again = ansible.playbook("fleetsec.guardduty.rollout", *limit, **VARIABLES).ok()
    assert fleet.writes() == {}
    hold("playbook rollout, again", fleet.calls())
    assert changes(again) == {}
    assert again.document["stats"]["localhost"]["changed"] == 0


@pytest.mark.story
def test_the_rest_of_the_fleet_is_served(fleet: EmulatedAws, ansible: Ansible) -> None:
    """One role that cannot be assumed, one account in which tags may not be written: a sentence each, and the rest is done."""
    fleet.faults({"op": "ec2:CreateTags", "account": "222222222222", "kind": "deny"})
    arns = role_arns(["444444444444", *ACCOUNTS])
    run = ansible.playbook("fleetsec.guardduty.rollout", **{**VARIABLES, "assume_role_arns": arns})
    assert run.returncode != 0
    message = run.tasks["Fail if any step failed"]["msg"]
    assert "sts:AssumeRole in 444444444444 failed: AccessDenied" in message
    assert "ec2:CreateTags in 222222222222/eu-west-1 failed: UnauthorizedOperation" in message
    assert "Allow ec2:CreateTags" in message
    healthy = {
        (area["account_id"], area["region"]): area["healthy"]
        for area in run.stats["guardduty_rollout"]["after"]["areas"]
    }
    assert healthy["111111111111", "eu-west-1"] > 0
    assert healthy["111111111111", "eu-central-1"] == 17
    assert healthy["222222222222", "eu-west-1"] == 0


@pytest.mark.story
def test_the_gate_lists_missing_instances_and_causes(fleet: EmulatedAws, ansible: Ansible) -> None:
    fleet.faults({"op": "ssm:CreateAssociation", "kind": "deny", "account": "222222222222"})
    run = ansible.playbook("fleetsec.guardduty.rollout", **{**VARIABLES, "coverage_timeout": 1})
    assert run.returncode != 0
    message = run.tasks["Fail if any step failed"]["msg"]
    assert "Allow ssm:CreateAssociation" in message
    assert "instances report healthy" in message
    waiting = run.stats["guardduty_rollout"]["waiting"]
    assert {one["account_id"] for one in waiting} == {"222222222222"}
    assert all(one["remedy"] for one in waiting)


@pytest.mark.story
def test_automated_agents_need_no_association_and_no_endpoint_of_yours(fleet: EmulatedAws, ansible: Ansible) -> None:
    run = ansible.playbook("fleetsec.guardduty.rollout", **VARIABLES, ec2_agent_management=True).ok()
    assert set(changes(run)) == {"Enable Runtime Monitoring", "Repair tags and make exclusions readable"}
    fleet.clear()
    ansible.playbook("fleetsec.guardduty.rollout", **VARIABLES, ec2_agent_management=True).ok()
    assert fleet.writes() == {}


def test_audit_reads_only(fleet: EmulatedAws, ansible: Ansible) -> None:
    run = ansible.playbook(
        "fleetsec.guardduty.audit", regions=["eu-central-1"], assume_role_arns=role_arns(ACCOUNTS)
    ).ok()
    assert fleet.writes() == {}
    summary = run.stats["guardduty_audit"]["summary"]
    assert (summary["instances"], summary["wanted"], summary["healthy"]) == (25, 21, 8)
