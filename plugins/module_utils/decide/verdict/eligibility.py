# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The eligibility rule: whether an instance should run the agent, who installs it, and what blocks it.

This is the only place that decides it. Sources: GuardDuty user guide, "How Runtime Monitoring works with Amazon EC2
instances", "Prerequisites for Amazon EC2 instance support", "Coverage and troubleshooting for Amazon EC2 instance".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...model.fleet import MANAGED_TAG, AccountRegion, CoverageRow, Instance, Node, Snapshot
from .catalogue import BLOCKER_ORDER, REASONS
from .endpoint_health import UNKNOWN_HEALTH, EndpointHealth, endpoint_health_by_vpc
from .os_support import os_verified


@dataclass(frozen=True, slots=True)
class Choices:
    """What the operator chose: the scope, and whether the package route helps where SSM is missing."""

    scope: str = "all"
    fallback_to_package: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one instance."""

    instance: Instance
    tag: str
    wanted: bool
    route: str
    reason: str
    blockers: tuple[str, ...]
    ssm: str
    endpoint: str
    coverage: str
    issue: str | None = None
    agent_version: str | None = None
    management_type: str | None = None
    cluster: str | None = None

    @property
    def healthy(self) -> bool:
        """Of wanted instances only, so that healthy is a part of wanted."""
        return self.wanted and self.coverage == "healthy"

    @property
    def agent_seen(self) -> bool:
        return agent_seen(self.coverage == "healthy", self.agent_version)


def judge_fleet(snapshot: Snapshot, choices: Choices) -> Iterator[Verdict]:
    """A verdict for every instance of every account and region."""
    for area in snapshot.areas:
        yield from judge_area(area, choices)


def judge_area(area: AccountRegion, choices: Choices) -> Iterator[Verdict]:
    """A verdict for every instance of one account and region, in AWS's order."""
    health = endpoint_health_by_vpc(area)
    for instance in area.instances:
        vpc_health = health.get(instance.vpc_id, UNKNOWN_HEALTH) if instance.vpc_id else UNKNOWN_HEALTH
        yield judge(instance, area, vpc_health, choices)


def judge(instance: Instance, area: AccountRegion, vpc_health: EndpointHealth, choices: Choices) -> Verdict:
    """The verdict on one instance. C(area): its account and region. C(vpc_health): the endpoint of its VPC."""
    node = area.nodes.get(instance.instance_id)
    row = area.coverage.get(instance.instance_id)
    tag = read_tag(instance.tags)
    ssm = ssm_state(node, "ssm" in area.unknown)
    reason = REASONS[_reason(instance, area, tag, ssm, choices)]
    route = reason.route
    if choices.fallback_to_package and reason.wanted and route == "guardduty" and ssm in ("lost", "absent"):
        route = "package"
    coverage = coverage_state(row, "coverage" in area.unknown)
    blockers = set(_contradictions(reason.code, tag, row))
    if reason.wanted:
        blockers.update(_wanted_blockers(instance, route, node, ssm, vpc_health, area, coverage))
        if reason.code == "automated_agent" and choices.scope == "selected" and tag != "included":
            blockers.add("beyond_scope")
    return Verdict(
        instance=instance,
        tag=tag,
        wanted=reason.wanted,
        route=route,
        reason=reason.code,
        blockers=tuple(sorted(blockers, key=BLOCKER_ORDER.__getitem__)) if blockers else (),
        ssm=ssm,
        endpoint=vpc_health.state,
        coverage=coverage,
        issue=row.issue if row else None,
        agent_version=row.agent_version if row else None,
        management_type=row.management_type if row else None,
        cluster=cluster_of(instance.tags, row),
    )


def read_tag(tags: Mapping[str, str]) -> str:
    """How the tag GuardDutyManaged reads.

    AWS names the values 'true' and 'false' only; that every other spelling reads as absent is inferred, and so such a
    value is reported as ineffective and never trusted.
    """
    value = tags.get(MANAGED_TAG)
    if value is None:
        return "absent"
    return {"true": "included", "false": "excluded"}.get(value, "ineffective")


def ssm_state(node: Node | None, unknown: bool) -> str:
    if unknown:
        return "unknown"
    if node is None:
        return "absent"
    return "online" if node.online else "lost"


def coverage_state(row: CoverageRow | None, unknown: bool) -> str:
    if unknown:
        return "unknown"
    if row is None:
        return "absent"
    return "healthy" if row.healthy else "unhealthy"


