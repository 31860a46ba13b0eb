# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A roll-out over an organization: 20 accounts in 2 regions, with a delegated administrator who alone changes its members."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Ansible, EmulatedAws

pytestmark = pytest.mark.story

ACCOUNTS = [f"{number:012d}" for number in range(100000000001, 100000000021)]
MANAGEMENT, ADMINISTRATOR = ACCOUNTS[:2]
REGIONS = ["eu-west-1", "us-east-1"]


def fleet() -> str:
    lines = [
        f"organization: {{id: o-fleetsec20, management_account: '{MANAGEMENT}', guardduty_administrator: '{ADMINISTRATOR}'}}",
        "accounts:",
    ]
    for account in ACCOUNTS:
        lines += [f"  '{account}':", f"    name: a{account}", "    roles: [FleetSec]", "    regions:"]
        for region in REGIONS:
            lines += [
                f"      {region}:",
                "        guardduty: {}",
                f"        vpcs: {{one: {{subnets: {{a: {region}a}}}}}}",
                "        instances: [{name: web, count: 2, vpc: one, ssm: online}]",
            ]
    return "\n".join(lines)


def test_twenty_accounts_in_two_regions(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(fleet())
    variables: dict[str, Any] = {
        "regions": REGIONS,
        "organization_role_name": "FleetSec",
        "administrator_role_arn": f"arn:aws:iam::{ADMINISTRATOR}:role/FleetSec",
        "ec2_agent_management": True,
        "coverage_interval": 1,
        "coverage_timeout": 60,
    }
    predicted = ansible.playbook("fleetsec.guardduty.rollout", "--check", **variables).ok()
    assert aws.writes() == {}
    real = ansible.playbook("fleetsec.guardduty.rollout", **variables).ok()
    for step in ("Enable Runtime Monitoring in member accounts", "Enable Runtime Monitoring"):
        assert predicted.tasks[step]["changes"] == real.tasks[step]["changes"]
    # 19 members fit into one call (50 accounts a call, botocore model); the administrator changes itself. Once a region.
    assert aws.writes() == {"guardduty:UpdateMemberDetectors": 2, "guardduty:UpdateDetector": 2}
    after = real.stats["guardduty_rollout"]["after"]
    assert (after["instances"], after["wanted"], after["healthy"]) == (80, 80, 80)
    aws.clear()
    ansible.playbook("fleetsec.guardduty.rollout", **variables).ok()
    assert aws.writes() == {}
