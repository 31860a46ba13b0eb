# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS's errors for endpoints and security groups: which are temporary, and what to do about the others."""

from __future__ import annotations

from dataclasses import replace

from ...decide.plan import Change
from ...model.fleet import Problem
from ...observe.client.sdk import ClientError
from ..concurrent_runs import DNS_CONFLICT, dns_taken

ADVICE = {
    "DependencyViolation": "It is still in use: detach it, then run this again.",
    "DuplicateSubnetsInSameZone": "Name one subnet per availability zone in subnet_ids.",
    "InsufficientFreeAddressesInSubnet": "Name subnets with free addresses in subnet_ids.",
    "VpcEndpointLimitExceeded": "Request a higher quota of interface endpoints per VPC.",
}


def explain(problem: Problem, change: Change) -> Problem:
    """Adds the resource to the sentence, since AWS's messages often omit it."""
    advice = problem.advice or ADVICE.get(problem.code, "")
    if DNS_CONFLICT in problem.message:
        advice = (
            "Another endpoint or hosted zone of the VPC already has the agent's DNS name: remove it, or its"
            " private DNS, then run this again."
        )
    if problem.denied:
        return problem
    return replace(problem, operation=f"{problem.operation} for {change.target}", advice=advice)


def code_of(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def not_found_yet(error: ClientError) -> bool:
    return code_of(error) in ("InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound", "InvalidGroupId.NotFound")


def freed_soon(error: ClientError) -> bool:
    return not_found_yet(error) or dns_taken(error)


def in_use(error: ClientError) -> bool:
    return code_of(error) == "DependencyViolation"
