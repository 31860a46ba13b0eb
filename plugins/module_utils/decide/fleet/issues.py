# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GuardDuty's coverage issues mean, and what to do about each.

Source: GuardDuty user guide, "Runtime coverage and troubleshooting for Amazon EC2 instance", read 2026-10. How the
issue's
type and message are joined in ListCoverage's Issue is not documented, so both are looked for anywhere in the
text, in any
case, and the raw text is always kept.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issue:
    """A decoded coverage issue. C(code) 'unrecognized' means: AWS says something that this table does not know."""

    code: str
    needles: tuple[str, ...]
    cause: str
    remedy: str


_DNS_REMEDY = (
    "Turn DNS support and DNS hostnames of the VPC on (vpc_endpoint with dns_attributes), then change a"
    " GuardDutyManaged"
    " tag or restart an instance of the VPC, since GuardDuty does not try again by itself."
)

# The most specific first: the first whose needles are all in the text is taken.
ISSUES = (
    Issue(
        "waiting_for_ssm",
        ("waiting for ssm notification",),
        "GuardDuty waits for Systems Manager to tell it of the instance.",
        "Wait some minutes; if it stays, make the instance a managed node (instance profile, SSM Agent, network).",
    ),
    Issue(
        "agent_disconnected",
        ("agent disconnected",),
        "The agent reported before and has stopped.",
        "Look at the service amazon-guardduty-agent and its logs in /var/log/amzn-guardduty-agent on the host.",
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
        "The kernel is older than what the agent supports.",
        "Upgrade the kernel, or the operating system.",
    ),
    Issue(
        "kernel_too_high",
        ("kernel version is higher",),
        "The kernel is newer than what this agent version supports.",
        "Upgrade the agent; until then use a kernel of the verified list.",
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
        "An association with GuardDuty's name exists that GuardDuty did not make.",
        "Delete the association GuardDutyRuntimeMonitoring-do-not-delete, then turn automated agent"
        " configuration off and on.",
    ),
    Issue(
        "too_many_associations",
        ("too many ssm associations",),
        "The account has reached its quota of SSM associations.",
        "Delete associations that nobody needs, or raise the quota (2,000 an account and region).",
    ),
    Issue(
        "association_creation_failed",
        ("ssm association creation failed",),
        "GuardDuty could not create its association.",
        "Look for associations named GuardDutyRuntimeMonitoring-do-not-delete and at the quota, then turn automated"
        " agent configuration off and on.",
    ),
    Issue(
        "association_gone",
        ("ssm association updat",),
        "Somebody deleted GuardDuty's association.",
        "Disable Runtime Monitoring and enable it again; GuardDuty then makes a new one.",
    ),
    Issue(
        "association_already_deleted",
        ("ssm association deletion failed",),
        "GuardDuty wanted to delete its association and it was gone.",
        "Nothing, if it was deleted on purpose.",
    ),
    Issue(
        "association_failed",
        ("instance association execution failed",),
        "The installation through SSM failed on the instance.",
        "Read the association's execution history in State Manager; check architecture and prerequisites of the host.",
    ),
    Issue(
        "endpoint_dns",
        ("vpc endpoint creation failed", "dns"),
        "GuardDuty could not create its endpoint: DNS attributes of the VPC are off.",
        _DNS_REMEDY,
    ),
    Issue(
        "endpoint_shared_vpc",
        ("vpc endpoint creation failed", "shared vpc"),
        "GuardDuty could not create its endpoint in a shared VPC.",
        "The VPC's owner and every participant need Runtime Monitoring with automated agent"
        " configuration; the owner acts.",
    ),
    Issue(
        "endpoint_failed",
        ("vpc endpoint creation failed",),
        "GuardDuty could not create its endpoint.",
        "Create it with vpc_endpoint, or follow the text of the issue.",
    ),
    Issue(
        "shared_endpoint_deletion",
        ("shared vpc endpoint deletion failed",),
        "A participant cannot delete the endpoint of a shared VPC.",
        "Act in the account that owns the VPC.",
    ),
    Issue(
        "ecr_pull",
        ("ecr image pull failed",),
        "Bottlerocket could not pull the agent's image.",
        "Give the node rights and a way to Amazon ECR.",
    ),
    Issue(
        "no_agent",
        ("no agent reporting",),
        "GuardDuty hears of no agent on the instance.",
        "Bring the agent by the route of the instance; then check its service, the VPC endpoint and"
        " service control policies"
        " (guardduty:SendSecurityTelemetry).",
    ),
    Issue(
        "no_agent_retired_text",
        ("agent not reporting",),
        "GuardDuty hears of no agent on the instance (a text that AWS has retired).",
        "Enable automated agent configuration; where it is on, turn Runtime Monitoring off and on.",
    ),
    Issue(
        "not_provisioned",
        ("agent not provisioned",),
        "GuardDuty has not brought the agent.",
        "Follow the text of the issue.",
    ),
)

UNRECOGNIZED = Issue(
    "unrecognized",
    (),
    "AWS gives an issue that this version of the collection does not know.",
    "Read the issue's own text and the coverage page of the GuardDuty user guide.",
)


def decode_issue(text: str | None) -> Issue | None:
    """The meaning of an issue's text; None where there is no text."""
    if not text or not text.strip():
        return None
    lowered = text.lower()
    for issue in ISSUES:
        if all(needle in lowered for needle in issue.needles):
            return issue
    return UNRECOGNIZED
