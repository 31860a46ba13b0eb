# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoint policies: the presets' form, and which spellings are equivalent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from endpoint_worlds import desired_policy
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.endpoint.policy import (
    DesiredPolicy,
    Place,
    canonical,
    same_policy,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.endpoint.policy_template import BadPolicy
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.endpoint_health import policy_denies

OWN, OTHER, THIRD = "111111111111", "222222222222", "333333333333"
HOME = Place(OWN, "eu-west-1", "aws", "vpc-1", "com.amazonaws.eu-west-1.guardduty-data")


def own(source: str, **said: Any) -> DesiredPolicy:
    return DesiredPolicy(template="mine.j2", source=source, **said)


def condition(desired: DesiredPolicy) -> object:
    allow, deny = json.loads(desired.document(HOME))["Statement"]
    assert allow == {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    assert {**deny, "Condition": None} == {**allow, "Effect": "Deny", "Condition": None}
    return deny["Condition"]


@pytest.mark.parametrize(
    ("desired", "expected"),
    [
        (desired_policy(), {"aws:PrincipalAccount": OWN}),
        (desired_policy("account"), {"aws:PrincipalAccount": OWN}),
        (desired_policy("account", accounts=(THIRD, OTHER)), {"aws:PrincipalAccount": [OWN, OTHER, THIRD]}),
        (desired_policy("account", accounts=(OWN,)), {"aws:PrincipalAccount": OWN}),
        (desired_policy("organization", "o-1"), {"aws:PrincipalOrgID": "o-1"}),
        (
            desired_policy("organization", "o-1", (OTHER,)),
            {"aws:PrincipalOrgID": "o-1", "aws:PrincipalAccount": OTHER},
        ),
    ],
)
def test_everything_is_allowed_and_then_denied_to_outsiders(desired: DesiredPolicy, expected: object) -> None:
    assert condition(desired) == {"StringNotEquals": expected}


def test_open_denies_nobody_and_is_what_aws_sets_by_default() -> None:
    default = '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}'
    assert same_policy(desired_policy("open").document(HOME), default)
    assert same_policy(None, default)
    assert not same_policy(None, desired_policy("account").document(HOME))


def test_no_preset_denies_the_own_account() -> None:
    for desired in (desired_policy(), desired_policy("account", accounts=(OTHER,)), desired_policy("open")):
        assert not policy_denies(desired.document(HOME), OWN)
    assert policy_denies(desired_policy("account").document(replace(HOME, account_id=OTHER)), OWN)


def test_spacing_order_and_lists_of_one_do_not_matter() -> None:
    spread = json.dumps(
        {
            "Statement": [
                {
                    "Resource": ["*"],
                    "Condition": {"StringNotEquals": {"aws:PrincipalAccount": [OTHER, OWN]}},
                    "Effect": "Deny",
                    "Principal": {"AWS": "*"},
                    "Action": ["*"],
                },
                {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
            ],
            "Version": "2008-10-17",
        },
        indent=4,
    )
    assert same_policy(desired_policy("account", accounts=(OTHER,)).document(HOME), spread)


def test_the_version_matters_where_policy_variables_are() -> None:
    body = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "${aws:userid}"}]}
    assert not same_policy(json.dumps({**body, "Version": "2012-10-17"}), json.dumps({**body, "Version": "2008-10-17"}))


@given(st.sets(st.from_regex(r"[0-9]{12}", fullmatch=True), max_size=5), st.permutations(range(5)))
def test_a_policy_means_the_same_in_whatever_order_its_accounts_are_named(accounts: set[str], order: list[int]) -> None:
    named = sorted(accounts)
    shuffled = tuple(named[i] for i in order if i < len(named))
    one, other = desired_policy("account", accounts=tuple(named)), desired_policy("account", accounts=shuffled)
    assert canonical(one.document(HOME)) == canonical(other.document(HOME))


@pytest.mark.parametrize(
    ("desired", "words"),
    [
        (desired_policy(text="{"), "is not valid JSON"),
        (desired_policy(text="[]"), "no Statement"),
        (desired_policy(text=json.dumps({"Statement": "x" * 20480})), "20480"),
        (desired_policy("account", accounts=("12",)), "12 digits"),
        (own("{% if %}"), "policy_template mine.j2 is not a valid Jinja2 template: "),
        (own("{}\n{{ oops }"), "(line 2)"),
        (
            own("{{ account }} {{ inventory_hostname }}"),
            "mine.j2 uses the unknown variables account, inventory_hostname",
        ),
    ],
)
def test_what_cannot_be_a_policy_is_refused_in_a_sentence(desired: DesiredPolicy, words: str) -> None:
    assert words in (desired.refused() or "")
    assert desired_policy(text='{"Statement": []}').refused() is None


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ policy.nothing }}", "cannot be rendered for vpc-1: 'str object' has no attribute 'nothing'"),
        ("{{ extra_accounts[7] }}", "cannot be rendered for vpc-1"),
        ("{{ 1 / 0 }}", "cannot be rendered for vpc-1: division by zero"),
        ('{"Statement": [{{ account_id }}', "mine.j2, rendered for vpc-1, is not valid JSON: "),
        ("[]", "is not a valid policy: it has no Statement"),
        ('{"Statement": {{ ("x" * 20480) | to_json }}}', "may have at most 20480"),
        ("", "policy_source is empty"),
    ],
)
def test_errors_of_a_rendered_policy_name_the_template_and_the_vpc(source: str, words: str) -> None:
    assert own(source).refused() is None
    with pytest.raises(BadPolicy) as caught:
        own(source).document(HOME)
    assert words in str(caught.value)


def test_a_template_of_ones_own_gets_the_place_and_the_options() -> None:
    names = "account_id extra_accounts organization_id partition policy region service_name vpc_id".split()
    source = '{"Statement": [' + ", ".join("{{ " + name + " | to_json }}" for name in names) + "]}"
    made = json.loads(own(source, accounts=(THIRD, OTHER), organization_id="o-1").document(HOME))["Statement"]
    assert made == [
        *(OWN, [OTHER, THIRD], "o-1", "aws", "account", "eu-west-1"),
        *("com.amazonaws.eu-west-1.guardduty-data", "vpc-1"),
    ]


def test_a_template_cannot_reach_out_of_its_sandbox() -> None:
    with pytest.raises(BadPolicy, match="unsafe"):
        own("{{ ''.__class__.__mro__ }}").document(HOME)


def test_spaces_of_a_template_do_not_count() -> None:
    assert own('{"Statement": []}' + " " * 30000).document(HOME) == '{"Statement": []}'
