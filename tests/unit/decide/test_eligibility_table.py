# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The eligibility rule, row by row, as the GuardDuty user guide's main table and the collection's design give it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from worlds import (
    ACCOUNT,
    GROUP,
    OTHER_ACCOUNT,
    VPC,
    World,
    deny_others_than,
    detector,
    endpoint,
    group,
    instance,
    judged,
    node,
    policy,
    row,
    tagged,
)

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.eligibility import Choices, judge_area
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.words import REASONS
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model import Detector, Feature, Vpc

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
    for _, changes in BREAKS[first:]:
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


# Blockers.
def test_nothing_stands_in_the_way_of_a_world_that_is_right() -> None:
    for automated in (ON, OFF):
        assert judged(detector=detector(automated=automated)).blockers == ()


@pytest.mark.parametrize("state", ["pending", "stopping", "stopped"])
@pytest.mark.parametrize(("automated", "reason"), [(ON, "automated_agent"), (OFF, "manual_package")])
def test_an_instance_that_does_not_run_keeps_its_reason(state: str, automated: bool, reason: str) -> None:
    found = judged(instance=instance(state=state), detector=detector(automated=automated), node=None, row=None)
    assert (found.reason, found.wanted, found.blockers) == (reason, True, ("not_running",))


@pytest.mark.parametrize(("ping", "blocker"), [(None, "not_ssm_managed"), ("ConnectionLost", "ssm_connection_lost")])
@pytest.mark.parametrize(("automated", "tag"), [(ON, None), (ON, "true"), (OFF, "true")])
def test_guardduty_needs_systems_manager(ping: str | None, blocker: str, automated: bool, tag: str | None) -> None:
    world = World(
        instance=tagged(tag), detector=detector(automated=automated), node=node(ping) if ping else None, row=row()
    )
    assert (world.verdict().route, world.verdict().blockers) == ("guardduty", (blocker,))
    reason = world.verdict().reason
    fallen = replace(world, choices=Choices(fallback_to_package=True)).verdict()
    assert (fallen.route, fallen.reason, fallen.wanted, fallen.blockers) == ("package", reason, True, ())


def test_fallback_leaves_everything_else_alone() -> None:
    fallback = Choices(fallback_to_package=True)
    automated = detector(automated=True)
    assert judged(detector=automated, choices=fallback).route == "guardduty"
    assert judged(choices=fallback).route == "ssm"
    assert judged(detector=automated, unknown=frozenset({"ssm"}), choices=fallback).route == "guardduty"
    unreadable = judged(instance=tagged("false"), detector=automated, node=None, choices=fallback)
    assert (unreadable.reason, unreadable.route) == ("exclusion_unreadable", "guardduty")


def test_unknown_ssm_is_said_and_blocks_nothing() -> None:
    found = judged(detector=detector(automated=True), unknown=frozenset({"ssm"}))
    assert (found.ssm, found.blockers) == ("unknown", ())


@pytest.mark.parametrize("tag", [None, "True", "yes"])
def test_beyond_scope(tag: str | None) -> None:
    world = World(instance=tagged(tag), detector=detector(automated=True), choices=Choices(scope="selected"))
    found = world.verdict()
    assert (found.reason, found.wanted, found.route) == ("automated_agent", True, "guardduty")
    assert "beyond_scope" in found.blockers
    assert "beyond_scope" not in replace(world, choices=Choices()).verdict().blockers
    assert "beyond_scope" not in replace(world, instance=tagged("true")).verdict().blockers


@pytest.mark.parametrize(
    ("left", "blockers"),
    [
        (row("HEALTHY"), ("agent_left_behind",)),
        (row("HEALTHY", agent_version="1.17.1"), ("agent_left_behind",)),
        (row("UNHEALTHY", agent_version="1.17.1"), ("agent_left_behind",)),
        (row("UNHEALTHY", issue="Agent Not Provisioned: Instances with exclusion tags are excluded"), ()),
        (None, ()),
    ],
)
@pytest.mark.parametrize("automated", [ON, OFF])
def test_agent_left_behind(left: Any, blockers: tuple[str, ...], automated: bool) -> None:
    found = judged(instance=tagged("false", metadata_tags=True), detector=detector(automated=automated), row=left)
    assert (found.reason, found.blockers) == ("excluded_by_tag", blockers)


