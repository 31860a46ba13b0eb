# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""endpoint_way and endpoint policies: the GuardDuty user guide's conditions for an agent's connection."""

from __future__ import annotations

import json

import pytest
from served import ACCOUNT, OTHER, REGION

from emulated_aws import ec2_endpoints, ec2_state, ec2_view, loader, policy
from emulated_aws.fleet import parse_fleet
from emulated_aws.wire import AwsError
from emulated_aws.world import WORLD

ORGANIZATION = "o-test000001"


def load(vpc: str = "", pace: float = 0) -> str:
    loader.load(
        parse_fleet(f"""
pace: {{endpoint: {pace}}}
organization: {{id: {ORGANIZATION}}}
accounts:
  "{ACCOUNT}":
    regions:
      {REGION}:
        guardduty_zones: [eu-west-1a, eu-west-1b]
        vpcs:
          shop: {{
            cidr: 10.0.0.0/16,
            extra_cidrs: [10.9.0.0/20],
            subnets: {{a: eu-west-1a, a2: eu-west-1a, b: eu-west-1b, c: eu-west-1c}},
            {vpc}
          }}
        instances: [{{name: web, vpc: shop, operator: ecs-managed-instances, metadata_tags: true}}]
  "{OTHER}": {{}}
""")
    )
    return ec2_view.vpc_ids(ACCOUNT, REGION)[0]


@pytest.mark.parametrize(
    ("vpc", "account", "state", "why"),
    [
        ("", ACCOUNT, "missing", "has no endpoint"),
        ("endpoint: {}", ACCOUNT, "usable", ""),
        ("endpoint: {policy: open}", ACCOUNT, "usable", ""),
        ("endpoint: {state: pending}", ACCOUNT, "pending", "is pending"),
        ("endpoint: {state: failed}", ACCOUNT, "misconfigured", "is failed"),
        ("endpoint: {state: rejected}", ACCOUNT, "misconfigured", "is rejected"),
        ("endpoint: {private_dns: false}", ACCOUNT, "misconfigured", "private DNS"),
        ("endpoint: {policy: denied}", ACCOUNT, "misconfigured", "denies account 111111111111"),
        ("endpoint: {security_group: closed}", ACCOUNT, "misconfigured", "443 from 10.0.0.0/16, 10.9.0.0/20"),
        ("dns_support: false, endpoint: {}", ACCOUNT, "misconfigured", "enableDnsSupport"),
        ("dns_hostnames: false, endpoint: {}", ACCOUNT, "misconfigured", "enableDnsHostnames"),
        ("endpoint: {}", OTHER, "misconfigured", "denies account 222222222222"),
        ("endpoint: {policy: organization}", OTHER, "usable", ""),
    ],
)
def test_the_way(vpc, account, state, why):
    way = ec2_view.endpoint_way(account, REGION, load(vpc))
    assert way.state == state
    assert why in way.why


def test_whose_endpoint_it_is():
    assert ec2_view.endpoint_way(ACCOUNT, REGION, load("endpoint: {owner: guardduty}")).owner == "guardduty"
    assert ec2_view.endpoint_way(ACCOUNT, REGION, load("endpoint: {owner: operator}")).owner == "operator"


def test_one_cidr_left_out_is_enough():
    vpc_id = load("endpoint: {}")
    vpc = ec2_state.own_vpcs(ACCOUNT, REGION)[vpc_id]
    vpc.associate_vpc_cidr_block("10.77.0.0/24")
    assert "443 from 10.77.0.0/24" in ec2_view.endpoint_way(ACCOUNT, REGION, vpc_id).why


def test_guardduty_makes_and_deletes_its_own(monkeypatch):
    vpc_id = load(pace=5)
    clock = [1000.0]
    monkeypatch.setattr(WORLD, "now", lambda: clock[0])
    made = ec2_view.create_guardduty_endpoint(ACCOUNT, REGION, vpc_id)
    assert ec2_view.create_guardduty_endpoint(ACCOUNT, REGION, vpc_id) == made
    assert ec2_view.endpoint_way(ACCOUNT, REGION, vpc_id).state == "pending"
    clock[0] += 5
    assert ec2_view.endpoint_way(ACCOUNT, REGION, vpc_id) == ec2_view.EndpointWay("usable", "guardduty")
    endpoint = ec2_endpoints.live(ACCOUNT, REGION)[made]
    group = ec2_state.group(ACCOUNT, REGION, endpoint.groups[0])
    assert group.name == f"GuardDutyManagedSecurityGroup-{vpc_id}"
    for resource in (made, group.id):
        assert ec2_state.tags_of(ACCOUNT, REGION, resource) == {"GuardDutyManaged": "true"}
    zones = {s.id: s.availability_zone for s in ec2_state.visible_subnets(ACCOUNT, REGION).values()}
    assert [zones[each] for each in endpoint.subnets] == ["eu-west-1a", "eu-west-1b"]
    ec2_view.delete_guardduty_endpoint(ACCOUNT, REGION, vpc_id)
    assert ec2_view.endpoint_way(ACCOUNT, REGION, vpc_id).state == "missing"
    clock[0] += 5
    assert ec2_endpoints.live(ACCOUNT, REGION) == {}
    assert ec2_state.group(ACCOUNT, REGION, group.id) is None


