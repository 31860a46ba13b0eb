# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tags to write on which instances, so that GuardDutyManaged has the desired value and GuardDuty can read it.

Sources: GuardDuty user guide, "Prerequisites for Amazon EC2 instance support" (exclusion tags are read from the instance
metadata); EC2 user guide, "Work with instance tags in instance metadata" (which tag keys the metadata allows).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..model.fleet import MANAGED_TAG, Instance, Problem, Snapshot
from .plan import Change, Plan
from .tag_rules import refused_tags, shown_tags
from .wording import some

VALUES = {"include": "true", "exclude": "false"}
METADATA_KEY = re.compile(r"[A-Za-z0-9+\-=.,_:@]+")
METADATA_RESERVED = frozenset({".", "..", "_index"})


@dataclass(frozen=True, slots=True)
class DesiredTags:
    """What the user wants. C(managed): include, exclude, clear, repair, or None to leave GuardDutyManaged alone."""

    managed: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    metadata_tags: bool = True


@dataclass(frozen=True, slots=True)
class EnableMetadataTags(Change):
    action = "enable"
    kind = "instance metadata tags setting"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteTags(Change):
    """Tags of a resource of EC2. The subclass of each kind of resource sets C(action) and C(kind)."""

    action = "tag"
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveTags(Change):
    action = "untag"
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagInstance(WriteTags):
    kind = "instance"


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagInstance(RemoveTags):
    kind = "instance"


@dataclass(frozen=True, slots=True)
class TagPlan:
    """The plan, the fleet as it will be, and the changes that are impossible.

    C(forbidden): by instance, the tag keys that prevent its tags from being shown in the instance metadata.
    """

    plan: Plan
    after: Snapshot
    forbidden: Mapping[str, tuple[str, ...]]
    problems: tuple[Problem, ...] = ()


def plan_tags(snapshot: Snapshot, desired: DesiredTags) -> TagPlan:
    opens: list[Change] = []
    tags: list[Change] = []
    untags: list[Change] = []
    forbidden: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    areas = []
    for area in snapshot.areas:
        changed = []
        for instance in area.instances:
            if instance.gone:
                changed.append(instance)
                continue
            wanted = _wanted_tags(instance, desired)
            refusal = _refusal(instance, wanted)
            if refusal is not None:
                problems.append(refusal)
                changed.append(instance)
                continue
            opening = _should_open(wanted, instance, desired)
            bad = forbidden_keys(wanted) if opening else ()
            if bad:
                forbidden[instance.instance_id] = bad
                opening = False
            if opening:
                opens.append(_open(instance))
            tags += _tag(instance, wanted)
            untags += _untag(instance, wanted)
            changed.append(replace(instance, tags=wanted, metadata_tags=instance.metadata_tags or opening))
        areas.append(replace(area, instances=tuple(changed)))
    # Remove tags first: one of them may prevent instance metadata tags. Then set the metadata option, and new tags last:
    # if AWS rejects the option, the exclusion is not written either, since GuardDuty could not read it.
    plan = Plan((*untags, *opens, *tags))
    return TagPlan(plan, Snapshot(tuple(areas), snapshot.problems), forbidden, tuple(problems))


def refused_keys(desired: DesiredTags) -> str | None:
    """Why the desired state itself is invalid, or None."""
    refused = refused_tags((*desired.tags, *desired.remove), "tags and remove_tags", managed=True)
    if refused:
        return refused
    both = sorted(set(desired.tags) & set(desired.remove))
    if both:
        return f"The tags {', '.join(both)} are in tags and in remove_tags; use each in only one of them."
    if desired.managed and MANAGED_TAG in (*desired.tags, *desired.remove):
        return f"{MANAGED_TAG} is in managed and in tags or remove_tags; use managed for it."
    value = desired.tags.get(MANAGED_TAG)
    if value is not None and repaired(value) is None:
        return f"{MANAGED_TAG} can be 'true' or 'false', not {value!r}; use managed for it."
    return None