def test_an_unreadable_exclusion_is_a_contradiction_and_no_agent_is_left_behind_by_it() -> None:
    found = judged(instance=tagged("false"), detector=detector(automated=True), row=row(agent_version="1.17.1"))
    assert (found.reason, found.blockers) == ("exclusion_unreadable", ("exclusion_unreadable",))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"detector": detector(automated=True)},
        {"detector": detector(monitoring=False)},
        {"choices": Choices(scope="selected")},
        {"instance": tagged("True", platform="windows")},
        {"unknown": frozenset({"detector"})},
    ],
)
def test_an_ineffective_tag_is_told_whether_wanted_or_not(changes: dict[str, Any]) -> None:
    assert judged(**{"instance": tagged("True"), **changes}).blockers == ("tag_ineffective",)


BROKEN: dict[str, Any] = {
    "node": node("ConnectionLost", "Windows 3.11", "1"),
    "row": row("UNHEALTHY"),
    "vpc": Vpc(VPC, ACCOUNT, ("10.0.0.0/16",), False, False),
    "endpoints": (),
}


@pytest.mark.parametrize(
    ("subject", "changes"),
    [
        (tagged(None, state="terminated", imds=False), {}),
        (tagged(None, state="stopped", platform="windows", imds=False), {}),
        (tagged(None, instance_type="a1.large", imds=False), {}),
        (tagged(None, operator="AWS", imds=False), {}),
        (tagged(None, imds=False), {"detector": detector(monitoring=False)}),
        (tagged(None, imds=False), {"unknown": frozenset({"detector"})}),
        (tagged("false", state="stopped", imds=False), {}),
        (tagged(None, imds=False), {"choices": Choices(scope="selected")}),
    ],
)
def test_who_is_not_wanted_carries_no_blocker_of_the_way(subject: Any, changes: dict[str, Any]) -> None:
    found = judged(**{**BROKEN, "instance": subject, **changes})
    assert (found.wanted, found.blockers) == (False, ())


def test_a_terminated_instance_carries_nothing() -> None:
    assert judged(instance=tagged("True", state="terminated")).blockers == ()


def test_everything_that_can_stand_in_the_way_most_important_first() -> None:
    found = judged(
        **{**BROKEN, "instance": tagged("yes", imds=False)},
        detector=detector(automated=True),
        choices=Choices(scope="selected"),
    )
    assert found.blockers == (
        "ssm_connection_lost",
        "imds_off",
        "vpc_dns_off",
        "endpoint_missing",
        "os_unverified",
        "coverage_unhealthy",
        "tag_ineffective",
        "beyond_scope",
    )


def test_the_agent_needs_the_instance_metadata() -> None:
    assert judged(instance=instance(imds=False)).blockers == ("imds_off",)


@pytest.mark.parametrize(
    ("name", "version", "blockers"),
    [
        ("Amazon Linux", "2018.03", ("os_unverified",)),
        ("CentOS Linux", "7", ("os_unverified",)),
        ("Ubuntu", "24.04", ()),
        (None, None, ()),
        ("Ubuntu", None, ()),
    ],
)
def test_os(name: str | None, version: str | None, blockers: tuple[str, ...]) -> None:
    assert judged(node=node(name=name, version=version)).blockers == blockers


@pytest.mark.parametrize(
    ("found", "coverage", "blockers"),
    [
        (row("HEALTHY"), "healthy", ()),
        (row("UNHEALTHY", issue="No Agent Reporting"), "unhealthy", ("coverage_unhealthy",)),
        (row(""), "unhealthy", ("coverage_unhealthy",)),
        (None, "absent", ("not_reporting",)),
    ],
)
def test_coverage(found: Any, coverage: str, blockers: tuple[str, ...]) -> None:
    verdict = judged(row=found)
    assert (verdict.coverage, verdict.blockers) == (coverage, blockers)
    assert verdict.issue == (found.issue if found else None)


def test_denied_coverage_is_unknown_and_no_blocker() -> None:
    found = judged(unknown=frozenset({"coverage"}))
    assert (found.coverage, found.issue, found.blockers) == ("unknown", None, ())


