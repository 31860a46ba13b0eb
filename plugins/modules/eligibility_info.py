# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Determines for each instance who installs the agent, what blocks it, and what would change under other settings."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eligibility_info
version_added: 0.1.0
short_description: Determine for each instance who installs the GuardDuty agent and what blocks it
description:
  - Reads instances, tags, Systems Manager, VPC endpoints, GuardDuty's settings and its coverage, and returns a verdict for
    each instance - whether it should run the agent, who installs it, why, what blocks it, and whether it reports.
  - With O(assume) it also returns what would change under other settings, without changing anything.
options:
  assume:
    description:
      - Settings to assume. Settings that are omitted stay unchanged.
      - A setting that cannot be changed, such as one that an organization policy manages, stays unchanged here too.
    type: dict
    suboptions:
      runtime_monitoring:
        description: Runtime Monitoring on or off.
        type: bool
      ec2_agent_management:
        description: Automated agent configuration for EC2 on or off.
        type: bool
      create_detector:
        description: Whether to assume that GuardDuty is enabled in accounts and regions without a detector.
        type: bool
        default: false
      scope:
        description: Another O(scope).
        type: str
        choices: [all, selected]
      managed:
        description: The tag C(GuardDutyManaged), as in M(fleetsec.guardduty.instance_tags).
        type: str
        choices: [include, exclude, clear, repair]
      instance_ids:
        description: The instances for which to assume the tag. Empty means all instances that are read.
        type: list
        elements: str
        default: []
  show:
    description: Whether to print the summary while the playbook runs.
    type: bool
    default: false
  title:
    description: The title of the printed summary.
    type: str
    default: Runtime Monitoring now
  notes:
    description: Lines to print below the summary, such as what a playbook has done.
    type: list
    elements: str
    default: []
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.selection
  - fleetsec.guardduty.scope
  - fleetsec.guardduty.targets
  - fleetsec.guardduty.attributes
  - fleetsec.guardduty.attributes.reads
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - plugin: fleetsec.guardduty.ec2
    plugin_type: inventory
  - module: fleetsec.guardduty.coverage_info
"""

EXAMPLES = r"""
- name: Read the fleet of two accounts
  fleetsec.guardduty.eligibility_info:
    regions: [eu-west-1, us-east-1]
    assume_role_arns:
      - arn:aws:iam::111111111111:role/FleetSec
      - arn:aws:iam::222222222222:role/FleetSec
  register: fleet

- name: Preview automated agent configuration
  fleetsec.guardduty.eligibility_info:
    regions: [eu-west-1]
    assume:
      runtime_monitoring: true
      ec2_agent_management: true
    show: true
"""

RETURN = r"""
instances:
  description: A row for each instance, with the names and values of the inventory's host variables.
  returned: always
  type: list
  elements: dict
  sample:
    - gd_instance_id: i-0123456789abcdef0
      gd_account_id: "111111111111"
      gd_region: eu-west-1
      gd_tag: absent
      gd_wanted: true
      gd_route: ssm
      gd_reason: manual_ssm
      gd_blockers: [endpoint_missing, not_reporting]
      gd_ssm: online
      gd_endpoint: missing
      gd_coverage: absent
summary:
  description: Counts of the whole selection by route, reason, blocker, account and region.
  returned: always
  type: dict
  contains:
    instances: {description: All instances that were read., type: int, returned: always, sample: 118}
    wanted: {description: Instances that should run the agent., type: int, returned: always, sample: 86}
    healthy: {description: Wanted instances that report healthy., type: int, returned: always, sample: 12}
    unhealthy: {description: Wanted instances that report unhealthy., type: int, returned: always, sample: 4}
    uncovered: {description: Wanted instances without a coverage record., type: int, returned: always, sample: 70}
    blocked: {description: Instances with any blocker., type: int, returned: always, sample: 74}
    healthy_percent:
      description: The percentage of wanted instances that are healthy, rounded down to one decimal.
      type: float
      returned: always
      sample: 13.9
    routes: {description: Wanted and healthy by route., type: list, elements: dict, returned: always, sample: []}
    reasons: {description: Instances by reason., type: list, elements: dict, returned: always, sample: []}
    blockers:
      description: Instances by blocker, each with its cause, its remedy, and the module or playbook that fixes it.
      type: list
      elements: dict
      returned: always
      sample: []
    areas: {description: Counts by account and region., type: list, elements: dict, returned: always, sample: []}
