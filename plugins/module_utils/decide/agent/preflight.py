# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host can run the agent, from what was found on it: one finding for each condition that AWS states.

Source: GuardDuty user guide, "Prerequisites for Amazon EC2 instance support" and its table of CPU, OS and kernels, read
2026-10. AWS calls its table verified, not exclusive, so what is missing in it is a warning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..verdict.os_support import VERIFIED_DATE, kernel_verified, os_listed, os_verified
from .packages import ALIASES, DIRECTORIES

# Of Ansible's distribution names those that differ from what Systems Manager calls the same system.
DISTRIBUTIONS = {
    "Amazon": "Amazon Linux",
    "RedHat": "Red Hat Enterprise Linux",
    "CentOS": "CentOS Stream",
    "Rocky": "Rocky Linux",
    "OracleLinux": "Oracle Linux Server",
    "SLES_SAP": "SLES",
}
MEMLOCK_BYTES = 32 * 2**20
FREE_MB = 200

Finding = dict[str, str]
Host = Mapping[str, Any]


def findings(host: Host, asked: Mapping[str, Any]) -> list[Finding]:
    """C(host): what agent_plan read on it. C(asked): the task's options, among them the facts. First the gravest."""
    found = [check(host, asked) for check in CHECKS]
    order = ("error", "warning", "unknown", "ok")
    return sorted((one for one in found if one), key=lambda one: order.index(one["level"]))


def machine_of(asked: Mapping[str, Any]) -> str:
    """x86_64 or arm64, whatever the system calls it."""
    name = str(asked["architecture"] or "")
    return ALIASES.get(name, name)


def _finding(check: str, level: str, message: str, remedy: str = "") -> Finding:
    return {"check": check, "level": level, "message": message, "remedy": remedy}


def _architecture(host: Host, asked: Mapping[str, Any]) -> Finding:
    name = machine_of(asked)
    if name in DIRECTORIES["rpm"]:
        return _finding("architecture", "ok", f"{name} has an agent.")
    return _finding(
        "architecture", "error", f"There is no agent for the architecture {name or 'that is not known'}.", "Exclude it."
    )


def _package_manager(host: Host, asked: Mapping[str, Any]) -> Finding:
    kind = host["package"]["format"]
    if kind:
        return _finding("package_manager", "ok", f"The host takes {kind.upper()} packages.")
    return _finding(
        "package_manager", "error", "The host has neither rpm nor dpkg.", "Use a system that AWS lists, or exclude it."
    )


def _systemd(host: Host, asked: Mapping[str, Any]) -> Finding:
    if host["systemd"]:
        return _finding("systemd", "ok", "systemd runs the host.")
    return _finding("systemd", "error", "The host is not run by systemd, which starts the agent.", "Exclude the host.")


def _distribution(host: Host, asked: Mapping[str, Any]) -> Finding:
    name, version = asked["distribution"], asked["distribution_version"]
    if os_verified(DISTRIBUTIONS.get(name, name), version):
        return _finding("distribution", "ok", f"{name} {version} is in AWS's table.")
    return _finding(
        "distribution",
        "warning",
        f"{name} {version} is not in AWS's table of verified systems (read {VERIFIED_DATE}).",
        "Try it on one host, and look at its coverage.",
    )


def _kernel(host: Host, asked: Mapping[str, Any]) -> Finding:
    name, kernel = asked["distribution"], asked["kernel"]
    if not os_listed(DISTRIBUTIONS.get(name, name)):
        return _finding("kernel", "unknown", f"AWS's table names no kernels for {name}.")
    if kernel_verified(DISTRIBUTIONS.get(name, name), kernel):
        return _finding("kernel", "ok", f"Kernel {kernel} is in AWS's table.")
    return _finding(
        "kernel",
        "warning",
        f"Kernel {kernel} is not in AWS's table for {name} (read {VERIFIED_DATE}).",
        "Boot a listed kernel, or a newer agent; coverage says whether it is provisioned.",
    )


def _btf(host: Host, asked: Mapping[str, Any]) -> Finding:
    if host["machine"]["btf"]:
        return _finding("btf", "ok", "The kernel carries its type information (BTF).")
    return _finding(
        "btf",
        "warning",
        "The kernel has no /sys/kernel/btf/vmlinux, and the agent needs CONFIG_DEBUG_INFO_BTF.",
        "Boot a kernel that is built with it.",
    )


