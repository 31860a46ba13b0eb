# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates, updates and deletes the VPC endpoints through which agents reach GuardDuty."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpc_endpoint
version_added: 0.1.0
short_description: Manage the VPC endpoints through which agents reach GuardDuty
description:
  - Creates the interface endpoint for the agent's data (C(com.amazonaws.REGION.guardduty-data)) in any number of VPCs, with its
    security group and policy, and keeps it in the desired state.
  - An existing endpoint is changed only if it cannot be used, or if an option requires a different setting.
  - Resources that GuardDuty owns (tag C(GuardDutyManaged)) are reported and never changed. A VPC with an endpoint of GuardDuty
    needs no other endpoint.
  - If automated agent configuration is on, or an instance is included by tag, GuardDuty creates its own endpoint. You need
    your own endpoint where you install the agent, through SSM or by package. If you create it before you turn on automated
    agent configuration, GuardDuty uses it and creates none.
options:
  state:
    description: Whether the endpoints should exist.
    type: str
    choices: [present, absent]
    default: present
  select:
    description:
      - V(listed) works on the VPCs in O(vpc_ids).
      - V(needed) works on the VPCs that need an endpoint, of O(vpc_ids) or of all VPCs - those with a Linux instance that is
        neither terminated nor shutting down, and without a working endpoint. VPCs whose endpoint has the security group of
        this task are updated too; a working endpoint that was created otherwise is not changed.
      - For a VPC that another account shares, V(needed) warns and V(listed) fails, because the owner's endpoint is not
        visible.
    type: str
    choices: [listed, needed]
    default: listed
  vpc_ids:
    description:
      - The IDs of the VPCs, in any of the accounts and regions. An empty list means none.
      - Required with O(select=listed). With O(select=needed) it limits the selection; if omitted, all VPCs are considered.
      - RV(fleetsec.guardduty.eligibility_info#module:worklists) has the IDs of the VPCs in which you install the agent.
    type: list
    elements: str
  routes:
    description:
      - With O(select=needed), count only VPCs with an instance that should get its agent by one of these routes, under O(scope).
      - V(ssm) and V(package) exclude the VPCs in which GuardDuty installs the agent and therefore creates its own endpoint.
      - Empty means that every Linux instance counts, which is GuardDuty's own rule.
    type: list
    elements: str
    choices: [guardduty, ssm, package]
    default: []
  subnet_ids:
    description:
      - The exact subnets of the endpoints; each VPC uses the subnets that belong to it.
      - If omitted, a new endpoint gets one subnet in each availability zone with Linux instances, or in every zone if there
        are none, as far as the service is available there. With O(select=needed), zones with new instances are added later.
        Subnets are never removed in this case.
    type: list
    elements: str
  security_group_ids:
    description:
      - The exact security groups of the endpoints; each VPC uses the groups that belong to it.
      - The module does not change their rules, but warns if they do not allow a CIDR of the VPC on port 443.
      - If omitted, a group named O(security_group_name) is created in each VPC, which allows every CIDR of the VPC on port 443
        and is updated when they change. An existing endpoint gets this group if its own groups do not allow a CIDR.
    type: list
    elements: str
  security_group_name:
    description: The name of the security group that this module creates, updates and deletes.
    type: str
    default: fleetsec-guardduty-data
  policy:
    description:
      - The endpoint policy. V(account) allows only the VPC's own account, V(organization) only the organization
        O(organization_id), V(open) everybody.
      - If omitted, a new endpoint gets V(account), which also replaces an existing policy if that denies the account.
    type: str
    choices: [account, organization, open]
  organization_id:
    description: The ID of the organization for O(policy=organization).
    type: str
  policy_accounts:
    description: The IDs of additional accounts to allow.
    type: list
    elements: str
    default: []
  policy_json:
    description:
      - A policy of your own instead of O(policy), as JSON text or as a dictionary.
      - Policies are compared by meaning, not by spacing or order.
    type: json
  policy_template:
    description:
      - A Jinja2 template of your own instead of O(policy), as a path on the controller that is searched like that of
        M(ansible.builtin.template). It is rendered for each VPC and must produce a JSON policy.
      - It can use C(account_id) (the VPC's), C(vpc_id), C(region), C(partition), C(service_name), C(organization_id),
        C(extra_accounts) (O(policy_accounts)) and C(policy), the filter C(to_json), and Jinja2's own filters. Ansible's
        variables, filters and lookups are not available.
      - The collection's template for O(policy), C(playbooks/templates/endpoint_policy.json.j2), is a starting point.
    type: path
  policy_source:
    description:
      - The text of the template. The controller sets it.
      - Set it only if you run the module directly, not as a task.
    type: str
  dns_attributes:
    description:
      - Whether to turn on DNS support and DNS hostnames in VPCs where an endpoint's private DNS needs them.
      - With V(false), such a VPC fails the task, and nothing is created in it.
    type: bool
    default: false
  fips:
    description: Whether to use the FIPS variant of the service. In AWS GovCloud it is always used.
    type: bool
    default: false
  tags:
    description:
      - The tags of the endpoint, and of the security group that this module creates.
      - If omitted, tags are not changed. The key C(GuardDutyManaged) is rejected, because GuardDuty may change or delete
        resources that have it.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: If O(tags) is given, whether to remove other tags. Keys that start with C(aws:) stay.
    type: bool
    default: true
  include_guardduty:
    description:
      - With O(state=absent), also delete GuardDuty's own endpoints and security groups in the VPCs in O(vpc_ids), for
        example if they are left over and block the deletion of a VPC.
      - GuardDuty creates them again as long as it installs the agent on an instance of the VPC.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until endpoints that this task creates or changes are available, and endpoints that it deletes are gone.
      - With V(false) and O(state=absent), the security group stays until a later run, because it is in use until the endpoint
        is gone.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait for all endpoints of an account and region together, to retry a call that AWS throttles, and to
        wait until a security group is no longer in use.
      - AWS allows about one new endpoint per three seconds. The time restarts with each successful call, so that it does not
        need to grow with the number of VPCs.
    type: int
    default: 900
  progress_file:
    description:
      - A file on the machine that runs the module, to which it appends progress lines while it waits.
      - If omitted and the module runs on the controller, the action plugin sets it and prints the lines.
    type: path
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.scope
  - fleetsec.guardduty.targets
  - fleetsec.guardduty.attributes
  - fleetsec.guardduty.attributes.writes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - If all endpoints are in the desired state, the module makes three calls per account and region, whatever their number.
  - AWS does not offer this endpoint service in the China regions.
seealso:
  - module: fleetsec.guardduty.vpc_endpoint_info
  - module: fleetsec.guardduty.eligibility_info
"""

EXAMPLES = r"""
- name: Create an endpoint in every VPC that needs one, in two accounts
  fleetsec.guardduty.vpc_endpoint:
    regions: [eu-west-1, us-east-1]
    assume_role_arns:
      - arn:aws:iam::111111111111:role/FleetSec
      - arn:aws:iam::222222222222:role/FleetSec
    select: needed
    dns_attributes: true

- name: Create endpoints only where you install the agent yourself
  fleetsec.guardduty.vpc_endpoint:
    regions: [eu-west-1]
    select: needed
    routes: [ssm, package]

- name: Open the endpoint of a shared VPC to the organization and a partner's account
  fleetsec.guardduty.vpc_endpoint:
    regions: [eu-west-1]
    vpc_ids: [vpc-0123456789abcdef0]
    policy: organization
    organization_id: o-exampleorgid
    policy_accounts: ["333333333333"]
    tags:
      Name: guardduty-data
      owner: security

- name: Use your own policy template
  fleetsec.guardduty.vpc_endpoint:
    regions: [eu-west-1]
    vpc_ids: [vpc-0123456789abcdef0]
    policy_template: guardduty-endpoint.json.j2
    policy_accounts: ["333333333333"]

- name: Prepare a VPC for deletion, including endpoints that GuardDuty left
  fleetsec.guardduty.vpc_endpoint:
    regions: [eu-west-1]
    vpc_ids: [vpc-0123456789abcdef0]
    state: absent
    include_guardduty: true
"""

RETURN = r"""
msg:
  description: What was changed, in one sentence.
  returned: always
  type: str
  sample: 1 security group created, 1 VPC endpoint created.
endpoints:
  description:
    - A row for each VPC that was listed and found or, with O(select=needed), that has Linux instances.
    - Read again after changes; in check mode, the current state.
  returned: always
  type: list
  elements: dict
  contains:
    vpc_id: {description: The VPC., type: str, returned: always, sample: vpc-0123456789abcdef0}
    account_id: {description: The account in which it was read., type: str, returned: always, sample: "111111111111"}
    region: {description: The region., type: str, returned: always, sample: eu-west-1}
    vpc_owner_id: {description: The account that owns the VPC., type: str, returned: always, sample: "111111111111"}
    connectivity:
      description:
        - Whether agents can use the endpoint - V(available), V(pending), V(missing), V(misconfigured), or V(unknown) where
          it could not be read.
      type: str
      returned: always
      sample: available
    owner:
      description: V(guardduty) or V(operator), or null without an endpoint.
      type: str
      returned: always
      sample: operator
    endpoint_id: {description: The endpoint or null., type: str, returned: always, sample: vpce-0123456789abcdef0}
    state: {description: AWS's state of the endpoint or null., type: str, returned: always, sample: available}
    service_name:
      description: The endpoint's service, or null.
      type: str
      returned: always
      sample: com.amazonaws.eu-west-1.guardduty-data
    private_dns: {description: Whether private DNS is on., type: bool, returned: always, sample: true}
    subnet_ids: {description: Its subnets., type: list, elements: str, returned: always, sample: [subnet-0123456789abcdef0]}
    security_group_ids:
      description: Its security groups.
      type: list
      elements: str
      returned: always
      sample: [sg-0123456789abcdef0]
    faults:
      description: Why agents cannot use it, as text.
      type: list
      elements: str
      returned: always
      sample: []
changes:
  description: Every change, with the state before and after.
  returned: always
  type: list
  elements: dict
  sample:
    - account_id: "111111111111"
      region: eu-west-1
      action: create
      kind: VPC endpoint
      target: vpc-0123456789abcdef0
      before: null
      after:
        service_name: com.amazonaws.eu-west-1.guardduty-data
        private_dns: true
        subnet_ids: [subnet-0123456789abcdef0]
        security_groups: [fleetsec-guardduty-data]
failed_changes:
  description: The changes that could not be made, each with its error.
  returned: always
  type: list
  elements: dict
  sample: []
problems:
  description: Failed accounts, regions, calls and VPCs, and why. The other VPCs were processed.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ..module_utils.aws import SCOPE_ARGUMENTS, aws_module, finish, observed, planned_and_read
from ..module_utils.converge.endpoint.endpoints import write_endpoints
from ..module_utils.converge.progress import Progress
from ..module_utils.decide.endpoint.desired import desired_from, refused
from ..module_utils.decide.endpoint.need import endpoint_rows
from ..module_utils.decide.endpoint.plan import plan_endpoints
from ..module_utils.decide.endpoint.policy_template import BadPolicy
from ..module_utils.observe.endpoint import look_up
from ..module_utils.observe.fleet.snapshot import ReadScope
from ..module_utils.options.endpoint import ARGUMENTS, RULES


def main() -> None:
    module = aws_module({**ARGUMENTS, **SCOPE_ARGUMENTS}, **RULES)
    desired = desired_from(module.params)
    if why_not := refused(desired):
        module.fail_json(msg=why_not)
    judging, needed = bool(desired.routes), desired.select == "needed"
    targets, before = observed(module, ReadScope(instances=needed, ssm=judging, detector=judging, coverage=False))
    try:
        planned, before = planned_and_read(lambda now: plan_endpoints(now, desired), look_up, targets, before)
    except BadPolicy as error:
        module.fail_json(msg=str(error))
    progress = Progress(module.params["progress_file"])
    outcome, after = write_endpoints(planned.plan, targets, before, desired, module.check_mode, progress)
    problems = (*before.problems, *planned.problems, *after.problems)
    endpoints = endpoint_rows(after, planned.shown)
    finish(module, planned.plan, outcome, problems, planned.warnings, endpoints=endpoints)


if __name__ == "__main__":
    main()
