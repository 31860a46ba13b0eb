# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VPC endpoints and their lifecycle: pending, available, deleting, gone."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field
from typing import Any

from moto.core.utils import utcnow
from moto.ec2.models.security_groups import SecurityGroup
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC

from . import ec2_state, policy
from .ec2_state import fixed_id
from .specs import EndpointSpec
from .world import WORLD

MANAGED = {"GuardDutyManaged": "true"}
_OTHER_ACCOUNT = "999999999999"


def _now() -> float:
    """Looked up at each call: tests set the world's clock."""
    return WORLD.now()


@dataclass
class Endpoint:
    """One endpoint. C(pinned) is a state that a fleet file set and that time does not change."""

    id: str
    account: str
    region: str
    vpc_id: str
    service: str
    kind: str
    subnets: list[str]
    groups: list[str]
    policy: str
    private_dns: bool
    client_token: str | None = None
    asked: dict[str, Any] = field(default_factory=dict)
    route_tables: list[str] = field(default_factory=list)
    created: datetime.datetime = field(default_factory=utcnow)
    changed: float = field(default_factory=_now)
    pinned: str | None = None
    deleted: float | None = None
    own_group: str | None = None

    @property
    def state(self) -> str:
        if self.deleted is not None:
            return "deleting"
        if self.pinned is not None:
            return self.pinned
        return "pending" if self.kind == "Interface" and self._young(self.changed) else "available"

    @property
    def gone(self) -> bool:
        return self.deleted is not None and not self._young(self.deleted)

    def _young(self, since: float) -> bool:
        return WORLD.now() - since < WORLD.pace.endpoint

    def touch(self) -> None:
        """Network interfaces come or go: the endpoint is pending until they have."""
        self.changed, self.pinned = WORLD.now(), None

    @property
    def interfaces(self) -> dict[str, str]:
        """Network interface ids by subnet."""
        return {subnet: fixed_id("eni", self.id, subnet) for subnet in self.subnets}


_STORE: dict[tuple[str, str], dict[str, Endpoint]] = {}
# Zones where a region's guardduty-data service is offered, where a fleet file limits them.
SERVICE_ZONES: dict[tuple[str, str], tuple[str, ...]] = {}


def clear() -> None:
    _STORE.clear()
    SERVICE_ZONES.clear()


def live(account: str, region: str) -> dict[str, Endpoint]:
    """The account's endpoints. What has finished deleting leaves with its tags, and GuardDuty's with its group."""
    endpoints = _STORE.setdefault((account, region), {})
    for each in [each for each in endpoints.values() if each.gone]:
        del endpoints[each.id]
        state = ec2_state.backend(account, region)
        state.tags.pop(each.id, None)
        if each.own_group is not None:
            state.groups[each.vpc_id].pop(each.own_group, None)
            state.tags.pop(each.own_group, None)
    return endpoints


def guardduty_service(region: str) -> str:
    return f"com.amazonaws.{region}.guardduty-data"


def offered_zones(account: str, region: str, zones: list[str]) -> list[str]:
    limited = SERVICE_ZONES.get((account, region))
    return [zone for zone in zones if limited is None or zone in limited]


def add(endpoint: Endpoint, tags: dict[str, str]) -> Endpoint:
    live(endpoint.account, endpoint.region)[endpoint.id] = endpoint
    if tags:
        ec2_state.backend(endpoint.account, endpoint.region).tags[endpoint.id].update(tags)
    return endpoint


def load(account: str, region: str, vpc: VPC, subnets: list[Subnet], spec: EndpointSpec) -> None:
    """The endpoint that a fleet file describes: settled for as long as it says, whatever the pace."""
    managed = spec.owner == "guardduty"
    group = guardduty_group(vpc) if managed else _operator_group(vpc)
    if spec.security_group == "open":
        open_to_vpc(vpc, group)
    endpoint = Endpoint(
        id=fixed_id("vpce", account, region, vpc.id),
        account=account,
        region=region,
        vpc_id=vpc.id,
        service=guardduty_service(region),
        kind="Interface",
        subnets=[subnet.id for subnet in subnets],
        groups=[group.id],
        policy=_described_policy(account, spec.policy),
        private_dns=spec.private_dns,
        pinned=spec.state,
        own_group=group.id if managed else None,
    )
    add(endpoint, dict(MANAGED) if managed else {"Name": f"guardduty-{vpc.id}"})


def _described_policy(account: str, word: str) -> str:
    if word == "open":
        return policy.FULL_ACCESS
    if word == "denied":
        return policy.for_accounts("aws:PrincipalAccount", _OTHER_ACCOUNT)
    if word == "organization" and WORLD.organization is not None:
        return policy.for_accounts("aws:PrincipalOrgID", WORLD.organization.organization_id)
    return policy.for_accounts("aws:PrincipalAccount", account)


def guardduty_group(vpc: VPC) -> SecurityGroup:
    """The security group that GuardDuty creates for its endpoint (name as seen in many public scripts)."""
    group = _group(
        vpc, f"GuardDutyManagedSecurityGroup-{vpc.id}", "Associated with VPC-endpoint and tagged as GuardDuty"
    )
    vpc.ec2_backend.tags[group.id].update(MANAGED)
    return group


def _operator_group(vpc: VPC) -> SecurityGroup:
    return _group(vpc, "guardduty-endpoint", "HTTPS to the GuardDuty endpoint")


def _group(vpc: VPC, name: str, description: str) -> SecurityGroup:
    state = vpc.ec2_backend
    group_id = fixed_id("sg", vpc.id, name)
    found = state.groups[vpc.id].get(group_id)
    if found is None:
        found = state.groups[vpc.id][group_id] = SecurityGroup(state, group_id, name, description, vpc.id)
    return found


def open_to_vpc(vpc: VPC, group: SecurityGroup) -> None:
    """TCP 443 from every CIDR of the VPC: GuardDuty user guide, "Validating VPC endpoint configuration"."""
    if not group.ingress_rules:
        vpc.ec2_backend.authorize_security_group_ingress(
            group.id, "tcp", "443", "443", [{"CidrIp": cidr} for cidr in ec2_state.vpc_cidrs(vpc)], vpc_id=vpc.id
        )


def policy_text(document: str) -> str:
    """The document as EC2 returns it: pretty-printed, not as it was sent."""
    return json.dumps(json.loads(document), indent=2)
