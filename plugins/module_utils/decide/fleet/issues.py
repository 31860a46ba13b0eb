# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GuardDuty's coverage issues mean, and what to do about each.

Source: GuardDuty user guide, "Runtime coverage and troubleshooting for Amazon EC2 instance", read 2026-10. AWS does not
document how ListCoverage's Issue combines an issue's type and message, so the needles are searched anywhere in the text,
ignoring case, and the raw text is always kept.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issue:
    """A decoded coverage issue. C(code) is 'unrecognized' if this table does not know AWS's text."""

    code: str
    needles: tuple[str, ...]
    cause: str
    remedy: str


_DNS_REMEDY = (
    "Turn on DNS support and DNS hostnames in the VPC (vpc_endpoint with dns_attributes), then change a GuardDutyManaged"
    " tag or restart an instance in the VPC, because GuardDuty does not try again by itself."
)

# The most specific first: the first issue whose needles are all in the text applies.
ISSUES = (
    Issue(
        "waiting_for_ssm",
        ("waiting for ssm notification",),
        "GuardDuty is waiting for Systems Manager to report the instance.",
        "Wait a few minutes; if the issue persists, make the instance a managed node (instance profile, SSM Agent, network).",
    ),
    Issue(
        "agent_disconnected",
        ("agent disconnected",),
        "The agent has stopped reporting.",
        "Check the service amazon-guardduty-agent and its logs in /var/log/amzn-guardduty-agent on the host.",
    ),
    Issue(
        "excluded",
        ("exclusion tag",),
        "The instance is tagged GuardDutyManaged=false.",
        "Remove the tag with instance_tags if the instance should be monitored.",
    ),
    Issue(
        "kernel_too_low",
        ("kernel version is lower",),
        "The kernel is older than the agent supports.",
        "Upgrade the kernel or the operating system.",
    ),
    Issue(
        "kernel_too_high",
        ("kernel version is higher",),
        "The kernel is newer than this agent version supports.",
        "Upgrade the agent; until then, use a verified kernel.",
    ),
    Issue(
        "identity_document",
        ("instance identity document",),
        "The agent cannot read the instance identity document.",
        "Enable the instance metadata endpoint and restart the agent; hybrid hosts outside EC2 are not supported.",
    ),
    Issue(
        "association_exists",
        ("association already exists",),
        "An association with GuardDuty's name exists that GuardDuty did not create.",
        "Delete the association GuardDutyRuntimeMonitoring-do-not-delete, then turn automated agent"
        " configuration off and on.",
    ),
    Issue(
        "too_many_associations",
        ("too many ssm associations",),
        "The account has reached its quota of SSM associations.",
        "Delete unused associations, or raise the quota (2,000 per account and region).",
    ),
    Issue(
        "association_creation_failed",
        ("ssm association creation failed",),
        "GuardDuty could not create its association.",
        "Check for associations named GuardDutyRuntimeMonitoring-do-not-delete and check the quota, then turn automated"
        " agent configuration off and on.",
    ),
    Issue(
        "association_gone",
        ("ssm association updat",),
        "GuardDuty's association was deleted.",
        "Disable Runtime Monitoring and enable it again; GuardDuty then creates a new association.",
    ),
    Issue(
        "association_already_deleted",
        ("ssm association deletion failed",),
        "GuardDuty tried to delete its association, which no longer existed.",
        "No action is needed if it was deleted on purpose.",
    ),
    Issue(
        "association_failed",
        ("instance association execution failed",),
        "The installation through SSM failed on the instance.",
        "Read the association's execution history in State Manager, and check the host's architecture and prerequisites.",
    ),
    Issue(
        "endpoint_dns",
        ("vpc endpoint creation failed", "dns"),
        "GuardDuty could not create its endpoint because DNS attributes of the VPC are off.",
        _DNS_REMEDY,
    ),
    Issue(
        "endpoint_shared_vpc",
        ("vpc endpoint creation failed", "shared vpc"),
        "GuardDuty could not create its endpoint in a shared VPC.",
        "Enable Runtime Monitoring with automated agent configuration for the VPC's owner, who must act, and every participant.",
    ),
    Issue(
        "endpoint_failed",
        ("vpc endpoint creation failed",),
        "GuardDuty could not create its endpoint.",
        "Create it with vpc_endpoint, or follow the issue's own text.",
    ),
    Issue(
        "shared_endpoint_deletion",
        ("shared vpc endpoint deletion failed",),
        "A participant cannot delete the endpoint of a shared VPC.",
        "Delete the endpoint in the account that owns the VPC.",
    ),
    Issue(
        "ecr_pull",
        ("ecr image pull failed",),
        "Bottlerocket could not pull the agent's image.",
        "Give the node permission to pull from Amazon ECR and network access to it.",
    ),
    Issue(
        "no_agent",
        ("no agent reporting",),
        "GuardDuty receives no data from an agent on the instance.",
        "Install the agent by the instance's route; then check its service, the VPC endpoint and service control policies"
        " (guardduty:SendSecurityTelemetry).",
    ),
    Issue(
        "no_agent_retired_text",
        ("agent not reporting",),
        "GuardDuty receives no data from an agent on the instance (a text that AWS has retired).",
        "Enable automated agent configuration; if it is on, turn Runtime Monitoring off and on.",
    ),
    Issue(
        "not_provisioned",
        ("agent not provisioned",),
        "GuardDuty has not installed the agent.",
        "Follow the issue's own text.",
    ),
)

UNRECOGNIZED = Issue(
    "unrecognized",
    (),
    "AWS reports an issue that this version of the collection does not know.",
    "Read the issue's own text and the coverage page of the GuardDuty user guide.",
)


def decode_issue(text: str | None) -> Issue | None:
    """The meaning of an issue's text; None if there is no text."""
    if not text or not text.strip():
        return None
    lowered = text.lower()
    for issue in ISSUES:
        if all(needle in lowered for needle in issue.needles):
            return issue
    return UNRECOGNIZED
