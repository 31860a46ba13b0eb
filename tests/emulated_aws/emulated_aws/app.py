# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WSGI stack around moto: log, then faults, then clean 501s, then moto under one lock."""

from __future__ import annotations

import io
import logging
import time
import traceback
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from . import callers, register, validate
from .admin import Admin
from .faults import ConnectionDropped, Faults, Rule, error_of
from .journal import Entry, Journal
from .specs import Fleet
from .wire import AwsError, Call, Reply, error_reply, parse_call, shorten
from .world import WORLD, Caller, LeftOut

logger = logging.getLogger(__name__)
_PROBLEMS_KEPT = 5
_READS = ("Describe", "List", "Get")


class EmulatedAws:
    """One emulated AWS as a WSGI application."""

    def __init__(self, fleet: Fleet, validate: bool = False) -> None:
        register.register()
        self.journal = Journal()
        self.faults = Faults()
        self._admin = Admin(fleet, self.journal, self.faults)
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._validate = validate

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if environ["PATH_INFO"].startswith("/_world/"):
            return _send(start_response, self._admin.answer(environ, body))
        call = parse_call(environ, body)
        if call is None:
            return _send(start_response, self._unsigned(environ))
        entry = self.journal.open(call.service, call.operation, call.region, shorten(call.parameters))
        began = time.perf_counter()
        try:
            reply, rule = self._answer(call, environ, body, entry)
        finally:
            entry.duration_ms = round((time.perf_counter() - began) * 1000, 2)
        sent = _send(start_response, reply)
        return _cut(sent) if rule is not None and rule.kind == "cut" else sent

    def _unsigned(self, environ: dict[str, Any]) -> Reply:
        if environ["PATH_INFO"].startswith("/moto-api"):
            return Reply(404, {"Content-Type": "text/plain"}, b"Use /_world/reset: moto alone does not know the fleet.")
        with WORLD.lock:
            return _call_wsgi(self._moto, environ)

    def _answer(self, call: Call, environ: dict[str, Any], body: bytes, entry: Entry) -> tuple[Reply, Rule | None]:
        rule = None
        try:
            caller = callers.identify(call)
            entry.account = caller.account
            rule = self.faults.find(call, caller.account)
            if rule is not None:
                entry.fault = rule.kind
                _strike(rule, call, caller)
            if (caller.account, call.region) in WORLD.opted_out:
                raise callers.bad_credentials(call.service)
            environ["HTTP_X_MOTO_ACCOUNT_ID"] = caller.account
            reply = self._perform(call, caller, environ, entry, _left_out(rule))
        except AwsError as error:
            entry.error = error.code
            reply = error_reply(call.service, call.protocol, error)
        except ConnectionDropped:
            entry.error = "ConnectionDropped"
            raise
        entry.status = reply.status
        return reply, rule

    def _perform(
        self, call: Call, caller: Caller, environ: dict[str, Any], entry: Entry, left_out: LeftOut | None
    ) -> Reply:
        try:
            with WORLD.lock:
                WORLD.caller, WORLD.left_out = caller, left_out
                reply = _call_wsgi(self._moto, environ)
                if reply.status < 300 and not call.operation.startswith(_READS):
                    register.after_call(call.service, call.operation, caller.account, call.region)
        except AwsError:
            raise
        except NotImplementedError as missing:
            self.journal.violation(entry, f"not emulated: {missing}")
            raise AwsError("NotImplemented", f"the emulated AWS has no {call.op}", 501) from None
        except Exception as bug:
            logger.error("%s failed:\n%s", call.op, traceback.format_exc())
            self.journal.violation(entry, f"internal error: {type(bug).__name__}: {bug}")
            raise AwsError("InternalFailure", f"bug in the emulated AWS: {type(bug).__name__}: {bug}", 500) from bug
        if reply.status == 404 and call.operation.split(" ")[0].isupper():
            self.journal.violation(entry, "not emulated")
            raise AwsError("NotImplemented", f"the emulated AWS has no {call.op}", 501)
        if reply.status >= 300:
            entry.error = _error_code(reply)
        elif self._validate:
            for problem in validate.problems(call, reply)[:_PROBLEMS_KEPT]:
                self.journal.violation(entry, f"not botocore's output shape: {problem}")
        return reply


def _strike(rule: Rule, call: Call, caller: Caller) -> None:
    """Let the fault happen. Only latency, meet, cut and unprocessed go on to the real answer."""
    if rule.kind in ("latency", "hang"):
        time.sleep(rule.seconds)
    if rule.kind == "meet":
        rule.meet()
    if rule.kind in ("hang", "reset"):
        raise ConnectionDropped
    if rule.kind in ("throttle", "error", "deny"):
        raise error_of(rule, call, caller)


def _left_out(rule: Rule | None) -> LeftOut | None:
    """The words were seen in public issues for members that settle; AWS documents none."""
    if rule is None or rule.kind != "unprocessed":
        return None
    words = "the given account ID is not an associated member of account the current account."
    return LeftOut(frozenset(rule.accounts), rule.message or f"The request is rejected because {words}")


def _cut(chunks: Iterable[bytes]) -> Iterable[bytes]:
    body = b"".join(chunks)
    yield body[: len(body) // 2]
    raise ConnectionDropped


def _send(start_response: Any, reply: Reply) -> Iterable[bytes]:
    try:
        reason = HTTPStatus(reply.status).phrase
    except ValueError:
        reason = "Unknown"
    headers = [(k, v) for k, v in reply.headers.items() if k.lower() != "content-length"]
    headers.append(("Content-Length", str(len(reply.body))))
    start_response(f"{reply.status} {reason}", headers)
    return [reply.body]


def _call_wsgi(app: Any, environ: dict[str, Any]) -> Reply:
    answered: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        answered["status"] = int(status.split(" ", 1)[0])
        answered["headers"] = dict(headers)

    chunks = app(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close:
            close()
    return Reply(answered["status"], answered["headers"], body)


def _error_code(reply: Reply) -> str:
    """The code of an error that moto itself rendered, for the log."""
    kind = reply.headers.get("x-amzn-errortype") or reply.headers.get("X-Amzn-ErrorType")
    if kind:
        return kind
    text = reply.body.decode("utf-8", "replace")
    for opening, closing in (("<Code>", "</Code>"), ('"__type": "', '"')):
        if opening in text:
            return text.split(opening, 1)[1].split(closing, 1)[0].rsplit("#", 1)[-1]
    return str(reply.status)
