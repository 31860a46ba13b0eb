# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enables or disables GuardDuty Runtime Monitoring, account by region."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runtime_monitoring
version_added: 0.1.0
short_description: Manage GuardDuty Runtime Monitoring and its automated agent configuration
description:
  - Enables or disables the detector feature C(RUNTIME_MONITORING) in any number of accounts and regions.
  - Sub-features that are not named keep their value; all three are sent, since AWS does not document what it does with an
    omitted one.
  - Other features of the detector are never touched.
options:
  state:
    description: Whether Runtime Monitoring should be on.
    type: str
    choices: [enabled, disabled]
    default: enabled
  ec2_agent_management:
    description:
      - Whether GuardDuty brings the agent to EC2 instances by itself (automated agent configuration).
      - Turned off, the agents that are there stay, are no longer updated, and keep costing.
    type: bool
  eks_addon_management:
    description: Whether GuardDuty manages its add-on on EKS clusters.
    type: bool
  ecs_fargate_agent_management:
    description: Whether GuardDuty manages its agent on ECS with Fargate.
    type: bool
  create_detector:
    description:
      - Whether to enable GuardDuty where an account and region has no detector.
      - AWS turns its other optional protection plans on with a new detector, which cost.
    type: bool
    default: false
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.targets
  - fleetsec.guardduty.attributes
  - fleetsec.guardduty.attributes.writes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: fleetsec.guardduty.eligibility_info
"""

EXAMPLES = r"""
- name: Runtime Monitoring with automated agent configuration in two accounts and two regions
  fleetsec.guardduty.runtime_monitoring:
    regions: [eu-west-1, us-east-1]
    assume_role_arns:
      - arn:aws:iam::111111111111:role/FleetSec
      - arn:aws:iam::222222222222:role/FleetSec
    ec2_agent_management: true

- name: Runtime Monitoring without automation, where agents come by tag, SSM or package
  fleetsec.guardduty.runtime_monitoring:
    regions: [eu-west-1]
    ec2_agent_management: false
"""

RETURN = r"""
msg:
  description: What was changed, in one sentence.
  returned: always
  type: str
  sample: 4 Runtime Monitoring settings updated.
changes:
  description: Every change, with what was there before and what is there after.
  returned: always
  type: list
  elements: dict
  sample:
    - account_id: "111111111111"
      region: eu-west-1
      action: update
      kind: Runtime Monitoring setting
      target: 12abc34d567e8fa901bc2d34e56789f0
      before: {runtime_monitoring: disabled, ec2_agent_management: disabled}
      after: {runtime_monitoring: enabled, ec2_agent_management: enabled}
failed_changes:
  description: The changes that could not be made, each with its error.
  returned: always
  type: list
  elements: dict
  sample: []
problems:
  description: Everything that failed or was refused, each in one sentence - accounts, regions and changes.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible_collections.fleetsec.guardduty.plugins.module_utils.aws import aws_module, conclude, observed
from ansible_collections.fleetsec.guardduty.plugins.module_utils.converge.monitoring import HANDLERS
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.monitoring import (
    SUB_FEATURES,
    MonitoringWish,
    plan_monitoring,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.fleet import Wish


def main() -> None:
    module = aws_module(
        {
            "state": {"type": "str", "choices": ["enabled", "disabled"], "default": "enabled"},
            "create_detector": {"type": "bool", "default": False},
            **{option: {"type": "bool"} for option in SUB_FEATURES},
        }
    )
    params = module.params
    wish = MonitoringWish(
        enabled=params["state"] == "enabled",
        additional={option: params[option] for option in SUB_FEATURES if params[option] is not None},
        create_detector=params["create_detector"],
    )
    targets, snapshot = observed(module, Wish(instances=False, ssm=False, network=False, coverage=False))
    wanted = plan_monitoring(snapshot, wish)
    conclude(module, wanted.plan, targets, HANDLERS, (*snapshot.problems, *wanted.problems))


if __name__ == "__main__":
    main()
