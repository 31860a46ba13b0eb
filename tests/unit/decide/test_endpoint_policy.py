# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoint policies: the presets' shape, and which spellings mean the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.endpoint_policy import (
    PolicyWish,
    canonical,
    same_policy,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.way import policy_denies

OWN, OTHER, THIRD = "111111111111", "222222222222", "333333333333"


def condition(wish: PolicyWish) -> object:
    allow, deny = json.loads(wish.document(OWN))["Statement"]
    assert allow == {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    assert {**deny, "Condition": None} == {**allow, "Effect": "Deny", "Condition": None}
    return deny["Condition"]


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (PolicyWish(), {"aws:PrincipalAccount": OWN}),
        (PolicyWish("account"), {"aws:PrincipalAccount": OWN}),
        (PolicyWish("account", accounts=(THIRD, OTHER)), {"aws:PrincipalAccount": [OWN, OTHER, THIRD]}),
        (PolicyWish("account", accounts=(OWN,)), {"aws:PrincipalAccount": OWN}),
        (PolicyWish("organization", "o-1"), {"aws:PrincipalOrgID": "o-1"}),
        (
            PolicyWish("organization", "o-1", (OTHER,)),
            {"aws:PrincipalOrgID": "o-1", "aws:PrincipalAccount": OTHER},
        ),
    ],
)
def test_everything_is_allowed_and_then_denied_to_outsiders(wish: PolicyWish, expected: object) -> None:
    assert condition(wish) == {"StringNotEquals": expected}


def test_open_denies_nobody_and_is_what_aws_sets_by_default() -> None:
    default = '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}'
    assert same_policy(PolicyWish("open").document(OWN), default)
    assert same_policy(None, default)
    assert not same_policy(None, PolicyWish("account").document(OWN))


def test_no_preset_denies_the_own_account() -> None:
    for wish in (PolicyWish(), PolicyWish("account", accounts=(OTHER,)), PolicyWish("open")):
        assert not policy_denies(wish.document(OWN), OWN)
    assert policy_denies(PolicyWish("account").document(OTHER), OWN)


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
    assert same_policy(PolicyWish("account", accounts=(OTHER,)).document(OWN), spread)


def test_the_version_matters_where_policy_variables_are() -> None:
    body = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "${aws:userid}"}]}
    assert not same_policy(json.dumps({**body, "Version": "2012-10-17"}), json.dumps({**body, "Version": "2008-10-17"}))


@given(st.sets(st.from_regex(r"[0-9]{12}", fullmatch=True), max_size=5), st.permutations(range(5)))
def test_a_policy_means_the_same_in_whatever_order_its_accounts_are_named(accounts: set[str], order: list[int]) -> None:
    named = sorted(accounts)
    shuffled = tuple(named[i] for i in order if i < len(named))
    one, other = PolicyWish("account", accounts=tuple(named)), PolicyWish("account", accounts=shuffled)
    assert canonical(one.document(OWN)) == canonical(other.document(OWN))


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (PolicyWish(text="{"), "is not JSON"),
        (PolicyWish(text="[]"), "no Statement"),
        (PolicyWish(text=json.dumps({"Statement": "x" * 20480})), "20480"),
        (PolicyWish("account", accounts=("12",)), "12 digits"),
    ],
)
def test_what_cannot_be_a_policy_is_refused_in_a_sentence(wish: PolicyWish, words: str) -> None:
    assert words in (wish.refused() or "")
    assert PolicyWish(text='{"Statement": []}').refused() is None