def agent_seen(healthy: bool, agent_version: str | None) -> bool:
    """Whether GuardDuty's coverage shows an agent: a healthy one, or one whose version it knows."""
    return healthy or bool(agent_version)


def cluster_of(tags: Mapping[str, str], row: CoverageRow | None) -> str | None:
    """The ECS or EKS cluster that the instance works for, so that the operator sees where two agents may meet.

    ECS: the coverage row's ClusterArn. EKS: the tags that EKS puts on its nodes.
    """
    if row is not None and row.cluster_arn:
        return row.cluster_arn
    for key in ("aws:eks:cluster-name", "eks:cluster-name"):
        if key in tags:
            return f"eks/{tags[key]}"
    for key, value in tags.items():
        if key.startswith("kubernetes.io/cluster/") and value in ("owned", "shared"):
            return f"eks/{key.removeprefix('kubernetes.io/cluster/')}"
    return None


def _reason(instance: Instance, area: AccountRegion, tag: str, ssm: str, choices: Choices) -> str:
    unsupported = _unsupported(instance)
    if unsupported:
        return unsupported
    if "detector" in area.unknown:
        return "monitoring_unknown"
    if not area.detector.runtime_monitoring:
        return "monitoring_off"
    automated = area.detector.automated_agent
    if tag == "excluded":
        return "excluded_by_tag" if instance.metadata_tags or not automated else "exclusion_unreadable"
    if automated:
        return "automated_agent"
    if tag == "included":
        return "included_by_tag"
    if choices.scope == "selected":
        return "out_of_scope"
    return "manual_ssm" if ssm == "online" else "manual_package"


def _unsupported(instance: Instance) -> str | None:
    if instance.gone:
        return "instance_gone"
    if instance.platform != "linux":
        return "platform_unsupported"
    # A1 is Graviton 1 (GuardDuty user guide, "Validating architectural requirements").
    if instance.architecture not in ("x86_64", "arm64") or instance.instance_type.startswith("a1."):
        return "architecture_unsupported"
    return "operator_managed" if instance.operator else None


def _contradictions(reason: str, tag: str, row: CoverageRow | None) -> Iterator[str]:
    if reason == "instance_gone":
        return
    if reason == "exclusion_unreadable":
        yield "exclusion_unreadable"
    if tag == "ineffective":
        yield "tag_ineffective"
    if reason == "excluded_by_tag" and row is not None and agent_seen(row.healthy, row.agent_version):
        yield "agent_left_behind"


def _wanted_blockers(
    instance: Instance,
    route: str,
    node: Node | None,
    ssm: str,
    vpc_health: EndpointHealth,
    area: AccountRegion,
    coverage: str,
) -> Iterator[str]:
    if not instance.running:
        yield "not_running"
    elif route == "guardduty" and ssm in _SSM_BLOCKERS:
        # A stopped node is never returned by SSM, so its absence says nothing (botocore, DescribeInstanceInformation).
        yield _SSM_BLOCKERS[ssm]
    if not instance.imds:
        yield "imds_off"
    if coverage in ("absent", "unhealthy"):
        # A healthy instance can connect, if only through the link-local address; without coverage data, nothing is known.
        yield from _endpoint_blockers(instance, vpc_health, area)
    if node is not None and not os_verified(node.platform_name, node.platform_version):
        yield "os_unverified"
    if coverage == "unhealthy":
        yield "coverage_unhealthy"
    elif coverage == "absent" and instance.running:
        yield "not_reporting"


_SSM_BLOCKERS = {"absent": "not_ssm_managed", "lost": "ssm_connection_lost"}
_ENDPOINT_BLOCKERS = {
    "missing": "endpoint_missing",
    "misconfigured": "endpoint_misconfigured",
    "pending": "endpoint_pending",
}


def _endpoint_blockers(instance: Instance, vpc_health: EndpointHealth, area: AccountRegion) -> Iterator[str]:
    vpc = area.vpcs.get(instance.vpc_id) if instance.vpc_id else None
    if vpc is not None and (vpc.dns_support is False or vpc.dns_hostnames is False):
        yield "vpc_dns_off"
    if vpc_health.state in _ENDPOINT_BLOCKERS:
        yield _ENDPOINT_BLOCKERS[vpc_health.state]
