# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""coverage_info and coverage_wait by real playbooks: filters by AWS, explanations of issues, and the gate's wait and progress."""

from __future__ import annotations

import time

from harness import FLEETS, Ansible, EmulatedAws, role_arns

ACCOUNTS = ["111111111111", "222222222222"]


def test_what_aws_filters_and_what_issues_mean(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEETS / "every_case.yml")
    run = ansible.playbook(
        """
        - name: all
          fleetsec.guardduty.coverage_info: {regions: [eu-west-1, us-east-1], assume_role_arns: "{{ arns }}"}
        - name: unhealthy
          fleetsec.guardduty.coverage_info: {status: unhealthy}
        - name: old and manual
          fleetsec.guardduty.coverage_info: {regions: [us-east-1], agent_versions: [1.16.0], management_types: [MANUAL]}
        """,
        arns=role_arns(ACCOUNTS),
    ).ok()
    everything, unhealthy = run.tasks["all"], run.tasks["unhealthy"]
    assert everything["statistics"]["healthy"] + everything["statistics"]["unhealthy"] == len(everything["coverage"])
    assert everything["monitoring_off"] == []
    assert {row["status"] for row in unhealthy["coverage"]} == {"unhealthy"}
    assert all(row["cause"] and row["remedy"] for row in unhealthy["coverage"] if row["issue"])
    assert "waiting_for_ssm" in unhealthy["statistics"]["issues"]
    assert [(row["agent_version"], row["management_type"]) for row in run.tasks["old and manual"]["coverage"]] == [
        ("1.16.0", "MANUAL")
    ]


def test_monitoring_off_is_reported(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load("accounts: {'111111111111': {name: a, regions: {eu-west-1: {guardduty: {}}}}}")
    run = ansible.playbook("- name: nothing\n  fleetsec.guardduty.coverage_info: {}\n").ok()
    assert run.tasks["nothing"]["monitoring_off"] == ["111111111111/eu-west-1"]
    assert "guardduty:ListCoverage" not in aws.calls()


GATE = """
pace: {coverage: 3}
accounts:
  "111111111111":
    name: a
    regions:
      eu-west-1:
        guardduty: {runtime_monitoring: true, ec2_agent_management: true}
        vpcs: {one: {subnets: {a: eu-west-1a}, endpoint: {owner: operator}}}
        instances:
          - {name: web, count: 2, vpc: one, ssm: online}
          - {name: lost, vpc: one, ssm: lost}
"""


def test_the_gate_opens_when_enough_report_and_shows_progress(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(GATE)
    run = ansible.playbook(
        """
        - name: some
          fleetsec.guardduty.coverage_wait: {skip_blocked: true, timeout: 60, interval: 1}
        - name: all in check mode
          fleetsec.guardduty.coverage_wait: {timeout: 60}
          check_mode: true
        """
    ).ok()
    some, everything = run.tasks["some"], run.tasks["all in check mode"]
    assert (some["expected"], some["healthy"], some["done"]) == (2, 2, True)
    assert some["waited"] >= 1
    assert "Coverage gate: 2 of 2 instances report healthy (100 %)" in run.stderr
    assert (everything["done"], everything["waited"] < 30, everything["healthy_percent"]) == (False, True, 66.6)


def test_the_gate_that_stays_closed_states_why_in_time(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(GATE.replace("pace: {coverage: 3}", "pace: {}"))
    began = time.monotonic()
    run = ansible.playbook(
        """
        - name: closed
          fleetsec.guardduty.coverage_wait: {timeout: 2, interval: 1}
        """
    )
    result = run.tasks["closed"]
    assert result["failed"] and time.monotonic() - began < 60
    assert "2 of 3 instances report healthy (66.6 %, 100 % needed)" in result["msg"]
    (waiting,) = result["waiting"]
    assert waiting["blockers"][0] == "ssm_connection_lost" and waiting["remedy"]


def test_a_gate_that_cannot_see_does_not_open(aws: EmulatedAws, ansible: Ansible) -> None:
    """A denied call is unknown: neither healthy nor a reason to continue."""
    aws.load(GATE.replace("pace: {coverage: 3}", "pace: {}"))
    aws.faults({"op": "guardduty:ListCoverage", "kind": "deny"})
    run = ansible.playbook("- name: blind\n  fleetsec.guardduty.coverage_wait: {timeout: 1, interval: 1}\n")
    assert run.tasks["blind"]["failed"]
    assert "Allow guardduty:ListCoverage" in str(run.tasks["blind"]["problems"])


def test_the_playbook_gate_hands_on_what_it_saw_and_fails_where_it_stays_closed(
    aws: EmulatedAws, ansible: Ansible
) -> None:
    """With the answers of a survey, which are text."""
    aws.load(GATE.replace("pace: {coverage: 3}", "pace: {}"))
    answers = {"regions": "eu-west-1", "coverage_timeout": "0", "filters": "", "instance_ids": "", "scope": "all"}
    closed = ansible.playbook("fleetsec.guardduty.gate", skip_blocked="false", coverage_percent="90", **answers)
    assert closed.returncode == 2
    assert (
        "2 of 3 instances report healthy (66.6 %, 90 % needed)" in closed.tasks["Fail if the gate stays closed"]["msg"]
    )
    handed = closed.stats["guardduty_gate"]
    assert (handed["expected"], handed["healthy"], handed["done"], len(handed["waiting"])) == (3, 2, False, 1)
    looked = ansible.playbook("fleetsec.guardduty.gate", "--check", skip_blocked="false", **answers).ok()
    assert looked.stats["guardduty_gate"]["healthy"] == 2
    left_out = ansible.playbook("fleetsec.guardduty.gate", skip_blocked="true", **answers).ok()
    assert left_out.stats["guardduty_gate"]["expected"] == 2
    assert aws.writes() == {}
