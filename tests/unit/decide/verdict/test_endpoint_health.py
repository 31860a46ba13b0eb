# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectivity of a VPC to GuardDuty: endpoint states, policies, security groups, partitions, shared VPCs."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import (
    ACCOUNT,
    ALLOW_ALL,
    GROUP,
    OTHER_ACCOUNT,
    VPC,
    World,
    deny_others_than,
    endpoint,
    group,
    instance,
    policy,
)

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.endpoint_health import (
    UNKNOWN_HEALTH,
    closed_cidrs,
    endpoint_health,
    endpoint_health_by_vpc,
    policy_denies,
    service_name,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import (
    AccountRegion,
    Ingress,
    SecurityGroup,
    Vpc,
)


@pytest.mark.parametrize(
    ("region", "partition", "name"),
    [
        ("eu-west-1", "aws", "com.amazonaws.eu-west-1.guardduty-data"),
        ("us-gov-west-1", "aws-us-gov", "com.amazonaws.us-gov-west-1.guardduty-data-fips"),
        ("cn-north-1", "aws-cn", None),
    ],
)
def test_service_name(region: str, partition: str, name: str | None) -> None:
    assert service_name(region, partition) == name


def area(*endpoints: Any, groups: tuple[SecurityGroup, ...] = (group("10.0.0.0/16"),), **changes: Any) -> AccountRegion:
    return replace(World(endpoints=endpoints, groups=groups).area(), **changes)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("available", "available"),
        ("Available", "available"),
        ("pending", "pending"),
        ("pendingAcceptance", "pending"),
        ("deleting", "missing"),
        ("deleted", "missing"),
        ("rejected", "missing"),
        ("expired", "missing"),
        ("failed", "misconfigured"),
        ("", "misconfigured"),
    ],
)
def test_states(state: str, word: str) -> None:
    assert endpoint_health(area(endpoint(state=state)), VPC).state == word


@pytest.mark.parametrize(
    ("states", "word"),
    [
        (("failed", "available"), "available"),
        (("pending", "failed"), "pending"),
        (("pending", "available"), "available"),
        (("deleted", "failed"), "misconfigured"),
        (("deleted", "deleting"), "missing"),
    ],
)
def test_of_several_endpoints_the_best_counts(states: tuple[str, ...], word: str) -> None:
    found = endpoint_health(area(*(endpoint(state=state, endpoint_id=f"vpce-{state}") for state in states)), VPC)
    assert found.state == word
    assert found.endpoint is None or found.endpoint.state.startswith(word[:5]) or word == "misconfigured"


def test_every_fault_is_reported() -> None:
    broken = endpoint(state="failed", private_dns=False, policy=policy(deny_others_than(OTHER_ACCOUNT)))
    found = endpoint_health(area(broken, groups=(group("192.168.0.0/16"),)), VPC)
    assert found.state == "misconfigured" and found.endpoint == broken
    assert found.faults == (
        "state is failed",
        "private DNS is off",
        f"the endpoint policy denies account {ACCOUNT}",
        "its security group does not allow 10.0.0.0/16 on port 443",
    )


def test_missing_only_where_it_is_known_to_be() -> None:
    assert endpoint_health(area(), VPC).state == "missing"
    assert endpoint_health(area(unknown=frozenset({"endpoints"})), VPC) == UNKNOWN_HEALTH
    assert endpoint_health(area(), "vpc-elsewhere") == UNKNOWN_HEALTH
    assert endpoint_health(area(vpcs={}), VPC) == UNKNOWN_HEALTH


def test_a_participant_of_a_shared_vpc_cannot_see_its_endpoint() -> None:
    shared = {VPC: Vpc(VPC, OTHER_ACCOUNT, ("10.0.0.0/16",))}
    assert endpoint_health(area(vpcs=shared), VPC) == UNKNOWN_HEALTH
    assert endpoint_health(area(endpoint(state="failed"), vpcs=shared), VPC) == UNKNOWN_HEALTH


def test_health_of_every_vpc_with_an_instance_or_a_name() -> None:
    mixed = replace(
        area(endpoint()), instances=(instance(vpc_id="vpc-gone"), instance(vpc_id=None), instance(vpc_id=VPC))
    )
    assert {vpc_id: one.state for vpc_id, one in endpoint_health_by_vpc(mixed).items()} == {
        VPC: "available",
        "vpc-gone": "unknown",
    }


@pytest.mark.parametrize("ids", [(GROUP, "sg-unread"), ("sg-unread",), ()])
def test_groups_that_were_not_read_are_no_fault(ids: tuple[str, ...]) -> None:
    found = endpoint_health(area(endpoint(security_group_ids=ids), groups=(group("192.168.0.0/16"),)), VPC)
    assert (found.state, found.faults) == ("available", ())


# Security groups against the VPC's CIDRs.
SPLIT = ("10.0.0.0/17", "10.0.128.0/17")
QUARTERS = tuple(f"10.0.{third}.0/18" for third in (0, 64, 128, 192))


