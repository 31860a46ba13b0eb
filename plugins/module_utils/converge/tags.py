# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tags and the instance metadata tags setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..decide.plan import Change
from ..decide.tags import EnableMetadataTags, RemoveTags, TagInstance, UntagInstance, WriteTags
from ..observe.client.problems import AWS_ERRORS
from ..observe.client.sdk import ClientError
from .run import AreaRun, Handlers, group_identical

# The most resources that CreateTags and DeleteTags accept in one call (EC2 API reference).
RESOURCES = 1000
# AWS rejects the whole call for one bad id, or for too large a batch: in both cases, the batch is halved.
HALVING_CODES = frozenset(
    {"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed", "InvalidID", "TagLimitExceeded"}
)


def _enable_metadata_tags(run: AreaRun, changes: Sequence[Change]) -> None:
    client = run.target.client("ec2")

    def enable(change: Change) -> None:
        client.modify_instance_metadata_options(InstanceId=change.target, InstanceMetadataTags="enabled")

    run.each(changes, "ec2:ModifyInstanceMetadataOptions", enable)


def tag_resources(run: AreaRun, changes: Sequence[WriteTags]) -> None:
    client = run.target.client("ec2")
    for same in group_identical(changes, lambda change: change.tags):
        tags: Any = [{"Key": key, "Value": value} for key, value in same[0].tags.items()]
        _in_bulk(run, same, "ec2:CreateTags", partial(client.create_tags, Tags=tags))


def untag_resources(run: AreaRun, changes: Sequence[RemoveTags]) -> None:
    client = run.target.client("ec2")
    for same in group_identical(changes, lambda change: change.keys):
        tags: Any = [{"Key": key} for key in same[0].keys]
        _in_bulk(run, same, "ec2:DeleteTags", partial(client.delete_tags, Tags=tags))


def _in_bulk(run: AreaRun, changes: Sequence[Change], operation: str, write: Callable[..., Any]) -> None:
    for start in range(0, len(changes), RESOURCES):
        _halving(run, changes[start : start + RESOURCES], operation, write)


def _halving(run: AreaRun, changes: Sequence[Change], operation: str, write: Callable[..., Any]) -> None:
    try:
        write(Resources=[change.target for change in changes])
    except AWS_ERRORS as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if len(changes) == 1 or code not in HALVING_CODES:
            run.fail(changes, operation, error)
            return
        middle = len(changes) // 2
        _halving(run, changes[:middle], operation, write)
        _halving(run, changes[middle:], operation, write)
    else:
        run.succeed(changes)


HANDLERS: Handlers = {
    EnableMetadataTags: _enable_metadata_tags,
    TagInstance: tag_resources,
    UntagInstance: untag_resources,
}
