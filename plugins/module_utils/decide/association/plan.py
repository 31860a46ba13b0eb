# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which association matches the desired state, and what to change in it.

An update names the full set of settings: UpdateAssociation "removes all optional parameters" that a call leaves out
(SSM API reference, UpdateAssociation).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...model.associations import Association, AssociationArea, AssociationNeed
from ...model.fleet import GUARDDUTY_ASSOCIATION, SSM_DOCUMENT, SSM_PACKAGE, AreaKey, Problem
from ..plan import Plan
from ..tag_rules import shown_tags, tag_difference
from ..wording import some
from . import limits
from .changes import (
    AssociationChange,
    CreateAssociation,
    DeleteAssociation,
    StartAssociation,
    TagAssociation,
    UntagAssociation,
    UpdateAssociation,
)
from .desired import DesiredAssociation
from .node_limit import NAMED, NODE_LIMIT, NodeCapacity, instance_choice, room
from .settings import merged, option_of, same, same_document, shown, shown_value

# GuardDuty user guide, "Installing the security agent manually", method 1.
INSTALL = {"action": ["Install"], "name": [SSM_PACKAGE]}


@dataclass(frozen=True, slots=True)
class AssociationPlan:
    """The changes, the refused ones, and each association as it will be.

    C(needs): what has to be read before the plan is final; it is empty once everything is known. C(settled): the
    associations whose settings stay and that are not started.
    """

    plan: Plan = Plan()
    problems: tuple[Problem, ...] = ()
    needs: Mapping[AreaKey, AssociationNeed] = field(default_factory=dict)
    after: Mapping[AreaKey, Association] = field(default_factory=dict)
    settled: frozenset[AreaKey] = frozenset()
    warnings: tuple[str, ...] = ()


def plan_associations(areas: Iterable[AssociationArea], desired: DesiredAssociation) -> AssociationPlan:
    changes: list[AssociationChange] = []
    problems: list[Problem] = []
    needs: dict[AreaKey, AssociationNeed] = {}
    warnings: list[str] = []
    after: dict[AreaKey, Association] = {}
    settled: set[AreaKey] = set()
    for area in areas:
        where = area.area_key
        current = area.found[0] if len(area.found) == 1 else None
        planned = list(_changes(area, current, desired))
        places = _room(area, current, planned)
        refusal = _refusal(area, current, desired, planned, places.full)
        if refusal:
            problems.append(refusal)
            planned = []
        changes += planned
        if planned:
            need = _need(area, planned, places)
            if need != AssociationNeed():
                needs[where] = need
            warnings += _doubts(area, current, desired, places)
        future = _after(current, planned)
        if future is not None:
            after[where] = future
        if current is not None and all(isinstance(change, (TagAssociation, UntagAssociation)) for change in planned):
            settled.add(where)
    return AssociationPlan(
        plan=Plan.of(changes),
        problems=tuple(problems),
        needs=needs,
        after=after,
        settled=frozenset(settled),
        warnings=tuple(warnings),
    )


def _need(area: AssociationArea, planned: Sequence[AssociationChange], places: NodeCapacity) -> AssociationNeed:
    """Whether it is GuardDuty's, what its document accepts and whether its nodes can take it. Nodes come last: they cost most."""
    need = AssociationNeed(
        tags=any(association.tags is None for association in area.found),
        document=None if "document" in area.asked else _document_to_check(planned),
        every=places.needs == "associations",
    )
    if need == AssociationNeed() and places.needs == "nodes" and "nodes" not in area.asked:
        return AssociationNeed(nodes=instance_choice(_widened(planned) or ()))
    return need


def _widened(planned: Sequence[AssociationChange]) -> Sequence[Mapping[str, Any]] | None:
    """The targets of a new association, or of one whose targets change. None if it runs in other accounts."""
    for change in planned:
        if isinstance(change, CreateAssociation) or (
            isinstance(change, UpdateAssociation) and "Targets" in change.members
        ):
            targets: Sequence[Mapping[str, Any]] | None = change.settings.get("Targets")
            return None if change.settings.get("TargetLocations") else targets
    return None


def _room(area: AssociationArea, current: Association | None, planned: Sequence[AssociationChange]) -> NodeCapacity:
    """Whether its nodes can take it. Nodes in other accounts are unknown here."""
    targets = _widened(planned)
    if not targets:
        return NodeCapacity()
    mine = current.association_id if current else None
    others = None if area.every is None else [other for other in area.every if other.association_id != mine]
    return room(targets, others, area.nodes)


def _doubts(
    area: AssociationArea, current: Association | None, desired: DesiredAssociation, places: NodeCapacity
) -> Iterator[str]:
    what = f"association {_name(current, desired)} in {area.area_key}"
    limit = f"AWS runs at most {NODE_LIMIT} associations on a node"
    if places.needs == "nodes":
        yield f"{limit}; whether the nodes of {what} exceed that is unknown, because they could not be read."
    if places.unsure:
        yield (
            f"{limit}; whether {some(places.unsure, NAMED)} can take {what} depends on resource groups, whose members are"
            " not read."
        )


def _name(current: Association | None, desired: DesiredAssociation) -> str:
    return (current.name if current else None) or desired.name or desired.document