areas_read:
  description: The accounts and regions whose instances and GuardDuty settings could be read, each as C(ACCOUNT/REGION).
  returned: always
  type: list
  elements: str
  sample: [111111111111/eu-west-1]
settings:
  description:
    - The effective settings of Runtime Monitoring in each account and region whose GuardDuty settings could be read.
    - A sub-feature has no effect while Runtime Monitoring is off.
  returned: always
  type: list
  elements: dict
  sample:
    - account_id: "111111111111"
      region: eu-west-1
      runtime_monitoring: true
      ec2_agent_management: false
      eks_addon_management: false
      ecs_fargate_agent_management: false
worklists:
  description:
    - For each route (C(guardduty), C(ssm), C(package)) the ids of its wanted instances and the C(ACCOUNT/REGION) pairs that
      have any, and in C(endpoint_vpc_ids) the VPCs in which you create the endpoint, because GuardDuty does not.
  returned: always
  type: dict
  sample:
    guardduty: {instance_ids: [], areas: []}
    ssm: {instance_ids: [i-0123456789abcdef0], areas: [111111111111/eu-west-1]}
    package: {instance_ids: [], areas: []}
    endpoint_vpc_ids: [vpc-0123456789abcdef0]
verdict_changes:
  description: The instances whose verdict would change, with the verdict before and after.
  returned: when O(assume) is given
  type: list
  elements: dict
  sample: []
transitions:
  description: The number of instances that would change from one reason to another.
  returned: when O(assume) is given
  type: list
  elements: dict
  sample:
    - {before: manual_ssm, after: automated_agent, count: 40}
assumed_instances:
  description: The rows of RV(instances) as they would be under O(assume). Coverage stays as it is now.
  returned: when O(assume) is given
  type: list
  elements: dict
  sample: []
assumed_summary:
  description: The RV(summary) as it would be under O(assume). Coverage stays as it is now.
  returned: when O(assume) is given
  type: dict
  sample: {}
screen:
  description: The summary as lines, each with a style and a text of at most 80 columns.
  returned: always
  type: list
  elements: list
  sample: []
assumed_worklists:
  description: The RV(worklists) as they would be under O(assume).
  returned: when O(assume) is given
  type: dict
  sample: {}
problems:
  description: Failed accounts, regions, calls and instance IDs.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ..module_utils.aws import SCOPE_ARGUMENTS, SELECTION_ARGUMENTS, aws_module, conclude_reading, observed
from ..module_utils.decide.fleet.eligibility_report import answer, what_if_report
from ..module_utils.decide.fleet.selection import missing_instances
from ..module_utils.decide.report.console import note_lines, summary_lines, verdict_change_lines
from ..module_utils.decide.verdict.eligibility import Choices
from ..module_utils.observe.fleet.snapshot import ReadScope

ASSUME = {
    "runtime_monitoring": {"type": "bool"},
    "ec2_agent_management": {"type": "bool"},
    "create_detector": {"type": "bool", "default": False},
    "scope": {"type": "str", "choices": ["all", "selected"]},
    "managed": {"type": "str", "choices": ["include", "exclude", "clear", "repair"]},
    "instance_ids": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    module = aws_module(
        {
            "assume": {"type": "dict", "options": ASSUME},
            "show": {"type": "bool", "default": False},
            "title": {"type": "str", "default": "Runtime Monitoring now"},
            "notes": {"type": "list", "elements": "str", "default": []},
            **SELECTION_ARGUMENTS,
            **SCOPE_ARGUMENTS,
        }
    )
    params = module.params
    ids = params["instance_ids"]
    snapshot = observed(module, ReadScope(filters=(params["filters"],), instance_ids=ids))[1]
    choices = Choices(params["scope"], params["fallback_to_package"])
    results = answer(snapshot, choices)
    lines = summary_lines(results["summary"], params["title"])
    if params["assume"]:
        results |= what_if_report(snapshot, choices, params["assume"])
        lines += verdict_change_lines(results["transitions"], results["assumed_summary"], "What would change")
    lines += note_lines(params["notes"])
    conclude_reading(module, (*snapshot.problems, *missing_instances(snapshot, ids)), screen=lines, **results)


if __name__ == "__main__":
    main()
