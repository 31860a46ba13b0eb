# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of an offboarding as sentences: what will be done, and what remains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .plan import LEFT, Choice

NAMED = 3
# Sub-features whose agents run on clusters, which are not read here.
CLUSTERS = {"eks_addon_management": "EKS add-on management", "ecs_fargate_agent_management": "Fargate agent management"}


def steps_text(work: Mapping[str, Any], fleet: Mapping[str, Any], choice: Choice) -> list[str]:
    """The planned steps, in order."""
    lists = (
        (work["automated_areas"], "Turn off automated agent configuration in"),
        (work["clear_ids"], "Remove the inclusion tag from"),
        (work["exclude_ids"], "Exclude by tag"),
        (work["install_association_areas"], "Delete the collection's install association, if it exists, in"),
        (work["uninstall_ids"], "Uninstall the agent through Systems Manager from"),
        (work["endpoint_vpc_ids"], "Delete the endpoints and their security groups, if they exist, in"),
        (work["areas"] if choice.disable_monitoring else (), "Turn off Runtime Monitoring in"),
    )
    return [f"{what} {_named(values)}." for values, what in lists if values] + list(_clusters(work, fleet, choice))


def left_text(work: Mapping[str, Any]) -> list[str]:
    """What remains, a sentence for each reason."""
    return [*_agents_text(work["left_behind"]), *_asleep(work["not_running_ids"]), *_kept(work["kept_vpcs"])]


def _agents_text(left: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for reason, (why, remedy) in LEFT.items():
        rows = [row for row in left if row["reason"] == reason]
        seen = [row["instance_id"] for row in rows if row["agent_seen"]]
        unseen = [row["instance_id"] for row in rows if not row["agent_seen"]]
        if seen:
            costs = "and is charged for while Runtime Monitoring is on"
            yield f"An agent remains {costs} on {_named(seen)}: {why} {remedy}"
        if unseen:
            yield f"It is unknown whether an agent remains on {_named(unseen)}: {why} {remedy}"


def _asleep(ids: Sequence[str]) -> Iterator[str]:
    if ids:
        yield (
            f"Not running: {_named(ids)}. The association will uninstall their agents when they start; until then, the agents"
            " stay on their disks."
        )


def _kept(vpcs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for why in dict.fromkeys(vpc["why"] for vpc in vpcs):
        ids = [vpc["vpc_id"] for vpc in vpcs if vpc["why"] == why]
        yield f"An endpoint remains in {_named(ids)}: {why}"


def _clusters(work: Mapping[str, Any], fleet: Mapping[str, Any], choice: Choice) -> Iterator[str]:
    """GuardDuty creates endpoints for these too; whether a VPC has such a cluster is unknown here."""
    if choice.disable_monitoring:
        return
    for option, name in CLUSTERS.items():
        places = [
            place
            for row in fleet["settings"]
            if row[option] and (place := f"{row['account_id']}/{row['region']}") in work["areas"]
        ]
        if places:
            yield f"{name} stays on in {_named(places)}: GuardDuty keeps its endpoints in the VPCs of such clusters."


def _named(values: Iterable[str]) -> str:
    every = list(values)
    return ", ".join(every[:NAMED]) + (f" and {len(every) - NAMED} more" if len(every) > NAMED else "")
