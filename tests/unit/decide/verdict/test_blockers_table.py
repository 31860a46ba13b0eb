# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blockers of an instance, blocker by blocker, as in the collection's design."""

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

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import Choices, judge_area
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import Vpc

ON, OFF = True, False


# Blockers.
def test_a_world_without_faults_has_no_blockers() -> None:
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


def test_unknown_ssm_is_reported_and_blocks_nothing() -> None:
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
def test_an_ineffective_tag_is_reported_whether_wanted_or_not(changes: dict[str, Any]) -> None:
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
def test_unwanted_instances_have_no_blockers_of_connectivity(subject: Any, changes: dict[str, Any]) -> None:
    found = judged(**{**BROKEN, "instance": subject, **changes})
    assert (found.wanted, found.blockers) == (False, ())


def test_a_terminated_instance_carries_nothing() -> None:
    assert judged(instance=tagged("True", state="terminated")).blockers == ()


def test_every_blocker_most_important_first() -> None:
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
def test_the_connectivity_of_the_vpc(changes: dict[str, Any], state: str, blockers: tuple[str, ...]) -> None:
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
def test_where_coverage_is_denied_the_instance_may_use_the_link_local_address(
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
