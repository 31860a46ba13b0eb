# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the settings of GuardDuty and Runtime Monitoring per account and region."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runtime_monitoring_info
version_added: 0.1.0
short_description: Read the settings of GuardDuty Runtime Monitoring
description:
  - Reads the detector of each account and region with all its features.
  - An account and region whose detector could not be read has no row; see RV(problems).
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
  - module: fleetsec.guardduty.runtime_monitoring
"""

EXAMPLES = r"""
- name: Read the settings in two accounts and two regions
  fleetsec.guardduty.runtime_monitoring_info:
    regions: [eu-west-1, us-east-1]
    assume_role_arns:
      - arn:aws:iam::111111111111:role/FleetSec
      - arn:aws:iam::222222222222:role/FleetSec
  register: posture

- name: Show the accounts where it is off
  ansible.builtin.debug:
    msg: "{{ posture.settings | rejectattr('runtime_monitoring') | map(attribute='account_id') | unique }}"
"""

RETURN = r"""
settings:
  description: One row for each account and region.
  returned: always
  type: list
  elements: dict
  contains:
    account_id: {description: The account., type: str, returned: always, sample: "111111111111"}
    region: {description: The region., type: str, returned: always, sample: eu-west-1}
    detector_id:
      description: The detector, or null if GuardDuty is not enabled.
      type: str
      returned: always
      sample: 12abc34d567e8fa901bc2d34e56789f0
    status:
      description: C(ENABLED), C(DISABLED) for a suspended detector, or null without a detector.
      type: str
      returned: always
      sample: ENABLED
    runtime_monitoring: {description: Whether Runtime Monitoring is in effect., type: bool, returned: always, sample: true}
    automated_agent:
      description: Whether automated agent configuration for EC2 is in effect.
      type: bool
      returned: always
      sample: false
    eks_runtime_monitoring:
      description: Whether the older feature, which Runtime Monitoring replaces, is in effect.
      type: bool
      returned: always
      sample: false
    managed_by:
      description: C(GUARDDUTY_POLICY) if an organization policy manages Runtime Monitoring, which is then read-only, or null.
      type: str
      returned: always
      sample: null
    features:
      description: Every feature of the detector by AWS's name, as configured, whether or not it is in effect.
      type: dict
      returned: always
      sample:
        RUNTIME_MONITORING:
          enabled: true
          managed_by: null
          additional_configuration:
            EC2_AGENT_MANAGEMENT: {enabled: false, managed_by: null}
            EKS_ADDON_MANAGEMENT: {enabled: true, managed_by: null}
            ECS_FARGATE_AGENT_MANAGEMENT: {enabled: false, managed_by: null}
problems:
  description: Failed accounts, regions and calls.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ..module_utils.aws import aws_module, conclude_reading, observed
from ..module_utils.decide.settings.detector_rows import monitoring_rows
from ..module_utils.observe.fleet.snapshot import ReadScope


def main() -> None:
    module = aws_module({})
    dummy, snapshot = observed(module, ReadScope(instances=False, ssm=False, network=False, coverage=False))
    conclude_reading(module, snapshot.problems, settings=monitoring_rows(snapshot))


if __name__ == "__main__":
    main()
