# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets in which accounts of an organization Runtime Monitoring is enabled automatically."""

from __future__ import annotations

DOCUMENTATION = r"""
module: organization_runtime_monitoring
version_added: 0.1.0
short_description: Manage the automatic enabling of Runtime Monitoring in an organization
description:
  - Sets whether Runtime Monitoring and its automated agent configuration are enabled automatically in the accounts of an
    organization. Run it in the account of GuardDuty's delegated administrator, or with a role there.
  - For each setting, V(new) means accounts that join later, V(all) means every account, and V(none) means that members are
    managed individually; it turns nothing off. AWS may take up to 24 hours to apply V(all) to every member.
  - Settings that are omitted keep their value, and so do other features and the setting that enables GuardDuty itself in
    members.
options:
  auto_enable:
    description: In which accounts Runtime Monitoring is enabled automatically.
    type: str
    choices: [new, all, none]
  ec2_agent_management:
    description: In which accounts GuardDuty installs the agent on EC2 instances automatically.
    type: str
    choices: [new, all, none]
  eks_addon_management:
    description: In which accounts GuardDuty manages its add-on on EKS clusters.
    type: str
    choices: [new, all, none]
  ecs_fargate_agent_management:
    description: In which accounts GuardDuty manages its agent on ECS with Fargate.
    type: str
    choices: [new, all, none]
  migrate_eks:
    description:
      - Whether to stop enabling the older feature C(EKS_RUNTIME_MONITORING), which Runtime Monitoring replaces.
      - Its settings are carried over to Runtime Monitoring where that has V(none) and this task does not set them.
      - With O(include_existing=true), the older feature is also turned off in existing members.
    type: bool
    default: false
  include_existing:
    description:
      - Whether to apply the organization's settings to existing members immediately - settings with V(new) or V(all) are enabled
        in them, settings with V(none) are not changed.
      - V(new) alone never applies to existing members, and V(all) takes time.
    type: bool
    default: false
  settle_timeout:
    description: As in M(fleetsec.guardduty.member_runtime_monitoring), for O(include_existing).
    type: int
    default: 60
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.targets
  - fleetsec.guardduty.attributes
  - fleetsec.guardduty.attributes.writes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - The administrator's own account is not a member; configure it with M(fleetsec.guardduty.runtime_monitoring).
  - While a GuardDuty policy of AWS Organizations is attached, it overrides these settings.
seealso:
  - module: fleetsec.guardduty.member_runtime_monitoring
  - module: fleetsec.guardduty.runtime_monitoring
"""

EXAMPLES = r"""
- name: Enable Runtime Monitoring and the EC2 agent in every account of the organization, in existing members immediately
  fleetsec.guardduty.organization_runtime_monitoring:
    regions: [eu-west-1, us-east-1]
    auto_enable: all
    ec2_agent_management: all
    include_existing: true

- name: Enable Runtime Monitoring in new accounts only, without automation
  fleetsec.guardduty.organization_runtime_monitoring:
    regions: [eu-west-1]
    assume_role_arns: [arn:aws:iam::111111111111:role/FleetSec]
    auto_enable: new
    ec2_agent_management: none
"""

RETURN = r"""
msg:
  description: What was changed, in one sentence.
  returned: always
  type: str
  sample: 1 organization Runtime Monitoring setting updated, 120 member Runtime Monitoring settings updated.
organizations:
  description: The settings after this task, one row for each region; in check mode, as they would be.
  returned: always
  type: list
  elements: dict
  contains:
    account_id: {description: The administrator's account., type: str, returned: always, sample: "111111111111"}
    region: {description: The region., type: str, returned: always, sample: eu-west-1}
    detector_id:
      description: The administrator's detector.
      type: str
      returned: always
      sample: 12abc34d567e8fa901bc2d34e56789f0
    members:
      description: In which accounts GuardDuty itself is enabled. This module does not change it.
      type: str
      returned: always
      sample: all
    auto_enable: {description: C(new) or C(all) or C(none)., type: str, returned: always, sample: all}
    ec2_agent_management: {description: C(new) or C(all) or C(none)., type: str, returned: always, sample: all}
    eks_addon_management: {description: C(new) or C(all) or C(none)., type: str, returned: always, sample: none}
    ecs_fargate_agent_management: {description: C(new) or C(all) or C(none)., type: str, returned: always, sample: none}
    eks_runtime_monitoring: {description: The same for the older feature., type: str, returned: always, sample: none}
    member_account_limit_reached:
      description: Whether the administrator has the maximum number of members; a warning reports this too.
      type: bool
      returned: always
      sample: false
members:
  description: The existing members' settings, as in M(fleetsec.guardduty.member_runtime_monitoring).
  returned: always
  type: list
  elements: dict
  sample: []
skipped_members:
  description: Members that are not enabled, with AWS's name for their relationship.
  returned: always
  type: list
  elements: dict
  sample: []
changes:
  description: Every change, made in the administrator's account.
  returned: always
  type: list
  elements: dict
  sample:
    - account_id: "111111111111"
      region: eu-west-1
      action: update
      kind: organization Runtime Monitoring setting
      target: 12abc34d567e8fa901bc2d34e56789f0
      before: {auto_enable: none, ec2_agent_management: none}
      after: {auto_enable: all, ec2_agent_management: all}
failed_changes:
  description: The changes that could not be made, each with its error.
  returned: always
  type: list
  elements: dict
  sample: []
problems:
  description: Every failure or refusal in one sentence - accounts, regions, members and changes.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.common.warnings import warn

from ..module_utils.aws import aws_module, finish, targets_of
from ..module_utils.converge.run import converge
from ..module_utils.converge.settings import members as write_members
from ..module_utils.converge.settings import organization as write_organization
from ..module_utils.decide.settings.features import SUB_FEATURES
from ..module_utils.decide.settings.members import member_rows, members_after, skipped_rows
from ..module_utils.decide.settings.organization import (
    desired_from,
    organization_rows,
    organizations_after,
    plan_all,
    reaching,
)
from ..module_utils.observe.settings.member_retry import MemberRetry
from ..module_utils.observe.settings.members import observe_members
from ..module_utils.observe.settings.organization import observe_organizations

CHOICE = {"type": "str", "choices": ["new", "all", "none"]}
ARGUMENTS = {
    "auto_enable": CHOICE,
    **dict.fromkeys(SUB_FEATURES, CHOICE),
    "migrate_eks": {"type": "bool", "default": False},
    "include_existing": {"type": "bool", "default": False},
    "settle_timeout": {"type": "int", "default": 60},
}


def main() -> None:
    module = aws_module(ARGUMENTS)
    desired = desired_from(module.params)

    def settling() -> MemberRetry:
        return MemberRetry(module.params["settle_timeout"])

    targets, problems = targets_of(module)
    areas, unread = observe_organizations(targets)
    reached = reaching(areas, desired)
    chosen = [target for target in targets if (target.account_id, target.region) in reached]
    members, members_unread = observe_members(chosen, None, settling, reached)
    planned = plan_all(areas, members, desired)
    for sentence in planned.warnings:
        warn(sentence)
    steps = {**write_organization.HANDLERS, **write_members.handlers(settling)}
    outcome = converge(planned.plan, targets, steps, module.check_mode)
    finish(
        module,
        planned.plan,
        outcome,
        (*problems, *unread, *members_unread, *planned.problems),
        organizations=organization_rows(organizations_after(areas, outcome.done)),
        members=member_rows(members_after(members, outcome.done)),
        skipped_members=skipped_rows(members),
    )


if __name__ == "__main__":
    main()