def _memlock(host: Host, asked: Mapping[str, Any]) -> Finding | None:
    """Of kernels up to 5.10 only: newer ones do not count the agent's maps against the limit."""
    if _numbers(asked["kernel"]) > (5, 10):
        return None
    limit = _bytes(host["unit"]["limit_memlock"], host["machine"]["memlock"])
    if limit is None or limit >= MEMLOCK_BYTES:
        return _finding("memlock", "ok", "RLIMIT_MEMLOCK is at least 32 MB.")
    return _finding(
        "memlock",
        "warning",
        f"RLIMIT_MEMLOCK is {limit // 2**20} MB; kernels up to 5.10 need 32 MB.",
        "Set DefaultLimitMEMLOCK=32M:32M in /etc/systemd/system.conf.d, and reboot.",
    )


def _imds(host: Host, asked: Mapping[str, Any]) -> Finding:
    imds = host["imds"]
    if imds is None:
        return _finding("imds", "unknown", "The metadata service was not asked.")
    if imds["document"]:
        return _finding("imds", "ok", "The instance identity document can be read.")
    return _finding(
        "imds",
        "warning",
        f"The instance identity document cannot be read ({imds['error']}), and the agent needs it.",
        "Turn the instance's metadata endpoint on, and raise its hop limit where the host is a container.",
    )


def _resolution(host: Host, asked: Mapping[str, Any]) -> Finding:
    """Of the VPC endpoint's name: AWS offers the link-local way to agents that GuardDuty manages, not to packages.

    GuardDuty user guide, "How the security agent connects to GuardDuty".
    """
    network = host["network"]
    if network is None:
        return _finding("name_resolution", "unknown", "GuardDuty's endpoint was not tried.")
    if network["addresses"]:
        return _finding("name_resolution", "ok", f"{network['name']} resolves.")
    return _finding(
        "name_resolution",
        "warning",
        f"{network['name']} does not resolve ({network['error']}).",
        "Make the VPC endpoint with fleetsec.guardduty.vpc_endpoint, and turn DNS support and DNS hostnames of the VPC on.",
    )


def _tcp(host: Host, asked: Mapping[str, Any]) -> Finding | None:
    network = host["network"]
    if network is None or not network["addresses"]:
        return None
    if network["connected"]:
        return _finding("tcp_443", "ok", f"{network['name']} takes connections on port 443.")
    return _finding(
        "tcp_443",
        "warning",
        f"{network['name']} takes no connection on port 443 ({network['error']}).",
        "Open port 443 from the host to the VPC endpoint's security group.",
    )


def _disk(host: Host, asked: Mapping[str, Any]) -> Finding:
    """How much the agent takes is not documented: 200 MB is this collection's own, careful number."""
    full = [f"{place} has {free} MB" for place, free in host["machine"]["free_mb"].items() if free < FREE_MB]
    if not full:
        return _finding("disk", "ok", "There is room on the disk.")
    return _finding("disk", "warning", f"Little room on the disk: {', '.join(full)}.", f"Free {FREE_MB} MB.")


def memory_limit_mb(memory_mb: int) -> int:
    """What the agent may take of a host's memory, in MB (same page, CPU and memory limits)."""
    gib = memory_mb / 1024
    return 128 if gib < 8 else 256 if gib < 32 else 1024


def _memory(host: Host, asked: Mapping[str, Any]) -> Finding:
    """AWS states what the agent may take, not what a host must have: twice of it is this collection's own number."""
    size = asked["memtotal_mb"] or host["machine"]["memory_mb"]
    if not size:
        return _finding("memory", "unknown", "The host's memory is not known.")
    need = memory_limit_mb(size)
    if size >= 2 * need:
        return _finding("memory", "ok", f"The agent may take {need} MB of {size} MB.")
    return _finding("memory", "warning", f"The agent may take {need} MB, of {size} MB.", "Use a larger instance.")


def _bringer(host: Host, asked: Mapping[str, Any]) -> Finding | None:
    who = {"guardduty": "GuardDuty itself brings", "ssm": "Systems Manager brings"}.get(asked["route"] or "")
    if who is None or asked["state"] == "absent":
        return None
    return _finding(
        "bringer",
        "warning",
        f"{who} the agent to this host, and so does this role: they may undo each other's versions.",
        "Leave the host to one of them.",
    )


CHECKS: tuple[Callable[[Host, Mapping[str, Any]], Finding | None], ...] = (
    _architecture,
    _package_manager,
    _systemd,
    _distribution,
    _kernel,
    _btf,
    _memlock,
    _imds,
    _resolution,
    _tcp,
    _disk,
    _memory,
    _bringer,
)


def _numbers(kernel: str) -> tuple[int, ...]:
    """The first two numbers of a kernel release."""
    return tuple(int(part) for part in re.findall(r"\d+", str(kernel))[:2])


def _bytes(of_unit: str, of_process: int) -> int | None:
    """None: without a limit."""
    if of_unit == "infinity":
        return None
    if of_unit.isdigit():
        return int(of_unit)
    return of_process if of_process >= 0 else None
