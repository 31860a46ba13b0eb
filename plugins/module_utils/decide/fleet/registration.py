# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instances have just started and are not registered with Systems Manager yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...model.fleet import AccountRegion, Instance, Snapshot
from ..verdict.eligibility import read_tag

# States in which an instance can still register: EC2 reports running before the operating system has booted.
ON_THE_WAY = frozenset({"pending", "running"})


@dataclass(frozen=True, slots=True)
class LaunchWindow:
    """Instances that count as just started. C(now): seconds since 1970. C(since): their maximum age in seconds."""

    now: float
    since: float
    scope: str = "all"

    def has(self, instance: Instance) -> bool:
        return (
            instance.state in ON_THE_WAY
            and instance.platform == "linux"
            and instance.operator is None
            and instance.launched is not None
            and self.now - instance.launched < self.since
            and self._may_want(instance)
        )

    def _may_want(self, instance: Instance) -> bool:
        """Whether the agent may have to be installed on it: there is no need to wait for excluded instances."""
        tag = read_tag(instance.tags)
        return tag != "excluded" if self.scope == "all" else tag == "included"


def just_started(snapshot: Snapshot, young: LaunchWindow) -> tuple[Instance, ...]:
    return tuple(instance for area in snapshot.areas for instance in area.instances if young.has(instance))


def unregistered(started: Sequence[Instance], nodes: Snapshot) -> tuple[Instance, ...]:
    """Those that are not online in Systems Manager; if that is unknown, there is nothing to wait for."""
    areas = {area.area_key: area for area in nodes.areas if "ssm" not in area.unknown}
    return tuple(instance for instance in started if not _online(instance, areas.get(instance.area_key)))


def _online(instance: Instance, area: AccountRegion | None) -> bool:
    node = area.nodes.get(instance.instance_id) if area else None
    return area is None or (node is not None and node.online)
