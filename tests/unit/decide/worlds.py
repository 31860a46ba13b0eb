# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small worlds for verdicts: an instance without blockers, so that a test states only what it changes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import (
    Choices,
    Verdict,
    judge_area,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import (
    AccountRegion,
    CoverageRow,
    Detector,
    Endpoint,
    Feature,
    Ingress,
    Instance,
    Node,
    SecurityGroup,
    Snapshot,
    Vpc,
)

ACCOUNT = "111111111111"
OTHER_ACCOUNT = "222222222222"
REGION = "eu-west-1"
VPC = "vpc-0a"
ID = "i-0123456789abcdef0"
GROUP = "sg-0a"


def instance(**changes: Any) -> Instance:
    return replace(
        Instance(
            instance_id=ID,
            account_id=ACCOUNT,
            region=REGION,
            state="running",
            platform="linux",
            architecture="x86_64",
            instance_type="m6i.large",
            vpc_id=VPC,
        ),
        **changes,
    )


def tagged(value: str | None, **changes: Any) -> Instance:
    return instance(tags={} if value is None else {"GuardDutyManaged": value}, **changes)


def detector(monitoring: bool = True, automated: bool = False, status: str = "ENABLED") -> Detector:
    feature = Feature(enabled=monitoring, additional={"EC2_AGENT_MANAGEMENT": automated})
    return Detector("d1", status, {"RUNTIME_MONITORING": feature})


def node(ping: str = "Online", name: str | None = "Amazon Linux", version: str | None = "2023", id: str = ID) -> Node:
    return Node(id, ping, "3.3.0.0", name, version)


def row(status: str = "HEALTHY", **changes: Any) -> CoverageRow:
    return CoverageRow(ID, status, **changes)


def endpoint(**changes: Any) -> Endpoint:
    return replace(
        Endpoint(
            endpoint_id="vpce-0a",
            vpc_id=VPC,
            service_name=f"com.amazonaws.{REGION}.guardduty-data",
            state="available",
            private_dns=True,
            security_group_ids=(GROUP,),
            policy=policy(deny_others_than(ACCOUNT)),
        ),
        **changes,
    )


def group(*cidrs: str, id: str = GROUP, ports: tuple[int, int] = (443, 443), **changes: Any) -> SecurityGroup:
    return SecurityGroup(id, "agents", VPC, (replace(Ingress("tcp", *ports, cidrs), **changes),))


ALLOW_ALL = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


def deny_others_than(*accounts: str) -> dict[str, Any]:
    """The Deny statement that GuardDuty documents, for one account or for a list."""
    named: Any = accounts[0] if len(accounts) == 1 else list(accounts)
    return {**ALLOW_ALL, "Effect": "Deny", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": named}}}


def policy(*more: dict[str, Any], allow: bool = True) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [*([ALLOW_ALL] if allow else []), *more]})


@dataclass(frozen=True)
class World:
    """One instance in one account and region. The VPC endpoint works and SSM is online unless changed."""

    instance: Instance = field(default_factory=instance)
    detector: Detector = field(default_factory=detector)
    node: Node | None = field(default_factory=node)
    row: CoverageRow | None = field(default_factory=row)
    vpc: Vpc | None = Vpc(VPC, ACCOUNT, ("10.0.0.0/16",), True, True)
    endpoints: tuple[Endpoint, ...] = field(default_factory=lambda: (endpoint(),))
    groups: tuple[SecurityGroup, ...] = field(default_factory=lambda: (group("10.0.0.0/16"),))
    unknown: frozenset[str] = frozenset()
    choices: Choices = Choices()

    def area(self) -> AccountRegion:
        """As observe() joins it: what is unknown has no value."""
        known = self.unknown.isdisjoint
        return AccountRegion(
            account_id=ACCOUNT,
            region=REGION,
            instances=(self.instance,),
            nodes={self.node.instance_id: self.node} if self.node and known({"ssm"}) else {},
            coverage={self.row.instance_id: self.row} if self.row and known({"coverage"}) else {},
            detector=self.detector if known({"detector"}) else Detector(),
            vpcs={self.vpc.vpc_id: self.vpc} if self.vpc and known({"vpcs"}) else {},
            endpoints={VPC: self.endpoints} if self.endpoints and known({"endpoints"}) else {},
            security_groups={one.group_id: one for one in self.groups} if known({"security_groups"}) else {},
            unknown=self.unknown,
        )

    def verdict(self) -> Verdict:
        (verdict,) = judge_area(self.area(), self.choices)
        return verdict


def judged(**changes: Any) -> Verdict:
    return replace(World(), **changes).verdict()


def snapshot(*instances: Instance, **changes: Any) -> Snapshot:
    return Snapshot((replace(AccountRegion(ACCOUNT, REGION, tuple(instances), detector=detector()), **changes),))
