# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which association is meant, and what to change of it.

An update names the full set of settings: UpdateAssociation "removes all optional parameters" that a call leaves out
(SSM API reference, UpdateAssociation).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...model.associations import Association, AssociationArea
from ...model.fleet import GUARDDUTY_ASSOCIATION, SSM_DOCUMENT, SSM_PACKAGE, Problem
from ..plan import Change, Plan
from . import limits
from .node_limit import NODE_LIMIT, NodeCapacity, room, some
from .settings import merged, option_of, same, same_document, shown, shown_value, text

KIND = "association"
# GuardDuty user guide, "Installing the security agent manually", method 1.
INSTALL = {"action": ["Install"], "name": [SSM_PACKAGE]}

# The filters of ListAssociations (botocore, AssociationFilterKey) that have no option of their own.
LIST_FILTERS = frozenset(
    {
        "AssociationId",
        "AssociationStatusName",
        "InstanceId",
        "LastExecutedAfter",
        "LastExecutedBefore",
        "ResourceGroupName",
    }
)

Where = tuple[str, str]


@dataclass(frozen=True, slots=True)
class DesiredAssociation:
    """What the user wants. C(settings) holds only what was said, under AWS's names; the name and the document too."""

    state: str = "present"
    settings: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] | None = None
    purge_tags: bool = True

    @property
    def name(self) -> str | None:
        return self.settings.get("AssociationName") or None

    @property
    def document(self) -> str:
        return str(self.settings.get("Name") or SSM_DOCUMENT)

    @property
    def searched_document(self) -> str | None:
        """Whose associations to look through where the name finds none; without targets none of them is meant."""
        return self.document if "Targets" in self.settings else None


@dataclass(frozen=True, slots=True)
class AssociationPlan:
    """The changes, what is refused, and how each association will be.

    C(to_confirm): where something changes, with the document and its version where its parameters are to be checked.
    C(to_list) and C(to_count): where all associations, and where the nodes too, have to be read before it is known whether
    the nodes have room. C(settled): the associations whose settings stay and that are not started.
    """

    plan: Plan = Plan()
    problems: tuple[Problem, ...] = ()
    to_confirm: Mapping[Where, tuple[str, str] | None] = field(default_factory=dict)
    to_list: frozenset[Where] = frozenset()
    to_count: frozenset[Where] = frozenset()
    after: Mapping[Where, Association] = field(default_factory=dict)
    settled: frozenset[Where] = frozenset()
    warnings: tuple[str, ...] = ()


def refused(desired: DesiredAssociation) -> str | None:
    """Why the wish cannot be granted anywhere, or None."""
    return limits.invalid_settings(desired.settings) or (limits.invalid_tags(desired.tags) if desired.tags else None)


def match(desired: DesiredAssociation, listed: Sequence[Association]) -> tuple[Association, ...]:
    """Those of the listed associations that the wish means: by name, or else by document and targets.

    An association that bears another name is somebody else's, whatever its document and targets are.
    """
    if desired.name:
        named = [one for one in listed if one.name == desired.name]
        if named:
            return tuple(_narrowed(desired, named))
        listed = [one for one in listed if one.name is None]
    targets = desired.settings.get("Targets")
    if targets is None:
        return ()
    return tuple(
        one
        for one in listed
        if same_document(one.document, desired.document) and same("Targets", one.settings.get("Targets"), targets)
    )


def _narrowed(desired: DesiredAssociation, named: Sequence[Association]) -> Sequence[Association]:
    """Names need not be unique in AWS: the document, then the targets, say which one is meant."""
    for member in ("Name", "Targets"):
        wanted = desired.settings.get(member)
        if len(named) > 1 and wanted is not None:
            named = [one for one in named if same(member, one.settings.get(member), wanted)] or named
    return named


def plan_associations(areas: Iterable[AssociationArea], desired: DesiredAssociation) -> AssociationPlan:
    changes: list[Change] = []
    problems: list[Problem] = []
    to_confirm: dict[Where, tuple[str, str] | None] = {}
    needs: dict[Where, str] = {}
    warnings: list[str] = []
    after: dict[Where, Association] = {}
    settled: set[Where] = set()
    for area in areas:
        where = (area.account_id, area.region)
        current = area.found[0] if len(area.found) == 1 else None
        planned = list(_changes(area, current, desired))
        places = _room(area, current, planned)
        refusal = _refusal(area, current, desired, planned, places.full)
        if refusal:
            problems.append(refusal)
            planned = []
        changes += planned
        if planned:
            to_confirm[where] = _document_to_check(planned)
            needs[where] = places.needs
            warnings += _doubts(area, current, desired, places)
        future = _after(current, planned)
        if future is not None:
            after[where] = future
        if current is not None and not any(
            change.action in ("create", "update", "start", "delete") for change in planned
        ):
            settled.add(where)
    return AssociationPlan(
        plan=Plan.of(changes),
        problems=tuple(problems),
        to_confirm=to_confirm,
        to_list=frozenset(where for where, what in needs.items() if what == "associations"),
        to_count=frozenset(where for where, what in needs.items() if what == "nodes"),
        after=after,
        settled=frozenset(settled),
        warnings=tuple(warnings),
    )


