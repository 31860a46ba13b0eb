# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps Systems Manager associations that bring the GuardDuty agent."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_association
version_added: 0.1.0
short_description: Manage the Systems Manager association that installs the GuardDuty agent, over accounts and regions
description:
  - Creates, updates, deletes or runs a State Manager association, by default one that installs the GuardDuty agent.
  - The association is found by O(association_name), or else by its document and targets where it bears no name. Several
    associations with one document are no problem.
  - An update sends everything that the association has, since AWS clears whatever an update leaves out.
    An option that is left out leaves its setting as it is; an empty value empties it.
  - GuardDuty's own association C(GuardDutyRuntimeMonitoring-do-not-delete), and any that is tagged C(GuardDutyManaged), is
    never changed, run or deleted.
  - With O(wait=true) the results of each node are returned, and failing nodes make the task fail.
  - AWS runs at most 20 associations on a managed node. Where new targets would bring a node to more, the task names the nodes
    and writes nothing in that account and region.
options:
  state:
    description:
      - V(present) makes the association so, V(absent) deletes it, V(run) runs it once now on all its targets.
      - Deleting an association leaves on the nodes what it installed.
    type: str
    choices: [present, absent, run]
    default: present
  association_name:
    description:
      - The name of the association.
      - An association without a name that has the same document and targets gets this name.
      - Needed unless targets are given.
    type: str
  document_name:
    description:
      - The name or ARN of a Command document.
      - A new association gets C(AmazonGuardDuty-ConfigureRuntimeMonitoringSsmPlugin) where nothing is said.
    type: str
  document_version:
    description: A number, V($DEFAULT) or V($LATEST).
    type: str
  parameters:
    description:
      - The parameters of the document, name to value or list of values. They replace those that are there.
      - A new association of GuardDuty's document gets C(action=Install) and C(name=AmazonGuardDuty-RuntimeMonitoringSsmPlugin)
        where nothing is said, which installs the newest agent.
      - Names and allowed values are checked against the document before anything is written.
    type: dict
  target_tags:
    description:
      - Run on the managed nodes with these tags, key to value or list of values. All keys must match, one value of each.
      - The better way for fleets, since a list of ids ends at 50.
    type: dict
  instance_ids:
    description: Run on these instances, at most 50.
    type: list
    elements: str
  targets:
    description:
      - Targets as AWS writes them, at most 5 with at most 50 values each.
      - The key C(InstanceIds) with the value V(*) stands for every managed node.
    type: list
    elements: dict
    suboptions:
      key:
        description: C(InstanceIds), C(tag:KEY) or C(resource-groups:Name).
        type: str
        required: true
      values:
        description: The values, one of which must match.
        type: list
        elements: str
        required: true
  schedule_expression:
    description:
      - When to run again, as in V(rate(12 hours\)) or V(cron(0 2 ? * SUN *\)). A rate is 30 minutes at least.
      - Empty means no schedule. It then runs on changes and on new nodes only.
    type: str
  schedule_offset:
    description:
      - Days from 1 to 6 to wait after the day of a cron schedule; V(0) for none.
      - Needs O(apply_only_at_cron_interval=true).
    type: int
  apply_only_at_cron_interval:
    description: Whether to run by the cron schedule only, neither at once nor on nodes as they come.
    type: bool
  max_concurrency:
    description: How many nodes run it at once, as a number or percentage. AWS's default is V(100%).
    type: str
  max_errors:
    description: How many nodes may fail before it is sent to no more nodes, as a number or percentage.
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
    description: Where in S3 the output goes. An empty dictionary for nowhere.
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
    description: Accounts and regions to which AWS carries the association, as in C(CreateAssociation).
    type: list
    elements: dict
    suboptions:
      accounts: {description: Account ids or organizational units., type: list, elements: str}
      regions: {description: Regions., type: list, elements: str}
      target_location_max_concurrency:
        description: How many accounts and regions run it at once.
        type: str
      target_location_max_errors:
        description: How many accounts and regions may fail.
        type: str
      execution_role_name:
        description: The role that runs it there.
        type: str
      include_child_organization_units:
        description: Whether units below the named ones are included.
        type: bool
      exclude_accounts:
        description: Account ids or organizational units to leave out.
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
        description: How many nodes run it at once there.
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
        description: Whether to run when the state of the alarm cannot be read.
        type: bool
        default: false
  duration:
    description:
      - Hours from 1 to 24 after which a run is cancelled; V(0) for none.
      - Needs O(apply_only_at_cron_interval=true).
    type: int
  dispatch_assume_role_arn:
    description: The role with which State Manager sends it to nodes. It needs a botocore that knows it.
    type: str
  tags:
    description: Tags of the association. An empty dictionary removes all, unless O(purge_tags=false).
    type: dict
  purge_tags:
    description: Whether O(tags) replaces the tags that are there, rather than adds to them.
    type: bool
    default: true
  wait:
    description:
      - Wait until it has run on every target, and return the result of each.
      - Where nothing changes, the newest run of the association counts.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait at most, over all accounts and regions.
    type: int
    default: 900
author:
  - The fleetsec.guardduty authors (@fleetsec)
notes:
  - The caller needs C(ssm:ListAssociations), C(ssm:DescribeAssociation), C(ssm:ListTagsForResource), C(ssm:GetDocument) or
    C(ssm:DescribeDocument), and what it writes with, among C(ssm:CreateAssociation), C(ssm:UpdateAssociation),
    C(ssm:DeleteAssociation), C(ssm:StartAssociationsOnce), C(ssm:AddTagsToResource) and C(ssm:RemoveTagsFromResource).
  - O(wait) also needs C(ssm:DescribeAssociationExecutions) and C(ssm:DescribeAssociationExecutionTargets), and looks up with
    C(ssm:DescribeInstanceInformation) whether any node matches.
  - Associations are counted by their targets, as C(ssm:ListAssociations) shows them, 50 a call. Only where 20 others could
    share a node, C(ec2:DescribeInstances) and C(ssm:DescribeInstanceProperties) are called to see whether they do. Where a
    resource group decides, or the nodes cannot be read, a warning says so. Nodes outside EC2, nodes reached by
    O(target_locations), and associations that other accounts bring are not counted.
  - Settings that are newer than the controller's botocore cannot be kept by an update, because botocore does not show them.
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
- name: Install the agent on the first wave and keep it there, ten percent of the nodes at once
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

- name: Pin the version, and leave all else as it is
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
    - The association of each account and region, under the names of the options; settings that it does not have are left out.
    - The C(association_id) in RV(associations) is null for one that check mode would create.
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
      description: C(guardduty) or C(operator), or null where tags did not have to be read.
      returned: always
      type: str
    tags:
      description: The tags, or null where they did not have to be read.
      returned: always
      type: dict
    status:
      description: AWS's word for the newest runs; null where this run changed the association.
      returned: always
      type: str
changes:
  description: Every change, with what was there before and what is there after.
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
  description: The nodes on which it ran with success.
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
  description: The nodes on which it ended without success, in the same form.
  returned: when O(wait=true)
  type: list
  elements: dict
unfinished_targets:
  description: The nodes on which it had not ended when the time was up, in the same form.
  returned: when O(wait=true)
  type: list
  elements: dict
unmatched:
  description: The associations whose targets match no managed node, with C(account_id), C(region) and C(association_id).
  returned: when O(wait=true)
  type: list
  elements: dict
problems:
  description: Accounts, regions, calls and runs that failed, and what was refused.
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
