# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes State Manager associations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...decide.association.plan import KIND, AssociationPlan, row
from ...decide.plan import Change
from ...model.associations import Association, AssociationArea
from ...observe.association.associations import described
from ...observe.association.runs import executions
from ...observe.client.access import Target
from ..concurrent_runs import older_association
from ..run import AreaRun, Handler, Outcome, per_change


@dataclass(frozen=True, slots=True)
class StartedAssociation:
    """An association that this module created, updated or started.

    C(since): it was started, and the newest run before was made at that time, or never ('').
    """

    target: Target
    association: Association
    since: str | None = None

    @property
    def where(self) -> tuple[str, str]:
        return self.target.account_id, self.target.region


def handlers(begun: list[StartedAssociation]) -> dict[tuple[str, str], Handler]:
    """The handlers of an association plan. What they set going is added to C(begun)."""

    def create(run: AreaRun, change: Change) -> None:
        tags = [{"Key": key, "Value": value} for key, value in change.details["tags"].items()]
        options = {**change.details["settings"], **({"Tags": tags} if tags else {})}
        client = run.target.client("ssm")
        answer = client.create_association(**options)["AssociationDescription"]
        made, name = _settled(answer, change), options.get("AssociationName")
        rival = older_association(run.target, name, made.association_id) if name else None
        if rival:
            client.delete_association(AssociationId=made.association_id)
            made = described(run.target, rival, tags=False)
        begun.append(StartedAssociation(run.target, made))

    def update(run: AreaRun, change: Change) -> None:
        # With the version that was read, AWS refuses rather than overwrite what somebody else changed meanwhile.
        answer = run.target.client("ssm").update_association(
            AssociationId=change.details["association_id"],
            AssociationVersion=change.details["version"],
            **change.details["settings"],
        )["AssociationDescription"]
        begun.append(StartedAssociation(run.target, _settled(answer, change)))

    def start(run: AreaRun, change: Change) -> None:
        association_id, version = change.details["association_id"], change.details["version"]
        # A started run bears no mark that tells it from earlier ones of the same version.
        before = executions(run.target, association_id, version, newest=True)
        run.target.client("ssm").start_associations_once(AssociationIds=[association_id])
        association = Association(association_id, version, change.details["settings"])
        begun.append(StartedAssociation(run.target, association, since=before[0].created if before else ""))

    return {
        ("create", KIND): per_change("ssm:CreateAssociation", create),
        ("update", KIND): per_change("ssm:UpdateAssociation", update),
        ("start", KIND): per_change("ssm:StartAssociationsOnce", start),
        ("delete", KIND): per_change("ssm:DeleteAssociation", _delete),
        ("tag", KIND): per_change("ssm:AddTagsToResource", _tag),
        ("untag", KIND): per_change("ssm:RemoveTagsFromResource", _untag),
    }


def rows(
    planned: AssociationPlan, areas: Sequence[AssociationArea], outcome: Outcome, begun: Sequence[StartedAssociation]
) -> list[dict[str, Any]]:
    """Each association as it is now: as planned, or as it was where its change failed."""
    now = {each.where: each.association for each in begun}
    failed = {(failure.change.account_id, failure.change.region) for failure in outcome.failed}
    found = []
    for area in areas:
        where = area.account_id, area.region
        before = area.found[0] if len(area.found) == 1 else None
        association = before if where in failed else planned.after.get(where)
        if association is not None and where in now:
            association = replace(association, association_id=now[where].association_id, version=now[where].version)
        if association is not None:
            found.append(row(*where, association))
    return found


def _settled(answer: dict[str, Any], change: Change) -> Association:
    return Association(answer["AssociationId"], answer.get("AssociationVersion") or "", change.details["settings"])


def _delete(run: AreaRun, change: Change) -> None:
    run.target.client("ssm").delete_association(AssociationId=change.details["association_id"])


def _tag(run: AreaRun, change: Change) -> None:
    tags = [{"Key": key, "Value": value} for key, value in change.details["tags"].items()]
    run.target.client("ssm").add_tags_to_resource(
        ResourceType="Association", ResourceId=change.details["association_id"], Tags=tags
    )


def _untag(run: AreaRun, change: Change) -> None:
    run.target.client("ssm").remove_tags_from_resource(
        ResourceType="Association", ResourceId=change.details["association_id"], TagKeys=list(change.details["keys"])
    )
