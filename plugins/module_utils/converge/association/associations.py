# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes State Manager associations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...decide.association.changes import (
    CreateAssociation,
    DeleteAssociation,
    StartAssociation,
    TagAssociation,
    UntagAssociation,
    UpdateAssociation,
)
from ...decide.association.plan import AssociationPlan, row
from ...model.associations import Association, AssociationArea
from ...model.fleet import AreaKey
from ...observe.association.associations import described
from ...observe.association.runs import executions
from ...observe.client.access import Target
from ..concurrent_runs import older_association
from ..run import AreaRun, Handlers, Outcome, per_change


@dataclass(frozen=True, slots=True)
class StartedAssociation:
    """An association that this module created, updated or started.

    C(since): it was started, and this is when the previous run was created ('' if there was none).
    """

    target: Target
    association: Association
    since: str | None = None

    @property
    def where(self) -> AreaKey:
        return self.target.area_key


def handlers(begun: list[StartedAssociation]) -> Handlers:
    """The handlers of an association plan. The runs that they start are added to C(begun)."""

    def create(run: AreaRun, change: CreateAssociation) -> None:
        tags = [{"Key": key, "Value": value} for key, value in change.tags.items()]
        options = {**change.settings, **({"Tags": tags} if tags else {})}
        client = run.target.client("ssm")
        answer = client.create_association(**options)["AssociationDescription"]
        made, name = _settled(answer, change), options.get("AssociationName")
        rival = older_association(run.target, name, made.association_id) if name else None
        if rival:
            client.delete_association(AssociationId=made.association_id)
            made = described(run.target, rival, tags=False)
        begun.append(StartedAssociation(run.target, made))

    def update(run: AreaRun, change: UpdateAssociation) -> None:
        # With the version that was read, AWS rejects the update if another process has changed the association meanwhile.
        answer = run.target.client("ssm").update_association(
            AssociationId=change.association_id, AssociationVersion=change.version, **change.settings
        )["AssociationDescription"]
        begun.append(StartedAssociation(run.target, _settled(answer, change)))

    def start(run: AreaRun, change: StartAssociation) -> None:
        association_id, version = change.association_id, change.version
        # Nothing distinguishes a started run from earlier runs of the same version.
        before = executions(run.target, association_id, version, newest=True)
        run.target.client("ssm").start_associations_once(AssociationIds=[association_id])
        association = Association(association_id, version, change.settings)
        begun.append(StartedAssociation(run.target, association, since=before[0].created if before else ""))

    return {
        CreateAssociation: per_change("ssm:CreateAssociation", create),
        UpdateAssociation: per_change("ssm:UpdateAssociation", update),
        StartAssociation: per_change("ssm:StartAssociationsOnce", start),
        DeleteAssociation: per_change("ssm:DeleteAssociation", _delete),
        TagAssociation: per_change("ssm:AddTagsToResource", _tag),
        UntagAssociation: per_change("ssm:RemoveTagsFromResource", _untag),
    }


def rows(
    planned: AssociationPlan, areas: Sequence[AssociationArea], outcome: Outcome, begun: Sequence[StartedAssociation]
) -> list[dict[str, Any]]:
    """Each association as it is now: as planned, or unchanged if its change failed."""
    now = {each.where: each.association for each in begun}
    failed = {failure.change.area_key for failure in outcome.failed}
    found = []
    for area in areas:
        where = area.area_key
        before = area.found[0] if len(area.found) == 1 else None
        association = before if where in failed else planned.after.get(where)
        if association is not None and where in now:
            association = replace(association, association_id=now[where].association_id, version=now[where].version)
        if association is not None:
            found.append(row(*where, association))
    return found


def _settled(answer: Mapping[str, Any], change: CreateAssociation | UpdateAssociation) -> Association:
    return Association(answer["AssociationId"], answer.get("AssociationVersion") or "", change.settings)


def _delete(run: AreaRun, change: DeleteAssociation) -> None:
    run.target.client("ssm").delete_association(AssociationId=change.association_id)


def _tag(run: AreaRun, change: TagAssociation) -> None:
    run.target.client("ssm").add_tags_to_resource(
        ResourceType="Association",
        ResourceId=change.association_id,
        Tags=[{"Key": key, "Value": value} for key, value in change.tags.items()],
    )


def _untag(run: AreaRun, change: UntagAssociation) -> None:
    run.target.client("ssm").remove_tags_from_resource(
        ResourceType="Association", ResourceId=change.association_id, TagKeys=list(change.keys)
    )