def test_guarddutys_endpoint_meets_the_same_refusals():
    with pytest.raises(AwsError, match="conflicting DNS domain"):
        ec2_view.create_guardduty_endpoint(ACCOUNT, REGION, load("endpoint: {owner: operator}"))
    with pytest.raises(AwsError, match="enableDnsHostnames"):
        ec2_view.create_guardduty_endpoint(ACCOUNT, REGION, load("dns_hostnames: false"))


def test_guarddutys_policy_in_a_shared_vpc_names_the_organization():
    vpc_id = load(f'shared_with: ["{OTHER}"]')
    made = ec2_view.create_guardduty_endpoint(ACCOUNT, REGION, vpc_id)
    assert ORGANIZATION in ec2_endpoints.live(ACCOUNT, REGION)[made].policy
    assert ec2_view.endpoint_way(OTHER, REGION, vpc_id).state == "usable"
    assert ec2_view.vpc_owner(REGION, vpc_id) == ACCOUNT


def test_instances_as_other_services_see_them():
    load()
    (web,) = ec2_view.instances(ACCOUNT, REGION)
    assert web == ec2_view.instance(ACCOUNT, REGION, web.instance_id)
    assert (web.metadata_tags, web.imds, web.operator_principal, web.tags) == (
        True,
        True,
        "ecs.amazonaws.com",
        {"Name": "web"},
    )
    assert ec2_view.instance(ACCOUNT, REGION, "i-0123456789abcdef0") is None


ALLOW = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
DENY = {**ALLOW, "Effect": "Deny"}
CONTEXT = {"aws:PrincipalAccount": ACCOUNT, "aws:PrincipalOrgID": ORGANIZATION}


def condition(operator: str, key: str, *values: str) -> dict:
    return {"Condition": {operator: {key: list(values)}}}


@pytest.mark.parametrize(
    ("statements", "passes"),
    [
        ([], False),
        ([ALLOW], True),
        ([ALLOW, DENY], False),
        ([{**ALLOW, "Action": "guardduty:Send*"}], True),
        ([{**ALLOW, "Action": ["GUARDDUTY:SendSecurityTelemetry"]}], True),
        ([{**ALLOW, "Action": "s3:*"}], False),
        ([{**ALLOW, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}], True),
        ([{**ALLOW, "Principal": {"AWS": OTHER}}], False),
        ([ALLOW, {**DENY, **condition("StringNotEquals", "aws:PrincipalAccount", ACCOUNT)}], True),
        ([ALLOW, {**DENY, **condition("StringNotEquals", "aws:PrincipalAccount", OTHER, ACCOUNT)}], True),
        ([ALLOW, {**DENY, **condition("StringNotEquals", "aws:PrincipalAccount", OTHER)}], False),
        ([ALLOW, {**DENY, **condition("StringNotEquals", "aws:principalorgid", ORGANIZATION)}], True),
        ([ALLOW, {**DENY, **condition("StringNotEquals", "aws:ResourceOrgID", ORGANIZATION)}], False),
        ([ALLOW, {**DENY, **condition("StringNotEqualsIfExists", "aws:ResourceOrgID", ORGANIZATION)}], False),
        ([{**ALLOW, **condition("StringEqualsIfExists", "aws:ResourceOrgID", "o-other")}], True),
        ([{**ALLOW, **condition("StringLike", "aws:PrincipalAccount", "1111*")}], True),
        ([{**ALLOW, **condition("Null", "aws:PrincipalOrgID", "false")}], True),
        ([{**ALLOW, **condition("Bool", "aws:SecureTransport", "true")}], False),
    ],
)
def test_policies(statements, passes):
    assert policy.lets_agents_in(json.dumps({"Statement": statements}), ACCOUNT, CONTEXT) is passes