def _room(area: AssociationArea, current: Association | None, planned: Sequence[Change]) -> NodeCapacity:
    """Whether there is room for it on nodes that it comes to. Of nodes in other accounts nothing can be known here."""
    for change in planned:
        settings = change.details["settings"]
        widened = change.action == "create" or "Targets" in change.details.get("members", ())
        if widened and settings.get("Targets") and not settings.get("TargetLocations"):
            mine = current.association_id if current else None
            others = None if area.every is None else [one for one in area.every if one.association_id != mine]
            return room(settings["Targets"], others, area.nodes)
    return NodeCapacity()


def _doubts(
    area: AssociationArea, current: Association | None, desired: DesiredAssociation, places: NodeCapacity
) -> Iterator[str]:
    what = f"association {_name(current, desired)} in {area.account_id}/{area.region}"
    limit = f"AWS runs at most {NODE_LIMIT} associations on a node"
    if places.needs == "nodes":
        yield f"{limit}; whether the nodes of {what} have room is not known, since they could not be read."
    if places.unsure:
        yield (
            f"{limit}; whether {some(places.unsure)} have room for {what} depends on resource groups, whose members are"
            " not read."
        )


def _name(current: Association | None, desired: DesiredAssociation) -> str:
    return (current.name if current else None) or desired.name or desired.document


def _changes(area: AssociationArea, current: Association | None, desired: DesiredAssociation) -> Iterator[Change]:
    def change(action: str, before: Any, after: Any, **details: Any) -> Change:
        target = (current.name if current else desired.name) or (
            current.association_id if current else desired.document
        )
        known = {"association_id": current.association_id, "settings": current.settings} if current else {}
        return Change(area.account_id, area.region, action, KIND, target, before, after, {**known, **details})

    if len(area.found) > 1:
        return
    if desired.state == "absent":
        if current:
            yield change("delete", _described(current.settings, current.tags), None)
    elif desired.state == "run":
        if current:
            yield change("start", {}, {"run": "once, at once"}, version=current.version)
    elif current is None:
        settings = merged(_creation_defaults(desired), desired.settings)
        yield change(
            "create", None, _described(settings, desired.tags), settings=settings, tags=dict(desired.tags or {})
        )
    else:
        wanted = _differing(current, desired)
        if wanted:
            yield change(
                "update",
                {option_of(member): shown_value(member, current.settings.get(member)) for member in wanted},
                {option_of(member): shown_value(member, value) for member, value in wanted.items()},
                version=current.version,
                settings=merged(current.settings, wanted),
                members=tuple(wanted),
            )
        yield from _tag_changes(change, current, desired)


def _tag_changes(change: Any, current: Association, desired: DesiredAssociation) -> Iterator[Change]:
    if desired.tags is None or current.tags is None:
        return
    new = {key: value for key, value in desired.tags.items() if current.tags.get(key) != value}
    if new:
        yield change("tag", _tags(current.tags, new), _tags(new, new), tags=new)
    old = [key for key in current.tags if key not in desired.tags and not key.startswith("aws:")]
    if desired.purge_tags and old:
        yield change("untag", _tags(current.tags, old), {}, keys=old)


