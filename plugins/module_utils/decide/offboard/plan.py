# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to remove Runtime Monitoring, so that GuardDuty does not install it again and nothing is left behind.

Sources: GuardDuty user guide, "Disabling, uninstalling, and cleaning up resources in Runtime Monitoring" (agents stay and
cause costs when automation is turned off), "How Runtime Monitoring works with Amazon EC2 instances" (an endpoint for each
VPC with a Linux instance), "Using infrastructure as code with GuardDuty automated security agents" (what blocks the deletion
of a VPC).
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
# Instances with these reasons cannot have an agent of Runtime Monitoring.
UNSUPPORTED = frozenset({"instance_gone", "platform_unsupported", "architecture_unsupported", "operator_managed"})

ON_HOST = "Remove the package amazon-guardduty-agent on the host itself."
# Why an agent stays, and what to do.
LEFT = {
    "still_managed": (
        "GuardDuty would install it again, because its automation could not be stopped for this instance.",
        "Fix the failure above, then run this again.",
    ),
    "ssm_absent": ("The instance is not registered with Systems Manager.", ON_HOST),
    "ssm_lost": ("Systems Manager has lost the connection to the instance.", f"Restart its SSM Agent, or: {ON_HOST}"),
    "ssm_unknown": ("Whether Systems Manager reaches it could not be read.", "Allow the call that failed."),
    "uninstall_failed": ("The document could not uninstall it.", f"Read the output in State Manager, or: {ON_HOST}"),
}
COMES_BACK = (
    "GuardDuty creates its endpoint again while it installs agents in the account and a Linux instance is in the VPC:"
    " terminate the instances or turn off automated agent configuration, then run this again."
)
GUARDDUTYS = "The endpoint is GuardDuty's own: set include_guardduty to delete it."


@dataclass(frozen=True, slots=True)
class Choice:
    """The operator's choice. C(vpc_ids) empty: everything that was read.

    C(tag): the tag by which associations select their instances, C(install) and C(uninstall): its values.
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
        """From the result of eligibility_info. Raises a RowError."""
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
        return VpcEndpoint(**{field.name: row[field.name] for field in fields(VpcEndpoint)})
    except (KeyError, TypeError) as error:
        raise RowError(f"is not a row of vpc_endpoint_info ({error})") from None


@dataclass(frozen=True, slots=True)
class Done:
    """What the completed steps could not do. The defaults: no step was run yet, and each will succeed."""

    # Where automation was turned off. None: the step was not run yet.
    stopped: frozenset[AreaKey] | None = None
    # False: the module ended before it had a plan.
    tagged: bool = True
    untagged_ids: frozenset[str] = frozenset()
    # GuardDuty's own automation honors an exclusion only where it can read it.
    unreadable_ids: frozenset[str] = frozenset()
    uninstall_failed_ids: frozenset[str] = frozenset()

    @classmethod
    def of(cls, automation: Result | None = None, tags: Result | None = None, uninstall: Result | None = None) -> Done:
        """From the results of the modules. None: not run yet; a skipped task had nothing to do."""
        stopped, tagged, run = automation, tags or {}, uninstall or {}
        return cls(
            None
            if stopped is None
            else frozenset(AreaKey(change["account_id"], change["region"]) for change in stopped.get("changes") or ()),
            tags is None or "changes" in tags or bool(tags.get("skipped")),
            frozenset(change["target"] for change in tagged.get("failed_changes") or ()),
            frozenset(tagged.get("forbidden_keys") or ()),
            frozenset(
                target["instance_id"]
                for key in ("failed_targets", "unfinished_targets")
                for target in run.get(key) or ()
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
    """Why the choice itself is invalid, or None. C(choice) holds the playbook's variables."""
    if bool(choice["vpc_ids"]) == bool(choice["all_vpcs"]):
        return (
            "Choose where to remove Runtime Monitoring: set vpc_ids for some VPCs, or all_vpcs=true for everything in the"
            " chosen accounts and regions, but not both."
        )
    if choice["stop_by"] not in (BY_AUTOMATION, BY_TAGS):
        return f"stop_by is '{choice['stop_by']}'; set it to {BY_AUTOMATION} or {BY_TAGS}."
    if choice["disable_monitoring"] and (choice["vpc_ids"] or choice["stop_by"] == BY_TAGS):
        return (
            "disable_monitoring turns off Runtime Monitoring in whole accounts and regions: it requires all_vpcs=true and"
            f" stop_by={BY_AUTOMATION}."
        )
    return None


