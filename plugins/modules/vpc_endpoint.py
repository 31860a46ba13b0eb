# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives VPCs the endpoint through which agents reach GuardDuty, keeps it right, or takes it away."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpc_endpoint
version_added: 0.1.0
short_description: Manage the VPC endpoints through which agents reach GuardDuty
description:
  - Makes the interface endpoint for the agent's data (C(com.amazonaws.REGION.guardduty-data)) in any number of VPCs, with its
    security group and policy, and keeps it right.
  - An endpoint that is there is changed only where it cannot be used, or where an option says how it must be.
  - What GuardDuty owns (tag C(GuardDutyManaged)) is reported and never changed. A VPC with an endpoint of GuardDuty's counts
    as served.
  - Where automated agent configuration is on, or an instance is included by tag, GuardDuty makes its own endpoint. Yours is
    needed where you bring the agent, through SSM or by package; make it before you turn automated agent configuration on,
    and GuardDuty uses it and makes none.
options:
  state:
    description: Whether the endpoints should be there.
    type: str
    choices: [present, absent]
    default: present
  select:
    description:
      - V(listed) works on the VPCs in O(vpc_ids).
      - V(needed) works on the VPCs that need an endpoint, of O(vpc_ids) or of all - those with a Linux instance that is
        neither terminated nor shutting down, and without an endpoint that works. VPCs whose endpoint carries the security
        group of this task are kept in step too; a working endpoint that something else made is left alone.
      - With V(needed) a VPC that another account shares makes a warning, with V(listed) it makes the task fail, since the
        owner's endpoint cannot be seen.
    type: str
    choices: [listed, needed]
    default: listed
  vpc_ids:
    description:
      - The ids of the VPCs, in whichever of the accounts and regions they are. An empty list means none.
      - Needed with O(select=listed). With O(select=needed) it limits the choice; left out, all VPCs are looked at.
      - RV(fleetsec.guardduty.eligibility_info#module:worklists) has the ids of the VPCs in which you bring the agent.
    type: list
    elements: str
  routes:
    description:
      - With O(select=needed), count only VPCs with an instance that should get its agent by one of these routes, under O(scope).
      - V(ssm) and V(package) leave out the VPCs in which GuardDuty makes its own endpoint because it brings the agent.
      - Empty means that every Linux instance counts, which is GuardDuty's own rule.
    type: list
    elements: str
    choices: [guardduty, ssm, package]
    default: []
  subnet_ids:
    description:
      - The subnets that the endpoints should have, exactly; each VPC takes those that are its own.
      - Left out, a new endpoint gets one subnet in each availability zone in which Linux instances live, or in every zone
        where there are none yet, as far as the service is offered there. With O(select=needed) zones with new instances are
        added later. Subnets are never taken away then.
    type: list
    elements: str
  security_group_ids:
    description:
      - The security groups that the endpoints should have, exactly; each VPC takes those that are its own.
      - Their rules are yours. A warning says when they close port 443 to a CIDR of the VPC.
      - Left out, a group with the name O(security_group_name) is made in each VPC, which lets every CIDR of the VPC in on 443
        and follows their changes. An existing endpoint gets it when its own groups close a CIDR out.
    type: list
    elements: str
  security_group_name:
    description: The name of the security group that this module makes, keeps in step and deletes.
    type: str
    default: fleetsec-guardduty-data
  policy:
    description:
      - The endpoint policy. V(account) lets only the VPC's own account through, V(organization) only the organization of
        O(organization_id), V(open) everybody.
      - Left out, a new endpoint gets V(account), and an existing policy is replaced by it only when it denies the account.
    type: str
    choices: [account, organization, open]
  organization_id:
    description: The id of the organization for O(policy=organization).
    type: str
  policy_accounts:
    description: The ids of more accounts to let through, beside the account or the organization.
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
      - A Jinja2 template of your own instead of O(policy), by its path on the controller, where it is looked for as by
        M(ansible.builtin.template). It is rendered for each VPC and must give a policy as JSON.
      - It gets C(account_id) (the VPC's), C(vpc_id), C(region), C(partition), C(service_name), C(organization_id),
        C(extra_accounts) (O(policy_accounts)) and C(policy), and the filter C(to_json) beside Jinja2's own. Ansible's variables,
        filters and lookups are not there.
      - The collection's own, C(playbooks/templates/endpoint_policy.json.j2), makes O(policy) and is a start for yours.
    type: path
  policy_source:
    description:
      - The text of the template. The controller fills it in.
      - Give it only where the module is run by itself and not as a task.
    type: str
  dns_attributes:
    description:
      - Whether to turn on the DNS support and the DNS hostnames of a VPC where an endpoint's private DNS needs them.
      - With V(false) such a VPC makes the task fail, and nothing is made in it.
    type: bool
    default: false
  fips:
    description: Whether to use the FIPS variant of the service. In AWS GovCloud it is used anyway.
    type: bool
    default: false
  tags:
    description:
      - The tags of the endpoint, and of the security group that this module makes.
      - Left out, tags are not changed. The key C(GuardDutyManaged) is refused, since GuardDuty may change or delete what has it.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether to remove tags that are not in O(tags), if O(tags) is given. Keys that start with C(aws:) stay.
    type: bool
    default: true
  include_guardduty:
    description:
      - With O(state=absent), also delete GuardDuty's own endpoints and security groups in the VPCs in O(vpc_ids), as when they
        are left over and block the deletion of a VPC.
      - GuardDuty makes them anew as long as it brings the agent to an instance of the VPC.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until the endpoints that this task makes or changes are available, or those that it deletes are gone.
      - With V(false) and O(state=absent) the security group stays until a later run, because it is in use until the endpoint
        has gone.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait for all endpoints of an account and region together, how long to go on when AWS throttles
        a call, and how long to wait for a security group to be free.
      - AWS lets about one endpoint be made in three seconds. The time counts anew for each call that goes through, so that it
        need not grow with the number of VPCs.
    type: int
    default: 900
  progress_file:
    description:
      - A file, where this module runs, to which it adds a line now and then while it waits.
      - Left out, a file of the controller's is used and its lines are shown on the screen, where the module runs on the
        controller itself.
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
  - Endpoints that are right already cost three calls in each account and region, however many there are.
  - In the China regions AWS offers no such endpoint.
seealso:
  - module: fleetsec.guardduty.vpc_endpoint_info
  - module: fleetsec.guardduty.eligibility_info
"""

EXAMPLES = r"""
- name: Give every VPC that needs one its endpoint, in two accounts
  fleetsec.guardduty.vpc_endpoint:
    regions: [eu-west-1, us-east-1]
    assume_role_arns:
      - arn:aws:iam::111111111111:role/FleetSec
      - arn:aws:iam::222222222222:role/FleetSec
    select: needed
    dns_attributes: true

- name: Only where you bring the agent yourself
  fleetsec.guardduty.vpc_endpoint:
    regions: [eu-west-1]
    select: needed
    routes: [ssm, package]

- name: A shared VPC, open to the organization and to a partner's account
  fleetsec.guardduty.vpc_endpoint:
    regions: [eu-west-1]
    vpc_ids: [vpc-0123456789abcdef0]
    policy: organization
    organization_id: o-exampleorgid
    policy_accounts: ["333333333333"]
    tags:
      Name: guardduty-data
      owner: security

- name: A policy from a template of your own
  fleetsec.guardduty.vpc_endpoint:
    regions: [eu-west-1]
    vpc_ids: [vpc-0123456789abcdef0]
    policy_template: guardduty-endpoint.json.j2
    policy_accounts: ["333333333333"]

- name: Free a VPC for deletion, of what GuardDuty left too
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
    - One row for each VPC that was listed and found or, with O(select=needed), that has Linux instances.
    - Read back where something was changed; in check mode as it is now.
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
      description: The endpoint's service or null.
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
      description: What keeps agents from using it, in words.
      type: list
      elements: str
      returned: always
      sample: []
changes:
  description: Every change, with what was there before and what is there after.
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
  description: Accounts, regions, calls and VPCs that failed, and why. The other VPCs were served all the same.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ..module_utils.aws import SCOPE_ARGUMENTS, aws_module, finish, observed
from ..module_utils.converge.endpoint.endpoints import write_endpoints
from ..module_utils.converge.progress import Progress
from ..module_utils.decide.endpoint.desired import desired_from, refused
from ..module_utils.decide.endpoint.lookups import lookups
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
    before = look_up(targets, before, lookups(before, desired))
    try:
        planned = plan_endpoints(before, desired)
    except BadPolicy as error:
        module.fail_json(msg=str(error))
    progress = Progress(module.params["progress_file"])
    outcome, after = write_endpoints(planned.plan, targets, before, desired, module.check_mode, progress)
    problems = (*before.problems, *planned.problems, *after.problems)
    endpoints = endpoint_rows(after, planned.shown)
    finish(module, planned.plan, outcome, problems, planned.warnings, endpoints=endpoints)


if __name__ == "__main__":
    main()
