# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the runs of associations and their results on each node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from ...model.associations import Association, AssociationRun, AssociationSurvey, Execution, ExecutionTarget
from ...model.fleet import Problem
from ..client.access import Target
from ..client.sdk import ClientError
from ..fleet.snapshot import for_each_area
from .associations import PAGE, described, instant, listed

FEWEST_NODES = 5  # the smallest page of DescribeInstanceInformation (botocore model, MaxResults)


def executions(
    target: Target, association_id: str, version: str | None, since: str = "", newest: bool = False
) -> tuple[Execution, ...]:
    """The runs of a version (None: of any) created after C(since), or only the newest of them, newest first.

    AWS does not document the order of DescribeAssociationExecutions. If a page is in descending order, the next
    pages are assumed to hold older runs, and only the pages that are needed are read.
    """
    client = target.client("ssm")
    pages = client.get_paginator("describe_association_executions").paginate(
        AssociationId=association_id, PaginationConfig={"PageSize": PAGE}
    )
    found: list[Execution] = []
    for page in pages:
        rows = [_execution(item) for item in page["AssociationExecutions"]]
        wanted = [row for row in rows if version in (None, row.version) and row.created > since]
        found += wanted
        descending = all(one.created >= other.created for one, other in pairwise(rows))
        if descending and (len(wanted) < len(rows) or (newest and found)):
            break
    found.sort(key=lambda row: row.created, reverse=True)
    return tuple(found[:1] if newest else found)


def execution_targets(target: Target, association_id: str, runs: Iterable[Execution]) -> tuple[ExecutionTarget, ...]:
    """The result of each run on its nodes, in the order of the runs."""
    paginator = target.client("ssm").get_paginator("describe_association_execution_targets")
    return tuple(
        _execution_target(item)
        for run in runs
        for page in paginator.paginate(
            AssociationId=association_id, ExecutionId=run.execution_id, PaginationConfig={"PageSize": PAGE}
        )
        for item in page["AssociationExecutionTargets"]
    )


def surveyed(
    targets: Iterable[Target], filters: Sequence[Mapping[str, str]], with_runs: bool
) -> tuple[list[AssociationSurvey], tuple[Problem, ...]]:
    """For each target, the associations that match one of the filters, described, with their newest runs on request."""

    def one(target: Target) -> AssociationSurvey:
        ids = dict.fromkeys(item.association_id for each in filters for item in listed(target, each))
        found = tuple(described(target, association_id, tags=True) for association_id in ids)
        runs = {each.association_id: run for each in found if (run := _newest_run(target, each))} if with_runs else {}
        return AssociationSurvey(*target.area_key, found, runs)

    return for_each_area(targets, "ssm:ListAssociations", one)


def _newest_run(target: Target, association: Association) -> AssociationRun | None:
    found = executions(target, association.association_id, None, newest=True)
    if not found:
        return None
    return AssociationRun(found[0], execution_targets(target, association.association_id, found))


def has_nodes(target: Target, targets: Sequence[Mapping[str, Any]]) -> bool | None:
    """Whether a managed node matches the targets of an association; None if that cannot be queried.

    The filters of DescribeInstanceInformation are those of an association: tags, or ids.
    """
    named = [item for item in targets if item.get("Values") != ["*"]]
    if any(not item["Key"].startswith(("tag:", "InstanceIds")) for item in named):
        return None
    filters: Any = [{"Key": item["Key"], "Values": item["Values"]} for item in named]
    try:
        answer = target.client("ssm").describe_instance_information(Filters=filters, MaxResults=FEWEST_NODES)
    except ClientError:
        return None
    return bool(answer["InstanceInformationList"] or answer.get("NextToken"))


def _execution(item: Mapping[str, Any]) -> Execution:
    return Execution(
        execution_id=item["ExecutionId"],
        version=item.get("AssociationVersion") or "",
        status=item.get("Status") or "",
        detailed_status=item.get("DetailedStatus") or "",
        created=instant(item.get("CreatedTime")) or "",
    )


def _execution_target(item: Mapping[str, Any]) -> ExecutionTarget:
    return ExecutionTarget(
        execution_id=item["ExecutionId"],
        version=item.get("AssociationVersion") or "",
        instance_id=item.get("ResourceId") or "",
        status=item.get("Status") or "",
        detailed_status=item.get("DetailedStatus") or "",
        last_execution=instant(item.get("LastExecutionDate")),
    )
