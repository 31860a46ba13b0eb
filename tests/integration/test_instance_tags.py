# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""instance_tags by real playbooks: bulk, check and diff, exclusions that GuardDuty can read, and refusals."""

from __future__ import annotations

import pytest
from harness import Ansible, EmulatedAws, role_arns

AREA = """
              eu-west-1:
                guardduty: {runtime_monitoring: true, ec2_agent_management: true}
                vpcs: {one: {subnets: {a: eu-west-1a}, endpoint: {owner: operator}}}
                instances:
                  - {name: web, count: 3, vpc: one, ssm: online, tags: {env: prod}}
                  - {name: wrong, vpc: one, ssm: online, tags: {GuardDutyManaged: "FALSE"}}
                  - {name: odd, vpc: one, ssm: online, tags: {GuardDutyManaged: "maybe"}}
                  - {name: space, vpc: one, ssm: online, tags: {GuardDutyManaged: "false", "Cost Center": "1"}}
                  - {name: gone, vpc: one, state: terminated, tags: {GuardDutyManaged: "True"}}
"""
FLEET = f"""
        accounts:
          "111111111111":
            name: first
            roles: [FleetSec]
            regions: {AREA}
          "222222222222":
            name: second
            roles: [FleetSec]
            regions: {AREA}
"""


def test_three_thousand_of_ten_thousand(aws: EmulatedAws, ansible: Ansible) -> None:
    """1,000 instances per DescribeInstances page, 1,000 resources per CreateTags call (EC2 API reference)."""
    aws.load(
        """
        accounts:
          "111111111111":
            name: large
            regions:
              eu-west-1:
                guardduty: {runtime_monitoring: true}
                vpcs: {one: {subnets: {a: eu-west-1a}}}
                instances:
                  - {name: right, count: 7000, vpc: one, tags: {GuardDutyManaged: "true"}}
                  - {name: wrong, count: 3000, vpc: one, tags: {GuardDutyManaged: "True"}}
        """
    )
    tasks = """
    - name: repair
      fleetsec.guardduty.instance_tags: {managed: repair, verdicts: false}
    """
    run = ansible.playbook(tasks).ok()
    assert run.tasks["repair"]["msg"] == "3000 instances tagged."
    assert aws.calls() == {"ec2:DescribeInstances": 10, "ec2:CreateTags": 3}
    aws.clear()
    assert not ansible.playbook(tasks).ok().tasks["repair"]["changed"]
    assert aws.calls() == {"ec2:DescribeInstances": 10}


TASKS = """
- name: exclude
  fleetsec.guardduty.instance_tags:
    filters: {"tag:env": prod}
    managed: exclude
    tags: {owner: security}
    assume_role_arns: "{{ arns }}"
- name: repair
  fleetsec.guardduty.instance_tags: {managed: repair, assume_role_arns: "{{ arns }}"}
"""


