# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enables or disables GuardDuty Runtime Monitoring per account and region."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runtime_monitoring
version_added: 0.1.0
short_description: Manage GuardDuty Runtime Monitoring and its automated agent configuration
description:
  - Enables or disables the detector feature C(RUNTIME_MONITORING) in any number of accounts and regions.
  - Sub-features that are omitted keep their value; all three are sent, because AWS does not document what happens to an
    omitted one.
  - Other features of the detector are never changed, except the older C(EKS_RUNTIME_MONITORING) with O(migrate_eks).
  - Before it turns something off, it reports which agents remain on their instances, and why. For this it reads instances,
    Systems Manager and coverage, only in the accounts and regions where something is turned off.
options:
  create_detector:
    description:
      - Whether to enable GuardDuty in accounts and regions without a detector.
      - With a new detector, AWS also turns on its other optional protection plans, which cost money.
    type: bool
    default: false
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.features
  - fleetsec.guardduty.targets
  - fleetsec.guardduty.attributes
  - fleetsec.guardduty.attributes.writes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - Suspended detectors, settings that an organization policy manages, and the China regions are reported as problems, with the
    reason. The other accounts and regions are processed.
  - Only the administrator can change the settings of a member account, with
    M(fleetsec.guardduty.member_runtime_monitoring). In check mode this module also works in a member account and reports which
    agents would remain.
seealso:
  - module: fleetsec.guardduty.runtime_monitoring_info
  - module: fleetsec.guardduty.member_runtime_monitoring
  - module: fleetsec.guardduty.organization_runtime_monitoring
  - module: fleetsec.guardduty.eligibility_info
"""

EXAMPLES = r"""
- name: Enable Runtime Monitoring with automated agent configuration in two accounts and two regions
  fleetsec.guardduty.runtime_monitoring:
    regions: [eu-west-1, us-east-1]
    assume_role_arns:
      - arn:aws:iam::111111111111:role/FleetSec
      - arn:aws:iam::222222222222:role/FleetSec
    ec2_agent_management: true

- name: Enable Runtime Monitoring without automation, for agents by tag, SSM or package
  fleetsec.guardduty.runtime_monitoring:
    regions: [eu-west-1]
    ec2_agent_management: false

- name: Migrate from EKS Runtime Monitoring to Runtime Monitoring
  fleetsec.guardduty.runtime_monitoring:
    regions: [eu-west-1]
    migrate_eks: true

- name: Turn everything off
  fleetsec.guardduty.runtime_monitoring:
    regions: [eu-west-1]
    state: disabled
    migrate_eks: true
  register: turned_off

- name: Show the agents that remain
  ansible.builtin.debug:
    msg: "{{ turned_off.agents_left_behind | map(attribute='instance_id') }}"
"""

RETURN = r"""
msg:
  description: What was changed, in one sentence.
  returned: always
  type: str
  sample: 4 Runtime Monitoring settings updated.
changes:
  description: Every change, with the state before and after.
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
agents_left_behind:
  description:
    - The agents that remain on their instances when this task turns something off, or would remain in check mode.
    - GuardDuty removes an agent that it installed only if Systems Manager reaches the instance, its tag is not C(false), and
      instance metadata tags are allowed. Without automated agent configuration, all agents remain.
  returned: always
  type: list
  elements: dict
  contains:
    account_id: {description: The account., type: str, returned: always, sample: "111111111111"}
    region: {description: The region., type: str, returned: always, sample: eu-west-1}
    instance_id: {description: The instance., type: str, returned: always, sample: i-0123456789abcdef0}
    agent_version: {description: The agent version according to coverage., type: str, returned: always, sample: 1.17.1}
    management_type: {description: C(AUTO_MANAGED) or C(MANUAL)., type: str, returned: always, sample: AUTO_MANAGED}
    reason:
      description: The code of the rule by which it remains.
      type: str
      returned: always
      sample: metadata_tags_off
    why:
      description: The rule as a sentence.
      type: str
      returned: always
      sample: GuardDuty removes agents only where instance metadata tags are allowed
agents_unknown:
  description: The accounts and regions whose agents could not be read, each as C(ACCOUNT/REGION).
  returned: always
  type: list
  elements: str
  sample: []
failed_changes:
  description: The changes that could not be made, each with its error.
  returned: always
  type: list
  elements: dict
  sample: []
problems:
  description: Every failure or refusal in one sentence - accounts, regions and changes.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.common.warnings import warn

from ..module_utils.aws import aws_module, conclude, observed
from ..module_utils.converge.settings.detector import HANDLERS
from ..module_utils.decide.settings.agents_left import agents_left, agents_unknown, left_warnings, turned_off
from ..module_utils.decide.settings.detector import DesiredMonitoring, plan_monitoring
from ..module_utils.observe.fleet.agents import look_for_agents
from ..module_utils.observe.fleet.snapshot import ReadScope
from ..module_utils.options.features import FEATURE_ARGUMENTS, stated


def main() -> None:
    module = aws_module({**FEATURE_ARGUMENTS, "create_detector": {"type": "bool", "default": False}})
    desired = DesiredMonitoring(**stated(module.params), create_detector=module.params["create_detector"])
    targets, snapshot = observed(module, ReadScope(instances=False, ssm=False, network=False, coverage=False))
    wanted = plan_monitoring(snapshot, desired)
    before, unread = look_for_agents(targets, snapshot, turned_off(snapshot, wanted.after))
    left, unknown = agents_left(before, wanted.after), agents_unknown(before, wanted.after)
    for sentence in (*wanted.warnings, *map(str, unread), *left_warnings(left, unknown)):
        warn(sentence)
    problems = (*snapshot.problems, *wanted.problems)
    conclude(module, wanted.plan, targets, HANDLERS, problems, agents_left_behind=left, agents_unknown=unknown)


if __name__ == "__main__":
    main()
