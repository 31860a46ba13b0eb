# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reasons and blockers as data, with their causes, remedies and fixes.

Reports, documentation and messages use these texts, so that each code is explained in one place.
"""

from __future__ import annotations

from dataclasses import dataclass

SCOPES = ("all", "selected")
TAG_STATES = ("included", "excluded", "absent", "ineffective")
ROUTES = ("guardduty", "ssm", "package", "none")
SSM_STATES = ("online", "lost", "absent", "unknown")
ENDPOINT_STATES = ("available", "pending", "missing", "misconfigured", "unknown")
COVERAGE_STATES = ("healthy", "unhealthy", "absent", "unknown")


@dataclass(frozen=True, slots=True)
class Reason:
    """The rule that decided an instance's verdict."""

    code: str
    wanted: bool
    route: str
    cause: str


# In order: the first reason that applies decides.
REASONS = {
    reason.code: reason
    for reason in (
        Reason("instance_gone", False, "none", "The instance is terminated or shutting down."),
        Reason("platform_unsupported", False, "none", "Runtime Monitoring supports Linux only."),
        Reason(
            "architecture_unsupported",
            False,
            "none",
            "The agent supports x86_64, and arm64 from Graviton 2 on; A1 and 32-bit instances are not supported.",
        ),
        Reason(
            "operator_managed",
            False,
            "none",
            "AWS operates this instance (such as ECS Managed Instances); Runtime Monitoring does not support it.",
        ),
        Reason(
            "monitoring_unknown", False, "none", "The GuardDuty settings of this account and region could not be read."
        ),
        Reason("monitoring_off", False, "none", "Runtime Monitoring is not enabled in this account and region."),
        Reason("excluded_by_tag", False, "none", "The tag GuardDutyManaged is 'false'."),
        Reason(
            "exclusion_unreadable",
            False,
            "guardduty",
            "The tag is 'false', but instance metadata tags are off, so expect GuardDuty to install the agent anyway.",
        ),
        Reason(
            "automated_agent", True, "guardduty", "Automated agent configuration is on: GuardDuty installs the agent."
        ),
        Reason(
            "included_by_tag", True, "guardduty", "The tag GuardDutyManaged is 'true': GuardDuty installs the agent."
        ),
        Reason("out_of_scope", False, "none", "The scope is 'selected' and the instance is not tagged 'true'."),
        Reason("manual_ssm", True, "ssm", "In scope and online in Systems Manager: you install the agent through SSM."),
        Reason(
            "manual_package",
            True,
            "package",
            "In scope and not online in Systems Manager: you install the package on the host.",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Blocker:
    """Something that keeps an instance from being covered. C(fix): the module or playbook that fixes it, or empty.

    C(contradiction): two facts disagree, which concerns instances that are not wanted as well.
    """

    code: str
    cause: str
    remedy: str
    fix: str = ""
    contradiction: bool = False


# The most important first: this is the order of gd_blockers.
BLOCKERS = {
    blocker.code: blocker
    for blocker in (
        Blocker(
            "not_running",
            "The instance is not running, so that no agent can be installed on it or report.",
            "Start the instance; the agent is installed once it runs.",
        ),
        Blocker(
            "exclusion_unreadable",
            "GuardDuty reads the exclusion from the instance metadata, but instance metadata tags are off.",
            "Set the exclusion with instance_tags, which also turns on instance metadata tags.",
            "fleetsec.guardduty.instance_tags",
            contradiction=True,
        ),
        Blocker(
            "not_ssm_managed",
            "GuardDuty installs the agent through Systems Manager, but the instance is not a managed node.",
            "Give it an instance profile with AmazonSSMManagedInstanceCore (or use Default Host Management"
            " Configuration) and a running SSM Agent, or set fallback_to_package to move it to the package route.",
            "fleetsec.guardduty.rollout",
        ),
        Blocker(
            "ssm_connection_lost",
            "Systems Manager has lost the connection to the instance's SSM Agent.",
            "Restart the SSM Agent on the host, and check that it reaches ssm, ssmmessages and ec2messages on port 443.",
        ),
        Blocker(
            "imds_off",
            "The instance metadata service is off, but the agent needs the instance identity document.",
            "Enable the instance metadata endpoint (HttpEndpoint enabled; IMDSv2 is sufficient).",
        ),
        Blocker(
            "vpc_dns_off",
            "DNS support or DNS hostnames are off in the VPC, so that the endpoint's private DNS name cannot resolve.",
            "Turn on both DNS attributes, then change a GuardDutyManaged tag or restart an instance to make GuardDuty"
            " try again.",
            "fleetsec.guardduty.vpc_endpoint",
        ),
        Blocker(
            "endpoint_missing",
            "The VPC has no endpoint for the GuardDuty agent's data.",
            "Create it with vpc_endpoint, or let GuardDuty do it with automated agent configuration.",
            "fleetsec.guardduty.vpc_endpoint",
        ),
        Blocker(
            "endpoint_misconfigured",
            "The VPC's endpoint cannot be used: private DNS is off, the policy denies this account, port 443 is closed to a"
            " CIDR of the VPC, or its state is not available.",
            "Fix it with vpc_endpoint.",
            "fleetsec.guardduty.vpc_endpoint",
        ),
        Blocker(
            "endpoint_pending",
            "The VPC's endpoint is being created.",
            "Wait until it is available, usually a few minutes.",
            "fleetsec.guardduty.vpc_endpoint_info",
        ),
        Blocker(
            "os_unverified",
            "AWS has not verified the agent on this operating system version; it may work, but without guarantee.",
            "Use a verified version, or accept the risk and check the coverage.",
        ),
        Blocker(
            "coverage_unhealthy",
            "GuardDuty does not receive data from a healthy agent on this instance.",
            "Install the agent by the instance's route; if it is installed, coverage_info explains GuardDuty's issue.",
            "fleetsec.guardduty.coverage_info",
        ),
        Blocker(
            "not_reporting",
            "GuardDuty has no coverage record for this instance yet.",
            "Wait a few minutes after the installation; then check the agent's service and its connection to GuardDuty.",
            "fleetsec.guardduty.coverage_wait",
        ),
        Blocker(
            "tag_ineffective",
            "The value of the tag GuardDutyManaged is neither 'true' nor 'false'; expect GuardDuty to ignore it.",
            "Repair it with instance_tags.",
            "fleetsec.guardduty.instance_tags",
            contradiction=True,
        ),
        Blocker(
            "beyond_scope",
            "Automated agent configuration covers this instance, although your scope is 'selected' and it is not tagged 'true'.",
            "Exclude it by tag, or turn off automated agent configuration and include instances by tag.",
            "fleetsec.guardduty.instance_tags",
        ),
        Blocker(
            "agent_left_behind",
            "The instance is excluded, but GuardDuty still sees an agent on it, which keeps sending data and causing costs.",
            "Uninstall the agent: an exclusion after the installation does not remove it.",
            "fleetsec.guardduty.offboard",
            contradiction=True,
        ),
    )
}

BLOCKER_ORDER = {code: position for position, code in enumerate(BLOCKERS)}
