# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS's data about a fleet as frozen records, which observe, decide and converge share.

Nothing here reads, judges or writes. A value that could not be read is None or named in C(AccountRegion.unknown);
it is never replaced by a default that looks like a value from AWS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple

MANAGED_TAG = "GuardDutyManaged"
# Keys that start so are markup in what Ansible passes around as JSON.
ANSIBLE_MARKUP = "__ansible"
GUARDDUTY_ASSOCIATION = "GuardDutyRuntimeMonitoring-do-not-delete"
SSM_DOCUMENT = "AmazonGuardDuty-ConfigureRuntimeMonitoringSsmPlugin"
SSM_PACKAGE = "AmazonGuardDuty-RuntimeMonitoringSsmPlugin"


class AreaKey(NamedTuple):
    """An account and a region: where each resource of a fleet is. As text: ACCOUNT/REGION."""

    account_id: str
    region: str

    def __str__(self) -> str:
        return f"{self.account_id}/{self.region}"


@dataclass(frozen=True, slots=True)
class InArea:
    """Something in an account and region."""

    account_id: str
    region: str

    @property
    def area_key(self) -> AreaKey:
        return AreaKey(self.account_id, self.region)


@dataclass(frozen=True, slots=True)
class Problem(InArea):
    """A call to AWS that failed, described so that an operator can act on it."""

    operation: str
    code: str
    message: str
    request_id: str = ""
    advice: str = ""

    @property
    def denied(self) -> bool:
        return self.code in DENIED_CODES

    def __str__(self) -> str:
        where = "/".join(part for part in (self.account_id, self.region) if part)
        parts = [f"{self.operation} in {where}" if where else self.operation, f"failed: {self.code}: {self.message}"]
        text = " ".join(parts).rstrip(".")
        if self.request_id:
            text += f" (request id {self.request_id})"
        return f"{text}. {self.advice}".rstrip() if self.advice else f"{text}."


# EC2 says UnauthorizedOperation, the JSON services AccessDeniedException, STS AccessDenied (AWS "Common Errors").
DENIED_CODES = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


@dataclass(frozen=True, slots=True)
class Instance:
    """An EC2 instance as DescribeInstances returns it."""

    instance_id: str
    account_id: str
    region: str
    state: str
    platform: str
    architecture: str
    instance_type: str
    vpc_id: str | None = None
    subnet_id: str | None = None
    availability_zone: str | None = None
    private_ip: str | None = None
    private_dns: str | None = None
    public_ip: str | None = None
    public_dns: str | None = None
    image_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    metadata_tags: bool = False
    imds: bool = True
    operator: str | None = None
    # In seconds since 1970; starting a stopped instance launches it again (EC2 API reference, Instance).
    launched: float | None = None

    @property
    def area_key(self) -> AreaKey:
        return AreaKey(self.account_id, self.region)

    @property
    def gone(self) -> bool:
        """Whether the instance is terminated or shutting down: it never runs again (EC2 user guide, instance states)."""
        return self.state in ("terminated", "shutting-down")

    @property
    def running(self) -> bool:
        return self.state == "running"


@dataclass(frozen=True, slots=True)
class Node:
    """A managed node as Systems Manager returns it. C(ping) is AWS's PingStatus: Online, ConnectionLost or Inactive."""

    instance_id: str
    ping: str
    agent_version: str | None = None
    platform_name: str | None = None
    platform_version: str | None = None

    @property
    def online(self) -> bool:
        """Online is the only PingStatus that can run a command; Inactive is deprecated (botocore model, PingStatus)."""
        return self.ping == "Online"


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """One EC2 row of GuardDuty's ListCoverage. C(issue) is AWS's text, unchanged."""

    instance_id: str
    status: str
    issue: str | None = None
    agent_version: str | None = None
    management_type: str | None = None
    cluster_arn: str | None = None
    updated_at: str | None = None

    @property
    def healthy(self) -> bool:
        return self.status == "HEALTHY"


@dataclass(frozen=True, slots=True)
class Detector:
    """The GuardDuty detector of an account and region. C(detector_id) is None if there is no detector."""

    detector_id: str | None = None
    status: str = "ENABLED"
    features: Mapping[str, Feature] = field(default_factory=dict)

    @property
    def monitoring(self) -> Feature:
        found = self.features.get("RUNTIME_MONITORING")
        return Feature() if found is None else found

    @property
    def runtime_monitoring(self) -> bool:
        return self.detector_id is not None and self.status == "ENABLED" and self.monitoring.enabled

    @property
    def automated_agent(self) -> bool:
        """EC2 automated agent configuration. Without its feature a sub-setting has no effect (GuardDuty user guide)."""
        return self.runtime_monitoring and self.monitoring.additional.get("EC2_AGENT_MANAGEMENT", False)


