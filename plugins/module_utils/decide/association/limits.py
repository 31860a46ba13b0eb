# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS would reject in an association, checked before any call, with what to do instead.

Sources: botocore's model of CreateAssociation (patterns, sizes, and the texts of its parameters); SSM user guide,
"Reference: Cron and rate expressions for Systems Manager" (an association runs every 30 minutes at most).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...model.associations import Document
from .settings import EVERY_NODE, INSTANCE_IDS, is_empty

TARGETS = 5
VALUES = 50
SHORTEST_RATE = 30
MINUTES = {"minute": 1, "minutes": 1, "hour": 60, "hours": 60, "day": 1440, "days": 1440}
CONCURRENCY = re.compile(r"(?=.{1,7}$)([1-9][0-9]*|[1-9][0-9]?%|100%)")
ERRORS = re.compile(r"(?=.{1,7}$)([1-9][0-9]*|0|[1-9][0-9]%|[0-9]%|100%)")
NODE_ID = re.compile(r"i-(\w{8}|\w{17})|mi-\w{17}")
RATE = re.compile(r"rate\((\d+) (minutes?|hours?|days?)\)")
# Policy documents are those of inventory; a Package cannot run by itself.
RUNNABLE = ("Command", "Automation", "Policy")
RATE_LIMITS = {
    "MaxConcurrency": (CONCURRENCY, "max_concurrency", "a number of at least 1 or a percentage from 1% to 100%"),
    "MaxErrors": (ERRORS, "max_errors", "a number of at least 0 or a percentage from 0% to 100%"),
}
NAMES = {
    "AssociationName": (re.compile(r"[a-zA-Z0-9_\-.]{3,128}"), "3 to 128 letters, digits, '_', '-' and '.'"),
    "Name": (re.compile(r"[a-zA-Z0-9_\-.:/]{3,128}"), "a document's name or ARN"),
    "DocumentVersion": (re.compile(r"\$LATEST|\$DEFAULT|[1-9][0-9]*"), "a number, $LATEST or $DEFAULT"),
    "AssociationDispatchAssumeRole": (re.compile(r"arn:aws(-[^:]+)?:iam::[0-9]{12}:role/.+"), "the ARN of an IAM role"),
}


def invalid_settings(settings: Mapping[str, Any]) -> str | None:
    """Why AWS would reject a desired setting, whatever else the association has; None if it would not."""
    checks: tuple[Callable[[Mapping[str, Any]], Iterator[str]], ...] = (
        _names,
        _targets,
        _rate_limits,
        _schedule,
        _numbers,
        _locations,
        _output,
    )
    return next((sentence for check in checks for sentence in check(settings)), None)


def contradiction(settings: Mapping[str, Any]) -> str | None:
    """Why AWS would reject the combined settings, including those that the association already has."""
    schedule = settings.get("ScheduleExpression") or ""
    only_scheduled = settings.get("ApplyOnlyAtCronInterval")
    if not settings.get("Targets") and not settings.get("TargetLocations") and not settings.get("TargetMaps"):
        return "it would have no targets; set target_tags, instance_ids or targets"
    if settings.get("Targets") and settings.get("TargetMaps"):
        return "AWS does not allow targets together with its target maps; delete it first"
    if only_scheduled and not schedule:
        return "apply_only_at_cron_interval needs a schedule_expression"
    if only_scheduled and schedule.startswith("rate("):
        return f"apply_only_at_cron_interval does not work with {schedule}; use a cron expression"
    if settings.get("ScheduleOffset") and not (only_scheduled and schedule.startswith("cron(")):
        return "schedule_offset needs a cron schedule_expression and apply_only_at_cron_interval"
    if settings.get("Duration") and not only_scheduled:
        return "duration only has an effect with apply_only_at_cron_interval"
    return None


def refused_by_document(document: Document, parameters: Mapping[str, list[str]]) -> str | None:
    """Why the document does not accept these parameters."""
    if document.document_type not in RUNNABLE:
        return f"{document.name} is a {document.document_type} document, which cannot run; use a Command document"
    known = document.parameters
    for name, values in parameters.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}" if close else f"it has {', '.join(sorted(known)) or 'none'}"
            return f"the document {document.name} has no parameter {name}; {hint}"
        allowed = known[name].allowed
        wrong = [value for value in values if allowed is not None and value not in allowed]
        if wrong:
            return (
                f"the parameter {name} does not allow '{wrong[0]}'; allowed are {', '.join(map(repr, allowed or ()))}"
            )
    missing = [name for name, parameter in known.items() if parameter.required and not parameters.get(name)]
    if missing:
        return f"the document {document.name} needs the parameter {', '.join(missing)}"
    return None


