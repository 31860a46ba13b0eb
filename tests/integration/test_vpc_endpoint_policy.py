# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoint policies of vpc_endpoint from templates: the collection's own and the user's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from endpoint_world import ONE, endpoints_of, vpc
from harness import ROOT, Ansible, EmulatedAws

__all__ = ["vpc"]  # a fixture

# Only reading of one's own account's agents, as a partner of the account may have it.
TEMPLATE = """
{# {{ this }} is not looked at #}
{"Statement": [
  {"Effect": "Allow", "Principal": "*", "Action": "guardduty:*", "Resource": "*", "Condition": {"StringEquals": {
    "aws:PrincipalAccount": {{ ([account_id] + extra_accounts) | to_json }},
    "aws:SourceVpc": {{ vpc_id | to_json }},
    "aws:RequestedRegion": "{{ region }}"
  } } }
] }
"""
OWN = """
- name: %s
  fleetsec.guardduty.vpc_endpoint:
    vpc_ids: ["{{ bare }}", "{{ theirs }}"]
    policy_template: endpoint.json.j2
    policy_accounts: ["333333333333"]
"""


def policy(aws: EmulatedAws, vpc_id: str) -> dict[str, Any]:
    (endpoint,) = endpoints_of(aws, vpc_id)
    return dict(json.loads(endpoint["PolicyDocument"]))


def test_a_template_of_ones_own_is_rendered_for_each_vpc(
    aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str]
) -> None:
    (ansible.folder / "templates").mkdir()
    (ansible.folder / "templates" / "endpoint.json.j2").write_text(TEMPLATE)
    check = ansible.playbook(OWN % "own", "--check", "--diff", **vpc).ok().tasks["own"]
    assert not aws.writes()
    real = ansible.playbook(OWN % "own", "--diff", **vpc).ok().tasks["own"]
    again = ansible.playbook(OWN % "own", **vpc).ok().tasks["own"]
    assert (check["changes"], check["diff"]) == (real["changes"], real["diff"])
    assert real["changed"] and not again["changed"]
    for name in ("bare", "theirs"):
        (statement,) = policy(aws, vpc[name])["Statement"]
        assert statement["Condition"]["StringEquals"] == {
            "aws:PrincipalAccount": [ONE, "333333333333"],
            "aws:SourceVpc": vpc[name],
            "aws:RequestedRegion": "eu-west-1",
        }
    # ansible-core 2.21 returns no invocation.
    assert real.get("invocation", {}).get("module_args", {}).get("policy_source") is None


def test_a_copy_of_the_collections_own_changes_nothing(aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str]) -> None:
    preset = OWN.replace("policy_template: endpoint.json.j2", "policy: account") % "preset"
    ansible.playbook(preset, **vpc).ok()
    shipped = ROOT / "playbooks" / "templates" / "endpoint_policy.json.j2"
    (ansible.folder / "endpoint.json.j2").write_text(shipped.read_text())
    assert not ansible.playbook(OWN % "copy", **vpc).ok().tasks["copy"]["changed"]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% if %}", "policy_template endpoint.json.j2 is not a valid Jinja2 template: "),
        ("{{ inventory_hostname }}", "uses the unknown variables inventory_hostname. Use only account_id, "),
        ('{"Statement": [}', "is not valid JSON: "),
        ("{}", "is not a valid policy: it has no Statement."),
        # Right for the first VPC, wrong for the second: nothing is written in either.
        ('{"Statement": {{ "[]" if vpc_id == "%(bare)s" else "" }} }', "rendered for %(theirs)s, is not valid JSON"),
        (None, "Could not find or access 'endpoint.json.j2'"),
    ],
)
def test_a_bad_template_is_reported_and_nothing_is_written(
    aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str], template: str | None, words: str
) -> None:
    if template is not None:
        (ansible.folder / "endpoint.json.j2").write_text(template % vpc if "%(" in template else template)
    run = ansible.playbook(OWN % "own", **vpc)
    assert run.returncode == 2
    assert (words % vpc if "%(" in words else words) in run.tasks["own"]["msg"]
    assert not aws.writes()
