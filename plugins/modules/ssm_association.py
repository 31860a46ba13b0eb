# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages Systems Manager associations that install the GuardDuty agent."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_association
version_added: 0.1.0
short_description: Manage the Systems Manager association that installs the GuardDuty agent across accounts and regions
description:
  - Creates, updates, deletes or runs a State Manager association, by default one that installs the GuardDuty agent.
  - The association is found by O(association_name), or, if it has no name, by its document and targets. Several
    associations may use the same document.
  - An update sends all settings of the association, because AWS clears settings that an update omits. An option that is
    omitted keeps its setting; an empty value clears it.
  - GuardDuty's own association C(GuardDutyRuntimeMonitoring-do-not-delete), and any that is tagged C(GuardDutyManaged), is
    never changed, run or deleted.
  - With O(wait=true) the result of each node is returned, and failed nodes fail the task.
  - AWS runs at most 20 associations on a managed node. If new targets would exceed this limit on a node, the task lists the
    nodes and writes nothing in that account and region.
options:
  state:
    description:
      - V(present) creates or updates the association, V(absent) deletes it, V(run) runs it once now on all its targets.
      - Deleting an association does not uninstall what it installed on the nodes.
    type: str
    choices: [present, absent, run]
    default: present
  association_name:
    description:
      - The name of the association.
      - An association without a name that has the same document and targets gets this name.
      - Required unless targets are given.
    type: str
  document_name:
    description:
      - The name or ARN of a Command document.
      - The default for a new association is C(AmazonGuardDuty-ConfigureRuntimeMonitoringSsmPlugin).
    type: str
  document_version:
    description: A number, V($DEFAULT) or V($LATEST).
    type: str
  parameters:
    description:
      - The parameters of the document, name to value or list of values. They replace the existing parameters.
      - The default for a new association of GuardDuty's document is C(action=Install) and
        C(name=AmazonGuardDuty-RuntimeMonitoringSsmPlugin), which installs the newest agent.
      - Names and allowed values are checked against the document before anything is written.
    type: dict
  target_tags:
    description:
      - Run on managed nodes with these tags, key to value or list of values. All keys must match, each with any of its values.
      - Prefer tags for fleets, because a list of IDs is limited to 50.
    type: dict
  instance_ids:
    description: Run on these instances, at most 50.
    type: list
    elements: str
  targets:
    description:
      - Targets as AWS writes them, at most 5 with at most 50 values each.
      - The key C(InstanceIds) with the value V(*) means every managed node.
    type: list
    elements: dict
    suboptions:
      key:
        description: C(InstanceIds), C(tag:KEY) or C(resource-groups:Name).
        type: str
        required: true
      values:
        description: The values. One of them must match.
        type: list
        elements: str
        required: true
  schedule_expression:
    description:
      - When to run again, such as V(rate(12 hours\)) or V(cron(0 2 ? * SUN *\)). The minimum rate is 30 minutes.
      - Empty means no schedule. The association then runs only on changes and on new nodes.
    type: str
  schedule_offset:
    description:
      - Days to wait after the day of a cron schedule, from 1 to 6; V(0) for none.
      - Needs O(apply_only_at_cron_interval=true).
    type: int
  apply_only_at_cron_interval:
    description: Whether to run only on the cron schedule, neither immediately nor on new nodes.
    type: bool
  max_concurrency:
    description: How many nodes run it concurrently, as a number or percentage. AWS's default is V(100%).
    type: str
  max_errors:
    description: How many nodes may fail before AWS stops sending it to more nodes, as a number or percentage.
    type: str
  compliance_severity:
    description: The severity in compliance reports.
    type: str
    choices: [CRITICAL, HIGH, MEDIUM, LOW, UNSPECIFIED]
  sync_compliance:
    description: Whether State Manager derives the compliance status from the runs, or C(PutComplianceItems) sets it.
    type: str
    choices: [AUTO, MANUAL]
  output_location:
    description: Where to store the output in S3. An empty dictionary for no output.
    type: dict
    suboptions:
      s3_bucket_name: {description: The bucket., type: str}
      s3_key_prefix: {description: The prefix of the keys., type: str}
      s3_region: {description: The region of the bucket., type: str}
  calendar_names:
    description: Names or ARNs of change calendars that must be open for it to run.
    type: list
    elements: str
  target_locations:
    description: Accounts and regions to which AWS applies the association, as in C(CreateAssociation).
    type: list
    elements: dict
    suboptions:
      accounts: {description: Account IDs or organizational units., type: list, elements: str}
      regions: {description: Regions., type: list, elements: str}
      target_location_max_concurrency:
        description: How many accounts and regions run it concurrently.
        type: str
      target_location_max_errors:
        description: How many accounts and regions may fail.
        type: str
      execution_role_name:
        description: The role that runs it there.
        type: str
      include_child_organization_units:
        description: Whether to include child units of the given units.
        type: bool
      exclude_accounts:
        description: Account IDs or organizational units to exclude.
        type: list
        elements: str
      targets:
        description: Targets there, instead of those of the association.
        type: list
        elements: dict
        suboptions:
          key:
            description: As in O(targets[].key).
            type: str
            required: true
          values:
            description: As in O(targets[].values).
            type: list
            elements: str
            required: true
      targets_max_concurrency:
        description: How many nodes run it concurrently there.
        type: str
      targets_max_errors:
        description: How many nodes may fail there.
        type: str
  alarm_configuration:
    description: A CloudWatch alarm that stops it. An empty dictionary for none.
    type: dict
    suboptions:
      alarm_name:
        description: The name of the alarm.
        type: str
      ignore_poll_alarm_failure:
        description: Whether to run if the state of the alarm cannot be read.
        type: bool
        default: false
  duration:
    description:
      - Hours after which a run is cancelled, from 1 to 24; V(0) for none.
      - Needs O(apply_only_at_cron_interval=true).
    type: int
  dispatch_assume_role_arn:
    description: The role with which State Manager sends it to nodes. Requires a botocore version with this setting.
    type: str
  tags:
    description: Tags of the association. An empty dictionary removes all tags, unless O(purge_tags=false).
    type: dict
  purge_tags:
    description: Whether O(tags) replaces existing tags instead of adding to them.
    type: bool
    default: true
  wait:
    description:
      - Whether to wait until it has run on every target, and return the result of each.
      - If nothing changes, the newest run of the association counts.
    type: bool
    default: false
  wait_timeout:
    description: The maximum number of seconds to wait, over all accounts and regions.
    type: int
    default: 900