def _names(settings: Mapping[str, Any]) -> Iterator[str]:
    if settings.get("Name") == "":
        yield "An association requires a document; leave document_name out to keep the current one."
    for member, (pattern, form) in NAMES.items():
        value = settings.get(member)
        if not is_empty(value) and not pattern.fullmatch(str(value)):
            yield f"'{value}' is not {form}."


def _targets(settings: Mapping[str, Any]) -> Iterator[str]:
    targets = settings.get("Targets")
    if targets is None:
        return
    if not targets:
        yield "An association requires targets; set some, or delete it with state=absent."
    if len(targets) > TARGETS:
        yield (
            f"There are {len(targets)} targets, but an association allows at most {TARGETS}. A node must match all of"
            " them, so one tag with several values is often the better choice."
        )
    for target in targets:
        yield from _target(target["Key"], target["Values"])


def _target(key: str, values: list[str]) -> Iterator[str]:
    what = "instance ids" if key == INSTANCE_IDS else f"values for {key}"
    if not values:
        yield f"There are no {what}; an association requires targets."
    if len(values) > VALUES:
        yield (
            f"There are {len(values)} {what}, but an association allows at most {VALUES}. Give the instances a common tag"
            " and use target_tags, or create several associations with different names."
        )
    if key == INSTANCE_IDS:
        wrong = [value for value in values if not NODE_ID.fullmatch(value)]
        if values != [EVERY_NODE] and wrong:
            yield f"'{wrong[0]}' is not a valid instance ID; use '{EVERY_NODE}' alone for every managed node."
    elif key == "tag:" or not key.startswith(("tag:", "resource-groups:")):
        yield f"'{key}' is not a valid target of an association; use InstanceIds, tag:KEY or resource-groups:Name."


def _rate_limits(settings: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for member, (pattern, option, form) in RATE_LIMITS.items():
        value = settings.get(prefix + member)
        if not is_empty(value) and not pattern.fullmatch(str(value)):
            yield f"{option}: '{value}' is not {form}."


def _schedule(settings: Mapping[str, Any]) -> Iterator[str]:
    schedule = settings.get("ScheduleExpression")
    if not schedule:
        return
    rate = RATE.fullmatch(schedule)
    if rate and int(rate[1]) * MINUTES[rate[2]] < SHORTEST_RATE:
        yield f"schedule_expression: {schedule} is too frequent; an association runs at most every {SHORTEST_RATE} minutes."
    if not rate and not re.fullmatch(r"(cron|at)\(.+\)", schedule):
        yield (
            f"schedule_expression: '{schedule}' is not a valid schedule; use cron(...), at(...) or rate(...) with minutes, hours"
            " or days, such as rate(12 hours)."
        )


def _numbers(settings: Mapping[str, Any]) -> Iterator[str]:
    for member, option, highest, unit in (
        ("ScheduleOffset", "schedule_offset", 6, "days"),
        ("Duration", "duration", 24, "hours"),
    ):
        value = settings.get(member)
        if value is not None and not 0 <= value <= highest:
            yield f"{option}: {value} is not valid; use 1 to {highest} {unit}, or 0 for none."


def _locations(settings: Mapping[str, Any]) -> Iterator[str]:
    locations = settings.get("TargetLocations") or ()
    if len(locations) > 100:
        yield f"There are {len(locations)} target_locations, but an association allows at most 100."
    for location in locations:
        for member, option, most in (("Accounts", "accounts", 50), ("Regions", "regions", 50)):
            count = len(location.get(member) or ())
            if count > most:
                yield f"A target location has {count} {option}, but allows at most {most}; use several locations."
        yield from _rate_limits(location, "TargetLocation")
        yield from _rate_limits(location, "Targets")


def _output(settings: Mapping[str, Any]) -> Iterator[str]:
    location = (settings.get("OutputLocation") or {}).get("S3Location")
    if location and not location.get("OutputS3BucketName"):
        yield "output_location needs s3_bucket_name."
