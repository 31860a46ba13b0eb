# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The eligibility rule, row by row, as in the GuardDuty user guide's main table and the collection's design."""

from __future__ import annotations

from typing import Any

import pytest
from worlds import (
    detector,
    instance,
    judged,
    node,
    row,
    tagged,
)

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.catalogue import REASONS
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import Choices
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import Detector, Feature

ON, OFF = True, False
TAGS = (None, "true", "false", "True", "FALSE", "yes", "")
TAG_WORDS = {None: "absent", "true": "included", "false": "excluded"}
NOBODY = (False, "none")
GUARDDUTY = (True, "guardduty")

# (row of the main table, RUNTIME_MONITORING, EC2_AGENT_MANAGEMENT, tag, metadata tags, wanted and route, reason),
# for a Linux instance that is online in Systems Manager, with scope 'all'.
Row = tuple[int, bool, bool, str | None, bool, tuple[bool, str], str]
MAIN_TABLE: list[Row] = [
    *((1, OFF, OFF, tag, imds, NOBODY, "monitoring_off") for tag in TAGS for imds in (ON, OFF)),
    *((2, OFF, ON, tag, imds, NOBODY, "monitoring_off") for tag in TAGS for imds in (ON, OFF)),
    *((3, ON, OFF, "true", imds, GUARDDUTY, "included_by_tag") for imds in (ON, OFF)),
    *((4, ON, OFF, None, imds, (True, "ssm"), "manual_ssm") for imds in (ON, OFF)),
    *((5, ON, OFF, "false", imds, NOBODY, "excluded_by_tag") for imds in (ON, OFF)),
    *((6, ON, ON, None, imds, GUARDDUTY, "automated_agent") for imds in (ON, OFF)),
    *((7, ON, ON, "true", imds, GUARDDUTY, "automated_agent") for imds in (ON, OFF)),
    (8, ON, ON, "false", ON, NOBODY, "excluded_by_tag"),
    (9, ON, ON, "false", OFF, (False, "guardduty"), "exclusion_unreadable"),
    (10, ON, ON, "false", ON, NOBODY, "excluded_by_tag"),
    *(
        (11, ON, auto, tag, imds, GUARDDUTY if auto else (True, "ssm"), "automated_agent" if auto else "manual_ssm")
        for auto in (ON, OFF)
        for tag in ("True", "FALSE", "yes", "", "TRUE", "False", " true", "true ", "1")
        for imds in (ON, OFF)
    ),
]


@pytest.mark.parametrize(("number", "monitoring", "automated", "tag", "metadata", "verdict", "reason"), MAIN_TABLE)
def test_main_table(
    number: int,
    monitoring: bool,
    automated: bool,
    tag: str | None,
    metadata: bool,
    verdict: tuple[bool, str],
    reason: str,
) -> None:
    found = judged(instance=tagged(tag, metadata_tags=metadata), detector=detector(monitoring, automated))
    assert (found.wanted, found.route, found.reason) == (*verdict, reason)
    assert found.tag == TAG_WORDS.get(tag, "ineffective")


def test_row_10_the_agent_that_was_there_before_the_exclusion_stays() -> None:
    found = judged(
        instance=tagged("false", metadata_tags=True), detector=detector(automated=True), row=row(agent_version="1.17.1")
    )
    assert (found.reason, found.blockers) == ("excluded_by_tag", ("agent_left_behind",))


# Reasons. Each entry breaks one more thing than the next, so that the order shows: whatever stands higher decides.
ORDERED = [
    ("instance_gone", False, "none"),
    ("platform_unsupported", False, "none"),
    ("architecture_unsupported", False, "none"),
    ("operator_managed", False, "none"),
    ("monitoring_off", False, "none"),
    ("excluded_by_tag", False, "none"),
    ("exclusion_unreadable", False, "guardduty"),
    ("automated_agent", True, "guardduty"),
    ("included_by_tag", True, "guardduty"),
    ("out_of_scope", False, "none"),
    ("manual_ssm", True, "ssm"),
    ("manual_package", True, "package"),
]


def test_reasons_are_those_of_the_design_in_its_order() -> None:
    # monitoring_unknown is the collection's word for a GetDetector that was denied; the design's list has no place for it
    known = [(r.code, r.wanted, r.route) for r in REASONS.values() if r.code != "monitoring_unknown"]
    assert known == ORDERED


