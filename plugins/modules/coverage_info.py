# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads GuardDuty's runtime coverage and explains every issue."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coverage_info
version_added: 0.1.0
short_description: Read the GuardDuty runtime coverage of EC2 instances, with the meaning of each issue
description:
  - Lists what GuardDuty says of each EC2 instance, and decodes the issue into a cause and a remedy.
  - An instance that GuardDuty has no record of is not listed; M(fleetsec.guardduty.eligibility_info) knows those.
  - An issue that the collection does not know is passed on as it is, with the code C(unrecognized).
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
    description: Only instances whose agent is managed in one of these ways.
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
- name: What is unhealthy, and why
  fleetsec.guardduty.coverage_info:
    regions: [eu-west-1]
    status: unhealthy
  register: coverage

- name: Which agents are older than the newest, by who manages them
  fleetsec.guardduty.coverage_info:
    regions: [eu-west-1]
    agent_versions: [1.15.0, 1.16.0]
    management_types: [MANUAL]
"""

RETURN = r"""
coverage:
  description: One row for each instance that GuardDuty has a record of.
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
      cause: GuardDuty waits for Systems Manager to tell it of the instance.
      remedy: Wait some minutes; if it stays, make the instance a managed node.
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
  description: The accounts and regions without Runtime Monitoring, which have no coverage, each as C(ACCOUNT/REGION).
  returned: always
  type: list
  elements: str
  sample: [222222222222/eu-west-1]
problems:
  description: Accounts, regions and calls that failed.
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
