# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Coverage computed from the world: which instances have a row, and whether it is healthy."""

from __future__ import annotations

import time

from . import ec2_view, guardduty_state, ssm_plugin, ssm_state
from .coverage_rows import Facts, Row, Shown, row
from .ec2_view import Ec2Instance
from .guardduty_state import GuardDutyState
from .world import WORLD, Agent, Node

# GuardDuty user guide, "How the security agent connects to GuardDuty": agents from this version on try link-local.
_FIRST_LINK_LOCAL = (1, 17, 1)


# Types and messages: GuardDuty user guide, "Troubleshooting Amazon EC2 runtime coverage issues". How the one string
# of ListCoverage joins them is not documented: TYPE: MESSAGE here, and the type alone where the page has no message.
def issue(kind: str, message: str = "") -> str:
    return f"{kind}: {message}" if message else kind


NO_AGENT = issue("No Agent Reporting")
WAITING = issue("No Agent Reporting", "Waiting for SSM notification")
DISCONNECTED = issue("No Agent Reporting", "Agent disconnected")
EXCLUDED = issue("Agent Not Provisioned", "Instances with exclusion tags are excluded from Runtime Monitoring.")
KERNEL = {
    "lower": issue("Agent Not Provisioned", "Kernel version is lower than the supported version."),
    "higher": issue("Agent Not Provisioned", "Kernel version is higher than the supported version."),
}
NO_IDENTITY = issue("Agent Not Provisioned", "Unable to retrieve instance identity document.")
EXECUTION_FAILED = issue(
    "SSM Instance Association Execution Failed", "Architectural requirements or other prerequisites are not met."
)
ASSOCIATION_EXISTS = issue(
    "SSM Association Creation Failed", "GuardDuty SSM association already exists in your account"
)
TOO_MANY_ASSOCIATIONS = issue("SSM Association Creation Failed", "Your account has too many SSM associations")
ASSOCIATION_LOST = issue("SSM Association Updation Failed", "GuardDuty SSM association does not exist in your account")


def endpoint_failed(message: str) -> str:
    return issue("VPC Endpoint Creation Failed", message)


def managed(instance: Ec2Instance, automated: bool) -> bool:
    """Whether GuardDuty manages the agent, Runtime Monitoring being on (GuardDuty user guide, EC2 pages).

    ECS Managed Instances are not supported (same guide), hence no instance that an AWS operator runs.
    """
    if instance.platform != "linux" or instance.operator_principal is not None:
        return False
    if automated:
        return not ssm_plugin.excluded(instance)
    return instance.tags.get(ssm_plugin.TAG) == "true"


class _Eyes:
    """GuardDuty's check of one account and region, with one query per VPC."""

    def __init__(self, state: GuardDutyState) -> None:
        self._account, self._region = state.account_id, state.region_name
        self._management = state.management
        self._automated = state.automated
        self._ssm = ssm_state.state(self._account, self._region)
        self._link_local = (self._account, self._region) in WORLD.link_local
        self._ways: dict[str, bool] = {}

    def _has_way(self, instance: Ec2Instance, agent: Agent) -> bool:
        """Link-local is for agents of the automated configuration; everyone else needs an endpoint (same page)."""
        if self._link_local and agent.by == "guardduty" and ssm_plugin.numbers(agent.version) >= _FIRST_LINK_LOCAL:
            return True
        vpc = instance.vpc_id
        if vpc is None:
            return False
        if vpc not in self._ways:
            self._ways[vpc] = ec2_view.endpoint_way(self._account, self._region, vpc).state == "usable"
        return self._ways[vpc]

    def _without_agent(self, instance: Ec2Instance, node: Node | None, is_managed: bool) -> str:
        if not is_managed:
            return EXCLUDED if instance.tags.get(ssm_plugin.TAG) == "false" else NO_AGENT
        if self._management.association_problem:
            return self._management.association_problem
        if node is not None and self._ssm.failed_on(self._management.association_id, instance.instance_id):
            return EXECUTION_FAILED
        return WAITING

    def _issue(self, instance: Ec2Instance, node: Node | None, is_managed: bool) -> str | None:
        agent = node.agent if node is not None else None
        verdict = ssm_plugin.kernel_verdict(node.kernel) if node is not None else None
        if agent is None:
            if verdict and is_managed:
                return KERNEL[verdict]
            return self._without_agent(instance, node, is_managed)
        if not instance.imds:
            return NO_IDENTITY
        if verdict:
            return KERNEL[verdict]
        if not agent.running:
            return DISCONNECTED
        if self._has_way(instance, agent):
            return None
        return self._management.endpoint_problems.get(instance.vpc_id or "", NO_AGENT)

    def facts(self, instance: Ec2Instance, node: Node | None) -> Facts:
        is_managed = managed(instance, self._automated)
        agent = node.agent if node is not None else None
        return Facts(
            instance.instance_id,
            instance.instance_type,
            is_managed,
            self._issue(instance, node, is_managed),
            agent.version if agent is not None else None,
            node.cluster_arn if node is not None else None,
        )


def truth(state: GuardDutyState) -> dict[str, Facts]:
    """The current coverage of every running Linux instance where Runtime Monitoring is on.

    Whether AWS lists instances of an operator (ECS Managed Instances, unsupported) is not documented: not here.
    """
    if not state.runtime:
        return {}
    eyes = _Eyes(state)
    nodes = WORLD.nodes_in(state.account_id, state.region_name)
    return {
        instance.instance_id: eyes.facts(instance, nodes.get(instance.instance_id))
        for instance in ec2_view.instances(state.account_id, state.region_name)
        if instance.platform == "linux" and instance.state == "running" and instance.operator_principal is None
    }


def evaluate(state: GuardDutyState) -> None:
    """Bring what is shown up to date: a change shows C(pace.coverage) seconds after it happened."""
    now, pace = WORLD.now(), WORLD.pace.coverage
    if not state.evaluated and state.changed_at is None:
        at = now - pace  # it has been so for ever: nothing to wait for
    else:
        at = state.changed_at if state.changed_at is not None else now
    state.evaluated, state.changed_at = True, None
    current = truth(state)
    shown = state.shown
    for instance_id in shown.keys() | current.keys():
        facts = current.get(instance_id)
        there = shown.setdefault(instance_id, Shown())
        if facts != there.newest:
            there.coming, there.since = facts, at
        if there.since is not None and now >= there.since + pace:
            there.visible, there.coming, there.since = there.coming, None, None
            there.updated = time.time()
        if there.visible is None and there.since is None:
            del shown[instance_id]


def rows(account: str, region: str) -> list[Row]:
    """Every row that an account's detector shows, its active members' included for an administrator."""
    found: list[Row] = []
    for one in guardduty_state.visible(account, region):
        state = guardduty_state.state(one, region)
        evaluate(state)
        if state.detector is not None:
            detector_id = state.detector.detector_id
            found += [
                row(s.visible, one, detector_id, s.updated) for s in state.shown.values() if s.visible is not None
            ]
    return found