author:
  - The fleetsec.guardduty authors (@fleetsec)
notes:
  - The caller needs C(ssm:ListAssociations), C(ssm:DescribeAssociation), C(ssm:ListTagsForResource), C(ssm:GetDocument) or
    C(ssm:DescribeDocument), and, depending on the changes, C(ssm:CreateAssociation), C(ssm:UpdateAssociation),
    C(ssm:DeleteAssociation), C(ssm:StartAssociationsOnce), C(ssm:AddTagsToResource) and C(ssm:RemoveTagsFromResource).
  - O(wait) also needs C(ssm:DescribeAssociationExecutions) and C(ssm:DescribeAssociationExecutionTargets), and uses
    C(ssm:DescribeInstanceInformation) to check whether any node matches.
  - To enforce the limit of 20, associations are counted by their targets from C(ssm:ListAssociations), 50 per call. Only if 20
    others could share a node, C(ec2:DescribeInstances) and C(ssm:DescribeInstanceProperties) are called to check. If a
    resource group is involved, or the nodes cannot be read, the module warns. Nodes outside EC2, nodes of
    O(target_locations), and associations from other accounts are not counted.
  - An update cannot keep settings that are newer than the controller's botocore, because botocore does not return them.
extends_documentation_fragment:
  - fleetsec.guardduty.targets
  - fleetsec.guardduty.attributes
  - fleetsec.guardduty.attributes.writes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  idempotent:
    support: partial
    details: O(state=run) starts a run each time.
seealso:
  - module: fleetsec.guardduty.ssm_association_info
  - module: fleetsec.guardduty.coverage_wait
  - name: CreateAssociation
    description: The Systems Manager API reference.
    link: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateAssociation.html
"""

EXAMPLES = r"""
- name: Install the agent on the first wave and keep it installed, on ten percent of the nodes at a time
  fleetsec.guardduty.ssm_association:
    regions: [eu-west-1, us-east-1]
    organization_role_name: FleetSec
    association_name: guardduty-agent-wave-1
    target_tags:
      runtime-monitoring-wave: "1"
    schedule_expression: rate(1 day)
    max_concurrency: 10%
    max_errors: "2"
    compliance_severity: HIGH
    wait: true

- name: Pin the version and keep all other settings
  fleetsec.guardduty.ssm_association:
    regions: [eu-west-1]
    association_name: guardduty-agent-wave-1
    parameters:
      action: Install
      name: AmazonGuardDuty-RuntimeMonitoringSsmPlugin
      version: 1.17.1

