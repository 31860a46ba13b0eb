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
from dataclasses import dataclass, fields
from typing import Any

from ...model.fleet import AreaKey, InArea
from ..fleet.eligibility_report import AreaSettings, settings_from
from ..verdict.eligibility import Verdict
from ..verdict.rows import RowError, read_rows, verdict_of

Result = Mapping[str, Any]

BY_AUTOMATION, BY_TAGS = "automated_agent_off", "tags"
# On these no agent of Runtime Monitoring can be.
UNSUPPORTED = frozenset({"instance_gone", "platform_unsupported", "architecture_unsupported", "operator_managed"})

ON_HOST = "Remove the package amazon-guardduty-agent on the host itself."
# Why an agent stays, and what to do.
LEFT = {
    "still_managed": (
        "GuardDuty would install it again, since its automation could not be stopped for this instance.",
        "Fix the failure above, then run this again.",
    ),
    "ssm_absent": ("Systems Manager does not know the instance.", ON_HOST),
    "ssm_lost": ("Systems Manager has lost the connection to the instance.", f"Restart its SSM Agent, or: {ON_HOST}"),
    "ssm_unknown": ("Whether Systems Manager reaches it could not be read.", "Allow the call that failed."),
    "uninstall_failed": ("The document could not uninstall it.", f"Read the output in State Manager, or: {ON_HOST}"),
}
COMES_BACK = (
    "GuardDuty creates its endpoint again as long as it brings agents to the account and a Linux instance is in the VPC:"
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
class Fleet:
    """The verdicts, and the settings of the accounts and regions that could be read."""

    verdicts: tuple[Verdict, ...]
    settings: Mapping[AreaKey, AreaSettings]

    @classmethod
    def of(cls, result: Result) -> Fleet:
        """From what eligibility_info returns. Raises a RowError."""
        read = set(result["areas_read"])
        settings = read_rows(settings_from, result["settings"], "settings")
        return cls(
            read_rows(verdict_of, result["instances"], "instances"),
            {row.area_key: row for row in settings if str(row.area_key) in read},
        )


@dataclass(frozen=True, slots=True)
class VpcEndpoint(InArea):
    """A VPC and the endpoint in it, if there is one. C(owner): guardduty or operator."""

    vpc_id: str
    vpc_owner_id: str
    owner: str | None
    endpoint_id: str | None


def vpc_of(row: Any) -> VpcEndpoint:
    """From a row of vpc_endpoint_info. Raises a RowError."""
    try:
        return VpcEndpoint(**{one.name: row[one.name] for one in fields(VpcEndpoint)})
    except (KeyError, TypeError) as error:
        raise RowError(f"is not a row of vpc_endpoint_info ({error})") from None


@dataclass(frozen=True, slots=True)
class Done:
    """What the steps that were taken could not do. The defaults: none was taken, and each will do what it is for."""

    # Where automation went off. None: the step was not taken yet.
    stopped: frozenset[AreaKey] | None = None
    # False: the module ended before it had a plan.
    tagged: bool = True
    untagged_ids: frozenset[str] = frozenset()
    # GuardDuty's own automation heeds an exclusion only where it can read it.
    unreadable_ids: frozenset[str] = frozenset()
    uninstall_failed_ids: frozenset[str] = frozenset()

    @classmethod
    def of(cls, automation: Result | None = None, tags: Result | None = None, uninstall: Result | None = None) -> Done:
        """From the results of the modules. None: not yet; a task that was skipped had nothing to do."""
        stopped, tagged, run = automation, tags or {}, uninstall or {}
        return cls(
            None
            if stopped is None
            else frozenset(AreaKey(one["account_id"], one["region"]) for one in stopped.get("changes") or ()),
            tags is None or "changes" in tags or bool(tags.get("skipped")),
            frozenset(one["target"] for one in tagged.get("failed_changes") or ()),
            frozenset(tagged.get("forbidden_keys") or ()),
            frozenset(
                one["instance_id"] for key in ("failed_targets", "unfinished_targets") for one in run.get(key) or ()
            ),
        )


@dataclass(frozen=True, slots=True)
class LeftBehind(InArea):
    """An instance whose agent stays. C(agent_seen): GuardDuty's coverage shows it. C(reason): a key of LEFT."""

    instance_id: str
    vpc_id: str | None
    agent_seen: bool
    reason: str
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class KeptVpc(InArea):
    """A VPC whose endpoint stays, and why."""

    vpc_id: str
    endpoint_id: str | None
    why: str


@dataclass(frozen=True, slots=True)
class OffboardPlan:
    """The work lists: accounts and regions as ACCOUNT/REGION, ids of instances and VPCs."""

    areas: tuple[str, ...]
    automated_areas: tuple[str, ...]
    clear_ids: tuple[str, ...]
    exclude_ids: tuple[str, ...]
    uninstall_ids: tuple[str, ...]
    uninstall_areas: tuple[str, ...]
    unmark_ids: tuple[str, ...]
    install_association_areas: tuple[str, ...]
    trace_ids: tuple[str, ...]
    trace_areas: tuple[str, ...]
    not_running_ids: tuple[str, ...]
    left_behind: tuple[LeftBehind, ...]
    endpoint_vpc_ids: tuple[str, ...]
    kept_vpcs: tuple[KeptVpc, ...]


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


def offboard(fleet: Fleet, vpcs: Sequence[VpcEndpoint], choice: Choice, done: Done = Done()) -> OffboardPlan:
    """What to do with the fleet, as far as the steps that were taken allow it."""
    world = _World(fleet, choice, done, vpcs)
    reasons = {one.instance.instance_id: _out_of_reach(world, one) for one in world.supported}
    # An instance that does not run is marked too: the association reaches it when it starts. One that Systems Manager has
    # lost is not, since the run would wait for it.
    uninstall = [one for one in world.supported if reasons[one.instance.instance_id] is None]
    marks = {one.instance.instance_id: one.instance.tags.get(choice.tag) for one in world.selected}
    going = set(_ids(uninstall))
    outside = [one for one in world.known if not choice.selects(one.instance.vpc_id)]
    doomed, kept = _network(world, vpcs)
    return OffboardPlan(
        areas=_texts(world.areas),
        automated_areas=_texts(world.automated),
        clear_ids=_ids(world.to_clear),
        exclude_ids=_ids(world.to_exclude),
        uninstall_ids=_ids(uninstall),
        uninstall_areas=_texts({one.instance.area_key for one in uninstall}),
        unmark_ids=tuple(one for one, mark in marks.items() if mark == choice.install and one not in going),
        install_association_areas=_texts(world.areas - _areas_with_mark(outside, choice.tag, choice.install)),
        trace_ids=tuple(one for one, mark in marks.items() if mark == choice.uninstall),
        trace_areas=_texts(world.areas - _areas_with_mark(outside, choice.tag, choice.uninstall)),
        not_running_ids=_ids(one for one in uninstall if not one.instance.running),
        left_behind=(
            *(
                _left(one, reason)
                for one in world.supported
                if (reason := reasons[one.instance.instance_id]) is not None and _may_have_agent(world, one)
            ),
            *(
                _left(one, "uninstall_failed")
                for one in uninstall
                if one.instance.instance_id in done.uninstall_failed_ids
            ),
        ),
        endpoint_vpc_ids=doomed,
        kept_vpcs=kept,
    )


class _World:
    """The fleet as it is, and as far as the stopping steps have been taken, as they leave it."""

    def __init__(self, fleet: Fleet, choice: Choice, done: Done, vpcs: Iterable[VpcEndpoint]) -> None:
        self.choice, self.settings = choice, fleet.settings
        self.known = [one for one in fleet.verdicts if one.instance.area_key in self.settings and not one.instance.gone]
        self.selected = [one for one in self.known if choice.selects(one.instance.vpc_id)]
        self.supported = [one for one in self.selected if one.reason not in UNSUPPORTED]
        self.areas = set(self.settings)
        if choice.vpc_ids:
            named = {vpc.area_key for vpc in vpcs if vpc.vpc_id in choice.vpc_ids}
            self.areas &= {one.instance.area_key for one in self.selected} | named
        by_tags = choice.stop_by == BY_TAGS
        self.automated = {area for area in self.areas if self.settings[area].ec2_agent_management and not by_tags}
        self.to_exclude = self.supported if by_tags else []
        self.to_clear = [] if by_tags else [one for one in self.selected if one.tag == "included"]
        self.stopped = self.automated if done.stopped is None else self.automated & done.stopped
        asked = {*_ids(self.to_exclude), *_ids(self.to_clear)}
        self.tagged_ids = asked - done.untagged_ids if done.tagged else set()
        self.excluded_ids = self.tagged_ids - done.unreadable_ids if by_tags else set()
        # With automation an exclusion does not keep GuardDuty from creating the endpoint.
        self.returning_vpcs = {
            one.instance.vpc_id
            for one in self.known
            if one.instance.platform == "linux" and (self.automates(one) or self.included(one))
        }

    def automates(self, verdict: Verdict) -> bool:
        """Whether automated agent configuration stays on where the instance is."""
        area = verdict.instance.area_key
        return self.settings[area].ec2_agent_management and area not in self.stopped

    def included(self, verdict: Verdict) -> bool:
        """Whether the instance keeps its inclusion tag, and GuardDuty heeds it."""
        kept = verdict.tag == "included" and verdict.instance.instance_id not in self.tagged_ids
        return kept and self.settings[verdict.instance.area_key].runtime_monitoring

    def managed(self, verdict: Verdict) -> bool:
        """Whether GuardDuty goes on bringing the agent to the instance."""
        if self.automates(verdict):
            excluded = verdict.instance.instance_id in self.excluded_ids or verdict.reason == "excluded_by_tag"
            return not excluded
        return self.included(verdict)


def _out_of_reach(world: _World, verdict: Verdict) -> str | None:
    if world.managed(verdict):
        return "still_managed"
    if not verdict.instance.running or verdict.ssm == "online":
        return None
    return f"ssm_{verdict.ssm}"


def _may_have_agent(world: _World, verdict: Verdict) -> bool:
    """GuardDuty sees the agent, or cannot be asked: it keeps no coverage while Runtime Monitoring is off."""
    on = world.settings[verdict.instance.area_key].runtime_monitoring
    return not on or verdict.coverage == "unknown" or verdict.agent_seen


def _left(verdict: Verdict, reason: str) -> LeftBehind:
    instance = verdict.instance
    return LeftBehind(
        *instance.area_key, instance.instance_id, instance.vpc_id, verdict.agent_seen, reason, *LEFT[reason]
    )


def _network(world: _World, vpcs: Iterable[VpcEndpoint]) -> tuple[tuple[str, ...], tuple[KeptVpc, ...]]:
    """The VPCs whose endpoints go, and those whose endpoints stay."""
    choice = world.choice
    kept, doomed, known = [], [], set()
    for vpc in vpcs:
        known.add(vpc.vpc_id)
        if vpc.area_key not in world.areas or not choice.selects(vpc.vpc_id):
            continue
        if vpc.vpc_id in world.returning_vpcs:
            if vpc.endpoint_id:
                kept.append(_kept(vpc, COMES_BACK))
            continue
        if not choice.vpc_ids and vpc.vpc_owner_id != vpc.account_id:
            continue  # its owner's to free
        doomed.append(vpc.vpc_id)
        # With Runtime Monitoring GuardDuty takes its own endpoints away itself.
        if vpc.owner == "guardduty" and not choice.include_guardduty and not choice.disable_monitoring:
            kept.append(_kept(vpc, GUARDDUTYS))
    # What nobody knows is handed on, so that the module says so.
    return (*doomed, *(one for one in choice.vpc_ids if one not in known)), tuple(kept)


def _kept(vpc: VpcEndpoint, why: str) -> KeptVpc:
    return KeptVpc(*vpc.area_key, vpc.vpc_id, vpc.endpoint_id, why)


def _ids(verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    return tuple(verdict.instance.instance_id for verdict in verdicts)


def _texts(areas: Iterable[AreaKey]) -> tuple[str, ...]:
    return tuple(map(str, sorted(areas)))


def _areas_with_mark(verdicts: Iterable[Verdict], tag: str, value: str) -> set[AreaKey]:
    return {verdict.instance.area_key for verdict in verdicts if verdict.instance.tags.get(tag) == value}
