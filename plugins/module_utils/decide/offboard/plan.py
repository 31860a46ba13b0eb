# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do where Runtime Monitoring is taken away again, so that nothing comes back and nothing is forgotten.

Sources: GuardDuty user guide, "Disabling, uninstalling, and cleaning up resources in Runtime Monitoring" (agents stay and
cost when automation goes off), "How Runtime Monitoring works with Amazon EC2 instances" (an endpoint for each VPC with a
Linux instance), "Using infrastructure as code with GuardDuty automated security agents" (what keeps a VPC from deletion).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]

BY_AUTOMATION, BY_TAGS = "automated_agent_off", "tags"
GONE = ("terminated", "shutting-down")
# On these no agent of Runtime Monitoring can be.
UNSUPPORTED = frozenset({"instance_gone", "platform_unsupported", "architecture_unsupported", "operator_managed"})

ON_HOST = "Remove the package amazon-guardduty-agent on the host itself."
# Why an agent stays, and what to do.
LEFT = {
    "still_managed": (
        "GuardDuty would install it again, since its automation could not be stopped for this instance.",
        "Mend what failed above, then run this again.",
    ),
    "ssm_absent": ("Systems Manager does not know the instance.", ON_HOST),
    "ssm_lost": ("Systems Manager has lost the connection to the instance.", f"Restart its SSM Agent, or: {ON_HOST}"),
    "ssm_unknown": ("Whether Systems Manager reaches it could not be read.", "Allow the call that failed."),
    "uninstall_failed": ("The document could not uninstall it.", f"Read the output in State Manager, or: {ON_HOST}"),
}
COMES_BACK = (
    "GuardDuty makes its endpoint anew as long as it brings agents to the account and a Linux instance lives in the VPC:"
    " terminate the instances, or turn automated agent configuration off, then run this again."
)
GUARDDUTYS = "The endpoint is GuardDuty's own: set include_guardduty to delete it."


@dataclass(frozen=True, slots=True)
class Choice:
    """What the operator wants. C(vpc_ids) empty: everything that was read.

    C(tag): the mark by which associations find their instances, C(install) and C(uninstall) its values.
    """

    vpc_ids: tuple[str, ...] = ()
    stop_by: str = BY_AUTOMATION
    include_guardduty: bool = False
    disable_monitoring: bool = False
    tag: str = "fleetsec-guardduty-route"
    install: str = "ssm"
    uninstall: str = "uninstall"

    def selects(self, vpc_id: str | None) -> bool:
        return not self.vpc_ids or vpc_id in self.vpc_ids


@dataclass(frozen=True, slots=True)
class Done:
    """The results of steps that were taken: what they were for and could not do is taken into account. None: not yet."""

    automation: Row | None = None
    tags: Row | None = None
    uninstall: Row | None = None


def refused(choice: Mapping[str, Any]) -> str | None:
    """Why the choice itself cannot be granted, or None. C(choice) holds the playbook's variables."""
    if bool(choice["vpc_ids"]) == bool(choice["all_vpcs"]):
        return (
            "Say what to take Runtime Monitoring away from: vpc_ids for some VPCs, or all_vpcs=true for everything in the"
            " chosen accounts and regions, and not both."
        )
    if choice["stop_by"] not in (BY_AUTOMATION, BY_TAGS):
        return f"stop_by is '{choice['stop_by']}'; it can be {BY_AUTOMATION} or {BY_TAGS}."
    if choice["disable_monitoring"] and (choice["vpc_ids"] or choice["stop_by"] == BY_TAGS):
        return (
            "disable_monitoring turns Runtime Monitoring off in whole accounts and regions: it goes with all_vpcs=true and"
            f" stop_by={BY_AUTOMATION}."
        )
    return None


def offboard(fleet: Row, vpcs: Iterable[Row], choice: Choice, done: Done = Done()) -> dict[str, Any]:
    """The work lists. C(fleet) is what eligibility_info returns, C(vpcs) the rows of vpc_endpoint_info."""
    world = _World(fleet, tuple(vpcs), choice, done)
    return {
        "areas": sorted(world.areas),
        "automated_areas": sorted(world.automated),
        "clear_ids": _ids(world.to_clear),
        "exclude_ids": _ids(world.to_exclude),
        **_agents(world),
        **_network(world),
    }