def test_check_real_and_again(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    arns = role_arns(["111111111111", "222222222222"])
    predicted = ansible.playbook(TASKS, "--check", "--diff", arns=arns).ok()
    assert aws.writes() == {}
    real = ansible.playbook(TASKS, "--diff", arns=arns).ok()
    for name in ("exclude", "repair"):
        assert predicted.tasks[name]["changes"] == real.tasks[name]["changes"]
        assert predicted.tasks[name]["diff"] == real.tasks[name]["diff"]
    exclude, repair = real.tasks["exclude"], real.tasks["repair"]
    assert predicted.tasks["exclude"]["msg"] == (
        "6 instance metadata tags settings would be enabled, 6 instances would be tagged."
    )
    assert exclude["transitions"] == [{"before": "automated_agent", "after": "excluded_by_tag", "count": 6}]
    assert all(change["after"].get("tag:owner", "security") == "security" for change in exclude["changes"])
    # 'FALSE' is fixed and made readable; 'maybe' means neither, and a terminated instance is left alone
    assert repair["msg"] == "2 instance metadata tags settings enabled, 2 instances tagged."
    assert list(repair["forbidden_keys"].values()) == [["Cost Center"], ["Cost Center"]]
    assert "do not allow the tag keys 'Cost Center'" in repair["warnings"][0]
    aws.clear()
    again = ansible.playbook(TASKS, arns=arns).ok()
    assert aws.writes() == {}
    assert not any(result["changed"] for result in again.tasks.values())


def test_failures_are_reported_and_the_rest_is_done(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    aws.faults({"op": "ec2:CreateTags", "account": "222222222222", "kind": "deny"})
    run = ansible.playbook(
        """
        - name: include
          fleetsec.guardduty.instance_tags:
            filters: {"tag:env": prod}
            managed: include
            assume_role_arns: "{{ arns }}"
        """,
        arns=role_arns(["111111111111", "222222222222", "333333333333"]),
    )
    result = run.tasks["include"]
    assert result["failed"] and result["changed"]
    assert {change["account_id"] for change in result["changes"]} == {"111111111111"}
    assert {change["account_id"] for change in result["failed_changes"]} == {"222222222222"}
    assert result["msg"].startswith("sts:AssumeRole in 333333333333 failed: AccessDenied")
    assert result["msg"].endswith("And 1 more; see problems. 3 of 6 changes were made.")
    assert "Allow ec2:CreateTags for the caller." in result["problems"][1]


def test_instances_that_vanish_or_never_were(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(FLEET)
    hosts = ansible.inventory({"plugin": "fleetsec.guardduty.ec2", "filters": {"tag:Name": "web-01"}}).ok()
    (web,) = hosts.document["_meta"]["hostvars"]
    run = ansible.playbook(
        """
        - name: some are there
          fleetsec.guardduty.instance_tags: {managed: include, instance_ids: ["{{ web }}", i-0123456789abcdef0]}
          ignore_errors: true
        - name: none chosen
          fleetsec.guardduty.instance_tags: {managed: include, instance_ids: []}
        """,
        web=web,
    ).ok()
    some = run.tasks["some are there"]
    assert some["failed"] and [change["target"] for change in some["changes"]] == [web]
    assert "there is no instance i-0123456789abcdef0 in 111111111111/eu-west-1" in some["msg"]
    assert not run.tasks["none chosen"]["changed"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("{managed: include, tags: {'aws:x': y}}", "reserved for AWS: aws:x"),
        ("{tags: {a: b}, remove_tags: [a]}", "are in tags and in remove_tags"),
        ("{managed: include, tags: {GuardDutyManaged: no}}", "use managed for it"),
        ("{tags: {GuardDutyManaged: maybe}}", "can be 'true' or 'false', not 'maybe'"),
        ("{managed: include, regions: [eu-wset-1]}", "'eu-wset-1' is not a known region. Did you mean eu-west-1?"),
        ("{managed: include, scope: most}", "value of scope must be one of: all, selected"),
        ("{managed: include, assume_role_arns: [FleetSec]}", "Write it as arn:aws:iam::ACCOUNT:role/NAME."),
        (
            "{managed: include, assume_role_arns: ['arn:aws:iam::111111111111:role/x'], organization_role_name: x}",
            "Give one of them.",
        ),
        ("{managed: include, filters: {no-such-filter: x}}", "InvalidParameterValue"),
    ],
)
def test_bad_input_is_one_sentence(aws: EmulatedAws, ansible: Ansible, options: str, sentence: str) -> None:
    aws.load(FLEET)
    run = ansible.playbook(f"- name: bad\n  fleetsec.guardduty.instance_tags: {options}\n")
    assert run.tasks["bad"]["failed"]
    assert sentence in run.tasks["bad"]["msg"]
    assert aws.writes() == {}


def test_no_credentials_no_region(aws: EmulatedAws, ansible: Ansible) -> None:
    tasks = "- name: bad\n  fleetsec.guardduty.instance_tags: {managed: include, regions: []}\n"
    nobody = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    run = ansible.playbook(tasks, env=nobody)
    assert "Provide credentials by environment, profile, option or instance role." in run.tasks["bad"]["msg"]
    run = ansible.playbook(tasks, env={"AWS_REGION": None})
    assert "Set regions (or region), or AWS_REGION in the environment." in run.tasks["bad"]["msg"]
    run = ansible.playbook(tasks, env={**nobody, "AWS_PROFILE": "nobody"})
    assert "nobody" in run.tasks["bad"]["msg"] and "profile" in run.tasks["bad"]["msg"]
