# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings on a host, each condition with a remedy."""

from __future__ import annotations

from typing import Any

import pytest
from agent_worlds import asked, host

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.preflight import findings, memory_limit_mb
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.records import Desired, Host
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.os_support import (
    VERIFIED_KERNELS,
    VERIFIED_OS,
)

DEAF = {"name": "guardduty-data.eu-west-1.amazonaws.com", "addresses": [], "connected": False, "error": "no such name"}
SHUT = {**DEAF, "addresses": ["10.0.0.9"], "error": "timed out"}


def levels(place: Host, options: Desired) -> dict[str, str]:
    return {one.check: one.level for one in findings(place, options) if one.level != "ok"}


def test_a_sound_host_has_no_finding_but_ok() -> None:
    assert levels(host(), asked()) == {}


@pytest.mark.parametrize(
    ("parts", "options", "check", "level"),
    [
        ({}, {"architecture": "i686"}, "architecture", "error"),
        ({"package": {"format": None, "version": None, "status": None}}, {}, "package_manager", "error"),
        ({"systemd": False}, {}, "systemd", "error"),
        ({}, {"distribution": "Gentoo", "distribution_version": "2"}, "distribution", "warning"),
        (
            {},
            {"distribution": "RedHat", "distribution_version": "9.3", "kernel": "5.14.0-362.el9"},
            "distribution",
            "warning",
        ),
        ({}, {"kernel": "4.14.355-271.amzn2.x86_64", "distribution_version": "2"}, "kernel", "warning"),
        ({}, {"distribution": "Debian", "distribution_version": "12", "kernel": "6.18.0-1"}, "kernel", "warning"),
        ({"machine": {"btf": False}}, {}, "btf", "warning"),
        ({}, {"kernel": "5.10.225-213.amzn2.x86_64"}, "memlock", "warning"),
        ({"imds": {"document": None, "error": "timed out"}}, {}, "imds", "warning"),
        ({"imds": None}, {}, "imds", "unknown"),
        ({"network": DEAF}, {}, "name_resolution", "warning"),
        ({"network": None}, {}, "name_resolution", "unknown"),
        ({"network": SHUT}, {}, "tcp_443", "warning"),
        ({"machine": {"free_mb": {"/opt": 9, "/var": 900}}}, {}, "disk", "warning"),
        ({"machine": {"memory_mb": 200}}, {}, "memory", "warning"),
        ({}, {"memtotal_mb": 200}, "memory", "warning"),
        ({}, {"route": "guardduty"}, "bringer", "warning"),
        ({}, {"route": "ssm"}, "bringer", "warning"),
    ],
)
def test_each_condition(parts: dict[str, Any], options: dict[str, Any], check: str, level: str) -> None:
    place = host(**parts)
    found = findings(place, asked(**options))
    assert [one.check for one in found if one.level != "ok"][0] == check
    one = found[0]
    assert one.level == level
    assert one.message.endswith(".")
    assert one.remedy.endswith(".") or level == "unknown"


@pytest.mark.parametrize(
    ("limit", "fine"), [("33554432", True), ("33554431", False), ("infinity", True), ("65536", False)]
)
def test_memlock_counts_up_to_kernel_5_10(limit: str, fine: bool) -> None:
    """GuardDuty user guide, prerequisites of EC2: 32 MB on kernels 5.10 and older."""
    old = asked(kernel="5.10.225-213.amzn2.x86_64")
    assert ("memlock" not in levels(host(unit={"limit_memlock": limit}), old)) == fine
    assert levels(host(unit={"limit_memlock": limit}), asked(kernel="5.15.0-1.amzn2")) == {}


def test_nothing_is_claimed_of_kernels_of_systems_that_aws_does_not_list() -> None:
    found = levels(host(), asked(distribution="Gentoo", distribution_version="2", kernel="6.1.0"))
    assert found == {"distribution": "warning", "kernel": "unknown"}


def test_memory_limits() -> None:
    """The same page: 128 MB below 8 GB, 256 MB below 32 GB, 1 GB from there."""
    assert [memory_limit_mb(size * 1024) for size in (1, 7, 8, 31, 32, 256)] == [128, 128, 256, 256, 1024, 1024]


def test_the_gravest_comes_first() -> None:
    found = findings(host(systemd=False, imds=None, machine={"btf": False}), asked())
    assert [one.level for one in found][:3] == ["error", "warning", "unknown"]


def test_each_system_has_its_kernels() -> None:
    assert set(VERIFIED_KERNELS) == set(VERIFIED_OS)