ENDPOINT_WAYS: list[tuple[dict[str, Any], str, tuple[str, ...]]] = [
    ({}, "available", ()),
    ({"endpoints": ()}, "missing", ("endpoint_missing",)),
    ({"endpoints": (endpoint(state="pending"),)}, "pending", ("endpoint_pending",)),
    ({"endpoints": (endpoint(state="failed"),)}, "misconfigured", ("endpoint_misconfigured",)),
    ({"endpoints": (endpoint(private_dns=False),)}, "misconfigured", ("endpoint_misconfigured",)),
    (
        {"endpoints": (endpoint(policy=policy(deny_others_than(OTHER_ACCOUNT))),)},
        "misconfigured",
        ("endpoint_misconfigured",),
    ),
    ({"groups": (group("10.9.0.0/16"),)}, "misconfigured", ("endpoint_misconfigured",)),
    ({"vpc": Vpc(VPC, ACCOUNT, ("10.0.0.0/16",), True, False)}, "available", ("vpc_dns_off",)),
    ({"vpc": Vpc(VPC, ACCOUNT, ("10.0.0.0/16",), False, True)}, "available", ("vpc_dns_off",)),
    ({"vpc": Vpc(VPC, ACCOUNT, ("10.0.0.0/16",), None, None)}, "available", ()),
    ({"vpc": Vpc(VPC, OTHER_ACCOUNT, ("10.0.0.0/16",)), "endpoints": ()}, "unknown", ()),
    ({"endpoints": (), "unknown": frozenset({"endpoints"})}, "unknown", ()),
    ({"unknown": frozenset({"vpcs"}), "endpoints": ()}, "unknown", ()),
    ({"unknown": frozenset({"security_groups"}), "groups": (group("10.9.0.0/16"),)}, "available", ()),
    ({"instance": instance(vpc_id=None), "endpoints": ()}, "unknown", ()),
]


@pytest.mark.parametrize(("changes", "state", "blockers"), ENDPOINT_WAYS)
def test_the_way_of_the_vpc(changes: dict[str, Any], state: str, blockers: tuple[str, ...]) -> None:
    unhealthy = judged(**{"row": row("UNHEALTHY"), **changes})
    assert (unhealthy.endpoint, unhealthy.blockers) == (state, (*blockers, "coverage_unhealthy"))
    absent = judged(**{"row": None, **changes})
    assert (absent.endpoint, absent.blockers) == (state, (*blockers, "not_reporting"))


@pytest.mark.parametrize(("changes", "state", "blockers"), ENDPOINT_WAYS)
def test_who_reports_healthy_has_no_endpoint_blocker(
    changes: dict[str, Any], state: str, blockers: tuple[str, ...]
) -> None:
    found = judged(**changes)
    assert (found.endpoint, found.blockers) == (state, ())


@pytest.mark.parametrize(("changes", "state", "blockers"), ENDPOINT_WAYS)
def test_where_coverage_is_denied_the_instance_may_use_the_link_local_way(
    changes: dict[str, Any], state: str, blockers: tuple[str, ...]
) -> None:
    unknown = changes.get("unknown", frozenset()) | {"coverage"}
    found = judged(**{**changes, "unknown": unknown})
    assert (found.endpoint, found.blockers) == (state, ())


def test_the_endpoint_of_another_vpc_does_not_help() -> None:
    world = World(row=None, instance=instance(vpc_id="vpc-0b"))
    area = world.area()
    both = replace(area, vpcs={**area.vpcs, "vpc-0b": Vpc("vpc-0b", ACCOUNT)})
    (found,) = judge_area(both, Choices())
    assert found.endpoint == "missing"
    assert GROUP in area.security_groups


# Clusters: EKS nodes and ECS container instances follow the same table and are marked.
@pytest.mark.parametrize(
    ("tags", "arn", "cluster"),
    [
        ({}, None, None),
        ({}, "arn:aws:ecs:eu-west-1:111111111111:cluster/orders", "arn:aws:ecs:eu-west-1:111111111111:cluster/orders"),
        ({"eks:cluster-name": "platform"}, None, "eks/platform"),
        ({"aws:eks:cluster-name": "platform"}, None, "eks/platform"),
        ({"kubernetes.io/cluster/platform": "owned"}, None, "eks/platform"),
        ({"kubernetes.io/cluster/platform": "shared"}, None, "eks/platform"),
        ({"kubernetes.io/cluster/platform": "no"}, None, None),
    ],
)
def test_cluster(tags: dict[str, str], arn: str | None, cluster: str | None) -> None:
    found = judged(instance=instance(tags=tags), row=row(cluster_arn=arn))
    assert (found.cluster, found.reason) == (cluster, "manual_ssm")
