# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated AWS as another process, and boto3 clients that call it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

PACKAGE = Path(__file__).resolve().parents[1]
ACCOUNT = "111111111111"
OTHER = "222222222222"
REGION = "eu-west-1"
SERVICE = f"com.amazonaws.{REGION}.guardduty-data"
_START_SECONDS = 60
_READ_SECONDS = 10

EMPTY = f'accounts: {{"{ACCOUNT}": {{}}}}'


class Server:
    def __init__(self, directory: Path, environment: Mapping[str, str], *options: str, fleet: str = EMPTY) -> None:
        (directory / "fleet.yml").write_text(fleet)
        self.ready = directory / "ready.json"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "emulated_aws", "--fleet", str(directory / "fleet.yml"), "--validate"]
            + ["--ready-file", str(self.ready), "--exit-with-parent", *options],
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        until = time.monotonic() + _START_SECONDS
        while not self.ready.exists():
            if self.process.poll() is not None or time.monotonic() > until:
                self.process.kill()
                raise RuntimeError(f"the emulated AWS did not start: {self.process.communicate()[0]}")
            time.sleep(0.05)
        self.url: str = json.loads(self.ready.read_text())["endpoint_url"]

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(10)


class Served:
    def __init__(self, url: str) -> None:
        self.url = url
        self.expected_violations: list[dict[str, Any]] = []

    def request(self, method: str, path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(f"{self.url}/_world/{path}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def get(self, path: str) -> Any:
        return self.request("GET", path)

    def world(self, fleet: str) -> None:
        self.request("POST", "fleet", fleet.encode())

    def faults(self, *rules: dict[str, Any]) -> None:
        self.request("POST", "faults", json.dumps(rules).encode())

    def log(self) -> list[dict[str, Any]]:
        return self.get("log")

    def client(self, service: str, region: str = REGION, account: str = ACCOUNT, key: str | None = None) -> Any:
        """A client of the account. Other accounts than the first are entered by the role FleetSec."""
        if account == ACCOUNT:
            return _plain_client(self.url, service, region, key or "AKIAFLEETSECTESTS001")
        role = f"arn:aws:iam::{account}:role/FleetSec"
        given = self.client("sts").assume_role(RoleArn=role, RoleSessionName="tests")["Credentials"]
        return _client(self.url, service, region, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def retrying_client(aws: Served, service: str) -> Any:
    """A client with boto3's usual attempts, where all others have one."""
    return _client(aws.url, service, REGION, "AKIAFLEETSECTESTS001", "long-unusual-secret-72-x", attempts=3)


def _client(
    url: str, service: str, region: str, key: str, secret: str, token: str | None = None, attempts: int = 1
) -> Any:
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"mode": "standard", "total_max_attempts": attempts}, read_timeout=_READ_SECONDS),
    )


@cache
def _plain_client(url: str, service: str, region: str, key: str) -> Any:
    """Making a client costs a quarter of a second; worlds come and go under the same one."""
    return _client(url, service, region, key, "long-unusual-secret-72-x")


def code_of(call: Callable[..., Any], **parameters: Any) -> str:
    """The code of the error that the call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return str(refused.value.response["Error"]["Code"])


def named(client: Any) -> dict[str, dict[str, Any]]:
    """All instances by their tag Name."""
    pages = client.get_paginator("describe_instances").paginate()
    instances = [i for page in pages for r in page["Reservations"] for i in r["Instances"]]
    return {next(t["Value"] for t in i["Tags"] if t["Key"] == "Name"): i for i in instances}


def fleet(body: str, head: str = "", shop: str = "", other: str = "") -> str:
    """A fleet file of one account and region with a VPC "shop"; C(body) is its instances."""
    return f"""
{head}
accounts:
  "{ACCOUNT}":
    roles: [FleetSec]
    regions:
      {REGION}:
        vpcs:
          shop: {{cidr: 10.0.0.0/16, subnets: {{a: eu-west-1a, b: eu-west-1b, b2: eu-west-1b}}{shop}}}
        instances: {body or "[]"}
{other}
"""
