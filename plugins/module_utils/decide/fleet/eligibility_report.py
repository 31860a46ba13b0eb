# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of eligibility_info: the fleet as it is, and as it would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ...model.fleet import AccountRegion, InArea, Snapshot
from ..settings.features import SUB_FEATURES
from ..verdict.eligibility import Choices, judge_fleet
from ..verdict.rows import RowError, row
from .selection import areas_read
from .summary import summarize
from .verdict_changes import compare, transitions
from .what_if import Assumption, assume
from .worklists import worklists


@dataclass(frozen=True, slots=True)
class AreaSettings(InArea):
    """The settings in effect in one account and region: a sub-feature has no effect while its feature is off."""

    runtime_monitoring: bool
    ec2_agent_management: bool
    eks_addon_management: bool
    ecs_fargate_agent_management: bool


def answer(snapshot: Snapshot, choices: Choices) -> dict[str, Any]:
    verdicts = list(judge_fleet(snapshot, choices))
    return {
        "instances": [row(verdict) for verdict in verdicts],
        "summary": summarize(verdicts),
        "worklists": worklists(verdicts),
        "areas_read": areas_read(snapshot),
        "settings": [asdict(settings_of(area)) for area in snapshot.areas if "detector" not in area.unknown],
    }


def settings_of(area: AccountRegion) -> AreaSettings:
    on, monitoring = area.detector.runtime_monitoring, area.detector.monitoring
    parts = {option: on and monitoring.additional.get(name, False) for option, name in SUB_FEATURES.items()}
    return AreaSettings(area.account_id, area.region, on, **parts)


def settings_from(row: Any) -> AreaSettings:
    """The inverse of a row of C(settings). Raises a RowError."""
    try:
        return AreaSettings(**{field.name: row[field.name] for field in fields(AreaSettings)})
    except (KeyError, TypeError) as error:
        raise RowError(f"is not a row of settings ({error})") from None


def what_if_report(snapshot: Snapshot, choices: Choices, options: Mapping[str, Any]) -> dict[str, Any]:
    """The differences under the options of 'assume'."""
    automated = options["ec2_agent_management"]
    assumption = Assumption(
        runtime_monitoring=options["runtime_monitoring"],
        additional={} if automated is None else {"ec2_agent_management": automated},
        create_detector=options["create_detector"],
        managed=options["managed"],
        instance_ids=frozenset(options["instance_ids"]),
    )
    imagined = assume(snapshot, assumption)
    other = Choices(options["scope"] or choices.scope, choices.fallback_to_package)
    flipped = compare(snapshot, choices, imagined, other)
    would_be = answer(imagined, other)
    return {
        "verdict_changes": flipped,
        "transitions": transitions(flipped),
        "assumed_instances": would_be["instances"],
        "assumed_summary": would_be["summary"],
        "assumed_worklists": would_be["worklists"],
    }
