# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Coverage issues: every text of the user guide, however type and message are joined, keeps its meaning."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.fleet.issues import (
    ISSUES,
    UNRECOGNIZED,
    decode_issue,
)

# (issue type, message, code), as "Troubleshooting Amazon EC2 runtime coverage issues" of the user guide has them.
DOCUMENTED = [
    ("No Agent Reporting", "Waiting for SSM notification", "waiting_for_ssm"),
    ("No Agent Reporting", "", "no_agent"),
    ("No Agent Reporting", "Agent disconnected", "agent_disconnected"),
    ("Agent Not Provisioned", "Instances with exclusion tags are excluded from Runtime Monitoring.", "excluded"),
    ("Agent Not Provisioned", "Kernel version is lower than the supported version.", "kernel_too_low"),
    ("Agent Not Provisioned", "Kernel version is higher than the supported version.", "kernel_too_high"),
    ("Agent Not Provisioned", "Unable to retrieve instance identity document.", "identity_document"),
    ("Agent Not Provisioned", "", "not_provisioned"),
    (
        "SSM Association Creation Failed",
        "GuardDuty SSM association already exists in your account",
        "association_exists",
    ),
    ("SSM Association Creation Failed", "Your account has too many SSM associations", "too_many_associations"),
    ("SSM Association Creation Failed", "", "association_creation_failed"),
    (
        "SSM Association Updation Failed",
        "GuardDuty SSM association does not exist in your account",
        "association_gone",
    ),
    (
        "SSM Association Deletion Failed",
        "GuardDuty SSM association does not exist in your account",
        "association_already_deleted",
    ),
    (
        "SSM Instance Association Execution Failed",
        "Architectural requirements or other prerequisites are not met.",
        "association_failed",
    ),
    (
        "VPC Endpoint Creation Failed",
        "VPC endpoint creation not supported for shared VPC vpc-0123456789abcdef0",
        "endpoint_shared_vpc",
    ),
    (
        "VPC Endpoint Creation Failed",
        "Owner account ID 111122223333 for shared VPC vpc-0123456789abcdef0 doesn't have either Runtime Monitoring,"
        " automated agent configuration, or both, enabled",
        "endpoint_shared_vpc",
    ),
    (
        "VPC Endpoint Creation Failed",
        "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for"
        " vpc-0123456789abcdef0",
        "endpoint_dns",
    ),
    ("VPC Endpoint Creation Failed", "", "endpoint_failed"),
    (
        "Shared VPC Endpoint Deletion Failed",
        "Shared VPC endpoint deletion not allowed for account ID 111122223333, shared VPC vpc-0123456789abcdef0,"
        " owner account ID 555555555555",
        "shared_endpoint_deletion",
    ),
    ("Agent not reporting", "", "no_agent_retired_text"),
    ("ECR Image Pull Failed", "The agent's image could not be pulled", "ecr_pull"),
]
JOINS: list[Callable[[str, str], str]] = [
    lambda kind, message: f"{kind}: {message}",
    lambda kind, message: f"{kind} - {message}",
    lambda kind, message: f"{kind}. {message}",
    lambda kind, message: f"{kind}\n{message}",
    lambda kind, message: f"{message} ({kind})",
    lambda kind, message: f'{{"type": "{kind}", "message": "{message}"}}',
    lambda kind, message: f"  {kind} {message}  ",
]
CASES: list[Callable[[str], str]] = [str, str.lower, str.upper, str.title]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("join", JOINS)
@pytest.mark.parametrize(("kind", "message", "code"), DOCUMENTED)
def test_documented_texts(
    kind: str, message: str, code: str, join: Callable[[str, str], str], case: Callable[[str], str]
) -> None:
    issue = decode_issue(case(join(kind, message) if message else kind))
    assert issue is not None and issue.code == code


def test_every_code_has_a_documented_text() -> None:
    assert {code for dummy, dummy, code in DOCUMENTED} == {issue.code for issue in ISSUES}
    assert len({issue.code for issue in ISSUES}) == len(ISSUES)


@pytest.mark.parametrize("text", [None, "", " ", "\n\t"])
def test_no_text_is_no_issue(text: str | None) -> None:
    assert decode_issue(text) is None


@pytest.mark.parametrize("text", ["Agent on strike", "VPC endpoint", "Kernel", "dns", "?"])
def test_another_text_is_unrecognized(text: str) -> None:
    assert decode_issue(text) is UNRECOGNIZED


@pytest.mark.parametrize("issue", [*ISSUES, UNRECOGNIZED], ids=lambda issue: issue.code)
def test_cause_and_remedy_are_sentences(issue: object) -> None:
    for text in (issue.cause, issue.remedy):  # type: ignore[attr-defined]
        assert text[0].isupper() and text.endswith(".") and "  " not in text and "\n" not in text