def offboard(fleet: Fleet, vpcs: Sequence[VpcEndpoint], choice: Choice, done: Done = Done()) -> OffboardPlan:
    """What to do with the fleet, as far as the completed steps allow it."""
    world = _World(fleet, choice, done, vpcs)
    reasons = {verdict.instance.instance_id: _out_of_reach(world, verdict) for verdict in world.supported}
    # An instance that does not run is tagged too: the association reaches it when it starts. One whose connection to Systems
    # Manager is lost is not, since the run would wait for it.
    uninstall = [verdict for verdict in world.supported if reasons[verdict.instance.instance_id] is None]
    marks = {verdict.instance.instance_id: verdict.instance.tags.get(choice.tag) for verdict in world.selected}
    going = set(_ids(uninstall))
    outside = [verdict for verdict in world.known if not choice.selects(verdict.instance.vpc_id)]
    doomed, kept = _network(world, vpcs)
    return OffboardPlan(
        areas=_texts(world.areas),
        automated_areas=_texts(world.automated),
        clear_ids=_ids(world.to_clear),
        exclude_ids=_ids(world.to_exclude),
        uninstall_ids=_ids(uninstall),
        uninstall_areas=_texts({verdict.instance.area_key for verdict in uninstall}),
        unmark_ids=tuple(one for one, mark in marks.items() if mark == choice.install and one not in going),
        install_association_areas=_texts(world.areas - _areas_with_mark(outside, choice.tag, choice.install)),
        trace_ids=tuple(one for one, mark in marks.items() if mark == choice.uninstall),
        trace_areas=_texts(world.areas - _areas_with_mark(outside, choice.tag, choice.uninstall)),
        not_running_ids=_ids(verdict for verdict in uninstall if not verdict.instance.running),
        left_behind=(
            *(
                _left(verdict, reason)
                for verdict in world.supported
                if (reason := reasons[verdict.instance.instance_id]) is not None and _may_have_agent(world, verdict)
            ),
            *(
                _left(verdict, "uninstall_failed")
                for verdict in uninstall
                if verdict.instance.instance_id in done.uninstall_failed_ids
            ),
        ),
        endpoint_vpc_ids=doomed,
        kept_vpcs=kept,
    )


class _World:
    """The fleet as it is, or as the stopping steps leave it if they were run."""

    def __init__(self, fleet: Fleet, choice: Choice, done: Done, vpcs: Iterable[VpcEndpoint]) -> None:
        self.choice, self.settings = choice, fleet.settings
        self.known = [
            verdict
            for verdict in fleet.verdicts
            if verdict.instance.area_key in self.settings and not verdict.instance.gone
        ]
        self.selected = [verdict for verdict in self.known if choice.selects(verdict.instance.vpc_id)]
        self.supported = [verdict for verdict in self.selected if verdict.reason not in UNSUPPORTED]
        self.areas = set(self.settings)
        if choice.vpc_ids:
            named = {vpc.area_key for vpc in vpcs if vpc.vpc_id in choice.vpc_ids}
            self.areas &= {verdict.instance.area_key for verdict in self.selected} | named
        by_tags = choice.stop_by == BY_TAGS
        self.automated = {area for area in self.areas if self.settings[area].ec2_agent_management and not by_tags}
        self.to_exclude = self.supported if by_tags else []
        self.to_clear = [] if by_tags else [verdict for verdict in self.selected if verdict.tag == "included"]
        self.stopped = self.automated if done.stopped is None else self.automated & done.stopped
        asked = {*_ids(self.to_exclude), *_ids(self.to_clear)}
        self.tagged_ids = asked - done.untagged_ids if done.tagged else set()
        self.excluded_ids = self.tagged_ids - done.unreadable_ids if by_tags else set()
        # With automation an exclusion does not keep GuardDuty from creating the endpoint.
        self.returning_vpcs = {
            verdict.instance.vpc_id
            for verdict in self.known
            if verdict.instance.platform == "linux" and (self.automates(verdict) or self.included(verdict))
        }

    def automates(self, verdict: Verdict) -> bool:
        """Whether automated agent configuration stays on where the instance is."""
        area = verdict.instance.area_key
        return self.settings[area].ec2_agent_management and area not in self.stopped

    def included(self, verdict: Verdict) -> bool:
        """Whether the instance keeps its inclusion tag, and GuardDuty honors it."""
        kept = verdict.tag == "included" and verdict.instance.instance_id not in self.tagged_ids
        return kept and self.settings[verdict.instance.area_key].runtime_monitoring

    def managed(self, verdict: Verdict) -> bool:
        """Whether GuardDuty still installs the agent on the instance."""
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
    """Whether GuardDuty sees the agent, or its coverage is unavailable, as while Runtime Monitoring is off."""
    on = world.settings[verdict.instance.area_key].runtime_monitoring
    return not on or verdict.coverage == "unknown" or verdict.agent_seen


def _left(verdict: Verdict, reason: str) -> LeftBehind:
    instance = verdict.instance
    return LeftBehind(
        *instance.area_key, instance.instance_id, instance.vpc_id, verdict.agent_seen, reason, *LEFT[reason]
    )


def _network(world: _World, vpcs: Iterable[VpcEndpoint]) -> tuple[tuple[str, ...], tuple[KeptVpc, ...]]:
    """The VPCs whose endpoints are deleted, and those whose endpoints stay."""
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
            continue  # only its owner can delete the endpoint
        doomed.append(vpc.vpc_id)
        # When Runtime Monitoring is turned off, GuardDuty deletes its own endpoints.
        if vpc.owner == "guardduty" and not choice.include_guardduty and not choice.disable_monitoring:
            kept.append(_kept(vpc, GUARDDUTYS))
    # Unknown VPCs are passed on, so that the module reports them.
    return (*doomed, *(vpc_id for vpc_id in choice.vpc_ids if vpc_id not in known)), tuple(kept)


def _kept(vpc: VpcEndpoint, why: str) -> KeptVpc:
    return KeptVpc(*vpc.area_key, vpc.vpc_id, vpc.endpoint_id, why)


def _ids(verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    return tuple(verdict.instance.instance_id for verdict in verdicts)


def _texts(areas: Iterable[AreaKey]) -> tuple[str, ...]:
    return tuple(map(str, sorted(areas)))


def _areas_with_mark(verdicts: Iterable[Verdict], tag: str, value: str) -> set[AreaKey]:
    return {verdict.instance.area_key for verdict in verdicts if verdict.instance.tags.get(tag) == value}
