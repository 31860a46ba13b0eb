# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads Systems Manager associations that install the GuardDuty agent."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_association_info
version_added: 0.1.0
short_description: Read the Systems Manager associations of the GuardDuty agent, both GuardDuty's and yours
description:
  - Returns State Manager associations with all their settings, status and owner, across accounts and regions.
  - By default, it returns the associations of GuardDuty's document, including the one that GuardDuty manages itself.
options:
  association_names:
    description: Only associations with these names, whatever their document.
    type: list
    elements: str
    default: []
  document_names:
    description:
      - Only associations of these documents. Ignored if O(association_names) is given.
      - Empty means all documents.
    type: list
    elements: str
    default: [AmazonGuardDuty-ConfigureRuntimeMonitoringSsmPlugin]
  filters:
    description:
      - More filters of C(ListAssociations), name to value.
      - C(AssociationId), C(AssociationStatusName), C(InstanceId), C(LastExecutedAfter), C(LastExecutedBefore),
        C(ResourceGroupName).
    type: dict
    default: {}
  executions:
    description: Whether to return the newest run of each association with the result of each node.
    type: bool
    default: false
author:
  - The fleetsec.guardduty authors (@fleetsec)
notes:
  - The caller needs C(ssm:ListAssociations), C(ssm:DescribeAssociation) and C(ssm:ListTagsForResource); with
    O(executions=true) also C(ssm:DescribeAssociationExecutions) and C(ssm:DescribeAssociationExecutionTargets).
  - It makes one call per 50 associations and two calls per association; State Manager describes two per second.
extends_documentation_fragment:
  - fleetsec.guardduty.targets
  - fleetsec.guardduty.attributes
  - fleetsec.guardduty.attributes.reads
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: fleetsec.guardduty.ssm_association
"""

EXAMPLES = r"""
- name: Read the agent's associations and their newest runs
  fleetsec.guardduty.ssm_association_info:
    regions: [eu-west-1, us-east-1]
    executions: true
  register: agent

- name: Show the nodes on which it failed
  ansible.builtin.debug:
    msg: "{{ nodes | rejectattr('status', 'eq', 'Success') }}"
  vars:
    nodes: "{{ agent.associations | map(attribute='last_run.targets', default=[]) | flatten }}"

- name: Read one association in every account
  fleetsec.guardduty.ssm_association_info:
    regions: [eu-west-1]
    organization_role_name: FleetSec
    association_names: [guardduty-agent-wave-1]
"""

RETURN = r"""
associations:
  description: The associations, with the names of the options of M(fleetsec.guardduty.ssm_association).
  returned: always
  type: list
  elements: dict
  sample:
    - account_id: "111111111111"
      region: eu-west-1
      association_id: 8dfe3659-4309-493a-8755-0123456789ab
      association_version: "1"
      association_name: GuardDutyRuntimeMonitoring-do-not-delete
      document_name: AmazonGuardDuty-ConfigureRuntimeMonitoringSsmPlugin
      document_version: $DEFAULT
      parameters: {action: [Install], name: [AmazonGuardDuty-RuntimeMonitoringSsmPlugin]}
      targets:
        - {key: InstanceIds, values: ["*"]}
      schedule_expression: null
      owner: guardduty
      status: Success
      detailed_status: Success
      status_counts: {Success: 12}
      created: "2026-11-01T10:00:00+00:00"
      updated: "2026-11-01T10:00:00+00:00"
      last_execution: "2026-11-24T09:00:00+00:00"
      last_successful_execution: "2026-11-24T09:00:00+00:00"
      tags: {GuardDutyManaged: "true"}
  contains:
    owner:
      description: C(guardduty) if GuardDuty manages it, according to its name or tag; C(operator) otherwise.
      returned: always
      type: str
    last_run:
      description: The newest run, or null without a run.
      returned: when O(executions=true)
      type: dict
      sample:
        execution_id: 76a5a04f-caf6-490c-b448-0123456789ab
        association_version: "1"
        status: Success
        detailed_status: Success
        created: "2026-11-24T09:00:00+00:00"
        targets:
          - instance_id: i-0123456789abcdef0
            status: Success
            detailed_status: Success
            last_execution: "2026-11-24T09:00:00+00:00"
problems:
  description: Failed accounts, regions and calls.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ..module_utils.aws import aws_module, conclude_reading, targets_of
from ..module_utils.decide.association.desired import list_filters
from ..module_utils.decide.association.plan import row
from ..module_utils.decide.association.runs import run_row
from ..module_utils.model.fleet import SSM_DOCUMENT
from ..module_utils.observe.association.runs import surveyed


def main() -> None:
    module = aws_module(
        {
            "association_names": {"type": "list", "elements": "str", "default": []},
            "document_names": {"type": "list", "elements": "str", "default": [SSM_DOCUMENT]},
            "filters": {"type": "dict", "default": {}},
            "executions": {"type": "bool", "default": False},
        }
    )
    params = module.params
    filters, refusal = list_filters(params["association_names"], params["document_names"], params["filters"])
    if refusal:
        module.fail_json(msg=refusal)
    targets, unreachable = targets_of(module)
    areas, unread = surveyed(targets, filters, params["executions"])
    associations = []
    for area in areas:
        for found in area.found:
            run = area.runs.get(found.association_id)
            last_run = {"last_run": run_row(run) if run else None} if params["executions"] else {}
            associations.append({**row(area.account_id, area.region, found), **last_run})
    conclude_reading(module, (*unreachable, *unread), associations=associations)


if __name__ == "__main__":
    main()
