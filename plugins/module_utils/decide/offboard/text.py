# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of an offboarding in sentences: what will be done, and what stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..wording import some
from .plan import LEFT, Choice, Fleet, KeptVpc, LeftBehind, OffboardPlan


def steps_text(plan: OffboardPlan, fleet: Fleet, choice: Choice) -> list[str]:
    """The planned steps, in order."""
    lists = (
        (plan.automated_areas, "Turn off automated agent configuration in"),
        (plan.clear_ids, "Remove the inclusion tag from"),
        (plan.exclude_ids, "Exclude by tag"),
        (plan.install_association_areas, "Delete the collection's install association, if it exists, in"),
        (plan.uninstall_ids, "Uninstall the agent through Systems Manager from"),
        (plan.endpoint_vpc_ids, "Delete the endpoints and their security groups, if they exist, in"),
        (plan.areas if choice.disable_monitoring else (), "Turn off Runtime Monitoring in"),
    )
    return [f"{what} {some(values)}." for values, what in lists if values] + list(_clusters(plan, fleet, choice))


def left_text(plan: OffboardPlan) -> list[str]:
    """What remains, a sentence for each reason."""
    return [*_agents(plan.left_behind), *_not_running(plan.not_running_ids), *_kept(plan.kept_vpcs)]


def _agents(left: Iterable[LeftBehind]) -> Iterator[str]:
    for reason, (why, remedy) in LEFT.items():
        agents = [agent for agent in left if agent.reason == reason]
        seen = [agent.instance_id for agent in agents if agent.agent_seen]
        unseen = [agent.instance_id for agent in agents if not agent.agent_seen]
        if seen:
            costs = "and is charged for while Runtime Monitoring is on"
            yield f"An agent remains {costs} on {some(seen)}: {why} {remedy}"
        if unseen:
            yield f"It is unknown whether an agent remains on {some(unseen)}: {why} {remedy}"


def _not_running(ids: Sequence[str]) -> Iterator[str]:
    if ids:
        yield (
            f"Not running: {some(ids)}. The association will uninstall their agents when they start; until then, the agents"
            " stay on their disks."
        )


def _kept(vpcs: Sequence[KeptVpc]) -> Iterator[str]:
    for why in dict.fromkeys(vpc.why for vpc in vpcs):
        yield f"An endpoint remains in {some(vpc.vpc_id for vpc in vpcs if vpc.why == why)}: {why}"


def _clusters(plan: OffboardPlan, fleet: Fleet, choice: Choice) -> Iterator[str]:
    """GuardDuty creates endpoints for these too; whether a VPC has such a cluster is unknown here."""
    if choice.disable_monitoring:
        return
    here = [(str(area), settings) for area, settings in fleet.settings.items() if str(area) in plan.areas]
    clusters = {
        "EKS add-on management": [area for area, settings in here if settings.eks_addon_management],
        "Fargate agent management": [area for area, settings in here if settings.ecs_fargate_agent_management],
    }
    for name, areas in clusters.items():
        if areas:
            yield f"{name} stays on in {some(areas)}: GuardDuty keeps its endpoints in the VPCs of such clusters."
