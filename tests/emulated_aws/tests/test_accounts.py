# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who calls: STS, Organizations, credentials and regions that AWS refuses."""

from __future__ import annotations

import pytest
from served import ACCOUNT, OTHER, REGION, Served, code_of

WORLD = f"""
organization: {{id: o-test000001, management_account: "{ACCOUNT}", guardduty_administrator: "{OTHER}"}}
accounts:
  "{ACCOUNT}": {{name: root, roles: [], opted_out_regions: [ap-east-1]}}
  "{OTHER}": {{name: security, roles: [FleetSec, deep-role]}}
  "333333333333": {{name: closed, status: SUSPENDED, roles: [FleetSec]}}
""" + "".join(f'  "{number}": {{roles: [FleetSec]}}\n' for number in range(400000000000, 400000000020))


@pytest.fixture
def sts(aws: Served):
    aws.world(WORLD)
    return aws.client("sts")


def assume(sts, arn: str):
    return sts.assume_role(RoleArn=arn, RoleSessionName="tests", ExternalId="whatever")


def test_a_plain_key_is_the_caller_account(aws, sts):
    identity = sts.get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/operator")


def test_a_role_acts_in_its_own_account(aws, sts):
    identity = aws.client("sts", account=OTHER).get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (OTHER, f"arn:aws:sts::{OTHER}:assumed-role/FleetSec/tests")


def test_a_role_with_a_path(sts):
    assert assume(sts, f"arn:aws:iam::{OTHER}:role/some/path/deep-role")["AssumedRoleUser"]["Arn"].endswith(
        "assumed-role/deep-role/tests"
    )


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:iam::{OTHER}:role/Missing",
        f"arn:aws:iam::{ACCOUNT}:role/FleetSec",
        "arn:aws:iam::333333333333:role/FleetSec",
        "arn:aws:iam::999999999999:role/FleetSec",
    ],
)
def test_roles_that_cannot_be_assumed(sts, arn):
    """A missing role, an account without it, a suspended account, an account of nobody: AWS tells none from the other."""
    with pytest.raises(
        sts.exceptions.ClientError, match=f"is not authorized to perform: sts:AssumeRole on resource: {arn}"
    ):
        assume(sts, arn)


def test_malformed_arns_and_session_names(sts):
    assert (
        code_of(sts.assume_role, RoleArn="arn:aws:iam::22:role/FleetSec", RoleSessionName="tests") == "ValidationError"
    )
    good = f"arn:aws:iam::{OTHER}:role/FleetSec"
    assert code_of(sts.assume_role, RoleArn=good, RoleSessionName="with space") == "ValidationError"


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("ec2", "describe_instances", "AuthFailure"),
        ("ssm", "describe_instance_information", "UnrecognizedClientException"),
        ("guardduty", "list_detectors", "UnrecognizedClientException"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
    ],
)
def test_invalid_credentials(aws, sts, service, operation, code):
    """The EC2 API's error codes, and the common errors of the other services' API references."""
    for key in ("AKIAINVALIDINVALID00", "ASIAEXPIREDEXPIRED00"):
        assert code_of(getattr(aws.client(service, key=key), operation)) == code


def test_a_session_needs_its_token(aws, sts):
    given = assume(sts, f"arn:aws:iam::{OTHER}:role/FleetSec")["Credentials"]
    assert code_of(aws.client("sts", key=given["AccessKeyId"]).get_caller_identity) == "InvalidClientTokenId"


def test_a_region_that_the_account_has_not_enabled(aws, sts):
    assert code_of(aws.client("ec2", region="ap-east-1").describe_vpcs) == "AuthFailure"
    assert code_of(aws.client("ssm", region="ap-east-1").describe_instance_information) == "UnrecognizedClientException"
    aws.client("ec2", region="ap-east-1", account=OTHER).describe_vpcs()


def test_the_organization(aws, sts):
    told = aws.client("organizations").describe_organization()["Organization"]
    assert (told["Id"], told["MasterAccountId"]) == ("o-test000001", ACCOUNT)


def test_accounts_come_in_pages_of_twenty(aws, sts):
    pages = list(aws.client("organizations").get_paginator("list_accounts").paginate())
    assert [len(page["Accounts"]) for page in pages] == [20, 3]
    status = {each["Id"]: each["Status"] for page in pages for each in page["Accounts"]}
    assert (status[OTHER], status["333333333333"]) == ("ACTIVE", "SUSPENDED")


def test_only_administrators_list_accounts(aws, sts):
    """ "This operation can be called only from the management account or by a member account that is a delegated
    administrator": Organizations API reference, ListAccounts."""
    assert aws.client("organizations", account=OTHER).list_accounts()["Accounts"]
    member = aws.client("organizations", account="400000000000")
    assert code_of(member.list_accounts) == "AccessDeniedException"
    member.describe_organization()


def test_the_delegated_administrator_of_guardduty(aws, sts):
    told = aws.client("organizations").list_delegated_administrators(ServicePrincipal="guardduty.amazonaws.com")
    assert [each["Id"] for each in told["DelegatedAdministrators"]] == [OTHER]


def test_an_account_outside_any_organization(aws):
    aws.world(f'accounts: {{"{ACCOUNT}": {{}}}}')
    assert code_of(aws.client("organizations").describe_organization) == "AWSOrganizationsNotInUseException"


def test_worlds_replace_each_other(aws, sts):
    aws.world(f'caller_account: "{OTHER}"\naccounts: {{"{ACCOUNT}": {{}}, "{OTHER}": {{}}}}')
    assert sts.get_caller_identity()["Account"] == OTHER
    assert aws.client("ec2", region=REGION).describe_vpcs()["Vpcs"] == []
