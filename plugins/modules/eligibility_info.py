# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says of each instance who brings the agent, what stands in the way, and what would change if."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eligibility_info
version_added: 0.1.0
short_description: Say per instance who brings the GuardDuty agent and what stands in the way
description:
  - Reads instances, tags, Systems Manager, VPC endpoints, GuardDuty's settings and its coverage, and gives a verdict on
    each instance - should it run the agent, who brings it, why, what stands in the way, does it report.
  - With O(assume) it also answers what would change under other settings, without changing anything.
options:
  assume:
    description:
      - Settings to imagine. What is left out stays as it is.
      - A setting that cannot be changed, such as one that an organization policy manages, stays in the imagination too.
    type: dict
    suboptions:
      runtime_monitoring:
        description: Runtime Monitoring on or off.
        type: bool
      ec2_agent_management:
        description: Automated agent configuration for EC2 on or off.
        type: bool
      create_detector:
        description: Whether to imagine GuardDuty enabled where an account and region has no detector.
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
        description: The instances on which to imagine the tag. Empty means all that are read.
        type: list
        elements: str
        default: []
  show:
    description: Whether to print the summary on the screen while the playbook runs.
    type: bool
    default: false
  title:
    description: The first line of what is printed.
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
- name: The whole fleet of two accounts
  fleetsec.guardduty.eligibility_info:
    regions: [eu-west-1, us-east-1]
    assume_role_arns:
      - arn:aws:iam::111111111111:role/FleetSec
      - arn:aws:iam::222222222222:role/FleetSec
  register: fleet

- name: What would change with automated agent configuration
  fleetsec.guardduty.eligibility_info:
    regions: [eu-west-1]
    assume:
      runtime_monitoring: true
      ec2_agent_management: true
    show: true
"""

RETURN = r"""
instances:
  description: One row for each instance, with the names and values that the inventory's host variables have.
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
    wanted: {description: Those that should run the agent., type: int, returned: always, sample: 86}
    healthy: {description: Wanted ones that report healthy., type: int, returned: always, sample: 12}
    unhealthy: {description: Wanted ones that GuardDuty calls unhealthy., type: int, returned: always, sample: 4}
    uncovered: {description: Wanted ones that GuardDuty has no record of., type: int, returned: always, sample: 70}
    blocked: {description: Instances with any blocker., type: int, returned: always, sample: 74}
    healthy_percent:
      description: The healthy share of the wanted ones, rounded down to a tenth.
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
    - What of Runtime Monitoring is in effect in each account and region whose GuardDuty settings could be read.
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
      have any, and in C(endpoint_vpc_ids) the VPCs in which you make the endpoint since GuardDuty serves no instance there.
  returned: always
  type: dict
  sample:
    guardduty: {instance_ids: [], areas: []}
    ssm: {instance_ids: [i-0123456789abcdef0], areas: [111111111111/eu-west-1]}
    package: {instance_ids: [], areas: []}
    endpoint_vpc_ids: [vpc-0123456789abcdef0]
verdict_changes:
  description: The instances whose verdict would differ, with the verdict before and after.
  returned: when O(assume) is given
  type: list
  elements: dict
  sample: []
transitions:
  description: How many instances would change from which reason to which.
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
  description: The summary as lines of text, each a style and at most 80 columns.
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
  description: Accounts, regions, calls and instance ids that failed.
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