class _World:
    """The fleet as it is, and as far as the stopping steps have been taken, as they leave it."""

    def __init__(self, fleet: Row, vpcs: Sequence[Row], choice: Choice, done: Done) -> None:
        self.choice, self.done, self.vpcs = choice, done, vpcs
        read = set(fleet["areas_read"])
        self.settings = {area: row for row in fleet["settings"] if (area := _place(row)) in read}
        self.known = [row for row in fleet["instances"] if _area(row) in self.settings and row["gd_state"] not in GONE]
        self.selected = [row for row in self.known if choice.selects(row["gd_vpc_id"])]
        self.supported = [row for row in self.selected if row["gd_reason"] not in UNSUPPORTED]
        vpc_sites = {_place(row) for row in vpcs if row["vpc_id"] in choice.vpc_ids}
        chosen = {_area(row) for row in self.selected} | vpc_sites if choice.vpc_ids else set(self.settings)
        self.areas = chosen & set(self.settings)
        by_tags = choice.stop_by == BY_TAGS
        automated = {area for area in self.areas if self.settings[area]["ec2_agent_management"]}
        self.automated = set() if by_tags else automated
        self.to_exclude = self.supported if by_tags else []
        self.to_clear = [] if by_tags else [row for row in self.selected if row["gd_tag"] == "included"]
        self.stopped_areas = self.automated & _changed_areas(done.automation, self.automated)
        asked = set(_ids([*self.to_exclude, *self.to_clear]))
        self.tagged_ids = set() if _crashed(done.tags) else asked - _failed_ids(done.tags)
        # GuardDuty's own automation heeds an exclusion only where it can read it.
        self.excluded_ids = self.tagged_ids - set((done.tags or {}).get("forbidden_keys") or ()) if by_tags else set()
        self.returning_vpcs = {
            row["gd_vpc_id"] for row in self.known if row["gd_platform"] == "linux" and self._brings_endpoint(row)
        }

    def automates(self, row: Row) -> bool:
        """Whether automated agent configuration stays on where the instance is."""
        area = _area(row)
        return bool(self.settings[area]["ec2_agent_management"]) and area not in self.stopped_areas

    def included(self, row: Row) -> bool:
        """Whether the instance keeps its inclusion tag."""
        return row["gd_tag"] == "included" and row["gd_instance_id"] not in self.tagged_ids

    def managed(self, row: Row) -> bool:
        """Whether GuardDuty goes on bringing the agent to the instance."""
        if self.automates(row):
            return row["gd_instance_id"] not in self.excluded_ids and row["gd_reason"] != "excluded_by_tag"
        return bool(self.settings[_area(row)]["runtime_monitoring"]) and self.included(row)

    def _brings_endpoint(self, row: Row) -> bool:
        """Whether GuardDuty makes an endpoint for the instance's VPC: with automation its exclusion does not matter."""
        return self.automates(row) or (bool(self.settings[_area(row)]["runtime_monitoring"]) and self.included(row))


def _agents(world: _World) -> dict[str, Any]:
    """Whose agents our association uninstalls, and whose stay.

    An instance that does not run is marked too: the association reaches it when it starts. One that Systems Manager has
    lost is not, since the run would wait for it.
    """
    choice, uninstall, left, asleep = world.choice, [], [], []
    for row in world.supported:
        reason = _out_of_reach(world, row)
        if reason is None:
            uninstall.append(row)
            if row["gd_state"] != "running":
                asleep.append(row)
        elif _may_have_agent(world, row):
            left.append(_left(row, reason))
    marks = {row["gd_instance_id"]: row["gd_tags"].get(choice.tag) for row in world.selected}
    marked = set(_ids(uninstall))
    outside = [row for row in world.known if not choice.selects(row["gd_vpc_id"])]
    failed = _unfinished_ids(world.done.uninstall)
    left += [_left(row, "uninstall_failed") for row in uninstall if row["gd_instance_id"] in failed]
    return {
        "uninstall_ids": _ids(uninstall),
        "uninstall_areas": sorted({_area(row) for row in uninstall}),
        "unmark_ids": [one for one, mark in marks.items() if mark == choice.install and one not in marked],
        "install_association_areas": sorted(world.areas - _areas_with_mark(outside, choice.tag, choice.install)),
        "trace_ids": [one for one, mark in marks.items() if mark == choice.uninstall],
        "trace_areas": sorted(world.areas - _areas_with_mark(outside, choice.tag, choice.uninstall)),
        "not_running_ids": _ids(asleep),
        "left_behind": left,
    }