def _changes(
    area: AssociationArea, current: Association | None, desired: DesiredAssociation
) -> Iterator[AssociationChange]:
    if len(area.found) > 1:
        return
    if current is None:
        if desired.state == "present":
            settings, tags = merged(_creation_defaults(desired), desired.settings), dict(desired.tags or {})
            target = desired.name or desired.document
            after = _described(settings, desired.tags)
            yield CreateAssociation(*area.area_key, target, None, after, settings=settings, tags=tags)
        return
    target, association_id = current.name or current.association_id, current.association_id
    if desired.state == "absent":
        yield DeleteAssociation(
            *area.area_key, target, _described(current.settings, current.tags), None, association_id=association_id
        )
    elif desired.state == "run":
        yield StartAssociation(
            *area.area_key,
            target,
            {},
            {"run": "once, at once"},
            association_id=association_id,
            settings=current.settings,
            version=current.version,
        )
    else:
        wanted = _differing(current, desired)
        if wanted:
            yield UpdateAssociation(
                *area.area_key,
                target,
                {option_of(member): shown_value(member, current.settings.get(member)) for member in wanted},
                {option_of(member): shown_value(member, value) for member, value in wanted.items()},
                association_id=association_id,
                version=current.version,
                settings=merged(current.settings, wanted),
                members=tuple(wanted),
            )
        yield from _tag_changes(area, current, desired)


def _tag_changes(
    area: AssociationArea, current: Association, desired: DesiredAssociation
) -> Iterator[AssociationChange]:
    if desired.tags is None or current.tags is None:
        return
    target, association_id = current.name or current.association_id, current.association_id
    written, removed = tag_difference(current.tags, desired.tags, desired.purge_tags)
    if written:
        before, after = shown_tags(current.tags, written), shown_tags(written)
        yield TagAssociation(*area.area_key, target, before, after, association_id=association_id, tags=written)
    if removed:
        keys = tuple(removed)
        yield UntagAssociation(
            *area.area_key, target, shown_tags(removed), {}, association_id=association_id, keys=keys
        )


def _described(settings: Mapping[str, Any], tags: Mapping[str, str] | None) -> dict[str, Any]:
    return {**shown(settings), **({"tags": dict(tags)} if tags else {})}


def _creation_defaults(desired: DesiredAssociation) -> dict[str, Any]:
    """Defaults for a new association. An existing one is left as it is."""
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


def _document_to_check(changes: Sequence[AssociationChange]) -> tuple[str, str] | None:
    for change in changes:
        if isinstance(change, CreateAssociation) or (
            isinstance(change, UpdateAssociation) and {"Name", "DocumentVersion", "Parameters"} & set(change.members)
        ):
            return change.settings["Name"], change.settings.get("DocumentVersion") or "$DEFAULT"
    return None


def _refusal(
    area: AssociationArea,
    current: Association | None,
    desired: DesiredAssociation,
    planned: Sequence[AssociationChange],
    full: Sequence[str],
) -> Problem | None:
    what = f"association {_name(current, desired)}"

    def problem(code: str, message: str, advice: str = "") -> Problem:
        return Problem(*area.area_key, f"the change of {what}", code, message, "", advice)

    if len(area.found) > 1:
        ids = ", ".join(association.association_id for association in area.found)
        return problem(
            "Ambiguous",
            f"several associations match: {ids}",
            "Set document_name and targets too, or delete the others.",
        )
    if current is None and desired.state == "run":
        return problem("AssociationNotFound", "there is none", "Create it with state=present.")
    if not planned:
        return None
    if (current and current.guardduty_owned) or (current is None and desired.name == GUARDDUTY_ASSOCIATION):
        return problem(
            "GuardDutyOwned",
            "GuardDuty creates and maintains this association, and stops managing the agent if it is changed",
            "Use instance_tags or runtime_monitoring to choose which instances get the agent, or another association_name.",
        )
    written = (change for change in planned if isinstance(change, (CreateAssociation, UpdateAssociation)))
    settings = next((change.settings for change in written), None)
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
            f"{len(full)} of its nodes already have {NODE_LIMIT} associations, the most that AWS runs on a"
            f" node: {some(full, NAMED)}",
            "Delete an association that these nodes no longer need, or choose targets without them.",
        )
    return None


def _after(current: Association | None, planned: Sequence[AssociationChange]) -> Association | None:
    future = current
    for change in planned:
        if isinstance(change, CreateAssociation):
            future = Association("", "", change.settings, tags=change.tags)
        elif isinstance(change, DeleteAssociation) or future is None:
            return None
        elif isinstance(change, UpdateAssociation):
            future = replace(future, settings=change.settings, status=None, detailed_status=None, status_counts={})
        elif isinstance(change, TagAssociation):
            future = replace(future, tags={**(future.tags or {}), **change.tags})
        elif isinstance(change, UntagAssociation):
            kept = {key: value for key, value in (future.tags or {}).items() if key not in change.keys}
            future = replace(future, tags=kept)
    return future


def row(account_id: str, region: str, association: Association) -> dict[str, Any]:
    """An association in the form that the modules return."""
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
