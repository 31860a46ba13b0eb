# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the emulated AWS knows beyond moto: SSM nodes, agents, roles, the organization and the pace of events."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, fields
from typing import Literal

SsmState = Literal["online", "lost", "absent"]
AgentOrigin = Literal["guardduty", "manual"]


@dataclass
class Agent:
    """A GuardDuty agent on an instance. C(since) is when it started to run, in world seconds."""

    version: str
    by: AgentOrigin
    running: bool = True
    since: float = 0.0


@dataclass
class Node:
    """What a host knows of itself and EC2 does not: its operating system, its SSM agent, its GuardDuty agent."""

    instance_id: str
    account_id: str
    region: str
    ssm: SsmState = "absent"
    ssm_agent_version: str = "3.3.1611.0"
    os_name: str = "Amazon Linux"
    os_version: str = "2023"
    kernel: str = "6.1"
    agent: Agent | None = None
    cluster_arn: str | None = None
    # Its SSM Agent reports from this world second on.
    registers: float = 0.0


@dataclass
class Pace:
    """Seconds that slow things take. All zero: everything happens at once, as most tests want."""

    endpoint: float = 0.0
    association: float = 0.0
    coverage: float = 0.0
    member: float = 0.0
    registration: float = 0.0


@dataclass
class Account:
    account_id: str
    name: str
    email: str
    status: str = "ACTIVE"
    roles: frozenset[str] = frozenset()


@dataclass
class Organization:
    organization_id: str
    management_account_id: str
    guardduty_administrator_id: str | None = None
    member_limit: int = 50_000


@dataclass(frozen=True)
class Caller:
    """Who sent the request that is being answered."""

    account: str
    arn: str
    user_id: str


@dataclass(frozen=True)
class Session:
    """Keys that AssumeRole gave out: they act as a role in that role's account."""

    account_id: str
    arn: str
    user_id: str
    token: str


@dataclass(frozen=True)
class LeftOut:
    """Accounts that a call on many leaves unprocessed; none named means all."""

    accounts: frozenset[str]
    reason: str

    def covers(self, account: str) -> bool:
        return not self.accounts or account in self.accounts


@dataclass(frozen=True)
class DetectorSettings:
    """What the fleet file says of GuardDuty in one account and region: the detector's features at the start."""

    runtime_monitoring: bool = False
    ec2_agent_management: bool = False
    eks_addon_management: bool = False
    ecs_fargate_agent_management: bool = False
    eks_runtime_monitoring: bool = False
    managed_by_policy: bool = False


@dataclass
class World:
    """One emulated AWS. Everything that changes it holds C(lock): moto itself is not thread-safe."""

    accounts: dict[str, Account] = field(default_factory=dict)
    organization: Organization | None = None
    caller_account_id: str = "123456789012"
    pace: Pace = field(default_factory=Pace)
    link_local: set[tuple[str, str]] = field(default_factory=set)
    nodes: dict[tuple[str, str], dict[str, Node]] = field(default_factory=dict)
    detectors: dict[tuple[str, str], DetectorSettings] = field(default_factory=dict)
    opted_out: set[tuple[str, str]] = field(default_factory=set)
    sessions: dict[str, Session] = field(default_factory=dict)
    caller: Caller | None = None
    # Of the call being answered: accounts that a fault leaves unprocessed, with the reasons.
    left_out: LeftOut | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def now(self) -> float:
        """Seconds on the world's clock (monotonic: the time of day plays no part)."""
        return time.monotonic()

    def nodes_in(self, account_id: str, region: str) -> dict[str, Node]:
        return self.nodes.setdefault((account_id, region), {})

    def clear(self) -> None:
        fresh = World()
        for each in fields(World):
            if each.name != "lock":
                setattr(self, each.name, getattr(fresh, each.name))


WORLD = World()
# Told when a message has come into a queue. Who waits for it lets go of the world.
ARRIVED = threading.Condition(WORLD.lock)
