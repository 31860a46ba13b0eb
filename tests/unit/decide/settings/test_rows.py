# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings in eligibility_info: those in effect, and none that could not be read."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.fleet.eligibility_report import (
    answer,
    settings_of,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import Choices
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import (
    AccountRegion,
    Detector,
    Feature,
    Snapshot,
)


def area(status: str = "ENABLED", enabled: bool = True, **changes: object) -> AccountRegion:
    feature = Feature(enabled, {"EC2_AGENT_MANAGEMENT": True})
    detector = Detector("d" * 32, status, {"RUNTIME_MONITORING": feature})
    return AccountRegion("111111111111", "eu-west-1", detector=detector, **changes)


@pytest.mark.parametrize(
    ("place", "monitoring", "automated"),
    [
        (area(), True, True),
        (area(enabled=False), False, False),
        (area(status="DISABLED"), False, False),
        (AccountRegion("111111111111", "eu-west-1"), False, False),
    ],
)
def test_a_sub_feature_is_in_effect_with_its_feature_only(
    place: AccountRegion, monitoring: bool, automated: bool
) -> None:
    row = asdict(settings_of(place))
    assert (row["runtime_monitoring"], row["ec2_agent_management"]) == (monitoring, automated)
    assert (row["eks_addon_management"], row["ecs_fargate_agent_management"]) == (False, False)


def test_unread_settings_have_no_row() -> None:
    unread = area(unknown=frozenset({"detector"}))
    assert answer(Snapshot((unread,)), Choices())["settings"] == []
