# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans over a detector's settings: only differences, in AWS's order, an empty second plan, and refusals with a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import ACCOUNT, REGION

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.settings.detector import (
    DesiredMonitoring,
    MonitoringPlan,
    plan_monitoring,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.settings.detector_rows import monitoring_rows
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.settings.features import (
    FEATURE,
    LEGACY_FEATURE,
    SUB_FEATURES,
    legacy_warning,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import (
    AccountRegion,
    Detector,
    Feature,
    Snapshot,
)

EC2, EKS, FARGATE = SUB_FEATURES.values()
OFF = dict.fromkeys(SUB_FEATURES.values(), False)


NONE = Feature()


def area(monitoring: Feature = NONE, legacy: Feature = NONE, **changes: object) -> AccountRegion:
    features = {"S3_DATA_EVENTS": Feature(True), FEATURE: monitoring, LEGACY_FEATURE: legacy}
    return replace(AccountRegion(ACCOUNT, REGION, detector=Detector("d1", "ENABLED", features)), **changes)


def plan(of: AccountRegion, desired: DesiredMonitoring) -> MonitoringPlan:
    return plan_monitoring(Snapshot((of,)), desired)


features = st.builds(
    Feature,
    enabled=st.booleans(),
    additional=st.dictionaries(st.sampled_from(sorted({*SUB_FEATURES.values(), "RDS_DATA_RISK"})), st.booleans()),
)
desired_by_area = st.builds(
    DesiredMonitoring,
    enabled=st.booleans(),
    additional=st.dictionaries(st.sampled_from(sorted(SUB_FEATURES)), st.booleans()),
    migrate_eks=st.booleans(),
    create_detector=st.booleans(),
)


@given(monitoring=features, legacy=features, desired=desired_by_area)
def test_a_plan_applied_twice_is_empty(monitoring: Feature, legacy: Feature, desired: DesiredMonitoring) -> None:
    first = plan(area(monitoring, legacy), desired)
    after = first.after.areas[0].detector
    assert plan_monitoring(first.after, desired).plan.changes == ()
    assert after.monitoring.enabled is desired.enabled
    assert not (desired.migrate_eks and after.features[LEGACY_FEATURE].enabled)
    for option, name in SUB_FEATURES.items():
        if option in desired.additional:
            assert after.monitoring.additional.get(name, False) is desired.additional[option]
    for change in first.plan.changes:
        assert change.before != change.after and change.before.keys() == change.after.keys()


@given(desired=desired_by_area)
def test_a_detector_that_does_not_exist_is_made_or_refused(desired: DesiredMonitoring) -> None:
    done = plan(AccountRegion(ACCOUNT, REGION), desired)
    made = [change.action for change in done.plan.changes]
    if not desired.enabled:
        assert (made, done.problems) == ([], ())
    elif desired.create_detector:
        assert made == ["create"] and plan_monitoring(done.after, desired).plan.changes == ()
    else:
        assert made == [] and [problem.code for problem in done.problems] == ["NoDetector"]


def test_every_sub_feature_is_sent_and_only_what_differs_is_shown() -> None:
    done = plan(area(Feature(True, {FARGATE: True})), DesiredMonitoring(additional={"ec2_agent_management": True}))
    (change,) = done.plan.changes
    assert change.feature.additional == {EC2: True, EKS: False, FARGATE: True}
    assert (change.before, change.after) == (
        {"ec2_agent_management": "disabled"},
        {"ec2_agent_management": "enabled"},
    )


@pytest.mark.parametrize(
    ("enabled", "kinds"),
    [
        (True, ["Runtime Monitoring setting", "EKS Runtime Monitoring setting"]),
        (False, ["EKS Runtime Monitoring setting", "Runtime Monitoring setting"]),
    ],
)
def test_the_order_of_a_migration(enabled: bool, kinds: list[str]) -> None:
    done = plan(area(Feature(not enabled), Feature(True)), DesiredMonitoring(enabled, migrate_eks=True))
    assert [change.kind for change in done.plan.changes] == kinds
    assert {change.target for change in done.plan.changes} == {"d1"}, "so that a step that fails stops the other"


@pytest.mark.parametrize(
    ("legacy", "named", "addon"),
    [
        (Feature(True, {EKS: True}), {}, True),
        (Feature(True, {EKS: True}), {"eks_addon_management": False}, False),
        (Feature(True, {EKS: False}), {}, False),
        (Feature(False, {EKS: True}), {}, False),
    ],
)
def test_a_migration_carries_the_addon_management_over(legacy: Feature, named: dict[str, bool], addon: bool) -> None:
    after = plan(area(Feature(False), legacy), DesiredMonitoring(True, named, True)).after.areas[0].detector
    assert after.monitoring.additional[EKS] is addon


def test_the_older_feature_that_stays_is_warned_of_once_for_all() -> None:
    both = [replace(area(Feature(True), Feature(True)), region=f"r{number}") for number in range(5)]
    (warning,) = plan_monitoring(Snapshot(tuple(both)), DesiredMonitoring()).warnings
    assert f"stays on in {ACCOUNT}/r0, {ACCOUNT}/r1, {ACCOUNT}/r2 and 2 more: it is now part of" in warning
    (off,) = plan_monitoring(Snapshot((both[0],)), DesiredMonitoring(False)).warnings
    assert "removes neither agents nor endpoints while it is on" in off
    assert plan_monitoring(Snapshot(tuple(both)), DesiredMonitoring(migrate_eks=True)).warnings == ()
    assert legacy_warning([], DesiredMonitoring()) is None


POLICY = "GUARDDUTY_POLICY"


@pytest.mark.parametrize(
    ("of", "code"),
    [
        (area(region="cn-north-1"), "NotSupported"),
        (area(detector=Detector("d1", "DISABLED", {})), "DetectorSuspended"),
        (area(Feature(managed_by=POLICY)), "ManagedByPolicy"),
        (area(Feature(True, OFF, parts_managed_by={EC2: POLICY})), "ManagedByPolicy"),
        (area(Feature(True, OFF | {EC2: True}), Feature(True, managed_by=POLICY)), "ManagedByPolicy"),
    ],
)
def test_refusals_change_nothing_and_are_silent_when_nothing_is_to_change(of: AccountRegion, code: str) -> None:
    done = plan(of, DesiredMonitoring(True, {"ec2_agent_management": True}, migrate_eks=True))
    assert [problem.code for problem in done.problems] == [code]
    assert done.plan.changes == () and done.after.areas == (of,)
    assert str(done.problems[0]).startswith("the change of Runtime Monitoring in 111111111111/")


def test_a_policy_on_what_is_not_changed_hinders_nothing() -> None:
    managed = Feature(True, OFF, parts_managed_by={EKS: POLICY})
    assert not plan(area(managed), DesiredMonitoring(True, {"ec2_agent_management": True})).problems
    assert not plan(area(Feature(True, OFF, POLICY)), DesiredMonitoring()).problems


def test_what_could_not_be_read_is_left_alone() -> None:
    unread = AccountRegion(ACCOUNT, REGION, unknown=frozenset({"detector"}))
    done = plan(unread, DesiredMonitoring(create_detector=True))
    assert (done.plan.changes, done.problems, done.after.areas) == ((), (), (unread,))
    assert monitoring_rows(Snapshot((unread,))) == []


def test_a_row_has_the_settings_in_effect() -> None:
    on = Feature(True, {EC2: True})
    suspended = Detector("d1", "DISABLED", {FEATURE: on, LEGACY_FEATURE: on})
    first, second = monitoring_rows(Snapshot((area(on, on), area(detector=suspended))))
    effects = ("runtime_monitoring", "automated_agent", "eks_runtime_monitoring")
    assert [first[name] for name in effects] == [True, True, True]
    assert [second[name] for name in effects] == [False, False, False]
    assert second["features"][FEATURE]["enabled"] is True and second["status"] == "DISABLED"
