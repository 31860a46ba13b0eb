# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup of packages runs without credentials, makes no call, and uses the defaults of the action group."""

from __future__ import annotations

from harness import Ansible, EmulatedAws

NOBODY = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": None,
    "AWS_SECRET_ACCESS_KEY": None,
    "AWS_REGION": None,
}

LOOK_UPS = """
- name: group
  fleetsec.guardduty.agent_package_info:
    formats: [deb]
    architectures: [amd64]
- name: role
  fleetsec.guardduty.agent_package_info:
    regions: [ap-southeast-7, us-gov-west-1]
    assume_role_arns: [arn:aws:iam::222222222222:role/FleetSec]
    version: 1.8.0
- name: newer
  fleetsec.guardduty.agent_package_info:
    version: 1.99.0
- name: profile
  fleetsec.guardduty.agent_package_info:
    profile: not-there
    regions: [eu-west-2]
- name: nowhere
  fleetsec.guardduty.agent_package_info:
    regions: [ap-southeast-5]
  ignore_errors: true
- name: mixed
  fleetsec.guardduty.agent_package_info:
    version: 1.7.2
  ignore_errors: true
- name: none
  fleetsec.guardduty.agent_package_info:
    regions: []
  ignore_errors: true
"""


def test_it_answers_without_credentials_and_network(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.clear()
    for arguments in ([], ["--check"]):
        tasks = ansible.playbook(LOOK_UPS, *arguments, env=NOBODY).ok().tasks
        assert aws.log() == []
        assert not any(result["changed"] for result in tasks.values())
        (row,) = tasks["group"]["packages"]
        assert row["package_file"] == "amazon-guardduty-agent-1.17.1.amd64.deb"
        assert row["bucket_owner_id"] == "694911143906"
        assert tasks["group"]["signing_key"]["fingerprint"].endswith("093FF49D")
        # The leading zero of an account id survives Ansible.
        role = tasks["role"]
        assert {row["bucket_owner_id"] for row in role["packages"]} == {"054037130133", "383110348953"}
        assert len(role["packages"]) == 2 + 4
        assert "none for DEB packages" in role["problems"][0]
        assert any("none for DEB packages" in warning for warning in role["warnings"])
        assert tasks["newer"]["release"]["known"] is False
        assert "newer than the newest version that this collection knows" in tasks["newer"]["warnings"][0]
        assert len(tasks["profile"]["packages"]) == 4
        assert "AWS lists no bucket with agent packages for 'ap-southeast-5'" in tasks["nowhere"]["msg"]
        assert "it contains the agent 1.7.1" in tasks["mixed"]["msg"]
        assert "No region was given" in tasks["none"]["msg"]