def _out_of_reach(world: _World, row: Row) -> str | None:
    if world.managed(row):
        return "still_managed"
    if row["gd_state"] != "running" or row["gd_ssm"] == "online":
        return None
    return f"ssm_{row['gd_ssm']}"


def _may_have_agent(world: _World, row: Row) -> bool:
    """GuardDuty sees the agent, or cannot be asked: it keeps no coverage while Runtime Monitoring is off."""
    blind = not world.settings[_area(row)]["runtime_monitoring"] or row["gd_coverage"] == "unknown"
    return blind or agent_seen(row)


def agent_seen(row: Row) -> bool:
    return bool(row["gd_agent_version"]) or row["gd_coverage"] == "healthy"


def _left(row: Row, reason: str) -> dict[str, Any]:
    why, remedy = LEFT[reason]
    return {
        "instance_id": row["gd_instance_id"],
        "account_id": row["gd_account_id"],
        "region": row["gd_region"],
        "vpc_id": row["gd_vpc_id"],
        "agent_seen": agent_seen(row),
        "reason": reason,
        "why": why,
        "remedy": remedy,
    }


def _network(world: _World) -> dict[str, Any]:
    choice = world.choice
    kept: list[dict[str, Any]] = []
    doomed = []
    for vpc in world.vpcs:
        if _place(vpc) not in world.areas or not choice.selects(vpc["vpc_id"]):
            continue
        if vpc["vpc_id"] in world.returning_vpcs:
            if vpc["endpoint_id"]:
                kept.append(_kept(vpc, COMES_BACK))
            continue
        if not choice.vpc_ids and vpc["vpc_owner_id"] != vpc["account_id"]:
            continue  # its owner's to free
        doomed.append(vpc["vpc_id"])
        # With Runtime Monitoring GuardDuty takes its own endpoints away itself.
        if vpc["owner"] == "guardduty" and not choice.include_guardduty and not choice.disable_monitoring:
            kept.append(_kept(vpc, GUARDDUTYS))
    known = {vpc["vpc_id"] for vpc in world.vpcs}
    # What nobody knows is handed on, so that the module says so.
    return {"endpoint_vpc_ids": [*doomed, *(one for one in choice.vpc_ids if one not in known)], "kept_vpcs": kept}


def _kept(vpc: Row, why: str) -> dict[str, Any]:
    return {**{key: vpc[key] for key in ("vpc_id", "account_id", "region", "endpoint_id")}, "why": why}


def _place(row: Row) -> str:
    return f"{row['account_id']}/{row['region']}"


def _area(row: Row) -> str:
    return f"{row['gd_account_id']}/{row['gd_region']}"


def _ids(rows: Iterable[Row]) -> list[str]:
    return [row["gd_instance_id"] for row in rows]


def _areas_with_mark(rows: Iterable[Row], tag: str, value: str) -> set[str]:
    return {_area(row) for row in rows if row["gd_tags"].get(tag) == value}


def _changed_areas(result: Row | None, expected: set[str]) -> set[str]:
    """Where a step made its change. Before it was taken: everywhere."""
    if result is None:
        return expected
    return {_place(change) for change in result.get("changes") or ()}


def _failed_ids(result: Row | None) -> set[str]:
    return {failure["target"] for failure in (result or {}).get("failed_changes") or ()}


def _crashed(result: Row | None) -> bool:
    """Whether a module ended before it had a plan. A task that was skipped had nothing to do."""
    return result is not None and "changes" not in result and not result.get("skipped")


def _unfinished_ids(result: Row | None) -> set[str]:
    """The instances on which a run of an association did not succeed."""
    rows = [*((result or {}).get("failed_targets") or ()), *((result or {}).get("unfinished_targets") or ())]
    return {row["instance_id"] for row in rows}
