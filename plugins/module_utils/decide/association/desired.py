# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The desired state of an association, which existing one it matches, and the filters for a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...model.associations import Association
from ...model.fleet import SSM_DOCUMENT
from ..tag_rules import as_texts, refused_tags
from .limits import invalid_settings
from .settings import same, same_document

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


@dataclass(frozen=True, slots=True)
class DesiredAssociation:
    """The desired state. C(settings) has only what the user set, under AWS's names, including the name and the document."""

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
        """The document whose associations are searched if none has the name; without targets, none of them matches."""
        return self.document if "Targets" in self.settings else None


def refused(desired: DesiredAssociation) -> str | None:
    """Why the desired state is invalid everywhere, or None."""
    return invalid_settings(desired.settings) or (refused_tags(desired.tags) if desired.tags else None)


def match(desired: DesiredAssociation, listed: Sequence[Association]) -> tuple[Association, ...]:
    """The listed associations that match the desired state: by name, otherwise by document and targets.

    An association with another name is not managed here, whatever its document and targets are.
    """
    if desired.name:
        named = [association for association in listed if association.name == desired.name]
        if named:
            return tuple(_narrowed(desired, named))
        listed = [association for association in listed if association.name is None]
    targets = desired.settings.get("Targets")
    if targets is None:
        return ()
    return tuple(
        association
        for association in listed
        if same_document(association.document, desired.document)
        and same("Targets", association.settings.get("Targets"), targets)
    )


def _narrowed(desired: DesiredAssociation, named: Sequence[Association]) -> Sequence[Association]:
    """Names need not be unique in AWS: the document, then the targets, identify the association."""
    for member in ("Name", "Targets"):
        wanted = desired.settings.get(member)
        if len(named) > 1 and wanted is not None:
            named = [
                association for association in named if same(member, association.settings.get(member), wanted)
            ] or named
    return named


def list_filters(
    names: Sequence[str], documents: Sequence[str], further: Mapping[str, Any]
) -> tuple[list[dict[str, str]], str | None]:
    """The sets of ListAssociations filters, one call each, or why they are invalid."""
    unknown = sorted(set(further) - LIST_FILTERS)
    if unknown:
        return [], f"filters has the unknown key {unknown[0]}; use {', '.join(sorted(LIST_FILTERS))}."
    common = as_texts(further)
    if names:
        return [{"AssociationName": name, **common} for name in dict.fromkeys(names)], None
    if documents:
        return [{"Name": name, **common} for name in dict.fromkeys(documents)], None
    return [common], None
