# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""boto3 clients that call the emulated AWS in this process, every answer checked against botocore's output shape."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import Shape

from emulated_aws.app import EmulatedAws
from emulated_aws.constraints import operation_model, scalar_problems
from emulated_aws.fleet import parse_fleet
from emulated_aws.guardduty import GuardDutyResponse
from emulated_aws.ssm import SsmResponse
from emulated_aws.world import WORLD, Session

# moto creates 1,300 images for each new world, which takes a third of a second; no test here needs them.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

REGION = "eu-west-1"
ACCOUNT = "111111111111"


class Clock:
    """A world's clock that tests can put forward, far enough that what a test itself takes plays no part."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        monkeypatch.setattr(WORLD, "now", lambda: time.monotonic() + self.ahead)


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **dummy: Any) -> Iterator[bytes]:
        yield self._body


def _wire(shape: Shape, name: str) -> str:
    return shape.members[name].serialization.get("name", name)


def misfits(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """Where an answer is not what the model says: members it does not have, required ones missing, wrong values."""
    if shape.type_name == "structure":
        known = {_wire(shape, name): name for name in shape.members}
        for unknown in value.keys() - known.keys():
            yield f"{path}.{unknown}: no such member"
        for name in shape.required_members:
            if _wire(shape, name) not in value:
                yield f"{path}.{name}: required and missing"
        for key in value.keys() & known.keys():
            yield from misfits(shape.members[known[key]], value[key], f"{path}.{key}")
    elif shape.type_name == "list":
        if len(value) > shape.metadata.get("max", len(value)):
            yield f"{path}: {len(value)} items, at most {shape.metadata['max']}"
        for item in value:
            yield from misfits(shape.member, item, f"{path}[]")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from misfits(shape.key, key, path)
            yield from misfits(shape.value, item, f"{path}.{key}")
    elif shape.type_name == "timestamp":
        if not isinstance(value, (int, float)):
            yield f"{path}: {value!r} is not a timestamp in seconds"
    elif shape.type_name in ("string", "integer", "long"):
        expected = str if shape.type_name == "string" else int
        if not isinstance(value, expected):
            yield f"{path}: {value!r} is no {shape.type_name}"
        elif shape.name != "StringDateTime":
            # StringDateTime's pattern refuses AWS's own examples: fractions of a second, and durations like PT0.065S.
            yield from scalar_problems(shape, value, path)


@cache
def _app() -> EmulatedAws:
    """One for all tests: a new world takes milliseconds, a new moto a third of a second."""
    return EmulatedAws(parse_fleet('accounts: {"111111111111": {name: empty}}'))


# Answers of operations that moto alone gives are moto's to test.
_OURS = vars(SsmResponse).keys() | vars(GuardDutyResponse).keys()


class Cloud:
    """One emulated world and the clients of its accounts."""

    def __init__(self, fleet: str) -> None:
        self._app = _app()
        self.server_seconds = 0.0
        self._admin("fleet", fleet.encode())

    def client(self, service: str, account: str = ACCOUNT, region: str = REGION) -> Any:
        key, token = f"ASIAWORLD{account}"[:20], f"session-of-{account}"
        WORLD.sessions[key] = Session(
            account, f"arn:aws:sts::{account}:assumed-role/FleetSec/test", "AROA1:test", token
        )
        client = boto3.client(
            service,
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key="not-a-secret-but-long-enough-0123456789",
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}),
        )
        client.meta.events.register("before-send", self._send)
        return client

    def faults(self, *rules: dict[str, Any]) -> None:
        self._admin("faults", json.dumps(rules).encode())

    def agent_reports(self, instance_id: str, version: str, running: bool) -> None:
        """As a host does that has an agent of its own."""
        document = {"accountId": ACCOUNT, "region": REGION, "instanceId": instance_id}
        report = {"version": version, "running": running, "document": document}
        self._admin("agents", json.dumps(report).encode())

    def agents_of_ssm_report(self) -> None:
        self._admin("registrations", b"")

    def _admin(self, what: str, body: bytes) -> None:
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": f"/_world/{what}",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        answered: list[str] = []
        chunks = self._app(environ, lambda status, head, exc_info=None: answered.append(status))
        assert answered[0].startswith("200"), b"".join(chunks)

    def _send(self, request: AWSRequest, **dummy: Any) -> AWSResponse:
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        url = urlsplit(request.url)
        headers = {k: v.decode() if isinstance(v, bytes) else v for k, v in request.headers.items()}
        environ = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(url.path or "/", "latin-1"),
            "QUERY_STRING": url.query,
            "RAW_URI": request.url.split(url.netloc, 1)[1] or "/",
            "SERVER_NAME": url.netloc,
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "https",
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": url.netloc,
        } | {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in headers.items()}
        answered: list[Any] = []
        began = time.process_time()
        chunks = self._app(environ, lambda status, head, exc_info=None: answered.extend([status, head]))
        answer = b"".join(chunks)
        self.server_seconds += time.process_time() - began
        status = int(answered[0].split(" ")[0])
        self._check(status, answer)
        return AWSResponse(request.url, status, dict(answered[1]), _Raw(answer))

    def _check(self, status: int, answer: bytes) -> None:
        entry = self._app.journal.entries()[-1]
        assert not self._app.journal.violations(), self._app.journal.violations()
        if status >= 300 or xform_name(entry["operation"]) not in _OURS or entry["service"] not in ("ssm", "guardduty"):
            return
        shape = operation_model(entry["service"], entry["operation"]).output_shape
        found = list(misfits(shape, json.loads(answer or b"{}"))) if shape is not None else []
        assert not found, found[:5]


def code_of(call: Any, **parameters: Any) -> str:
    """The code of the error that a call meets."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    raise AssertionError(f"not refused: {parameters}")