def _tags(tags: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
    return {f"tag:{key}": tags[key] for key in keys if key in tags}


def _described(settings: Mapping[str, Any], tags: Mapping[str, str] | None) -> dict[str, Any]:
    return {**shown(settings), **({"tags": dict(tags)} if tags else {})}


def _creation_defaults(desired: DesiredAssociation) -> dict[str, Any]:
    """What a new association gets where nothing was said. One that exists is left as it is."""
    defaults: dict[str, Any] = {"Name": SSM_DOCUMENT}
    if same_document(desired.document, SSM_DOCUMENT):
        defaults["Parameters"] = {name: list(values) for name, values in INSTALL.items()}
    return defaults


def _differing(current: Association, desired: DesiredAssociation) -> dict[str, Any]:
    found = {}
    for member, value in desired.settings.items():
        there = current.settings.get(member)
        alike = same_document(there or "", value) if member == "Name" else same(member, there, value)
        if not alike:
            found[member] = value
    return found


def _document_to_check(changes: Sequence[Change]) -> tuple[str, str] | None:
    for change in changes:
        members = change.details.get("members", ())
        if change.action == "create" or {"Name", "DocumentVersion", "Parameters"} & set(members):
            settings = change.details["settings"]
            return settings["Name"], settings.get("DocumentVersion") or "$DEFAULT"
    return None


def _refusal(
    area: AssociationArea,
    current: Association | None,
    desired: DesiredAssociation,
    planned: Sequence[Change],
    full: Sequence[str],
) -> Problem | None:
    what = f"association {_name(current, desired)}"

    def problem(code: str, message: str, advice: str = "") -> Problem:
        return Problem(area.account_id, area.region, f"the change of {what}", code, message, "", advice)

    if len(area.found) > 1:
        ids = ", ".join(one.association_id for one in area.found)
        return problem(
            "Ambiguous",
            f"several associations answer to it: {ids}",
            "Name document_name and targets too, or delete one.",
        )
    if current is None and desired.state == "run":
        return problem("AssociationNotFound", "there is none", "Create it with state=present.")
    if not planned:
        return None
    if (current and current.guardduty_owned) or (current is None and desired.name == GUARDDUTY_ASSOCIATION):
        return problem(
            "GuardDutyOwned",
            "GuardDuty makes and keeps this association itself, and stops managing the agent when it is changed",
            "Use instance_tags or runtime_monitoring to say which instances get the agent, or another association_name.",
        )
    settings = next((change.details["settings"] for change in planned if change.action in ("create", "update")), None)
    if settings is None:
        return None
    broken = limits.contradiction(settings)
    if broken:
        return problem("InvalidSettings", broken)
    unfit = limits.refused_by_document(area.document, settings.get("Parameters") or {}) if area.document else None
    if unfit:
        return problem("InvalidParameters", unfit)
    if full:
        return problem(
            "NodeLimit",
            f"{len(full)} of its nodes are targeted by {NODE_LIMIT} associations already, the most that AWS runs on a"
            f" node: {some(full)}",
            "Delete an association that these nodes no longer need, or choose targets without them.",
        )
    return None


def _after(current: Association | None, planned: Sequence[Change]) -> Association | None:
    future = current
    for change in planned:
        if change.action == "delete":
            return None
        if change.action == "create":
            future = Association("", "", change.details["settings"], tags=change.details["tags"])
        elif future is not None and change.action == "update":
            future = replace(
                future, settings=change.details["settings"], status=None, detailed_status=None, status_counts={}
            )
        elif future is not None and change.action == "tag":
            future = replace(future, tags={**(future.tags or {}), **change.details["tags"]})
        elif future is not None and change.action == "untag":
            kept = {key: value for key, value in (future.tags or {}).items() if key not in change.details["keys"]}
            future = replace(future, tags=kept)
    return future


def list_filters(
    names: Sequence[str], documents: Sequence[str], further: Mapping[str, Any]
) -> tuple[list[dict[str, str]], str | None]:
    """The sets of ListAssociations filters to ask with, one call each, or why they are refused."""
    unknown = sorted(set(further) - LIST_FILTERS)
    if unknown:
        return [], f"filters has no {unknown[0]}; known are {', '.join(sorted(LIST_FILTERS))}."
    common = {key: text(value) for key, value in further.items()}
    if names:
        return [{"AssociationName": name, **common} for name in dict.fromkeys(names)], None
    if documents:
        return [{"Name": name, **common} for name in dict.fromkeys(documents)], None
    return [common], None


def row(account_id: str, region: str, association: Association) -> dict[str, Any]:
    """An association as the modules return it."""
    owner = "guardduty" if association.guardduty_owned else None if association.tags is None else "operator"
    return {
        "account_id": account_id,
        "region": region,
        "association_id": association.association_id or None,
        "association_version": association.version or None,
        "owner": owner,
        "status": association.status,
        "detailed_status": association.detailed_status,
        "status_counts": dict(association.status_counts),
        "created": association.created,
        "updated": association.updated,
        "last_execution": association.last_execution,
        "last_successful_execution": association.last_success,
        "tags": None if association.tags is None else dict(association.tags),
        **_every_option(association.settings),
    }


def _every_option(settings: Mapping[str, Any]) -> dict[str, Any]:
    from_aws = shown(settings)
    return {option_of(member): from_aws.get(option_of(member)) for member in (*ALWAYS_SHOWN, *settings)}


ALWAYS_SHOWN = ("AssociationName", "Name", "DocumentVersion", "Parameters", "Targets", "ScheduleExpression")
