# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which accounts and regions a run works in."""

from __future__ import annotations

from typing import Any

import pytest
from wire import Refusal, Wire

from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client.accounts import Selection, resolve
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client.problems import AwsProblem

OWN = "111111111111"
ROLE = "arn:aws:iam::{}:role/FleetSec"
IDENTITY = {"Account": OWN, "Arn": f"arn:aws:iam::{OWN}:user/operator", "UserId": "AIDA"}


def keys_for(params: dict[str, Any]) -> dict[str, Any]:
    account = params["RoleArn"].split(":")[4]
    return {
        "Credentials": {
            "AccessKeyId": f"ASIAUNIT{account}",
            "SecretAccessKey": "x",
            "SessionToken": "y",
            "Expiration": "2026-11-24T00:00:00Z",
        }
    }


def resolved(wire: Wire, *regions: str, **more: Any) -> tuple[list[tuple[str, str]], list[Any]]:
    targets, problems = resolve(wire, Selection(regions or ("eu-west-1",), **more))
    return [(target.account_id, target.region) for target in targets], list(problems)


def refused(wire: Wire, *regions: str, **more: Any) -> str:
    with pytest.raises(AwsProblem) as caught:
        resolve(wire, Selection(regions, **more))
    return str(caught.value)


def operations(wire: Wire) -> list[str]:
    return sorted(call.operation for call in wire.calls)


def test_the_callers_own_account_by_default_in_every_region() -> None:
    wire = Wire(GetCallerIdentity=IDENTITY)
    assert resolved(wire, "eu-west-1", "us-east-1") == ([(OWN, "eu-west-1"), (OWN, "us-east-1")], [])
    assert operations(wire) == ["GetCallerIdentity"]


def test_a_region_is_botocores_own_string_and_not_the_users_which_ansible_may_have_marked() -> None:
    class Marked(str):
        pass

    targets, _problems = resolve(Wire(GetCallerIdentity=IDENTITY), Selection((Marked("eu-west-1"),)))
    assert [type(target.region) for target in targets] == [str]


def test_a_typo_in_a_region_is_a_problem_with_a_suggestion_and_the_rest_continues() -> None:
    found, (problem,) = resolved(Wire(GetCallerIdentity=IDENTITY), "eu-wset-1", "eu-west-1")
    assert found == [(OWN, "eu-west-1")]
    assert "'eu-wset-1' is not a known region" in str(problem) and "Did you mean eu-west-1?" in str(problem)


def test_only_typos_stop_the_run_before_any_call() -> None:
    wire = Wire()
    assert "Did you mean" in refused(wire, "eu-wset-1")
    assert "Check the spelling." in refused(wire, "atlantis")
    assert wire.calls == []


def test_without_a_region_the_error_states_where_to_set_one() -> None:
    assert "AWS_REGION" in refused(Wire())


def test_regions_of_another_partition_are_distinguished() -> None:
    wire = Wire(GetCallerIdentity=IDENTITY)
    assert resolved(wire, "eu-west-1", "us-gov-west-1")[0] == [(OWN, "eu-west-1")]
    assert "partition (aws)" in refused(wire, "us-gov-west-1")


def test_one_role_for_each_account_with_its_own_credentials() -> None:
    wire = Wire(AssumeRole=keys_for)
    roles = tuple(ROLE.format(account) for account in ("222222222222", "333333333333", "222222222222"))
    targets, problems = resolve(wire, Selection(("eu-west-1", "us-east-1"), roles))
    assert [(target.account_id, target.region) for target in targets] == [
        ("222222222222", "eu-west-1"),
        ("222222222222", "us-east-1"),
        ("333333333333", "eu-west-1"),
        ("333333333333", "us-east-1"),
    ]
    assert problems == ()
    for target in targets:
        assert target.credentials and target.credentials.access_key == f"ASIAUNIT{target.account_id}"
        assert "ASIAUNIT" not in repr(target)
    assert operations(wire) == ["AssumeRole", "AssumeRole"]


def test_a_failed_role_is_a_problem_and_the_rest_continues() -> None:
    def answer(params: dict[str, Any]) -> Any:
        return Refusal("AccessDenied", status=403) if "333" in params["RoleArn"] else keys_for(params)

    roles = tuple(ROLE.format(account) for account in ("222222222222", "333333333333"))
    found, (problem,) = resolved(Wire(AssumeRole=answer), assume_role_arns=roles)
    assert found == [("222222222222", "eu-west-1")]
    assert problem.denied and problem.account_id == "333333333333" and "req-0001" in str(problem)