BREAKS: list[tuple[str, dict[str, Any]]] = [
    ("instance_gone", {"state": "terminated"}),
    ("platform_unsupported", {"platform": "windows"}),
    ("architecture_unsupported", {"architecture": "i386"}),
    ("operator_managed", {"operator": "ecs.amazonaws.com"}),
]


@pytest.mark.parametrize("first", range(len(BREAKS)))
@pytest.mark.parametrize("tag", [None, "true", "false"])
def test_what_the_instance_is_decides_before_everything_else(first: int, tag: str | None) -> None:
    broken: dict[str, Any] = {}
    for _dummy, changes in BREAKS[first:]:
        broken |= changes
    found = judged(instance=tagged(tag, **broken), detector=detector(monitoring=False))
    assert found.reason == BREAKS[first][0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": "terminated"}, "instance_gone"),
        ({"state": "shutting-down"}, "instance_gone"),
        ({"platform": "windows"}, "platform_unsupported"),
        ({"platform": "macos", "architecture": "arm64_mac"}, "platform_unsupported"),
        ({"instance_type": "a1.xlarge", "architecture": "arm64"}, "architecture_unsupported"),
        ({"instance_type": "a1.metal", "architecture": "arm64"}, "architecture_unsupported"),
        ({"instance_type": "t2.micro", "architecture": "i386"}, "architecture_unsupported"),
        ({"architecture": ""}, "architecture_unsupported"),
        ({"instance_type": "t4g.micro", "architecture": "arm64"}, "manual_ssm"),
        ({"instance_type": "a10.large"}, "manual_ssm"),
        ({"operator": "ecs.amazonaws.com"}, "operator_managed"),
        ({"operator": "AWS"}, "operator_managed"),
        ({"state": "pending"}, "manual_ssm"),
        ({"state": "stopping"}, "manual_ssm"),
        ({"state": "stopped"}, "manual_ssm"),
    ],
)
def test_what_the_instance_is(changes: dict[str, Any], reason: str) -> None:
    found = judged(instance=instance(**changes))
    assert (found.reason, found.wanted) == (reason, reason == "manual_ssm")


@pytest.mark.parametrize(
    "off",
    [
        Detector(),
        detector(monitoring=False),
        detector(status="DISABLED"),
        detector(monitoring=False, automated=True),
        Detector("d1", "ENABLED", {}),
        Detector("d1", "ENABLED", {"EKS_RUNTIME_MONITORING": Feature(True, {"EC2_AGENT_MANAGEMENT": True})}),
    ],
)
@pytest.mark.parametrize("tag", ["true", "false", None])
def test_monitoring_off_decides_before_the_tag(off: Detector, tag: str | None) -> None:
    assert judged(instance=tagged(tag), detector=off).reason == "monitoring_off"


def test_a_denied_detector_is_unknown_and_not_off() -> None:
    found = judged(unknown=frozenset({"detector", "coverage"}))
    assert (found.reason, found.wanted, found.route) == ("monitoring_unknown", False, "none")
    assert judged(instance=instance(state="terminated"), unknown=frozenset({"detector"})).reason == "instance_gone"


@pytest.mark.parametrize(
    ("tag", "automated", "ping", "reason"),
    [
        (None, OFF, "Online", "out_of_scope"),
        (None, OFF, None, "out_of_scope"),
        ("True", OFF, "Online", "out_of_scope"),
        ("true", OFF, "Online", "included_by_tag"),
        ("true", OFF, None, "included_by_tag"),
        ("false", OFF, "Online", "excluded_by_tag"),
        (None, ON, "Online", "automated_agent"),
        ("true", ON, None, "automated_agent"),
    ],
)
def test_scope_selected(tag: str | None, automated: bool, ping: str | None, reason: str) -> None:
    found = judged(
        instance=tagged(tag, metadata_tags=True),
        detector=detector(automated=automated),
        node=node(ping) if ping else None,
        choices=Choices(scope="selected"),
    )
    assert found.reason == reason


@pytest.mark.parametrize(("ping", "ssm"), [("Online", "online"), ("ConnectionLost", "lost"), ("Inactive", "lost")])
def test_by_hand_through_ssm_only_where_it_is_online(ping: str, ssm: str) -> None:
    found = judged(node=node(ping))
    assert (found.ssm, found.reason) == (ssm, "manual_ssm" if ssm == "online" else "manual_package")


def test_by_hand_by_package_where_ssm_is_absent() -> None:
    found = judged(node=None)
    assert (found.ssm, found.reason, found.route, found.blockers) == ("absent", "manual_package", "package", ())
