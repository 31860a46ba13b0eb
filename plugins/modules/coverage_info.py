# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads GuardDuty's runtime coverage and explains each issue."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coverage_info
version_added: 0.1.0
short_description: Read the GuardDuty runtime coverage of EC2 instances and decode each issue
description:
  - Lists GuardDuty's coverage record of each EC2 instance, and decodes issues into a cause and a remedy.
  - Instances without a coverage record are not listed; M(fleetsec.guardduty.eligibility_info) lists them.
  - An issue that the collection does not know is returned unchanged, with the code C(unrecognized).
options:
  instance_ids:
    description: Only these instances.
    type: list
    elements: str
  status:
    description: Only instances with this coverage status.
    type: str
    choices: [healthy, unhealthy]
  agent_versions:
    description: Only instances with one of these agent versions.
    type: list
    elements: str
  management_types:
    description: Only instances with one of these management types.
    type: list
    elements: str
    choices: [AUTO_MANAGED, MANUAL]
  cluster_arns:
    description: Only instances of these ECS clusters.
    type: list
    elements: str
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.targets
  - fleetsec.guardduty.attributes
  - fleetsec.guardduty.attributes.reads
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: fleetsec.guardduty.coverage_wait
  - module: fleetsec.guardduty.eligibility_info
"""

EXAMPLES = r"""
- name: List unhealthy instances and the reasons
  fleetsec.guardduty.coverage_info:
    regions: [eu-west-1]
    status: unhealthy
  register: coverage

- name: List manually managed agents of older versions
  fleetsec.guardduty.coverage_info:
    regions: [eu-west-1]
    agent_versions: [1.15.0, 1.16.0]
    management_types: [MANUAL]
"""

RETURN = r"""
coverage:
  description: A row for each instance with a coverage record.
  returned: always
  type: list
  elements: dict
  sample:
    - instance_id: i-0123456789abcdef0
      account_id: "111111111111"
      region: eu-west-1
      status: unhealthy
      issue: "No Agent Reporting: Waiting for SSM notification"
      issue_code: waiting_for_ssm
      cause: GuardDuty is waiting for Systems Manager to report the instance.
      remedy: Wait a few minutes; if the issue persists, make the instance a managed node.
      agent_version: null
      management_type: AUTO_MANAGED
      cluster_arn: null
      updated_at: "2026-11-01T10:00:00+00:00"
statistics:
  description: Counts of the rows by status, issue code, agent version and management type.
  returned: always
  type: dict
  sample:
    instances: 40
    healthy: 38
    unhealthy: 2
    healthy_percent: 95.0
    issues: {waiting_for_ssm: 2}
    agent_versions: {1.17.1: 38}
    management_types: {AUTO_MANAGED: 40}
monitoring_off:
  description: The accounts and regions without Runtime Monitoring, and therefore without coverage, each as C(ACCOUNT/REGION).
  returned: always
  type: list
  elements: str
  sample: [222222222222/eu-west-1]
problems:
  description: Failed accounts, regions and calls.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ..module_utils.aws import aws_module, conclude_reading, observed
from ..module_utils.decide.fleet.coverage import coverage_row, criteria, has_no_coverage, statistics
from ..module_utils.observe.fleet.snapshot import ReadScope


def main() -> None:
    module = aws_module(
        {
            "instance_ids": {"type": "list", "elements": "str"},
            "status": {"type": "str", "choices": ["healthy", "unhealthy"]},
            "agent_versions": {"type": "list", "elements": "str"},
            "management_types": {"type": "list", "elements": "str", "choices": ["AUTO_MANAGED", "MANUAL"]},
            "cluster_arns": {"type": "list", "elements": "str"},
        }
    )
    asked = module.params["instance_ids"]
    desired = ReadScope(instances=False, ssm=False, network=False, coverage_criteria=criteria(module.params))
    snapshot = observed(module, desired)[1]
    rows = [
        row
        for area in snapshot.areas
        for row in (coverage_row(area, record) for record in area.coverage.values())
        if asked is None or row["instance_id"] in asked
    ]
    off = [f"{area.account_id}/{area.region}" for area in snapshot.areas if has_no_coverage(area)]
    conclude_reading(module, snapshot.problems, coverage=rows, statistics=statistics(rows), monitoring_off=off)


if __name__ == "__main__":
    main()
