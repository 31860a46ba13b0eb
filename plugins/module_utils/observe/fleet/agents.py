# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what shows where agents are, only in the accounts and regions where that matters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ...model.fleet import AccountRegion, AreaKey, Problem, Snapshot
from ..client.access import Target
from ..client.accounts import WORKERS
from . import ec2, guardduty, ssm
from .snapshot import try_call


def look_for_agents(
    targets: Sequence[Target], snapshot: Snapshot, where: Collection[AreaKey]
) -> tuple[Snapshot, tuple[Problem, ...]]:
    """The snapshot with instances, nodes and coverage in the accounts and regions of C(where), and what could not be read."""
    if not where:
        return snapshot, ()
    known = {(target.account_id, target.region): target for target in targets}
    with ThreadPoolExecutor(min(WORKERS, 3 * len(where))) as pool:
        pending = {}
        for area in snapshot.areas:
            key = area.area_key
            if key in where:
                calls = _calls(known[key], str(area.detector.detector_id))
                pending[key] = [pool.submit(try_call, known[key], *call) for call in calls]
        reads = {key: [future.result() for future in futures] for key, futures in pending.items()}
    areas = tuple(_with(area, reads.get(area.area_key, ())) for area in snapshot.areas)
    failed = tuple(read.problem for of_area in reads.values() for read in of_area if read.problem is not None)
    return Snapshot(areas, snapshot.problems), failed


def _calls(target: Target, detector_id: str) -> list[tuple[str, str, Callable[[], Any]]]:
    return [
        ("coverage", "guardduty:ListCoverage", lambda: guardduty.coverage(target, detector_id)),
        ("instances", "ec2:DescribeInstances", lambda: ec2.instances(target)),
        ("nodes", "ssm:DescribeInstanceProperties", lambda: ssm.nodes(target)),
    ]


def _with(area: AccountRegion, reads: Sequence[Any]) -> AccountRegion:
    if not reads:
        return area
    got: Mapping[str, Any] = {read.what: read.value for read in reads if read.problem is None}
    # AccountRegion has the field nodes; if it is unknown, C(unknown) has "ssm".
    failed = {"ssm" if read.what == "nodes" else read.what for read in reads if read.problem is not None}
    return replace(area, unknown=area.unknown - {"instances", "ssm", "coverage"} | failed, **got)
