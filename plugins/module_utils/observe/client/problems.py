# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns an exception into a sentence: what failed, where, the code and request id, and what to do about it."""

from __future__ import annotations

import re

from ...model.fleet import DENIED_CODES, Problem
from .sdk import (
    AWS_ERRORS,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ResponseParserError,
    TokenRetrievalError,
)

# The exceptions that a caller of this module catches.
__all__ = ["ASSOCIATION_ADVICE", "AWS_ERRORS", "BAD_CREDENTIAL_CODES", "THROTTLED_CODES", "AwsProblem", "problem_from"]

BAD_CREDENTIAL_CODES = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
THROTTLED_CODES = frozenset(
    {
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)

# Errors of State Manager (botocore model, CreateAssociation and UpdateAssociation) that an operator can fix.
ASSOCIATION_ADVICE = {
    "AssociationLimitExceeded": "Delete unused associations, or raise the quota of the account and region.",
    "AssociationVersionLimitExceeded": "Delete it with state=absent and create it again: it has used all of its 1,000 versions.",
    "InvalidAssociationVersion": "Another process changed it in the meantime; run this again.",
    "InvalidDocument": "Check the document's name, and that it exists in this region.",
    "TooManyUpdates": "Another process is changing it; run this again.",
}


class AwsProblem(Exception):
    """A problem that ends the current operation; the caller decides what else it ends."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def problem_from(error: Exception, operation: str, account_id: str = "", region: str = "") -> Problem:
    """Describe an exception of botocore. C(operation) is written as in IAM: 'ec2:DescribeInstances'."""
    if isinstance(error, AwsProblem):
        return error.problem
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        code = str(details.get("Code") or "Unknown")
        message = str(details.get("Message") or "no message")
        # botocore knows the operation exactly, which matters where one reader makes several calls.
        service = operation.partition(":")[0]
        operation = f"{service}:{error.operation_name}"
        request_id = str(error.response.get("ResponseMetadata", {}).get("RequestId") or "")
        return Problem(account_id, region, operation, code, message, request_id, _advice(code, operation, message))
    code = type(error).__name__
    return Problem(account_id, region, operation, code, str(error), "", _local_advice(error, region))


def _advice(code: str, operation: str, message: str) -> str:
    if code in DENIED_CODES and operation == "sts:AssumeRole":
        return (
            "Check that the role exists, that it trusts the caller, and that the caller may call sts:AssumeRole on it."
        )
    if code in DENIED_CODES:
        denied = re.search(r"is not authorized to perform: ([\w-]+:\w+)", message)
        return f"Allow {denied.group(1) if denied else operation} for the caller."
    if code in BAD_CREDENTIAL_CODES:
        return "Check that the credentials are valid and not expired, and that the region is enabled in this account."
    if code in THROTTLED_CODES:
        return "Every attempt was throttled, despite back-off; run this again later or with fewer accounts at once."
    if "member account" in message and "cannot manage" in message:
        # seen in practice; AWS documents no code for it
        return (
            "Run this in the account of GuardDuty's delegated administrator: only that account can change its members."
        )
    if code == "OptInRequired":
        return "Enable the region or service in this account, or leave the region out."
    return ASSOCIATION_ADVICE.get(code, "")


def _local_advice(error: Exception, region: str) -> str:
    if isinstance(error, (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, TokenRetrievalError)):
        return "Provide credentials by environment, profile, option or instance role."
    if isinstance(error, ProfileNotFound):
        return "Use a profile that exists in the AWS configuration files."
    if isinstance(error, (EndpointConnectionError, ConnectTimeoutError)):
        return f"Check the network, the proxy, and that the service exists in {region or 'this region'}."
    if isinstance(error, ResponseParserError):
        return "The response was truncated or is not from AWS; check proxies and the endpoint URL, then run this again."
    return ""
