# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which accounts and regions to work in: the caller's own account, a list of roles, or a whole organization."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ...model.fleet import Problem
from .access import Access, Credentials, Target
from .problems import AWS_ERRORS, AwsProblem, problem_from

WORKERS = 32
SESSION_NAME = "fleetsec-guardduty"


@dataclass(frozen=True, slots=True)
class Selection:
    """The user's choice. No roles and no organization role: the caller's own account.

    C(only): ACCOUNT/REGION pairs to keep; None keeps all.
    """

    regions: tuple[str, ...]
    assume_role_arns: tuple[str, ...] = ()
    organization_role_name: str | None = None
    only: tuple[str, ...] | None = None

    def keeps_region(self, region: str) -> bool:
        return self.only is None or any(pair.endswith(f"/{region}") for pair in self.only)

    def keeps(self, account_id: str) -> bool:
        """Whether any region of the account may be kept; an invalid account id is kept and reported later."""
        if self.only is None or not account_id.isdigit():
            return True
        return any(pair.startswith(f"{account_id}/") for pair in self.only)


@dataclass(frozen=True, slots=True)
class _Account:
    account_id: str
    partition: str
    credentials: Credentials | None


def resolve(access: Access, selection: Selection) -> tuple[tuple[Target, ...], tuple[Problem, ...]]:
    """The targets, and a problem for each account and region that cannot be used. Raises AwsProblem if no target is left."""
    if selection.assume_role_arns and selection.organization_role_name:
        raise AwsProblem(_two_choices())
    asked = [region for region in selection.regions if selection.keeps_region(region)]
    partitions, problems = _regions(access, asked)
    regions = sorted(partitions, key=asked.index)
    if selection.regions and not asked:
        return (), ()
    if not regions:
        raise AwsProblem(problems[0] if problems else _no_region())
    if selection.organization_role_name:
        accounts, account_problems = _organization(access, regions[0], selection)
    elif selection.assume_role_arns:
        arns = [arn for arn in selection.assume_role_arns if selection.keeps(_account_of(arn))]
        accounts, account_problems = _assume_all(access, regions[0], arns)
    else:
        accounts, account_problems = [_own_account(access, regions[0])], []
    problems += account_problems
    targets = [
        Target(account.account_id, region, account.partition, access, account.credentials)
        for account in accounts
        for region in regions
        if partitions[region] == account.partition
    ]
    if selection.only is not None:
        targets = [target for target in targets if f"{target.account_id}/{target.region}" in selection.only]
    elif not targets:
        raise AwsProblem(problems[0] if problems else _wrong_partition(accounts, regions))
    return tuple(targets), tuple(problems)


def _regions(access: Access, regions: Sequence[str]) -> tuple[dict[str, str], list[Problem]]:
    known = access.known_regions()
    problems = []
    for region in regions:
        if region not in known:
            close = difflib.get_close_matches(region, known, n=1)
            hint = f"Did you mean {close[0]}?" if close else "Check the spelling."
            problems.append(
                Problem(
                    "", region, "the choice of regions", "UnknownRegion", f"'{region}' is not a known region", "", hint
                )
            )
    # botocore's own strings: the user's may be Ansible's tagged strings, which would end up in every record.
    return {name: partition for name, partition in known.items() if name in regions}, problems


def _two_choices() -> Problem:
    message = "assume_role_arns and organization_role_name were both given"
    return Problem("", "", "the choice of accounts", "TwoChoices", message, "", "Give one of them.")


def _no_region() -> Problem:
    advice = "Set regions (or region), or AWS_REGION in the environment."
    return Problem("", "", "the choice of regions", "NoRegion", "no region was given", "", advice)


def _wrong_partition(accounts: Sequence[_Account], regions: Sequence[str]) -> Problem:
    held = ", ".join(sorted({account.partition for account in accounts}))
    message = f"none of the regions {', '.join(regions)} is in the accounts' partition ({held})"
    return Problem("", "", "the choice of regions", "WrongPartition", message, "", "Choose regions of that partition.")


def _own_account(access: Access, region: str) -> _Account:
    identity = _call("sts:GetCallerIdentity", "", region, lambda: access.client("sts", region).get_caller_identity())
    return _Account(identity["Account"], identity["Arn"].split(":")[1], None)


def _assume_all(access: Access, region: str, arns: Sequence[str]) -> tuple[list[_Account], list[Problem]]:
    try:
        sts = access.client("sts", region)
    except AWS_ERRORS as error:
        raise AwsProblem(problem_from(error, "sts:AssumeRole")) from error

    def one(arn: str) -> _Account | Problem:
        try:
            return _assume(sts, arn)
        except AwsProblem as error:
            return error.problem

    unique = list(dict.fromkeys(arns))
    if not unique:
        return [], []
    with ThreadPoolExecutor(min(WORKERS, len(unique))) as pool:
        answers = list(pool.map(one, unique))
    accounts = {answer.account_id: answer for answer in answers if isinstance(answer, _Account)}
    return list(accounts.values()), [answer for answer in answers if isinstance(answer, Problem)]


def _account_of(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 4 else ""


def _assume(sts: Any, arn: str) -> _Account:
    parts = arn.split(":")
    if len(parts) < 6 or parts[0] != "arn" or parts[2] != "iam" or not parts[5].startswith("role/"):
        message = f"'{arn}' is not the ARN of an IAM role"
        advice = "Write it as arn:aws:iam::ACCOUNT:role/NAME."
        raise AwsProblem(Problem("", "", "the choice of roles", "InvalidRoleArn", message, "", advice))
    account_id = _account_of(arn)
    answer = _call("sts:AssumeRole", account_id, "", lambda: sts.assume_role(RoleArn=arn, RoleSessionName=SESSION_NAME))
    keys = answer["Credentials"]
    credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    return _Account(account_id, parts[1], credentials)


def _organization(access: Access, region: str, selection: Selection) -> tuple[list[_Account], list[Problem]]:
    own = _own_account(access, region)

    def list_accounts() -> list[dict[str, Any]]:
        pages = access.client("organizations", region).get_paginator("list_accounts").paginate()
        return [account for page in pages for account in page.get("Accounts") or ()]

    listed = _call("organizations:ListAccounts", own.account_id, "", list_accounts)
    members = [account["Id"] for account in listed if _active(account) and account["Id"] != own.account_id]
    role = selection.organization_role_name
    arns = [f"arn:{own.partition}:iam::{member}:role/{role}" for member in members if selection.keeps(member)]
    accounts, problems = _assume_all(access, region, arns)
    return [own, *accounts], problems


def _active(account: dict[str, Any]) -> bool:
    # Organizations replaces Status with State (botocore model: Status is retired in 2026); both can be ACTIVE.
    return (account.get("State") or account.get("Status")) == "ACTIVE"


def _call(operation: str, account_id: str, region: str, function: Callable[[], Any]) -> Any:
    try:
        return function()
    except AWS_ERRORS as error:
        raise AwsProblem(problem_from(error, operation, account_id, region)) from error
