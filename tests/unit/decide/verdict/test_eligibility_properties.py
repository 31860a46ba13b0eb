# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The eligibility rule on random worlds, against a second implementation of the design's tables, and its invariants."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import strategies as some
from hypothesis import given
from hypothesis import strategies as st
from worlds import ACCOUNT, World, detector, endpoint, node, tagged
from worlds import row as row_of

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.catalogue import (
    BLOCKER_ORDER,
    BLOCKERS,
    COVERAGE_STATES,
    ENDPOINT_STATES,
    REASONS,
    ROUTES,
    SSM_STATES,
    TAG_STATES,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import (
    Choices,
    Verdict,
    judge_area,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.os_support import os_verified
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.rows import GROUPS, groups_of, row
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import (
    AccountRegion,
    CoverageRow,
    Instance,
    Vpc,
)

HERE = "tests/unit/decide/verdict/test_eligibility_properties.py"


class Case:
    """The facts of the tables, computed without the product's own functions."""

    def __init__(self, instance: Instance, area: AccountRegion, choices: Choices, endpoint: str) -> None:
        self.instance, self.area, self.choices, self.endpoint = instance, area, choices, endpoint
        detector = area.detector
        feature = detector.features.get("RUNTIME_MONITORING")
        self.monitoring = bool(
            detector.detector_id and detector.status == "ENABLED" and feature is not None and feature.enabled
        )
        self.automated = self.monitoring and bool(feature and feature.additional["EC2_AGENT_MANAGEMENT"])
        self.tag = instance.tags.get("GuardDutyManaged")
        self.node = area.nodes.get(instance.instance_id)
        self.online = self.node is not None and self.node.ping == "Online"
        self.row: CoverageRow | None = area.coverage.get(instance.instance_id)
        self.healthy = self.row is not None and self.row.status == "HEALTHY"
        self.vpc = area.vpcs.get(instance.vpc_id or "")

    def unknown(self, word: str) -> bool:
        return word in self.area.unknown

    @property
    def wants_endpoint(self) -> bool:
        return not self.healthy and not self.unknown("coverage")


REASON_RULES: list[tuple[Callable[[Case], bool], str]] = [
    (lambda c: c.instance.state in ("terminated", "shutting-down"), "instance_gone"),
    (lambda c: c.instance.platform in ("windows", "macos"), "platform_unsupported"),
    (
        lambda c: c.instance.instance_type.split(".")[0] == "a1" or c.instance.architecture not in ("x86_64", "arm64"),
        "architecture_unsupported",
    ),
    (lambda c: c.instance.operator is not None, "operator_managed"),
    (lambda c: c.unknown("detector"), "monitoring_unknown"),
    (lambda c: not c.monitoring, "monitoring_off"),
    (lambda c: c.tag == "false" and (not c.automated or c.instance.metadata_tags), "excluded_by_tag"),
    (lambda c: c.tag == "false" and c.automated and not c.instance.metadata_tags, "exclusion_unreadable"),
    (lambda c: c.automated, "automated_agent"),
    (lambda c: c.tag == "true", "included_by_tag"),
    (lambda c: c.choices.scope == "selected", "out_of_scope"),
    (lambda c: c.online, "manual_ssm"),
    (lambda c: True, "manual_package"),
]
WANTED_ROUTES = {
    "exclusion_unreadable": (False, "guardduty"),
    "automated_agent": (True, "guardduty"),
    "included_by_tag": (True, "guardduty"),
    "manual_ssm": (True, "ssm"),
    "manual_package": (True, "package"),
}
CONTRADICTIONS: list[tuple[Callable[[Case, str], bool], str]] = [
    (lambda c, reason: reason == "exclusion_unreadable", "exclusion_unreadable"),
    (lambda c, reason: reason != "instance_gone" and c.tag not in (None, "true", "false"), "tag_ineffective"),
    (
        lambda c, reason: (
            reason == "excluded_by_tag" and c.row is not None and (c.healthy or c.row.agent_version is not None)
        ),
        "agent_left_behind",
    ),
]
RUNNING = "running"
IN_THE_WAY: list[tuple[Callable[[Case, str, str], bool], str]] = [
    (lambda c, reason, route: c.instance.state != RUNNING, "not_running"),
    (
        lambda c, reason, route: (
            c.instance.state == RUNNING and route == "guardduty" and not c.unknown("ssm") and c.node is None
        ),
        "not_ssm_managed",
    ),
    (
        lambda c, reason, route: (
            c.instance.state == RUNNING and route == "guardduty" and c.node is not None and not c.online
        ),
        "ssm_connection_lost",
    ),
    (
        lambda c, reason, route: reason == "automated_agent" and c.choices.scope == "selected" and c.tag != "true",
        "beyond_scope",
    ),
    (lambda c, reason, route: not c.instance.imds, "imds_off"),
    (lambda c, reason, route: c.wants_endpoint and c.endpoint == "missing", "endpoint_missing"),
    (lambda c, reason, route: c.wants_endpoint and c.endpoint == "misconfigured", "endpoint_misconfigured"),
    (lambda c, reason, route: c.wants_endpoint and c.endpoint == "pending", "endpoint_pending"),
    (
        lambda c, reason, route: (
            c.wants_endpoint and c.vpc is not None and (c.vpc.dns_support is False or c.vpc.dns_hostnames is False)
        ),
        "vpc_dns_off",
    ),
    (
        lambda c, reason, route: c.node is not None and not os_verified(c.node.platform_name, c.node.platform_version),
        "os_unverified",
    ),
    (lambda c, reason, route: c.row is not None and not c.healthy, "coverage_unhealthy"),
    (
        lambda c, reason, route: c.row is None and not c.unknown("coverage") and c.instance.state == RUNNING,
        "not_reporting",
    ),
]


def second_reading(case: Case) -> tuple[str, bool, str, frozenset[str]]:
    reason = next(code for applies, code in REASON_RULES if applies(case))
    wanted, route = WANTED_ROUTES.get(reason, (False, "none"))
    if wanted and route == "guardduty" and case.choices.fallback_to_package:
        route = "guardduty" if case.online or case.unknown("ssm") else "package"
    blockers = {code for applies, code in CONTRADICTIONS if applies(case, reason)}
    if wanted:
        blockers |= {code for applies, code in IN_THE_WAY if applies(case, reason, route)}
    return reason, wanted, route, frozenset(blockers)


@given(some.areas(), some.choices)
def test_the_verdict_is_the_second_reading_of_the_tables(area: AccountRegion, choices: Choices) -> None:
    for verdict in judge_area(area, choices):
        case = Case(verdict.instance, area, choices, verdict.endpoint)
        assert (verdict.reason, verdict.wanted, verdict.route, frozenset(verdict.blockers)) == second_reading(case)


@given(some.areas(), some.choices)
def test_the_words_are_the_product_s(area: AccountRegion, choices: Choices) -> None:
    verdicts = list(judge_area(area, choices))
    assert [verdict.instance for verdict in verdicts] == list(area.instances)
    for verdict in verdicts:
        reason = REASONS[verdict.reason]
        assert verdict.wanted is reason.wanted
        assert verdict.route == reason.route or (
            choices.fallback_to_package and reason.wanted and (reason.route, verdict.route) == ("guardduty", "package")
        )
        assert verdict.tag in TAG_STATES and verdict.route in ROUTES and verdict.ssm in SSM_STATES
        assert verdict.endpoint in ENDPOINT_STATES and verdict.coverage in COVERAGE_STATES


@given(some.areas(), some.choices)
def test_blockers_are_known_unique_and_in_order(area: AccountRegion, choices: Choices) -> None:
    for verdict in judge_area(area, choices):
        positions = [BLOCKER_ORDER[code] for code in verdict.blockers]
        assert positions == sorted(set(positions))
        if not verdict.wanted:
            assert all(BLOCKERS[code].contradiction for code in verdict.blockers)


@given(some.areas(), some.choices, st.sampled_from(some.UNKNOWN))
def test_a_denied_call_never_adds_a_blocker(area: AccountRegion, choices: Choices, word: str) -> None:
    for before, after in zip(judge_area(area, choices), judge_area(some.denied(area, word), choices), strict=True):
        assert set(after.blockers) <= set(before.blockers), (before.reason, after.reason)


@given(some.areas(), some.choices)
def test_every_instance_is_in_one_group_by_tag_and_in_one_by_route(area: AccountRegion, choices: Choices) -> None:
    for verdict in judge_area(area, choices):
        names = groups_of(verdict)
        assert len(names) == len(set(names)) and set(names) <= set(GROUPS)
        assert [name for name in names if name in TAG_STATES] == [verdict.tag]
        assert [name for name in names if name.startswith("route_")] == [f"route_{verdict.route}"]
        assert ("wanted" in names) is verdict.wanted and ("blocked" in names) is bool(verdict.blockers)
        reporting = {"healthy": "healthy", "unhealthy": "unhealthy", "absent": "uncovered", "unknown": None}
        seen = [name for name in names if name in ("healthy", "unhealthy", "uncovered")]
        assert seen == [name for name in [reporting[verdict.coverage]] if name]


@given(some.areas(most=4), some.choices, st.randoms(use_true_random=False))
def test_a_verdict_hangs_on_its_own_instance_only(
    area: AccountRegion, choices: Choices, shuffler: random.Random
) -> None:
    together = {verdict.instance.instance_id: verdict for verdict in judge_area(area, choices)}
    order = list(area.instances)
    shuffler.shuffle(order)
    assert {v.instance.instance_id: v for v in judge_area(replace(area, instances=tuple(order)), choices)} == together
    for instance in area.instances:
        (alone,) = judge_area(replace(area, instances=(instance,)), choices)
        assert alone == together[instance.instance_id]


@given(some.areas(), some.choices, st.dictionaries(st.text(min_size=1), st.text()))
def test_no_other_tag_decides(area: AccountRegion, choices: Choices, noise: dict[str, str]) -> None:
    def gist(verdict: Verdict) -> tuple[object, ...]:
        return (verdict.tag, verdict.reason, verdict.wanted, verdict.route, verdict.blockers)

    other = {key: value for key, value in noise.items() if key != "GuardDutyManaged"}
    noisy = tuple(
        replace(one, tags={**other, **{k: v for k, v in one.tags.items() if k == "GuardDutyManaged"}})
        for one in area.instances
    )
    before = [gist(verdict) for verdict in judge_area(area, choices)]
    assert [gist(verdict) for verdict in judge_area(replace(area, instances=noisy), choices)] == before


@given(some.areas(), some.choices)
def test_the_row_has_the_values_of_the_verdict(area: AccountRegion, choices: Choices) -> None:
    for verdict in judge_area(area, choices):
        said = row(verdict)
        assert all(name.startswith("gd_") for name in said)
        assert (said["gd_wanted"], said["gd_route"], said["gd_reason"], said["gd_tag"]) == (
            verdict.wanted,
            verdict.route,
            verdict.reason,
            verdict.tag,
        )
        assert said["gd_blockers"] == list(verdict.blockers)
        assert said["gd_tags"] == verdict.instance.tags


SUBJECTS: list[dict[str, Any]] = [
    {},
    {"state": "pending"},
    {"state": "stopped"},
    {"state": "terminated"},
    {"platform": "windows"},
    {"platform": "macos", "architecture": "arm64_mac"},
    {"instance_type": "a1.large", "architecture": "arm64"},
    {"architecture": "i386"},
    {"operator": "ecs.amazonaws.com"},
]
NODES = (node(), node("ConnectionLost"), node(name="CentOS Linux", version="7"), None)
COVERAGE = (row_of("HEALTHY"), row_of("UNHEALTHY"), row_of("UNHEALTHY", agent_version="1.17.1"), None)
UNKNOWN = (*[()] * 4, ("ssm",), ("coverage",), ("endpoints",))
ENDPOINTS = (
    (),
    (endpoint(),),
    (endpoint(state="pending"),),
    (endpoint(private_dns=False),),
    (endpoint(state="failed"),),
)


def worlds() -> Iterator[World]:
    """Every combination of the inputs of reasons; inputs that only affect blockers cycle independently."""
    detectors = (detector(), detector(automated=True), detector(monitoring=False), None)
    operators = [Choices(scope, fallback) for scope in ("all", "selected") for fallback in (False, True)]
    everything = itertools.product(
        SUBJECTS, (None, "true", "false", "True"), (True, False), detectors, NODES, COVERAGE, operators
    )
    for turn, (subject, tag, metadata, settings, one, reported, operator) in enumerate(everything):
        unknown = frozenset(UNKNOWN[turn % 7] if settings else ("detector", "coverage"))
        yield World(
            instance=tagged(tag, metadata_tags=metadata, imds=bool(turn % 11), **subject),
            detector=settings or detector(),
            node=one,
            row=reported,
            vpc=Vpc("vpc-0a", ACCOUNT, ("10.0.0.0/16",), True, bool(turn % 13)),
            endpoints=ENDPOINTS[turn % 5],
            unknown=unknown,
            choices=operator,
        )


def test_every_combination_is_the_second_reading_of_the_tables() -> None:
    reasons: set[str] = set()
    blockers: set[str] = set()
    for world in worlds():
        area, verdict = world.area(), world.verdict()
        case = Case(world.instance, area, world.choices, verdict.endpoint)
        found = (verdict.reason, verdict.wanted, verdict.route, frozenset(verdict.blockers))
        assert found == second_reading(case), world
        reasons.add(verdict.reason)
        blockers.update(verdict.blockers)
    missing = [f"the reason `{code}`" for code in REASONS if code not in reasons]
    missing += [f"the blocker `{code}`" for code in BLOCKERS if code not in blockers]
    assert not missing, (
        f"{HERE}: worlds() has no world with {', '.join(missing)}; add a value to SUBJECTS, NODES or COVERAGE"
    )
