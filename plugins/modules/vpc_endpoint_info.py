# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Determines for each VPC whether agents can reach GuardDuty through an endpoint, and whether one is needed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpc_endpoint_info
version_added: 0.1.0
short_description: Determine for each VPC whether agents can reach GuardDuty through an endpoint
description:
  - Reads VPCs, their endpoints for the GuardDuty agent and the instances in them. Returns for each VPC whether its endpoint
    works, who owns it, what is wrong with it, and whether an endpoint is needed and why.
  - An agent may also use the link-local address, which AWS offers with automated agent configuration. This module cannot see
    that; M(fleetsec.guardduty.coverage_info) shows whether agents report.
options:
  vpc_ids:
    description: The IDs of the VPCs. If omitted, all VPCs are returned.
    type: list
    elements: str
  routes:
    description:
      - Count an endpoint as needed only if an instance should get its agent by one of these routes, under O(scope).
      - Empty means that every Linux instance counts, which is GuardDuty's own rule.
    type: list
    elements: str
    choices: [guardduty, ssm, package]
    default: []
  dns_attributes:
    description: Whether to read the DNS attributes of the VPCs, which requires two calls per VPC.
    type: bool
    default: false
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.scope
  - fleetsec.guardduty.targets
  - fleetsec.guardduty.attributes
  - fleetsec.guardduty.attributes.reads
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: fleetsec.guardduty.vpc_endpoint
  - module: fleetsec.guardduty.coverage_info
"""

EXAMPLES = r"""
- name: Read the connectivity of all VPCs
  fleetsec.guardduty.vpc_endpoint_info:
    regions: [eu-west-1]
  register: connectivity

- name: Show the VPCs that need an endpoint
  ansible.builtin.debug:
    msg: "{{ connectivity.vpcs | selectattr('needed') | map(attribute='vpc_id') }}"

- name: Read one VPC with its DNS attributes
  fleetsec.guardduty.vpc_endpoint_info:
    regions: [eu-west-1]
    vpc_ids: [vpc-0123456789abcdef0]
    dns_attributes: true
"""

RETURN = r"""
vpcs:
  description: A row for each VPC. A shared VPC is listed once, in its owner's account if that is read.
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
          it could not be read, as in a VPC that another account shares.
      type: str
      returned: always
      sample: misconfigured
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
    private_dns: {description: Whether private DNS is on., type: bool, returned: always, sample: false}
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
      sample: [private DNS is off]
    linux_instances:
      description: Linux instances that are neither terminated nor shutting down, of all accounts that were read.
      type: int
      returned: always
      sample: 12
    needed:
      description: Whether M(fleetsec.guardduty.vpc_endpoint) with C(select=needed) would create or repair the endpoint.
      type: bool
      returned: always
      sample: true
    reason:
      description:
        - Why, as a code - V(other_owner), V(unknown), V(guardduty_serves), V(no_linux_instance), V(no_wanted_instance),
          V(operator_serves), V(endpoint_misconfigured) or V(endpoint_missing).
      type: str
      returned: always
      sample: endpoint_misconfigured
    cause:
      description: The reason as a sentence.
      type: str
      returned: always
      sample: The VPC's endpoint cannot be used as it is.
    dns_support: {description: The VPC's DNS support or null if not read., type: bool, returned: always, sample: null}
    dns_hostnames: {description: The VPC's DNS hostnames or null if not read., type: bool, returned: always, sample: null}
summary:
  description: The number of VPCs, of those that need an endpoint, and of VPCs by connectivity.
  returned: always
  type: dict
  sample: {vpcs: 14, needed: 3, connectivity: {available: 9, misconfigured: 1, missing: 4}}
problems:
  description: Failed accounts, regions, calls and VPC IDs.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ..module_utils.aws import SCOPE_ARGUMENTS, aws_module, conclude_reading, observed
from ..module_utils.decide.endpoint.need import info_rows, info_summary, vpcs_of_routes
from ..module_utils.decide.endpoint.site import missing_vpcs
from ..module_utils.decide.verdict.eligibility import Choices
from ..module_utils.observe.endpoint import with_dns
from ..module_utils.observe.fleet.snapshot import ReadScope


def main() -> None:
    module = aws_module(
        {
            "vpc_ids": {"type": "list", "elements": "str"},
            "routes": {"type": "list", "elements": "str", "choices": ["guardduty", "ssm", "package"], "default": []},
            "dns_attributes": {"type": "bool", "default": False},
            **SCOPE_ARGUMENTS,
        }
    )
    params = module.params
    judging = bool(params["routes"])
    targets, fleet = observed(module, ReadScope(ssm=judging, detector=judging, coverage=False))
    if params["dns_attributes"]:
        fleet = with_dns(targets, fleet, params["vpc_ids"])
    choices = Choices(params["scope"], params["fallback_to_package"])
    rows = info_rows(fleet, params["vpc_ids"], vpcs_of_routes(fleet, params["routes"], choices))
    problems = (*fleet.problems, *missing_vpcs(fleet, params["vpc_ids"]))
    conclude_reading(module, problems, vpcs=rows, summary=info_summary(rows))


if __name__ == "__main__":
    main()
