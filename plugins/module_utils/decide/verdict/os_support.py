# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operating systems on which AWS has verified the agent, with source and date.

Source: GuardDuty user guide, "Validating architectural requirements" (CPU, OS and kernel support), read 2026-10.
AWS calls the list verified, not exclusive: an unlisted system may work, but without guarantee.
"""

from __future__ import annotations

from functools import lru_cache

VERIFIED_SOURCE = "GuardDuty user guide, prereq-runtime-monitoring-cpu-os-kernel-support"
VERIFIED_DATE = "2026-10"

# Name as Systems Manager reports it (PlatformName), lower case, to the verified versions. Bottlerocket counts from AMI
# v1.62.1 on, which PlatformVersion does not show.
VERIFIED_OS = {
    "amazon linux": ("2", "2023"),
    "ubuntu": ("20.04", "22.04", "24.04", "26.04"),
    "debian gnu/linux": ("11", "12", "13"),
    "red hat enterprise linux": ("9.4", "10.2"),
    "centos stream": ("9", "10"),
    "rocky linux": ("9.5", "10.1"),
    "almalinux": ("9", "10"),
    "fedora linux": ("34", "40", "41", "43", "44"),
    "oracle linux server": ("8.9", "9.3"),
    "sles": ("16",),
    "bottlerocket": ("1",),
}
# Kernels of the same table, by the first two numbers of their release. The release notes of the agents 1.16.0 and 1.17.1 also
# name 6.19, 7.1 and 7.2, which the table does not list (except for Fedora): until it does, they are not verified.
VERIFIED_KERNELS = {
    "amazon linux": "5.4 5.10 5.15 6.1 6.5 6.8 6.12",
    "ubuntu": "5.4 5.10 5.15 6.1 6.5 6.8 6.13 6.14 6.15 6.16 6.17 6.18 7.0",
    "debian gnu/linux": "5.4 5.10 5.15 6.1 6.5 6.8 6.12",
    "red hat enterprise linux": "5.14 6.12",
    "centos stream": "5.14 6.12",
    "rocky linux": "5.14 6.12",
    "almalinux": "5.14 6.12",
    "fedora linux": "5.11 5.17 6.8 6.12 7.1",
    "oracle linux server": "5.15",
    "sles": "6.12",
    "bottlerocket": "5.4 5.10 5.15 6.1 6.18",
}
ALIASES = {
    "amazon linux ami": "amazon linux",
    "debian": "debian gnu/linux",
    "fedora": "fedora linux",
    "oracle linux": "oracle linux server",
    "rhel": "red hat enterprise linux",
    "suse linux enterprise server": "sles",
    "centos": "centos stream",
    "rocky": "rocky linux",
    "alma linux": "almalinux",
}


@lru_cache(maxsize=1000)
def os_verified(name: str | None, version: str | None) -> bool:
    """Whether AWS lists this system. True if the name or version is unknown, since nothing speaks against it.

    A version matches when it is the listed one or one of its minor versions: '2023' admits '2023.6.20241031',
    '9.4' does not admit '9.5'.
    """
    if not name or not version:
        return True
    known = VERIFIED_OS.get(_key(name), ())
    return any(version == listed or version.startswith(f"{listed}.") for listed in known)


def kernel_verified(name: str | None, release: str | None) -> bool:
    """Whether AWS lists the kernel for this system. True if the system or release is unknown.

    C(release): as printed by C(uname -r), such as 6.1.112-122.189.amzn2023.x86_64.
    """
    listed = VERIFIED_KERNELS.get(_key(name))
    if listed is None or not release:
        return True
    return ".".join(release.split("-")[0].split(".")[:2]) in listed.split()


def os_listed(name: str | None) -> bool:
    """Whether AWS's table has this system in any version."""
    return _key(name) in VERIFIED_OS


def _key(name: str | None) -> str:
    key = (name or "").strip().lower()
    return ALIASES.get(key, key)
