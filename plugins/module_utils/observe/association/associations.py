# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads State Manager: associations, their tags and their documents.

ListAssociations leaves out parameters, rate control and more, so the chosen association is also described
(botocore, Association and AssociationDescription).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ...model.associations import (
    Association,
    AssociationArea,
    AssociationNeed,
    AssociationReading,
    Document,
    DocumentParameter,
)
from ...model.fleet import DENIED_CODES, AreaKey, Problem
from ..client.access import Target
from ..client.sdk import ClientError
from ..fleet.ec2 import tag_dict
from ..fleet.snapshot import ReadScope, for_each_area, observe

PAGE = 50  # the largest that State Manager's lists allow (botocore model, MaxResults)

# Members of UpdateAssociation that identify the association.
IDENTITY = ("AssociationId", "AssociationVersion")

Choose = Callable[[Sequence[Association]], tuple[Association, ...]]


def find(
    targets: Iterable[Target], name: str | None, document: str | None, choose: Choose, tags: bool, creating: bool
) -> AssociationReading:
    """For each target, the association that C(choose) picks: from those of that name, otherwise from those of the document.

    C(creating): without an association of that name, one will probably be created, which requires reading all of them.
    """

    def one(target: Target) -> AssociationArea:
        found = choose(listed(target, {"AssociationName": name})) if name else ()
        every = None
        if not found and document:
            every = listed(target, {}) if name and creating else None
            found = choose(listed(target, {"Name": document}) if every is None else every)
        if len(found) == 1:
            found = (described(target, found[0].association_id, tags),)
        return AssociationArea(*target.area_key, found, every=every)

    areas, problems = for_each_area(targets, "ssm:ListAssociations", one)
    return AssociationReading(tuple(areas), problems)


def read_more(
    targets: Sequence[Target], reading: AssociationReading, needs: Mapping[AreaKey, AssociationNeed]
) -> AssociationReading:
    """The reading with what the plan still needs. An area in which a call fails is left out and adds a problem."""

    def one(target: Target) -> AssociationArea:
        area, need = by_key[target.area_key], needs[target.area_key]
        found = tuple(
            replace(each, tags=tags_of(target, each.association_id)) if need.tags and each.tags is None else each
            for each in area.found
        )
        wanted = document(target, *need.document) if need.document else area.document
        every = listed(target, {}) if need.every else area.every
        asked = area.asked | ({"document"} if need.document else set())
        return replace(area, found=found, document=wanted, every=every, asked=asked)

    by_key = {area.area_key: area for area in reading.areas}
    needed = [target for target in targets if target.area_key in needs]
    read, problems = for_each_area(needed, "ssm:ListTagsForResource", one)
    counted, remarks = _read_nodes(needed, read, needs)
    settled = [area for key, area in by_key.items() if key not in needs]
    return AssociationReading((*settled, *counted), (*reading.problems, *problems), (*reading.remarks, *remarks))


def _read_nodes(
    targets: Sequence[Target], areas: Sequence[AssociationArea], needs: Mapping[AreaKey, AssociationNeed]
) -> tuple[list[AssociationArea], tuple[Problem, ...]]:
    """The managed nodes among the instances that the targets may select. If they cannot be read, they stay unknown."""
    chosen = [target for target in targets if needs[target.area_key].nodes]
    if not chosen:
        return list(areas), ()
    filters, ids = needs[chosen[0].area_key].nodes or ({}, None)
    snapshot = observe(chosen, ReadScope((filters,), instance_ids=ids, coverage=False, network=False, detector=False))
    nodes = {
        area.area_key: {
            instance.instance_id: instance.tags for instance in area.instances if instance.instance_id in area.nodes
        }
        for area in snapshot.areas
        if not area.unknown & {"instances", "ssm"}
    }
    asked = {area.area_key for area in snapshot.areas}
    return [
        replace(area, nodes=nodes.get(area.area_key), asked=area.asked | {"nodes"}) if area.area_key in asked else area
        for area in areas
    ], snapshot.problems


def listed(target: Target, filters: Mapping[str, str]) -> tuple[Association, ...]:
    """Associations with the settings that a list includes."""
    client = target.client("ssm")
    options: Any = {"AssociationFilterList": [{"key": key, "value": value} for key, value in filters.items()]}
    pages = client.get_paginator("list_associations").paginate(
        **(options if filters else {}), PaginationConfig={"PageSize": PAGE}
    )
    return tuple(_association(client, item) for page in pages for item in page["Associations"])


def described(target: Target, association_id: str, tags: bool) -> Association:
    client = target.client("ssm")
    answer = client.describe_association(AssociationId=association_id)
    association = _association(client, answer["AssociationDescription"])
    return replace(association, tags=tags_of(target, association_id)) if tags else association


def tags_of(target: Target, association_id: str) -> dict[str, str]:
    answer = target.client("ssm").list_tags_for_resource(ResourceType="Association", ResourceId=association_id)
    return tag_dict(answer["TagList"])


def document(target: Target, name: str, version: str) -> Document:
    """A document with its parameters. Only the document's content has the allowed values; DescribeDocument omits them."""
    client = target.client("ssm")
    try:
        answer = client.get_document(Name=name, DocumentVersion=version, DocumentFormat="JSON")
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED_CODES:
            raise
    else:
        return Document(name, answer["DocumentType"], _content_parameters(answer["Content"]))
    details = client.describe_document(Name=name, DocumentVersion=version)["Document"]
    parameters = {
        item["Name"]: DocumentParameter(required="DefaultValue" not in item) for item in details.get("Parameters") or ()
    }
    return Document(name, details["DocumentType"], parameters)


def _content_parameters(content: str) -> dict[str, DocumentParameter]:
    described = json.loads(content).get("parameters") or {}
    return {
        name: DocumentParameter(
            required="default" not in item,
            allowed=tuple(map(str, item["allowedValues"])) if item.get("allowedValues") else None,
        )
        for name, item in described.items()
    }


def _association(client: Any, item: Mapping[str, Any]) -> Association:
    overview = item.get("Overview") or {}
    # Every member that this botocore knows of UpdateAssociation is kept, so that an update can send it back.
    members = client.meta.service_model.operation_model("UpdateAssociation").input_shape.members
    settings = {key: item[key] for key in members if key in item and key not in IDENTITY}
    return Association(
        association_id=item["AssociationId"],
        version=item.get("AssociationVersion") or "",
        settings=settings,
        status=overview.get("Status"),
        detailed_status=overview.get("DetailedStatus"),
        status_counts=overview.get("AssociationStatusAggregatedCount") or {},
        created=instant(item.get("Date")),
        updated=instant(item.get("LastUpdateAssociationDate")),
        last_execution=instant(item.get("LastExecutionDate")),
        last_success=instant(item.get("LastSuccessfulExecutionDate")),
    )


def instant(value: datetime | None) -> str | None:
    return value.astimezone(UTC).isoformat() if value else None
