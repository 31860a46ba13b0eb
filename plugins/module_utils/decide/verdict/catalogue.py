# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the product as data: reasons and blockers, each with its cause, its remedy and what to run.

The report, the documentation and every message print from here, so that one code is explained in one place.
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
    """The one rule that decided about an instance."""

    code: str
    wanted: bool
    route: str
    cause: str


# In the order in which they are tried: the first that applies decides.
REASONS = {
    reason.code: reason
    for reason in (
        Reason("instance_gone", False, "none", "The instance is terminated or shutting down."),
        Reason("platform_unsupported", False, "none", "Runtime Monitoring supports Linux only."),
        Reason(
            "architecture_unsupported",
            False,
            "none",
            "The agent needs x86_64 or arm64 from Graviton 2 on; A1 and 32-bit instances are not supported.",
        ),
        Reason(
            "operator_managed",
            False,
            "none",
            "AWS operates this instance (ECS Managed Instances and the like), which Runtime Monitoring"
            " does not support.",
        ),
        Reason(
            "monitoring_unknown", False, "none", "GuardDuty's settings of this account and region could not be read."
        ),
        Reason("monitoring_off", False, "none", "Runtime Monitoring is not enabled in this account and region."),
        Reason("excluded_by_tag", False, "none", "The tag GuardDutyManaged is 'false'."),
        Reason(
            "exclusion_unreadable",
            False,
            "guardduty",
            "The tag says 'false', but instance metadata tags are off, so expect GuardDuty to install all the same.",
        ),
        Reason(
            "automated_agent", True, "guardduty", "Automated agent configuration is on: GuardDuty brings the agent."
        ),
        Reason("included_by_tag", True, "guardduty", "The tag GuardDutyManaged is 'true': GuardDuty brings the agent."),
        Reason("out_of_scope", False, "none", "Scope is 'selected' and the instance is not tagged 'true'."),
        Reason("manual_ssm", True, "ssm", "In scope and online in Systems Manager: you bring the agent through SSM."),
        Reason(
            "manual_package", True, "package", "In scope and not online in Systems Manager: you install the package."
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Blocker:
    """Something that stands in the way of one instance. C(fix) names the module or playbook for it, or is empty.

    C(contradiction): it says that two facts disagree, and so belongs to instances that are not wanted as well.
    """

    code: str
    cause: str
    remedy: str
    fix: str = ""
    contradiction: bool = False


# Most important first: this is the order of gd_blockers.
BLOCKERS = {
    blocker.code: blocker
    for blocker in (
        Blocker(
            "not_running",
            "The instance is not running, so no agent can be installed on it or report.",
            "Start the instance; the agent is brought when it runs.",
        ),
        Blocker(
            "exclusion_unreadable",
            "GuardDuty reads the exclusion from the instance metadata, and instance metadata tags are off.",
            "Set the exclusion with instance_tags, which also turns instance metadata tags on.",
            "fleetsec.guardduty.instance_tags",
            contradiction=True,
        ),
        Blocker(
            "not_ssm_managed",
            "GuardDuty installs through Systems Manager, and the instance is not a managed node.",
            "Give it an instance profile with AmazonSSMManagedInstanceCore (or Default Host Management"
            " Configuration) and a"
            " running SSM Agent, or set fallback_to_package to send it to the package route.",
            "fleetsec.guardduty.rollout",
        ),
        Blocker(
            "ssm_connection_lost",
            "Systems Manager has lost the connection to the instance's SSM Agent.",
            "Restart the SSM Agent on the host and check that it reaches ssm, ssmmessages and ec2messages on 443.",
        ),
        Blocker(
            "imds_off",
            "The instance metadata service is off, and the agent needs the instance identity document.",
            "Enable the instance metadata endpoint (HttpEndpoint enabled, IMDSv2 is enough).",
        ),
        Blocker(
            "vpc_dns_off",
            "The VPC has DNS support or DNS hostnames off, so the endpoint's private DNS name cannot work.",
            "Turn both DNS attributes on, then change a GuardDutyManaged tag or restart an instance to"
            " make GuardDuty try again.",
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
            "The VPC's endpoint cannot be used: private DNS off, policy denies this account, port 443"
            " closed to a CIDR of"
            " the VPC, or a state other than available.",
            "Converge it with vpc_endpoint.",
            "fleetsec.guardduty.vpc_endpoint",
        ),
        Blocker(
            "endpoint_pending",
            "The VPC's endpoint is being made.",
            "Wait until it is available, usually some minutes.",
            "fleetsec.guardduty.vpc_endpoint_info",
        ),
        Blocker(
            "os_unverified",
            "AWS has not verified this operating system version for the agent; it may work without guarantee.",
            "Use a verified version, or accept it and watch its coverage.",
        ),
        Blocker(
            "coverage_unhealthy",
            "GuardDuty does not hear from a healthy agent on this instance.",
            "Bring the agent by the instance's route; where it is there, coverage_info explains GuardDuty's issue.",
            "fleetsec.guardduty.coverage_info",
        ),
        Blocker(
            "not_reporting",
            "GuardDuty has no coverage record of this instance yet.",
            "Wait some minutes after the agent was brought; then check the agent's service and the way to GuardDuty.",
            "fleetsec.guardduty.coverage_wait",
        ),
        Blocker(
            "tag_ineffective",
            "The tag GuardDutyManaged has a value other than exactly 'true' or 'false'; expect it to read as absent.",
            "Repair it with instance_tags.",
            "fleetsec.guardduty.instance_tags",
            contradiction=True,
        ),
        Blocker(
            "beyond_scope",
            "Automated agent configuration covers this instance although your scope is 'selected' and it"
            " is not tagged 'true'.",
            "Exclude it by tag, or turn automated agent configuration off and include by tag.",
            "fleetsec.guardduty.instance_tags",
        ),
        Blocker(
            "agent_left_behind",
            "The instance is excluded, yet GuardDuty still sees an agent on it, which keeps sending and costing.",
            "Uninstall the agent: an exclusion that comes after the installation does not remove it.",
            "fleetsec.guardduty.offboard",
            contradiction=True,
        ),
    )
}

BLOCKER_ORDER = {code: position for position, code in enumerate(BLOCKERS)}
