# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exceptions as sentences that state what failed, where, and what to do."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import Problem
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client.problems import AwsProblem, problem_from


def client_error(code: str, message: str = "no", operation: str = "DescribeInstances") -> ClientError:
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"RequestId": "r-1"}}
    return ClientError(answer, operation)


def test_an_error_states_operation_place_code_request_and_advice() -> None:
    error = client_error("UnauthorizedOperation", "You are not authorized to perform this operation.")
    problem = problem_from(error, "ec2:DescribeInstances", "111111111111", "eu-west-1")
    assert str(problem) == (
        "ec2:DescribeInstances in 111111111111/eu-west-1 failed: UnauthorizedOperation: You are not authorized to"
        " perform this operation (request id r-1). Allow ec2:DescribeInstances for the caller."
    )
    assert problem.denied


def test_the_operation_is_the_one_that_failed() -> None:
    problem = problem_from(client_error("ThrottlingException", operation="ListDetectors"), "guardduty:GetDetector")
    assert problem.operation == "guardduty:ListDetectors" and "throttled" in problem.advice


def test_the_right_that_aws_names_is_the_one_to_allow() -> None:
    message = "User: arn:aws:iam::1:user/x is not authorized to perform: guardduty:ListCoverage on resource: *"
    problem = problem_from(client_error("AccessDeniedException", message), "guardduty:GetDetector")
    assert problem.advice == "Allow guardduty:ListCoverage for the caller."


def test_a_role_that_cannot_be_assumed() -> None:
    problem = problem_from(client_error("AccessDenied", operation="AssumeRole"), "sts:AssumeRole", "222222222222")
    assert "trusts the caller" in problem.advice and str(problem).startswith("sts:AssumeRole in 222222222222 failed")


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("AccessDenied", "Allow ec2:DescribeInstances"),
        ("AuthFailure", "not expired"),
        ("ExpiredToken", "not expired"),
        ("UnrecognizedClientException", "region is enabled"),
        ("RequestLimitExceeded", "throttled"),
        ("TooManyRequestsException", "throttled"),
        ("OptInRequired", "Enable the region"),
        ("InvalidParameterValue", ""),
    ],
)
def test_advice(code: str, advice: str) -> None:
    found = problem_from(client_error(code), "ec2:DescribeInstances").advice
    assert advice in found and (found == "") is (advice == "")


@pytest.mark.parametrize(
    ("error", "code", "advice"),
    [
        (NoCredentialsError(), "NoCredentialsError", "Provide credentials"),
        (ProfileNotFound(profile="x"), "ProfileNotFound", "Use a profile"),
        (EndpointConnectionError(endpoint_url="https://x"), "EndpointConnectionError", "exists in eu-west-1"),
        (ConnectTimeoutError(endpoint_url="https://x"), "ConnectTimeoutError", "Check the network"),
        (ReadTimeoutError(endpoint_url="https://x"), "ReadTimeoutError", ""),
        (ResponseParserError("cut"), "ResponseParserError", "The response was truncated"),
    ],
)
def test_what_botocore_raises_itself(error: Exception, code: str, advice: str) -> None:
    problem = problem_from(error, "ec2:DescribeInstances", "111111111111", "eu-west-1")
    assert (problem.code, problem.denied) == (code, False)
    assert advice in problem.advice and str(problem).endswith(".") and "Traceback" not in str(problem)


def test_an_error_without_details_still_is_a_sentence() -> None:
    problem = problem_from(ClientError({}, "DescribeVpcs"), "ec2:DescribeVpcs")
    assert str(problem) == "ec2:DescribeVpcs failed: Unknown: no message."


def test_a_problem_stays_the_problem_that_it_is() -> None:
    known = Problem("1", "r", "op", "Code", "text")
    assert problem_from(AwsProblem(known), "another:Operation") is known


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"])
def test_denied_in_every_spelling(code: str) -> None:
    assert problem_from(client_error(code), "x:Y").denied
    assert not problem_from(client_error("Throttling"), "x:Y").denied
