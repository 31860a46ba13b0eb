# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose request it is: plain access keys, keys from AssumeRole, and keys that AWS would reject."""

from __future__ import annotations

from .wire import AwsError, Call
from .world import WORLD, Caller

# Any other key that AssumeRole did not give belongs to the caller account.
INVALID_KEY = "AKIAINVALIDINVALID00"
_SESSION_PREFIX = "ASIA"


def identify(call: Call) -> Caller:
    """The caller of a signed request.

    Refusals follow EC2's list of client error codes (AuthFailure) and the common errors of the other services'
    API references (UnrecognizedClientException, InvalidClientTokenId).
    """
    session = WORLD.sessions.get(call.access_key)
    if session is None:
        if call.access_key == INVALID_KEY or call.access_key.startswith(_SESSION_PREFIX):
            raise bad_credentials(call.service)
        account = WORLD.caller_account_id
        return Caller(account, f"arn:aws:iam::{account}:user/operator", "AIDAOPERATOR000000001")
    if call.security_token != session.token:
        raise bad_credentials(call.service)
    return Caller(session.account_id, session.arn, session.user_id)


def bad_credentials(service: str) -> AwsError:
    if service == "ec2":
        return AwsError("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
    text = "The security token included in the request is invalid."
    if service in ("sts", "iam"):
        return AwsError("InvalidClientTokenId", text, 403)
    return AwsError("UnrecognizedClientException", text, 403 if service == "guardduty" else 400)
