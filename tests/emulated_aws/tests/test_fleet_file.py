# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet file: strict, with sentences that name the place."""

from __future__ import annotations

import pytest
import yaml

from emulated_aws import ec2_view, loader
from emulated_aws.fleet import FleetError, parse_fleet

GOOD = """
accounts:
  "111111111111":
    regions:
      eu-west-1:
        vpcs:
          shop: {subnets: {a: eu-west-1a}}
          data: {subnets: {a: eu-west-1a}, shared_with: ["222222222222"]}
        instances:
          - {name: web, vpc: shop}
  "222222222222":
    regions:
      eu-west-1:
        instances:
          - {name: guest, vpc: {account: "111111111111", vpc: data}}
"""
ONE = ("accounts", "111111111111")
PLACE = (*ONE, "regions", "eu-west-1")
GUEST = ("accounts", "222222222222", "regions", "eu-west-1", "instances", 0)


def changed(path: tuple, value) -> str:
    document = yaml.safe_load(GOOD)
    target = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return yaml.safe_dump(document, sort_keys=False)


def test_the_defaults_are_those_of_the_contract():
    fleet = parse_fleet(GOOD)
    web = fleet.accounts["111111111111"].regions["eu-west-1"].instances[0]
    assert fleet.caller_account == "111111111111"
    assert fleet.pace == {"endpoint": 0, "association": 0, "coverage": 0, "member": 0, "registration": 0}
    assert (web.count, web.type, web.platform, web.state, web.ssm) == (1, "m6i.large", "linux", "running", "absent")
    assert (web.metadata_tags, web.imds, web.agent, web.os, web.kernel) == (
        False,
        True,
        None,
        ("Amazon Linux", "2023"),
        "6.1",
    )
    assert fleet.accounts["111111111111"].email == "111111111111@example.com"


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("pase",), {}, "pase: unknown key; known: accounts, caller_account, pace, organization"),
        (("caller_account",), "333333333333", 'caller_account: no account "333333333333"; known: 111111111111'),
        (("caller_account",), 111111111111, "caller_account: text"),
        (("pace",), {"endpoint": -1}, "pace.endpoint: -1 is negative"),
        (("pace",), {"endpoint": True}, "pace.endpoint: a number is expected, not the YAML boolean true"),
        (("organization",), {"management_account": "9"}, "organization.management_account: no account"),
        ((*ONE, "status"), "GONE", 'accounts.111111111111.status: no "GONE"; known: ACTIVE, SUSPENDED'),
        ((*ONE, "roles"), "FleetSec", "accounts.111111111111.roles: a list is expected, not text"),
        ((*ONE, "roles"), [1], "accounts.111111111111.roles[0]: text in quotes is expected, not the number 1"),
        ((*PLACE, "guardduty"), {"enabled": True}, "eu-west-1.guardduty.enabled: unknown key"),
        ((*PLACE, "vpcs", "shop"), {"subnets": {}}, "vpcs.shop.subnets: at least one subnet is needed"),
        ((*PLACE, "vpcs", "shop", "cidr"), "10.0.0.1/16", "vpcs.shop.cidr: 10.0.0.1/16 has host bits set"),
        ((*PLACE, "vpcs", "shop", "cidr"), "10.0.0.0/8", "vpcs.shop.cidr: a VPC's CIDR is between /16 and /28"),
        ((*PLACE, "vpcs", "shop", "endpoint"), {"subnets": ["z"]}, 'shop.endpoint.subnets: no subnet "z"; known: a'),
        ((*PLACE, "vpcs", "shop", "endpoint"), {"owner": "me"}, 'endpoint.owner: no "me"; known: guardduty, operator'),
        ((*PLACE, "vpcs", "shop", "shared_with"), ["9"], 'vpcs.shop.shared_with: no account "9"'),
        (
            (*PLACE, "instances", 0, "vpc"),
            "shopp",
            'accounts.111111111111.regions.eu-west-1.instances[0].vpc: no VPC "shopp"; known: shop, data',
        ),
        ((*PLACE, "instances", 0, "subnet"), "z", 'instances[0].subnet: no subnet "z"; known: a'),
        ((*PLACE, "instances", 0, "tags"), {"GuardDutyManaged": True}, "tags.GuardDutyManaged: text"),
        ((*PLACE, "instances", 0, "tags"), {"GuardDutyManaged": True}, "not the YAML boolean true"),
        ((*PLACE, "instances", 0, "state"), "runing", 'instances[0].state: no "runing"; known: pending, running'),
        ((*PLACE, "instances", 0, "count"), "12", "instances[0].count: a whole number is expected, not text"),
        ((*PLACE, "instances", 0, "kernel"), 6.1, "instances[0].kernel: text"),
        ((*PLACE, "instances", 0, "os"), ["Ubuntu"], "instances[0].os: name and version are expected"),
        ((*PLACE, "instances", 0, "agent"), {"by": "hand"}, 'instances[0].agent.by: no "hand"'),
        ((*PLACE, "instances", 0, "tag"), {}, "instances[0].tag: unknown key; known: name, count, vpc"),
        ((*PLACE, "instances", 0), {"vpc": "shop"}, "instances[0].name: every instance needs a name"),
        ((*PLACE, "instances", 0), {"name": "x"}, "instances[0].vpc: every instance needs a VPC"),
        ((*PLACE, "instances", 0), "web", "instances[0]: a mapping is expected, not text"),
        (
            (*GUEST, "vpc"),
            {"account": "111111111111", "vpc": "shop"},
            'instances[0].vpc: the VPC "shop" of 111111111111 is not shared with 222222222222',
        ),
        ((*GUEST, "vpc", "account"), "9", 'instances[0].vpc.account: no account "9"'),
    ],
)
def test_mistakes_name_their_place(path, value, sentence):
    with pytest.raises(FleetError) as refused:
        parse_fleet(changed(path, value))
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_account_id_without_quotes_is_explained():
    with pytest.raises(FleetError, match="the key 111111111111 is the number 111111111111; put it in quotes"):
        parse_fleet("accounts: {111111111111: {}}")


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ((*ONE, "regions"), {"eu-west-9": {}}, "accounts.111111111111.regions.eu-west-9: no region of AWS"),
        (
            (*PLACE, "vpcs", "shop", "subnets"),
            {"a": "eu-west-1z"},
            'shop.subnets.a: no zone "eu-west-1z"; known: eu-west-1a',
        ),
        ((*PLACE, "guardduty_zones"), ["x"], 'eu-west-1.guardduty_zones: no zone "x"'),
        ((*PLACE, "instances", 0, "count"), 5000, 'the subnet "a" (10.0.0.0/28) is full'),
    ],
)
def test_mistakes_that_only_a_world_shows(path, value, sentence):
    small = GOOD.replace("shop: {", "shop: {cidr: 10.0.0.0/28, ")
    document = yaml.safe_load(small)
    if path == (*ONE, "regions"):
        del document["accounts"]["222222222222"]
    target = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(FleetError) as refused:
        loader.load(parse_fleet(yaml.safe_dump(document, sort_keys=False)))
    assert sentence in str(refused.value)


def test_the_same_file_gives_the_same_world():
    fleet = parse_fleet(GOOD)
    loader.load(fleet)
    first = list(ec2_view.instances("222222222222", "eu-west-1"))
    loader.load(fleet)
    assert ec2_view.instances("222222222222", "eu-west-1") == first
