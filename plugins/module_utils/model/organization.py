# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a GuardDuty administrator has configured for members and for its organization."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .fleet import Feature, InArea


@dataclass(frozen=True, slots=True)
class MemberArea(InArea):
    """An administrator's account in one region, and the features of those of its members that could be read.

    C(skipped): members that are not enabled, account id to AWS's status of the relationship.
    """

    detector_id: str
    members: Mapping[str, Mapping[str, Feature]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AutoEnable:
    """In which members GuardDuty enables a feature automatically: NEW, ALL or NONE, also for each sub-feature."""

    feature: str = "NONE"
    additional: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrganizationArea(InArea):
    """What a delegated administrator has configured for its organization in one region.

    C(members): GuardDuty itself in members, the value of AutoEnableOrganizationMembers; None where AWS returns only the older
    switch C(new_members).
    """

    detector_id: str
    members: str | None
    new_members: bool
    limit_reached: bool
    features: Mapping[str, AutoEnable] = field(default_factory=dict)
