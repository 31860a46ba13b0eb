# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State Manager's associations, documents and runs, as Systems Manager gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .fleet import GUARDDUTY_ASSOCIATION, MANAGED_TAG, InArea, Problem


@dataclass(frozen=True, slots=True)
class Association:
    """A State Manager association.

    C(settings) has AWS's names and holds everything that UpdateAssociation takes, since an update clears what it leaves
    out. C(tags) is None unless the tags were read, which takes a call.
    """

    association_id: str
    version: str
    settings: Mapping[str, Any]
    status: str | None = None
    detailed_status: str | None = None
    status_counts: Mapping[str, int] = field(default_factory=dict)
    created: str | None = None
    updated: str | None = None
    last_execution: str | None = None
    last_success: str | None = None
    tags: Mapping[str, str] | None = None

    @property
    def name(self) -> str | None:
        return self.settings.get("AssociationName")

    @property
    def document(self) -> str:
        return str(self.settings.get("Name") or "")

    @property
    def guardduty_owned(self) -> bool:
        return self.name == GUARDDUTY_ASSOCIATION or MANAGED_TAG in (self.tags or {})


@dataclass(frozen=True, slots=True)
class DocumentParameter:
    """A parameter of an SSM document. C(allowed) is None if any value is allowed, or if the allowed values are not known."""

    required: bool
    allowed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Document:
    name: str
    document_type: str
    parameters: Mapping[str, DocumentParameter] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AssociationNeed:
    """What else must be read in an account and region before its plan is final. Each costs calls that few plans need.

    C(tags): the association's tags, which say whose it is; C(document): the name and version of the document whose
    parameters are to be checked; C(every): all associations; C(nodes): the managed nodes among the instances that these
    EC2 filters and ids give.
    """

    tags: bool = False
    document: tuple[str, str] | None = None
    every: bool = False
    nodes: tuple[Mapping[str, Sequence[str]], Sequence[str] | None] | None = None


@dataclass(frozen=True, slots=True)
class AssociationArea(InArea):
    """The associations of one account and region that match the desired state: none, one (described), or several.

    C(every): all associations; C(nodes): the tags of the managed nodes that its targets may select. None: not known.
    C(asked): the fields that were read as far as they could be, so that they are not read again.
    """

    found: tuple[Association, ...] = ()
    document: Document | None = None
    every: tuple[Association, ...] | None = None
    nodes: Mapping[str, Mapping[str, str]] | None = None
    asked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AssociationReading:
    """The associations that were read, the calls that failed, and the failures on which no plan depends (C(remarks))."""

    areas: tuple[AssociationArea, ...] = ()
    problems: tuple[Problem, ...] = ()
    remarks: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class AssociationRun:
    """A run of an association with its result on each node."""

    execution: Execution
    targets: tuple[ExecutionTarget, ...]


@dataclass(frozen=True, slots=True)
class AssociationSurvey(InArea):
    """The associations of one account and region, and the newest run of each by association id."""

    found: tuple[Association, ...]
    runs: Mapping[str, AssociationRun] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of an association over its targets."""

    execution_id: str
    version: str
    status: str
    detailed_status: str
    created: str


@dataclass(frozen=True, slots=True)
class ExecutionTarget:
    """The result of a run on one node. The statuses are AWS's."""

    execution_id: str
    version: str
    instance_id: str
    status: str
    detailed_status: str
    last_execution: str | None = None
