# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verified operating systems: every one of the guide's table, and those next to them."""

from __future__ import annotations

import pytest

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.os_support import (
    ALIASES,
    VERIFIED_OS,
    kernel_verified,
    os_verified,
)

# GuardDuty user guide, "Validating architectural requirements".
TABLE = [
    ("Amazon Linux", "2"),
    ("Amazon Linux", "2023"),
    *(("Ubuntu", version) for version in ("20.04", "22.04", "24.04", "26.04")),
    *(("Debian GNU/Linux", version) for version in ("11", "12", "13")),
    *(("Red Hat Enterprise Linux", version) for version in ("9.4", "10.2")),
    *(("CentOS Stream", version) for version in ("9", "10")),
    *(("Rocky Linux", version) for version in ("9.5", "10.1")),
    *(("AlmaLinux", version) for version in ("9", "10")),
    *(("Fedora Linux", version) for version in ("34", "40", "41", "43", "44")),
    *(("Oracle Linux Server", version) for version in ("8.9", "9.3")),
    ("SLES", "16"),
    ("Bottlerocket", "1.62.1"),
]


@pytest.mark.parametrize(("name", "version"), TABLE)
def test_verified(name: str, version: str) -> None:
    assert os_verified(name, version)
    assert os_verified(f" {name.upper()} ", version)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("Amazon Linux", "2023.6.20241031"),
        ("AlmaLinux", "9.5"),
        ("Debian GNU/Linux", "12.8"),
        ("Ubuntu", "24.04.1"),
        ("SLES", "16.0"),
        ("CentOS Stream", "10.0"),
    ],
)
def test_a_minor_version_of_a_verified_one(name: str, version: str) -> None:
    assert os_verified(name, version)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("Amazon Linux AMI", "2018.03"),
        ("Amazon Linux", "2018.03"),
        ("Amazon Linux", "20"),
        ("Amazon Linux", "2022"),
        ("Ubuntu", "18.04"),
        ("Ubuntu", "24.10"),
        ("Ubuntu", "2"),
        ("Debian GNU/Linux", "10"),
        ("Red Hat Enterprise Linux", "9.5"),
        ("Red Hat Enterprise Linux", "9.40"),
        ("Red Hat Enterprise Linux", "9"),
        ("CentOS Linux", "7"),
        ("Fedora Linux", "42"),
        ("Oracle Linux Server", "9.4"),
        ("SLES", "15.6"),
        ("Slackware", "15"),
    ],
)
def test_unverified(name: str, version: str) -> None:
    assert not os_verified(name, version)


@pytest.mark.parametrize(
    ("name", "version"), [(None, None), ("Ubuntu", None), (None, "24.04"), ("", ""), ("Slackware", None)]
)
def test_what_is_not_known_is_no_claim(name: str | None, version: str | None) -> None:
    assert os_verified(name, version)


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_other_names_lead_to_a_listed_one(alias: str) -> None:
    assert os_verified(alias, VERIFIED_OS[ALIASES[alias]][0])


# The same page, its column of kernels, with releases as those systems call them.
KERNELS = [
    ("Amazon Linux", "5.10.225-213.878.amzn2.x86_64"),
    ("Amazon Linux", "6.12.20-23.97.amzn2023.aarch64"),
    ("Ubuntu", "6.8.0-1021-aws"),
    ("Ubuntu", "7.0.0-5-generic"),
    ("Debian", "6.1.0-28-cloud-amd64"),
    ("RHEL", "5.14.0-503.11.1.el9_5.x86_64"),
    ("AlmaLinux", "6.12.0-55.el10.x86_64"),
    ("Fedora", "7.1.3-200.fc44.x86_64"),
    ("Oracle Linux", "5.15.0-300.163.18.el9uek.x86_64"),
    ("SLES", "6.12.0-160000.5-default"),
    ("Bottlerocket", "6.18.1"),
    ("CentOS Stream", "5.14.0-527.el9.x86_64"),
    ("Rocky Linux", "6.12.0-55.14.1.el10_0.x86_64"),
]


@pytest.mark.parametrize(("name", "release"), KERNELS)
def test_verified_kernels(name: str, release: str) -> None:
    assert kernel_verified(name, release)


@pytest.mark.parametrize(
    ("name", "release"),
    [
        ("Amazon Linux", "4.14.355-271.amzn2.x86_64"),
        # 6.1 is listed, and 6.10 is not the same.
        ("Amazon Linux", "6.10.1"),
        ("Amazon Linux", "6.18.8"),
        ("Ubuntu", "6.12.0-1-generic"),
        ("Ubuntu", "6.19.0-1-generic"),
        ("Debian", "6.18.0-1"),
        ("Rocky Linux", "5.15.0-1.el9.elrepo"),
        ("Oracle Linux", "5.14.0-503.el9"),
        # The page of ECS on Bottlerocket says that it has 6.12, the table does not.
        ("Bottlerocket", "6.12.1"),
        ("Ubuntu", "mainline"),
    ],
)
def test_unverified_kernels(name: str, release: str) -> None:
    assert not kernel_verified(name, release)


@pytest.mark.parametrize(("name", "release"), [("Slackware", "5.15.1"), (None, "5.15.1"), ("Ubuntu", None), ("", "")])
def test_of_unlisted_systems_no_kernel_is_refused(name: str | None, release: str | None) -> None:
    assert kernel_verified(name, release)