@pytest.mark.parametrize(
    "arn",
    [
        "FleetSec",
        "arn:aws:iam::222222222222:user/FleetSec",
        "arn:aws:iam::222222222222",
        "arn:aws:s3:::role/FleetSec",
        "222222222222",
        "",
    ],
)
def test_an_invalid_role_is_reported_without_a_call(arn: str) -> None:
    wire = Wire(AssumeRole=keys_for)
    found, (problem,) = resolved(wire, assume_role_arns=(arn, ROLE.format("222222222222")))
    assert found == [("222222222222", "eu-west-1")]
    assert f"'{arn}' is not the ARN of an IAM role" in str(problem) and "arn:aws:iam::ACCOUNT:role/NAME" in str(problem)
    assert operations(wire) == ["AssumeRole"]


def test_where_every_role_fails_the_run_stops_with_the_first_problem() -> None:
    wire = Wire(AssumeRole=Refusal("AccessDenied", status=403))
    message = refused(wire, "eu-west-1", assume_role_arns=(ROLE.format("222222222222"), ROLE.format("333333333333")))
    assert "sts:AssumeRole in 222222222222" in message and "trusts the caller" in message


def test_the_callers_own_account_that_cannot_be_had() -> None:
    assert "not expired" in refused(Wire(GetCallerIdentity=Refusal("ExpiredToken")), "eu-west-1")


ACCOUNTS = [
    {"Id": OWN, "Status": "ACTIVE"},
    {"Id": "222222222222", "Status": "ACTIVE"},
    {"Id": "333333333333", "Status": "SUSPENDED"},
    {"Id": "444444444444", "State": "ACTIVE"},
    {"Id": "555555555555", "State": "SUSPENDED"},
    {"Id": "666666666666", "State": "CLOSED", "Status": "ACTIVE"},
    {"Id": "777777777777", "State": "PENDING_ACTIVATION"},
    {"Id": "888888888888", "Status": "PENDING_CLOSURE"},
]


def pages(params: dict[str, Any]) -> dict[str, Any]:
    start = int(params.get("NextToken", "0"))
    more = {"NextToken": str(start + 3)} if start + 3 < len(ACCOUNTS) else {}
    return {"Accounts": ACCOUNTS[start : start + 3], **more}


def test_the_active_accounts_of_the_organization_and_the_own_one_without_a_role() -> None:
    wire = Wire(GetCallerIdentity=IDENTITY, ListAccounts=pages, AssumeRole=keys_for)
    targets, problems = resolve(wire, Selection(("eu-west-1",), organization_role_name="FleetSec"))
    assert [target.account_id for target in targets] == [OWN, "222222222222", "444444444444"]
    assert (targets[0].credentials, problems) == (None, ())
    assert sorted(params["RoleArn"] for params in wire.params("AssumeRole")) == [
        "arn:aws:iam::222222222222:role/FleetSec",
        "arn:aws:iam::444444444444:role/FleetSec",
    ]


def test_the_roles_are_of_the_callers_partition() -> None:
    identity = {**IDENTITY, "Arn": f"arn:aws-us-gov:iam::{OWN}:user/operator"}
    wire = Wire(GetCallerIdentity=identity, ListAccounts=pages, AssumeRole=keys_for)
    targets, dummy = resolve(wire, Selection(("us-gov-west-1",), organization_role_name="FleetSec"))
    assert {target.partition for target in targets} == {"aws-us-gov"}
    assert all(params["RoleArn"].startswith("arn:aws-us-gov:") for params in wire.params("AssumeRole"))


def test_an_organization_that_may_not_be_listed_stops_the_run() -> None:
    wire = Wire(GetCallerIdentity=IDENTITY, ListAccounts=Refusal("AccessDeniedException"))
    assert "Allow organizations:ListAccounts" in refused(wire, "eu-west-1", organization_role_name="FleetSec")


def test_only_named_accounts_and_regions_are_kept_and_no_other_role_is_assumed() -> None:
    wire = Wire(GetCallerIdentity=IDENTITY, ListAccounts=pages, AssumeRole=keys_for)
    kept = ("222222222222/us-east-1",)
    found = resolved(wire, "eu-west-1", "us-east-1", organization_role_name="FleetSec", only=kept)
    assert found == ([("222222222222", "us-east-1")], [])
    assert [params["RoleArn"] for params in wire.params("AssumeRole")] == ["arn:aws:iam::222222222222:role/FleetSec"]
    assert resolved(Wire(), "eu-west-1", only=()) == ([], [])