- name: Run it now in every account
  fleetsec.guardduty.ssm_association:
    regions: [eu-west-1]
    organization_role_name: FleetSec
    association_name: guardduty-agent-wave-1
    state: run
    wait: true
"""

RETURN = r"""
msg:
  description: What was changed, in one sentence.
  returned: always
  type: str
  sample: 1 association created.
associations:
  description:
    - The association of each account and region, with the options' names; settings that it does not have are omitted.
    - The C(association_id) in RV(associations) is null for an association that check mode would create.
  returned: always
  type: list
  elements: dict
  sample:
    - account_id: "111111111111"
      region: eu-west-1
      association_id: 8dfe3659-4309-493a-8755-0123456789ab
      association_version: "1"
      association_name: guardduty-agent-wave-1
      document_name: AmazonGuardDuty-ConfigureRuntimeMonitoringSsmPlugin
      parameters: {action: [Install], name: [AmazonGuardDuty-RuntimeMonitoringSsmPlugin]}
      targets:
        - {key: "tag:runtime-monitoring-wave", values: ["1"]}
      schedule_expression: rate(1 day)
      owner: operator
      status: Success
      tags: {}
  contains:
    owner:
      description: C(guardduty) or C(operator), or null if tags did not need to be read.
      returned: always
      type: str
    tags:
      description: The tags, or null if they did not need to be read.
      returned: always
      type: dict
    status:
      description: AWS's status of the newest runs; null if this task changed the association.
      returned: always
      type: str
changes:
  description: Every change, with the state before and after.
  returned: always
  type: list
  elements: dict
  sample:
    - action: update
      kind: association
      target: guardduty-agent-wave-1
      before: {max_concurrency: 100%}
      after: {max_concurrency: 10%}
failed_changes:
  description: The changes that could not be made, each with its error.
  returned: always
  type: list
  elements: dict
succeeded_targets:
  description: The nodes on which it succeeded.
  returned: when O(wait=true)
  type: list
  elements: dict
  sample:
    - account_id: "111111111111"
      region: eu-west-1
      association_id: 8dfe3659-4309-493a-8755-0123456789ab
      instance_id: i-0123456789abcdef0
      status: Success
      detailed_status: Success
      last_execution: "2026-11-24T09:00:00+00:00"
failed_targets:
  description: The nodes on which it failed, in the same form.
  returned: when O(wait=true)
  type: list
  elements: dict
unfinished_targets:
  description: The nodes on which it had not finished before the timeout, in the same form.
  returned: when O(wait=true)
  type: list
  elements: dict
unmatched:
  description: The associations whose targets match no managed node, with C(account_id), C(region) and C(association_id).
  returned: when O(wait=true)
  type: list
  elements: dict
problems:
  description: Failed accounts, regions, calls and runs, and refusals.
  returned: always
  type: list
  elements: str
"""

from functools import partial

from ..module_utils.aws import aws_module, finish, planned_and_read, targets_of
from ..module_utils.converge.association.associations import StartedAssociation, handlers, rows
from ..module_utils.converge.association.runs import await_runs
from ..module_utils.converge.run import converge
from ..module_utils.decide.association import runs as association_runs
from ..module_utils.decide.association.desired import match, refused
from ..module_utils.decide.association.plan import plan_associations
from ..module_utils.observe.association.associations import find, read_more
from ..module_utils.options.association import ARGUMENTS, RULES, desired_from


def main() -> None:
    module = aws_module(ARGUMENTS, **RULES)
    params = module.params
    desired = desired_from(params)
    refusal = refused(desired)
    if refusal:
        module.fail_json(msg=refusal)
    targets, unreachable = targets_of(module)
    found = find(
        targets,
        desired.name,
        desired.searched_document,
        partial(match, desired),
        desired.tags is not None,
        desired.state == "present",
    )
    planned, reading = planned_and_read(lambda now: plan_associations(now.areas, desired), read_more, targets, found)
    begun: list[StartedAssociation] = []
    outcome = converge(planned.plan, targets, handlers(begun), module.check_mode)
    problems = [*unreachable, *reading.problems, *planned.problems]
    results = {"associations": rows(planned, reading.areas, outcome, begun)}
    remarks = [*planned.warnings, *map(str, reading.remarks)]
    if params["wait"]:
        reports, unheard = await_runs(planned, targets, begun, params["wait_timeout"])
        problems += [*unheard, *association_runs.problems(reports, params["wait_timeout"])]
        results |= association_runs.results(reports)
        remarks += association_runs.remarks(reports)
    finish(module, planned.plan, outcome, problems, remarks, **results)


if __name__ == "__main__":
    main()
