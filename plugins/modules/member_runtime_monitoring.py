# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enables or disables Runtime Monitoring in the members of a GuardDuty administrator."""

from __future__ import annotations

DOCUMENTATION = r"""
module: member_runtime_monitoring
version_added: 0.1.0
short_description: Manage Runtime Monitoring in GuardDuty's member accounts
description:
  - Enables or disables Runtime Monitoring and its automated agent configuration in member accounts, which cannot do it
    themselves. Run it in the account of GuardDuty's delegated administrator, or with a role there.
  - Sub-features that are omitted keep each member's own value. Other features are never changed.
  - Reads and changes up to 50 members per call.
  - A member that AWS leaves unprocessed is retried for O(settle_timeout) seconds. Then it is reported and the task fails; the
    changes to other members stay.
options:
  account_ids:
    description:
      - The members to work on. The administrator's own account is not a member.
      - If omitted, every member whose relationship is C(Enabled). An empty list means none.
    type: list
    elements: str
  settle_timeout:
    description:
      - The total number of seconds to retry members that AWS leaves unprocessed, as it does for some minutes after they joined.
        AWS returns the same for an account that is not a member.
      - The time restarts for each account and region of the administrator, for reading, and for each kind of change.
    type: int
    default: 60
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
  - Without O(account_ids), the task fails in an account without members, unless it is the delegated administrator, which is
    checked with C(guardduty:DescribeOrganizationConfiguration).
  - To see which agents remain in a member account when something is turned off, run
    M(fleetsec.guardduty.runtime_monitoring) there in check mode.
  - A member whose setting an organization policy manages is reported as a problem. The other members are processed.
seealso:
  - module: fleetsec.guardduty.runtime_monitoring
  - module: fleetsec.guardduty.organization_runtime_monitoring
"""

EXAMPLES = r"""
- name: Enable Runtime Monitoring with automated agent configuration in every member, in two regions
  fleetsec.guardduty.member_runtime_monitoring:
    regions: [eu-west-1, us-east-1]
    ec2_agent_management: true

- name: Turn off automation in one member, with a role in the administrator's account
  fleetsec.guardduty.member_runtime_monitoring:
    regions: [eu-west-1]
    assume_role_arns: [arn:aws:iam::111111111111:role/FleetSec]
    account_ids: ["222222222222"]
    ec2_agent_management: false

- name: Migrate every member from EKS Runtime Monitoring to Runtime Monitoring
  fleetsec.guardduty.member_runtime_monitoring:
    regions: [eu-west-1]
    migrate_eks: true
"""

RETURN = r"""
msg:
  description: What was changed, in one sentence.
  returned: always
  type: str
  sample: 120 member Runtime Monitoring settings updated.
members:
  description: The members' settings after this task; in check mode, as they would be.
  returned: always
  type: list
  elements: dict
  contains:
    account_id: {description: The member., type: str, returned: always, sample: "222222222222"}
    region: {description: The region., type: str, returned: always, sample: eu-west-1}
    administrator_id: {description: The administrator's account., type: str, returned: always, sample: "111111111111"}
    runtime_monitoring: {description: C(enabled) or C(disabled)., type: str, returned: always, sample: enabled}
    ec2_agent_management: {description: C(enabled) or C(disabled)., type: str, returned: always, sample: enabled}
    eks_addon_management: {description: C(enabled) or C(disabled)., type: str, returned: always, sample: disabled}
    ecs_fargate_agent_management: {description: C(enabled) or C(disabled)., type: str, returned: always, sample: disabled}
    eks_runtime_monitoring:
      description: The older feature, C(enabled) or C(disabled).
      type: str
      returned: always
      sample: disabled
    managed_by:
      description: C(GUARDDUTY_POLICY) where an organization policy manages Runtime Monitoring, or null.
      type: str
      returned: always
      sample: null
skipped_members:
  description: Members that are not enabled, with AWS's name for their relationship. Only without O(account_ids).
  returned: always
  type: list
  elements: dict
  sample:
    - {account_id: "333333333333", region: eu-west-1, relationship: Removed}
changes:
  description: Every change, made in the administrator's account, with the member as its target.
  returned: always
  type: list
  elements: dict
  sample:
    - account_id: "111111111111"
      region: eu-west-1
      action: update
      kind: member Runtime Monitoring setting
      target: "222222222222"
      before: {runtime_monitoring: disabled, ec2_agent_management: disabled}
      after: {runtime_monitoring: enabled, ec2_agent_management: enabled}
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

from typing import Any

from ansible.module_utils.common.warnings import warn

from ..module_utils.aws import aws_module, finish, targets_of
from ..module_utils.converge.run import converge
from ..module_utils.converge.settings.members import handlers
from ..module_utils.decide.settings.features import DesiredFeatures
from ..module_utils.decide.settings.members import member_rows, members_after, misspelled, plan_members, skipped_rows
from ..module_utils.observe.settings.member_retry import MemberRetry
from ..module_utils.observe.settings.members import observe_members
from ..module_utils.options.features import FEATURE_ARGUMENTS, stated

ARGUMENTS = {
    "account_ids": {"type": "list", "elements": "str"},
    "settle_timeout": {"type": "int", "default": 60},
}


def main() -> None:
    module = aws_module({**FEATURE_ARGUMENTS, **ARGUMENTS})
    account_ids = module.params["account_ids"]
    if why_not := misspelled(account_ids):
        module.fail_json(msg=why_not)

    def settling() -> MemberRetry:
        return MemberRetry(module.params["settle_timeout"])

    targets, problems = targets_of(module)
    areas, unread = observe_members(targets, account_ids, settling)
    planned = plan_members(areas, DesiredFeatures(**stated(module.params)))
    for sentence in planned.warnings:
        warn(sentence)
    outcome = converge(planned.plan, targets, handlers(settling), module.check_mode)
    found: dict[str, Any] = {
        "members": member_rows(members_after(areas, outcome.done)),
        "skipped_members": skipped_rows(areas),
    }
    finish(module, planned.plan, outcome, (*problems, *unread, *planned.problems), **found)


if __name__ == "__main__":
    main()
