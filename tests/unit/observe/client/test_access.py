# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One client for each service and region signs each call, and each page, for the account that it is for."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client.access import (
    Access,
    Connection,
    Credentials,
    Target,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client.sdk import (
    NoCredentialsError,
    PartialCredentialsError,
)

PAGE = b"<DescribeVpcsResponse><vpcSet/>%s</DescribeVpcsResponse>"
TOKEN = b"<nextToken>more</nextToken>"


class Raw:
    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, *_args: Any, **_more: Any) -> Any:
        yield self.body


class Recorded(Access):
    """An Access whose calls are answered here; records the access key and session token of each signature."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.signed: list[tuple[str, str | None]] = []
        self.session.register("before-send", self._answer)

    def _answer(self, request: Any, **_more: Any) -> AWSResponse:
        header = request.headers["Authorization"].decode()
        key = re.search(r"Credential=([^/]+)/", header)[1]
        token = request.headers.get("X-Amz-Security-Token")
        self.signed.append((key, token.decode() if isinstance(token, bytes) else token))
        first = b"NextToken" not in (request.body if isinstance(request.body, bytes) else request.body.encode())
        return AWSResponse(request.url, 200, {}, Raw(PAGE % (TOKEN if first else b"")))


OWN = Credentials("AKIAOWNOWNOWNOWN0000", "own-secret-4711", None)


def role(number: int) -> Credentials:
    return Credentials(f"ASIAROLE{number:012d}", f"secret-{number}", f"token-{number}")


def test_each_account_signs_its_own_calls_and_pages() -> None:
    access = Recorded(Connection(credentials=OWN))
    own = Target("1", "eu-west-1", "aws", access).client("ec2")
    other = Target("2", "eu-west-1", "aws", access, role(2)).client("ec2")
    pages = other.get_paginator("describe_vpcs").paginate()
    next(pages)
    own.describe_vpcs()  # between two pages of another account
    assert list(pages)
    assert access.signed == [
        ("ASIAROLE000000000002", "token-2"),
        (OWN.access_key, None),
        ("ASIAROLE000000000002", "token-2"),
    ]


def test_threads_do_not_sign_for_each_other() -> None:
    access = Recorded(Connection(credentials=OWN))
    targets = [Target(str(n), "eu-west-1", "aws", access, role(n)) for n in range(40)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda target: list(target.client("ec2").get_paginator("describe_vpcs").paginate()), targets))
    assert sorted(access.signed) == sorted([(role(n).access_key, role(n).session_token) for n in range(40)] * 2)


def test_one_client_serves_all_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    access = Recorded(Connection(credentials=OWN))
    made = []
    make = access._make
    monkeypatch.setattr(access, "_make", lambda *where: made.append(where) or make(*where))
    for number in range(5):
        for region in ("eu-west-1", "us-east-1"):
            Target(str(number), region, "aws", access, role(number)).client("ec2").describe_vpcs()
    assert made == [("ec2", "eu-west-1"), ("ec2", "us-east-1")]


def test_credentials_of_the_environment_are_the_callers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT00000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "environment-secret-4711")
    access = Recorded(Connection())
    access.client("ec2", "eu-west-1").describe_vpcs()
    access.client("ec2", "eu-west-1", role(1)).describe_vpcs()
    assert [key for key, _token in access.signed] == ["AKIAENVIRONMENT00000", role(1).access_key]


def test_nobody_and_half_of_somebody() -> None:
    with pytest.raises(NoCredentialsError):
        Recorded(Connection()).client("ec2", "eu-west-1").describe_vpcs()
    with pytest.raises(PartialCredentialsError):
        Access(Connection(credentials=Credentials("AKIAHALFHALFHALF0000", None, None)))
