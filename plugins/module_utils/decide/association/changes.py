# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes of State Manager associations. C(settings) are under AWS's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..plan import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationChange(Change):
    """A change of an association. C(association_id) is empty while it does not exist yet."""

    kind = "association"
    association_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAssociation(AssociationChange):
    action = "create"
    settings: Mapping[str, Any]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAssociation(AssociationChange):
    """C(settings): all that the association will hold, of which C(members) differ from what it holds now."""

    action = "update"
    settings: Mapping[str, Any]
    version: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAssociation(AssociationChange):
    action = "start"
    settings: Mapping[str, Any]
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAssociation(AssociationChange):
    action = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class TagAssociation(AssociationChange):
    action = "tag"
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagAssociation(AssociationChange):
    action = "untag"
    keys: tuple[str, ...]
