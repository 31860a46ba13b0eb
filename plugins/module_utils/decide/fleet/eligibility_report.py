# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of eligibility_info: the fleet as it is, and the fleet as it would be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...model.fleet import AccountRegion, Snapshot
from ..settings.features import SUB_FEATURES
from ..verdict.eligibility import Choices, judge_fleet
from ..verdict.rows import row
from .selection import areas_read
from .summary import summarize
from .verdict_changes import compare, transitions
from .what_if import Assumption, assume
from .worklists import worklists


def answer(snapshot: Snapshot, choices: Choices) -> dict[str, Any]:
    verdicts = list(judge_fleet(snapshot, choices))
    return {
        "instances": [row(verdict) for verdict in verdicts],
        "summary": summarize(verdicts),
        "worklists": worklists(verdicts),
        "areas_read": areas_read(snapshot),
        "settings": [settings_row(area) for area in snapshot.areas if "detector" not in area.unknown],
    }


def settings_row(area: AccountRegion) -> dict[str, Any]:
    """What is in effect in one account and region: a sub-feature is not while its feature is off."""
    on, monitoring = area.detector.runtime_monitoring, area.detector.monitoring
    return {
        "account_id": area.account_id,
        "region": area.region,
        "runtime_monitoring": on,
        **{option: on and monitoring.additional.get(name, False) for option, name in SUB_FEATURES.items()},
    }


def what_if_report(snapshot: Snapshot, choices: Choices, options: Mapping[str, Any]) -> dict[str, Any]:
    """What would differ under the options of 'assume'."""
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
