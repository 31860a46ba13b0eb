# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS on the wire: which operation a request asks for, and errors in the form of each protocol."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException

_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_LIST_SHOWN = 5
_TEXT_SHOWN = 200


class AwsError(Exception):
    """An error as AWS answers it. Raise it from any operation: the WSGI stack renders it in the service's protocol."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Call:
    """One signed request: who asks for what, where."""

    service: str
    operation: str
    region: str
    access_key: str
    security_token: str | None
    protocol: str
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def op(self) -> str:
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


def parse_call(environ: dict[str, Any], body: bytes) -> Call | None:
    """The AWS call of a request, or None if it is not a signed AWS request."""
    credential = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if not credential:
        return None
    service = credential["service"]
    protocol = _protocol(service, environ.get("CONTENT_TYPE", ""))
    operation, parameters = _operation(environ, body, service, protocol)
    return Call(
        service=service,
        operation=operation,
        region=credential["region"],
        access_key=credential["key"],
        security_token=environ.get("HTTP_X_AMZ_SECURITY_TOKEN"),
        protocol=protocol,
        parameters=parameters,
    )


def _protocol(service: str, content_type: str) -> str:
    try:
        return determine_request_protocol(get_service_model(service), content_type)
    except UnknownServiceError:
        return "json" if "json" in content_type else "rest-xml"


def _operation(environ: dict[str, Any], body: bytes, service: str, protocol: str) -> tuple[str, dict[str, Any]]:
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return target.rsplit(".", 1)[-1], _json(body)
    if protocol in ("ec2", "query"):
        form = parse_qs(body.decode("utf-8", "replace") or environ.get("QUERY_STRING", ""), keep_blank_values=True)
        action = form.pop("Action", ["Unknown"])[0]
        form.pop("Version", None)
        return action, {key: values[0] for key, values in form.items()}
    try:
        # The copy keeps the body of the real request unread.
        matched, path_parameters = get_service_router(service).match(Request(dict(environ)))
        query = {k: v[0] if len(v) == 1 else v for k, v in parse_qs(environ.get("QUERY_STRING", "")).items()}
        return str(matched.name), {**path_parameters, **query, **(_json(body) if protocol == "rest-json" else {})}
    except (HTTPException, UnknownServiceError, NotImplementedError):
        return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}", {}


def _json(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def shorten(value: Any) -> Any:
    """C(value) small enough for the log: long lists by their length, long text by its start."""
    if isinstance(value, dict):
        return {k: shorten(v) for k, v in list(value.items())[:50]}
    if isinstance(value, list):
        shown = [shorten(v) for v in value[:_LIST_SHOWN]]
        return shown if len(value) <= _LIST_SHOWN else [*shown, f"... {len(value)} in all"]
    if isinstance(value, str) and len(value) > _TEXT_SHOWN:
        return value[:_TEXT_SHOWN] + "..."
    return value


def error_reply(service: str, protocol: str, error: AwsError) -> Reply:
    """The error in the shape that each protocol of https://smithy.io/2.0/aws/protocols/ prescribes."""
    request_id = str(uuid.uuid4())
    headers = {"x-amzn-RequestId": request_id, "server": "amazon.com"}
    code, message = escape(error.code), escape(error.message)
    if protocol in ("json", "rest-json"):
        headers |= {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": error.code}
        text = json.dumps({"__type": error.code, "message": error.message, "Message": error.message})
        return Reply(error.status, headers, text.encode())
    headers["Content-Type"] = "text/xml;charset=UTF-8"
    if protocol == "ec2":
        inner = f"<Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        text = f"<Response>{inner}<RequestID>{request_id}</RequestID></Response>"
    elif service == "s3":
        text = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
    else:
        side = "Sender" if error.status < 500 else "Receiver"
        inner = f"<Error><Type>{side}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        text = f"<ErrorResponse>{inner}<RequestId>{request_id}</RequestId></ErrorResponse>"
    return Reply(error.status, headers, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode())