@pytest.mark.parametrize(
    ("cidrs", "opened", "closed"),
    [
        (("10.0.0.0/16",), ("10.0.0.0/16",), ()),
        (("10.0.0.0/16",), ("10.0.0.0/8",), ()),
        (("10.0.0.0/16",), ("0.0.0.0/0",), ()),
        (("10.0.0.0/16",), SPLIT, ()),
        (("10.0.0.0/16",), QUARTERS, ()),
        (("10.0.0.0/16",), QUARTERS[:3], ("10.0.0.0/16",)),
        (("10.0.0.0/16",), SPLIT[:1], ("10.0.0.0/16",)),
        (("10.0.0.0/16",), ("10.1.0.0/16",), ("10.0.0.0/16",)),
        (("10.0.0.0/16",), ("10.0.5.7/16",), ()),
        (("10.0.0.0/16", "10.1.0.0/16"), ("10.0.0.0/15",), ()),
        (("10.0.0.0/16", "10.2.0.0/16"), ("10.0.0.0/15",), ("10.2.0.0/16",)),
        (("10.0.0.0/16",), (), ("10.0.0.0/16",)),
        (("2001:db8::/56",), ("::/0",), ()),
        (("2001:db8::/56",), ("0.0.0.0/0",), ("2001:db8::/56",)),
        (("2001:db8::/56",), ("2001:db8::/57", "2001:db8:0:80::/57"), ()),
        (("10.0.0.0/16", "2001:db8::/56"), ("10.0.0.0/16", "2001:db8::/48"), ()),
        (("10.0.0.0/16",), ("::/0",), ("10.0.0.0/16",)),
        ((), (), ()),
    ],
)
def test_cidrs(cidrs: tuple[str, ...], opened: tuple[str, ...], closed: tuple[str, ...]) -> None:
    assert closed_cidrs(cidrs, [group(*opened)]) == closed
    one_group_each = [group(cidr, id=f"sg-{cidr}") for cidr in opened]
    assert closed_cidrs(cidrs, one_group_each) == closed


@pytest.mark.parametrize(
    ("rule", "open_"),
    [
        (Ingress("tcp", 443, 443, ("10.0.0.0/16",)), True),
        (Ingress("6", 443, 443, ("10.0.0.0/16",)), True),
        (Ingress("tcp", 0, 65535, ("10.0.0.0/16",)), True),
        (Ingress("tcp", 400, 443, ("10.0.0.0/16",)), True),
        (Ingress("tcp", 443, 500, ("10.0.0.0/16",)), True),
        (Ingress("-1", -1, -1, ("10.0.0.0/16",)), True),
        (Ingress("tcp", 444, 500, ("10.0.0.0/16",)), False),
        (Ingress("tcp", 80, 442, ("10.0.0.0/16",)), False),
        (Ingress("udp", 443, 443, ("10.0.0.0/16",)), False),
        (Ingress("icmp", -1, -1, ("10.0.0.0/16",)), False),
        (Ingress("tcp", 443, 443, (), other_sources=True), True),
        (Ingress("tcp", 22, 22, (), other_sources=True), False),
    ],
)
def test_rules(rule: Ingress, open_: bool) -> None:
    closed = closed_cidrs(("10.0.0.0/16",), [SecurityGroup(GROUP, "agents", VPC, (rule,))])
    assert closed == (() if open_ else ("10.0.0.0/16",))


small_networks = st.builds(
    lambda address, prefix: ipaddress.ip_network((address << (32 - prefix), prefix)),
    st.integers(0, 255),
    st.integers(24, 28),
).map(str)


@given(st.lists(small_networks, max_size=6), small_networks)
def test_a_cidr_is_closed_exactly_when_an_address_of_it_is(opened: list[str], cidr: str) -> None:
    nets = [ipaddress.ip_network(one) for one in opened]
    shut = any(not any(address in net for net in nets) for address in ipaddress.ip_network(cidr))
    assert bool(closed_cidrs((cidr,), [group(*opened)])) is shut


# Policies. The documented shape: allow everything to everybody, then deny whoever is not the account or organization.
def denying(condition: Any = None, **changes: Any) -> str:
    statement = {**ALLOW_ALL, "Effect": "Deny", **changes}
    return policy(statement if condition is None else {**statement, "Condition": condition})


OURS = {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}
THEIRS = {"StringNotEquals": {"aws:PrincipalAccount": OTHER_ACCOUNT}}


@pytest.mark.parametrize(
    ("text", "denies"),
    [
        (None, False),
        ("", False),
        ("no JSON", False),
        (policy(), False),
        (policy(allow=False), True),
        (policy(deny_others_than(ACCOUNT)), False),
        (policy(deny_others_than(OTHER_ACCOUNT)), True),
        (policy(deny_others_than(OTHER_ACCOUNT, ACCOUNT)), False),
        (policy(deny_others_than(OTHER_ACCOUNT, "333333333333")), True),
        (policy(deny_others_than(ACCOUNT), allow=False), True),
        (denying({"StringNotEquals": {"aws:principalaccount": OTHER_ACCOUNT}}), True),
        (denying({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}), True),
        (denying({"StringEquals": {"aws:PrincipalAccount": OTHER_ACCOUNT}}), False),
        (denying({"StringNotEquals": {"aws:PrincipalOrgID": "o-12345"}}), False),
        (denying({"StringNotEquals": {"aws:PrincipalAccount": OTHER_ACCOUNT, "aws:PrincipalOrgID": "o-1"}}), False),
        (denying({**THEIRS, "StringEquals": {"aws:PrincipalOrgID": "o-1"}}), False),
        (denying({"StringNotLike": {"aws:PrincipalAccount": OTHER_ACCOUNT}}), False),
        (denying(), True),
        (denying(Principal={"AWS": "*"}), True),
        (denying(Principal={"AWS": ["*"]}), True),
        (denying(Principal={"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"}), False),
        (denying(THEIRS, Principal={"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"}), False),
        (denying(Action="s3:*"), False),
        (denying(THEIRS, Action="s3:*"), False),
        (denying(Action=["s3:*", "guardduty:SendSecurityTelemetry"]), True),
        (denying(THEIRS, Action="GuardDuty:*"), True),
        (denying(Resource="arn:aws:s3:::bucket"), False),
        (denying(OURS, Resource="*"), False),
        ('{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}', False),
        ('{"Statement": []}', True),
    ],
)
def test_policies(text: str | None, denies: bool) -> None:
    assert policy_denies(text, ACCOUNT) is denies
