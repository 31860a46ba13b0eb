# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The coverage gate: waits until enough instances report healthy. The action plugin of the same name waits."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coverage_wait
version_added: 0.1.0
short_description: Wait until instances report healthy to GuardDuty
description:
  - Waits until a share of the wanted instances, or all given instances, have healthy coverage, and prints the progress.
  - Fails after the timeout, with each instance's issue and remedy.
  - In check mode it checks once, does not wait, and does not fail.
options:
  instance_ids:
    description:
      - The instances to wait for. If omitted, every wanted instance that is running counts.
    type: list
    elements: str
  filters:
    description: Filters of C(DescribeInstances) that narrow the instances that count.
    type: dict
    default: {}
  routes:
    description: Count only instances of these routes. Empty means all routes.
    type: list
    elements: str
    choices: [guardduty, ssm, package, none]
    default: []
  skip_blocked:
    description:
      - Do not count instances with a blocker that waiting does not resolve, such as C(not_ssm_managed) or C(endpoint_missing).
      - They need action; M(fleetsec.guardduty.eligibility_info) lists them.
    type: bool
    default: false
  percent:
    description: The percentage of counted instances that must be healthy to open the gate.
    type: float
    default: 100
  timeout:
    description: How long to wait, in seconds. GuardDuty shows a new agent after a few minutes.
    type: int
    default: 1800
  interval:
    description: How long to wait between checks, in seconds.
    type: int
    default: 30
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.scope
  - fleetsec.guardduty.targets
  - fleetsec.guardduty.attributes
  - fleetsec.guardduty.attributes.reads
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: fleetsec.guardduty.coverage_info
"""

EXAMPLES = r"""
- name: Wait up to twenty minutes until 90 % of the instances report
  fleetsec.guardduty.coverage_wait:
    regions: [eu-west-1]
    percent: 90
    timeout: 1200

- name: Wait until all canary instances report
  fleetsec.guardduty.coverage_wait:
    regions: [eu-west-1]
    instance_ids: "{{ groups['canary'] | default([]) }}"
"""

RETURN = r"""
expected:
  description: The number of instances that count.
  returned: always
  type: int
  sample: 86
healthy:
  description: The number of these instances that report healthy.
  returned: always
  type: int
  sample: 84
healthy_percent:
  description: Their percentage, rounded down to one decimal.
  returned: always
  type: float
  sample: 97.6
done:
  description: Whether the gate is open.
  returned: always
  type: bool
  sample: true
waited:
  description: The time waited, in seconds.
  returned: always
  type: int
  sample: 240
waiting:
  description: The instances that are not healthy, each with GuardDuty's issue, its cause and its remedy.
  returned: always
  type: list
  elements: dict
  sample:
    - instance_id: i-0123456789abcdef0
      account_id: "111111111111"
      region: eu-west-1
      route: package
      coverage: absent
      issue: null
      blockers: [endpoint_missing, not_reporting]
      cause: The VPC has no endpoint for the GuardDuty agent's data.
      remedy: Create it with vpc_endpoint, or let GuardDuty do it with automated agent configuration.
problems:
  description: Failed accounts, regions, calls and instance IDs.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ..module_utils.aws import SCOPE_ARGUMENTS, SELECTION_ARGUMENTS, aws_module, conclude_reading, observed
from ..module_utils.decide.fleet.gate import GateRule, complaint, gate
from ..module_utils.decide.fleet.selection import missing_instances
from ..module_utils.decide.verdict.catalogue import ROUTES
from ..module_utils.decide.verdict.eligibility import Choices, judge_fleet
from ..module_utils.observe.fleet.snapshot import ReadScope
from ..module_utils.options.gate import WAITING


def main() -> None:
    module = aws_module(
        {
            "routes": {"type": "list", "elements": "str", "choices": list(ROUTES), "default": []},
            "skip_blocked": {"type": "bool", "default": False},
            "percent": {"type": "float", "default": 100},
            **WAITING,
            **SELECTION_ARGUMENTS,
            **SCOPE_ARGUMENTS,
        }
    )
    params = module.params
    if not 0 <= params["percent"] <= 100:
        module.fail_json(msg=f"percent is {params['percent']:g}; it must be from 0 to 100.")
    if params["interval"] < 1 or params["timeout"] < 0:
        module.fail_json(msg="interval must be at least 1 second, and timeout not negative.")
    snapshot = observed(module, ReadScope(filters=(params["filters"],), instance_ids=params["instance_ids"]))[1]
    verdicts = judge_fleet(snapshot, Choices(params["scope"], params["fallback_to_package"]))
    rule = GateRule(params["percent"], params["instance_ids"], params["routes"], params["skip_blocked"])
    judged = gate(verdicts, rule)
    problems = (*snapshot.problems, *missing_instances(snapshot, params["instance_ids"]))
    conclude_reading(
        module,
        problems,
        expected=judged.expected,
        healthy=judged.healthy,
        healthy_percent=judged.percent,
        done=judged.done and not problems,
        waited=0,
        waiting=list(judged.waiting),
        complaint=complaint(judged),
    )


if __name__ == "__main__":
    main()
