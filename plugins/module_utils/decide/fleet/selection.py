# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found of the selection: the accounts and regions that could be read, and the missing instances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...model.fleet import Problem, Snapshot


def areas_read(snapshot: Snapshot) -> list[str]:
    """The accounts and regions whose instances and settings are known, each as ACCOUNT/REGION."""
    return [str(area.area_key) for area in snapshot.areas if not area.unknown & {"instances", "detector"}]


def missing_instances(snapshot: Snapshot, ids: Iterable[str] | None) -> Iterator[Problem]:
    """A problem for each id that is in no account and region; none if some could not be read, since it may be there."""
    if any("instances" in area.unknown for area in snapshot.areas):
        return
    found = {instance.instance_id for area in snapshot.areas for instance in area.instances}
    places = ", ".join(str(area.area_key) for area in snapshot.areas)
    for instance_id in dict.fromkeys(ids or ()):
        if instance_id not in found:
            message = f"there is no instance {instance_id} in {places}"
            advice = "It may be terminated, or be in another account or region."
            yield Problem("", "", "the lookup of instances", "InstanceNotFound", message, "", advice)