@dataclass(frozen=True, slots=True)
class Feature:
    """A detector feature with its additional configuration, name to enabled.

    C(parts_managed_by): which of these an organization policy manages, name to AWS's name of the manager.
    """

    enabled: bool = False
    additional: Mapping[str, bool] = field(default_factory=dict)
    managed_by: str | None = None
    parts_managed_by: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subnet:
    subnet_id: str
    vpc_id: str
    availability_zone: str


@dataclass(frozen=True, slots=True)
class Vpc:
    """A VPC. DNS attributes are None unless they were read, which takes a call each."""

    vpc_id: str
    owner_id: str
    cidrs: tuple[str, ...] = ()
    dns_support: bool | None = None
    dns_hostnames: bool | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A VPC endpoint for the GuardDuty agent. C(policy) is the JSON text as AWS returns it."""

    endpoint_id: str
    vpc_id: str
    service_name: str
    state: str
    private_dns: bool = False
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    policy: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def guardduty_owned(self) -> bool:
        return MANAGED_TAG in self.tags


@dataclass(frozen=True, slots=True)
class Ingress:
    """One inbound permission. C(other_sources): it also allows groups or prefix lists, whose members CIDRs do not show."""

    protocol: str
    from_port: int
    to_port: int
    cidrs: tuple[str, ...] = ()
    other_sources: bool = False


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    group_id: str
    name: str
    vpc_id: str | None = None
    ingress: tuple[Ingress, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lookup:
    """What to read beyond a snapshot, in one account and region, before its endpoints can be planned.

    C(subnets_of), C(instances_of) and C(dns_of) hold VPC ids. Groups are looked up by id, by C(group_name) within
    C(named_in), and by GuardDuty's tag within C(guardduty_groups_of).
    """

    services: frozenset[str] = frozenset()
    subnets_of: frozenset[str] = frozenset()
    subnet_ids: frozenset[str] = frozenset()
    instances_of: frozenset[str] = frozenset()
    dns_of: frozenset[str] = frozenset()
    group_ids: frozenset[str] = frozenset()
    group_name: str = ""
    named_in: frozenset[str] = frozenset()
    guardduty_groups_of: frozenset[str] = frozenset()

    def __or__(self, other: Lookup) -> Lookup:
        sets = {name: getattr(self, name) | getattr(other, name) for name in _LOOKUP_SETS}
        return Lookup(**sets, group_name=self.group_name or other.group_name)

    def __sub__(self, other: Lookup) -> Lookup:
        return replace(self, **{name: getattr(self, name) - getattr(other, name) for name in _LOOKUP_SETS})

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in _LOOKUP_SETS)


_LOOKUP_SETS = tuple(lookup_field.name for lookup_field in fields(Lookup) if lookup_field.name != "group_name")


@dataclass(frozen=True, slots=True)
class AccountRegion(InArea):
    """Everything that was read in one account and region.

    C(unknown) names what could not be read: C(instances), C(ssm), C(detector), C(coverage), C(vpcs), C(endpoints),
    C(security_groups), C(subnets), C(service). C(service_zones): the availability zones in which the endpoint service is
    offered; empty if it is not offered at all, None if it was not read. C(looked_up): what was read beyond the snapshot,
    or could not be read.
    """

    instances: tuple[Instance, ...] = ()
    nodes: Mapping[str, Node] = field(default_factory=dict)
    coverage: Mapping[str, CoverageRow] = field(default_factory=dict)
    detector: Detector = field(default_factory=Detector)
    vpcs: Mapping[str, Vpc] = field(default_factory=dict)
    endpoints: Mapping[str, tuple[Endpoint, ...]] = field(default_factory=dict)
    security_groups: Mapping[str, SecurityGroup] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    partition: str = "aws"
    subnets: Mapping[str, Subnet] = field(default_factory=dict)
    service_zones: frozenset[str] | None = None
    looked_up: Lookup = Lookup()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A fleet at one moment: every account and region that was requested, and every call that failed."""

    areas: tuple[AccountRegion, ...] = ()
    problems: tuple[Problem, ...] = ()
