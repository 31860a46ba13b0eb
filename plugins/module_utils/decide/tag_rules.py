# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for the tags of every resource: values as text, rejected keys, and the difference between two sets.

Sources: EC2 user guide, "Tag restrictions" (keys that start with aws: are reserved, 50 tags for each resource; Systems
Manager, SQS and EventBridge state the same).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..model.fleet import ANSIBLE_MARKUP, MANAGED_TAG

MOST_TAGS = 50


def as_text(value: Any) -> str:
    """A tag's value for AWS. YAML's true is Python's True, whose text 'True' would not match the tag value 'true'."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def as_texts(tags: Mapping[str, Any]) -> dict[str, str]:
    return {key: as_text(value) for key, value in tags.items()}


def is_reserved(key: str) -> bool:
    return key.lower().startswith("aws:")


def refused_tags(tags: Iterable[str], option: str = "tags", managed: bool = False) -> str | None:
    """Why tags with these keys cannot be written, or None. C(managed): the tag GuardDutyManaged is allowed."""
    keys = list(tags)
    if not managed and any(key.lower() == MANAGED_TAG.lower() for key in keys):
        return (
            f"{MANAGED_TAG} marks what GuardDuty owns, and GuardDuty may change or delete whatever has it; leave it"
            f" out of {option}."
        )
    reserved = sorted(key for key in keys if is_reserved(key))
    if reserved:
        return (
            f"Tag keys that start with 'aws:' are reserved for AWS: {', '.join(reserved)}. Leave them out of {option}."
        )
    markup = sorted(key for key in keys if key.startswith(ANSIBLE_MARKUP))
    if markup:
        return f"Ansible reads keys such as {', '.join(markup)} as its own markup. Leave them out of {option}."
    if len(keys) > MOST_TAGS:
        return f"{option} has {len(keys)} tags, but AWS allows at most {MOST_TAGS} for each resource. Remove some."
    return None


def tag_difference(
    current: Mapping[str, str], desired: Mapping[str, str] | None, purge: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """The tags to write, and those to remove with their values. C(desired) None leaves all tags alone."""
    if desired is None:
        return {}, {}
    written = {key: value for key, value in desired.items() if current.get(key) != value}
    removed = {key: value for key, value in current.items() if key not in desired and not is_reserved(key)}
    return written, removed if purge else {}


def shown_tags(tags: Mapping[str, str], keys: Iterable[str] | None = None) -> dict[str, str]:
    """Tags as a diff shows them: all of them, or those of C(keys) that exist."""
    return {f"tag:{key}": tags[key] for key in (tags if keys is None else keys) if key in tags}
