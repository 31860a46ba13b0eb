# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random worlds for property tests, drawn so that every rule is met often."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import TypeVar

from hypothesis import strategies as st
from worlds import ACCOUNT, OTHER_ACCOUNT, REGION, deny_others_than, policy

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import Choices
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import (
    AccountRegion,
    CoverageRow,
    Detector,
    Endpoint,
    Feature,
    Ingress,
    Instance,
    Node,
    SecurityGroup,
    Vpc,
)

T = TypeVar("T")
VPCS = ("vpc-0a", "vpc-0b", "vpc-0c")
GROUPS = ("sg-0a", "sg-0b")
UNKNOWN = ("ssm", "detector", "coverage", "vpcs", "endpoints", "security_groups")


def mostly(usual: object, *others: object) -> st.SearchStrategy:
    """The usual value seven times out of eight, so that the rules below a rare one are reached."""
    return st.sampled_from((usual,) * 7 * len(others) + others)


def products(build: Callable[..., T], *values: Sequence[object]) -> list[T]:
    """Every combination, created once: hypothesis then draws one number for the whole record."""
    return [build(*combination) for combination in itertools.product(*values)]


NOISE: tuple[dict[str, str], ...] = (
    {},
    {"Name": "web", "cost center": "7"},
    {"guarddutymanaged": "false", "kubernetes.io/cluster/platform": "owned"},
)
tags = st.sampled_from(
    products(
        lambda value, noise: noise if value is None else {**noise, "GuardDutyManaged": value},
        (None, "true", "False", "yes", "", "false"),
        NOISE,
    )
)
choices = st.sampled_from(products(Choices, ("all", "selected"), (False, True)))


@cache
def instances(instance_id: str) -> st.SearchStrategy[Instance]:
    return st.builds(
        Instance,
        instance_id=st.just(instance_id),
        account_id=st.just(ACCOUNT),
        region=st.just(REGION),
        state=mostly("running", "pending", "stopping", "stopped", "shutting-down", "terminated"),
        platform=mostly("linux", "windows", "macos"),
        architecture=mostly("x86_64", "arm64", "i386", "arm64_mac"),
        instance_type=mostly("m6i.large", "a1.large", "t4g.micro"),
        vpc_id=mostly(VPCS[0], *VPCS[1:], None),
        tags=tags,
        metadata_tags=st.booleans(),
        imds=mostly(True, False),
        operator=mostly(None, "ecs.amazonaws.com"),
    )


@cache
def nodes(instance_id: str) -> st.SearchStrategy[Node]:
    systems = (("Amazon Linux", "2023"), ("Ubuntu", "24.04"), ("CentOS Linux", "7"), (None, None))
    return st.sampled_from(
        products(
            lambda ping, system: Node(instance_id, ping, "3.3.0.0", *system),
            ("Online", "Online", "Online", "ConnectionLost", "Inactive"),
            systems,
        )
    )


@cache
def rows(instance_id: str) -> st.SearchStrategy[CoverageRow]:
    return st.sampled_from(
        products(
            lambda status, version, cluster: CoverageRow(instance_id, status, None, version, None, cluster),
            ("HEALTHY", "UNHEALTHY"),
            (None, "1.17.1"),
            (None, "arn:aws:ecs:eu-west-1:111111111111:cluster/orders"),
        )
    )


def _detector(id: str | None, status: str, enabled: bool, automated: bool) -> Detector:
    return Detector(id, status, {"RUNTIME_MONITORING": Feature(enabled, {"EC2_AGENT_MANAGEMENT": automated})})


ON = products(_detector, ("d1",), ("ENABLED",), (True,), (True, False))
OFF = products(_detector, ("d1", None), ("ENABLED", "DISABLED"), (True, False), (True, False))
# Hypothesis likes the ends of a list: the detectors that are on stand there.
detectors = st.sampled_from([*ON * 4, *OFF, Detector("d1"), *ON * 4])


@cache
def vpcs(vpc_id: str) -> st.SearchStrategy[Vpc]:
    return st.sampled_from(
        products(
            lambda owner, cidrs, support, names: Vpc(vpc_id, owner, cidrs, support, names),
            (ACCOUNT, ACCOUNT, OTHER_ACCOUNT),
            (("10.0.0.0/16",), ("10.0.0.0/16", "10.1.0.0/16"), ()),
            (True, False, None),
            (True, False, None),
        )
    )


POLICIES = (
    None,
    policy(deny_others_than(ACCOUNT)),
    policy(deny_others_than(OTHER_ACCOUNT)),
    policy(allow=False),
)


@cache
def endpoints(vpc_id: str) -> st.SearchStrategy[Endpoint]:
    def build(state: str, private_dns: bool, groups: tuple[str, ...], text: str | None) -> Endpoint:
        name = f"com.amazonaws.{REGION}.guardduty-data"
        return Endpoint(f"vpce-{vpc_id}", vpc_id, name, state, private_dns, (), groups, text)

    states = ("pending", "PendingAcceptance", "deleting", "deleted", "failed", "rejected")
    return st.sampled_from(
        products(build, ("available",) * 4 + states, (True, True, False), ((), ("sg-0a",), GROUPS), POLICIES)
    )


@cache
def security_groups(group_id: str) -> st.SearchStrategy[SecurityGroup]:
    def build(protocol: str, ports: tuple[int, int], cidrs: tuple[str, ...], others: bool) -> SecurityGroup:
        return SecurityGroup(group_id, "agents", None, (Ingress(protocol, *ports, cidrs, others),))

    return st.sampled_from(
        products(
            build,
            ("tcp", "tcp", "udp", "-1"),
            ((443, 443), (0, 65535), (444, 445)),
            ((), ("10.0.0.0/16",), ("10.0.0.0/8",), ("10.0.0.0/17", "10.0.128.0/17")),
            (False, False, True),
        )
    )


@st.composite
def areas(draw: st.DrawFn, most: int = 3, denials: bool = True) -> AccountRegion:
    """An account and region as observe() joins it: a denied call adds its name to unknown and sets no value."""
    ids = [f"i-{number:017x}" for number in range(draw(st.integers(1, most)))]
    area = AccountRegion(
        account_id=ACCOUNT,
        region=REGION,
        instances=tuple(draw(instances(instance_id)) for instance_id in ids),
        nodes={instance_id: draw(nodes(instance_id)) for instance_id in ids if draw(mostly(True, False))},
        coverage={instance_id: draw(rows(instance_id)) for instance_id in ids if draw(st.booleans())},
        detector=draw(detectors),
        vpcs={vpc_id: draw(vpcs(vpc_id)) for vpc_id in VPCS[:2]},
        endpoints={vpc_id: tuple(draw(st.lists(endpoints(vpc_id), max_size=2))) for vpc_id in VPCS[:2]},
        security_groups={group_id: draw(security_groups(group_id)) for group_id in GROUPS},
    )
    for word in draw(st.sets(st.sampled_from(UNKNOWN), max_size=2)) if denials else ():
        area = denied(area, word)
    return area


def denied(area: AccountRegion, word: str) -> AccountRegion:
    """The same area where the call behind C(word) was denied. Without its detector, GuardDuty returns no coverage."""
    empty: dict[str, object] = {
        "ssm": {"nodes": {}},
        "detector": {"detector": Detector(), "coverage": {}},
        "coverage": {"coverage": {}},
        "vpcs": {"vpcs": {}},
        "endpoints": {"endpoints": {}},
        "security_groups": {"security_groups": {}},
    }
    also = {"coverage"} if word == "detector" else set()
    return replace(area, unknown=area.unknown | {word} | also, **empty[word])  # type: ignore[arg-type]
