# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""STS: who the caller is, and roles of the accounts of the fleet file."""

from __future__ import annotations

import datetime
import re
import secrets
import string
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.sts import urls
from moto.sts.responses import TokenResponse

from .register import swap
from .wire import AwsError
from .world import WORLD, Session

_ROLE_ARN = re.compile(r"arn:aws[\w-]*:iam::(?P<account>\d{12}):role/(?:.*/)?(?P<name>[\w+=,.@-]+)")
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")
_ALPHABET = string.ascii_uppercase + string.digits


class StsResponse(TokenResponse):
    @property
    def asked(self) -> dict[str, Any]:
        self.parse_parameters(self.normalized_request)
        return dict(self.params)

    def get_caller_identity(self) -> ActionResult:
        caller = WORLD.caller
        return ActionResult({"Account": caller.account, "Arn": caller.arn, "UserId": caller.user_id})

    def assume_role(self) -> ActionResult:
        """Any account of the file may assume the roles listed there. The external id is not looked at."""
        asked = self.asked
        arn, session_name = asked["RoleArn"], asked["RoleSessionName"]
        if not _SESSION_NAME.fullmatch(session_name):
            raise AwsError(
                "ValidationError",
                f"1 validation error detected: Value '{session_name}' at 'roleSessionName' failed to satisfy "
                "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
            )
        named = _ROLE_ARN.fullmatch(arn)
        if not named:
            raise AwsError("ValidationError", f"{arn} is invalid")
        account = WORLD.accounts.get(named["account"])
        if account is None or named["name"] not in account.roles or account.status != "ACTIVE":
            # The same words whether the role is missing or does not trust the caller: AWS does not tell.
            raise AwsError(
                "AccessDenied",
                f"User: {WORLD.caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}",
                403,
            )
        return ActionResult(_open_session(account.account_id, named["name"], session_name, asked))


def _open_session(account: str, role: str, name: str, asked: dict[str, Any]) -> dict[str, Any]:
    key = "ASIA" + "".join(secrets.choice(_ALPHABET) for dummy in range(16))
    role_id = "AROA" + "".join(secrets.choice(_ALPHABET) for dummy in range(17))
    session = Session(
        account_id=account,
        arn=f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        user_id=f"{role_id}:{name}",
        token=secrets.token_urlsafe(120),
    )
    WORLD.sessions[key] = session
    seconds = int(asked.get("DurationSeconds") or 3600)
    return {
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": secrets.token_urlsafe(30),
            "SessionToken": session.token,
            "Expiration": utcnow() + datetime.timedelta(seconds=seconds),
        },
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
        "PackedPolicySize": 0,
    }


def register() -> None:
    swap(urls, StsResponse)