def forbidden_keys(tags: Mapping[str, str]) -> tuple[str, ...]:
    """The keys that AWS does not allow in the instance metadata: a space, a slash, or a reserved word."""
    return tuple(key for key in tags if key in METADATA_RESERVED or not METADATA_KEY.fullmatch(key))


def forbidden_sentence(forbidden: Mapping[str, tuple[str, ...]]) -> str:
    """One sentence for all instances whose exclusion GuardDuty cannot read."""
    keys = ", ".join(sorted({repr(key) for of_instance in forbidden.values() for key in of_instance}))
    return (
        f"GuardDuty cannot read the exclusion of {some(forbidden)}: instance metadata tags do not allow the tag keys {keys}."
        " Rename those tags, then run this again."
    )


def repaired(value: str) -> str | None:
    """'true' or 'false' if the value clearly means that, such as 'True' or ' FALSE'; otherwise None."""
    lowered = value.strip().lower()
    return lowered if lowered in ("true", "false") else None


def _wanted_tags(instance: Instance, desired: DesiredTags) -> dict[str, str]:
    wanted = {key: value for key, value in instance.tags.items() if key not in desired.remove}
    wanted.update(desired.tags)
    if MANAGED_TAG in desired.tags:
        # YAML's true arrives as 'True', which GuardDuty does not read as 'true'.
        wanted[MANAGED_TAG] = repaired(desired.tags[MANAGED_TAG]) or desired.tags[MANAGED_TAG]
    current = instance.tags.get(MANAGED_TAG)
    if desired.managed in VALUES:
        wanted[MANAGED_TAG] = VALUES[desired.managed]
    elif desired.managed == "clear":
        wanted.pop(MANAGED_TAG, None)
    elif desired.managed == "repair" and current is not None:
        wanted[MANAGED_TAG] = repaired(current) or current
    return wanted


def _refusal(instance: Instance, wanted: Mapping[str, str]) -> Problem | None:
    """With instance metadata tags on, AWS rejects a new key that the metadata does not allow."""
    bad = forbidden_keys({key: "" for key in wanted if key not in instance.tags}) if instance.metadata_tags else ()
    if not bad:
        return None
    message = (
        f"the instance metadata tags of {instance.instance_id} do not allow the tag keys {', '.join(map(repr, bad))}"
    )
    advice = "Use keys of letters, digits and + - = . , _ : @, or turn off its instance metadata tags first."
    return Problem(*instance.area_key, "the change of tags", "TagKeyNotAllowed", message, "", advice)


def _should_open(wanted: Mapping[str, str], instance: Instance, desired: DesiredTags) -> bool:
    """Whether GuardDuty has to be enabled to read an exclusion that this run writes or confirms."""
    asks = desired.managed in ("exclude", "repair") or MANAGED_TAG in desired.tags
    return desired.metadata_tags and asks and wanted.get(MANAGED_TAG) == "false" and not instance.metadata_tags


def _open(instance: Instance) -> Change:
    return EnableMetadataTags(
        *instance.area_key,
        instance.instance_id,
        {"instance_metadata_tags": "disabled"},
        {"instance_metadata_tags": "enabled"},
    )


def _tag(instance: Instance, wanted: Mapping[str, str]) -> Iterator[Change]:
    # Sorted, so that instances that get the same tags share one call, whatever the order of their own tags.
    written = {key: wanted[key] for key in sorted(wanted) if instance.tags.get(key) != wanted[key]}
    if written:
        before, after = shown_tags(instance.tags, written), shown_tags(written)
        yield TagInstance(*instance.area_key, instance.instance_id, before, after, tags=written)


def _untag(instance: Instance, wanted: Mapping[str, str]) -> Iterator[Change]:
    gone = {key: value for key, value in instance.tags.items() if key not in wanted}
    if gone:
        keys = tuple(sorted(gone))
        yield UntagInstance(*instance.area_key, instance.instance_id, shown_tags(gone), {}, keys=keys)
