# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host can run the agent: one finding for each of AWS's requirements.

Source: GuardDuty user guide, "Prerequisites for Amazon EC2 instance support" and its table of CPU, OS and kernels, read
2026-10. AWS calls its table verified, not exclusive, so a system that it does not list causes a warning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..verdict.os_support import VERIFIED_DATE, kernel_verified, os_listed, os_verified
from .packages import ALIASES, DIRECTORIES

# Ansible's distribution names that differ from Systems Manager's names.
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
    """C(host): what agent_plan read on it. C(asked): the task's options, including the facts. The most severe first."""
    found = [check(host, asked) for check in CHECKS]
    order = ("error", "warning", "unknown", "ok")
    return sorted((one for one in found if one), key=lambda one: order.index(one["level"]))


def machine_of(asked: Mapping[str, Any]) -> str:
    """The architecture as x86_64 or arm64, or the system's name for any other."""
    name = str(asked["architecture"] or "")
    return ALIASES.get(name, name)


def _finding(check: str, level: str, message: str, remedy: str = "") -> Finding:
    return {"check": check, "level": level, "message": message, "remedy": remedy}


def _architecture(host: Host, asked: Mapping[str, Any]) -> Finding:
    name = machine_of(asked)
    if name in DIRECTORIES["rpm"]:
        return _finding("architecture", "ok", f"The agent supports {name}.")
    return _finding(
        "architecture",
        "error",
        f"The agent does not support the architecture {name or '(unknown)'}.",
        "Exclude the host.",
    )


def _package_manager(host: Host, asked: Mapping[str, Any]) -> Finding:
    kind = host["package"]["format"]
    if kind:
        return _finding("package_manager", "ok", f"The host uses {kind.upper()} packages.")
    return _finding(
        "package_manager", "error", "The host has neither rpm nor dpkg.", "Use a system that AWS lists, or exclude it."
    )


def _systemd(host: Host, asked: Mapping[str, Any]) -> Finding:
    if host["systemd"]:
        return _finding("systemd", "ok", "The host runs systemd.")
    return _finding("systemd", "error", "The host does not run systemd, which starts the agent.", "Exclude the host.")


def _distribution(host: Host, asked: Mapping[str, Any]) -> Finding:
    name, version = asked["distribution"], asked["distribution_version"]
    if os_verified(DISTRIBUTIONS.get(name, name), version):
        return _finding("distribution", "ok", f"{name} {version} is in AWS's table.")
    return _finding(
        "distribution",
        "warning",
        f"{name} {version} is not in AWS's table of verified systems (read {VERIFIED_DATE}).",
        "Try it on one host and check its coverage.",
    )


def _kernel(host: Host, asked: Mapping[str, Any]) -> Finding:
    name, kernel = asked["distribution"], asked["kernel"]
    if not os_listed(DISTRIBUTIONS.get(name, name)):
        return _finding("kernel", "unknown", f"AWS's table lists no kernels for {name}.")
    if kernel_verified(DISTRIBUTIONS.get(name, name), kernel):
        return _finding("kernel", "ok", f"Kernel {kernel} is in AWS's table.")
    return _finding(
        "kernel",
        "warning",
        f"Kernel {kernel} is not in AWS's table for {name} (read {VERIFIED_DATE}).",
        "Boot a listed kernel or install a newer agent; the coverage shows whether the agent works.",
    )


def _btf(host: Host, asked: Mapping[str, Any]) -> Finding:
    if host["machine"]["btf"]:
        return _finding("btf", "ok", "The kernel provides its type information (BTF).")
    return _finding(
        "btf",
        "warning",
        "The kernel has no /sys/kernel/btf/vmlinux; the agent needs CONFIG_DEBUG_INFO_BTF.",
        "Boot a kernel that was built with it.",
    )


def _memlock(host: Host, asked: Mapping[str, Any]) -> Finding | None:
    """For kernels up to 5.10 only: newer kernels do not count the agent's maps against the limit."""
    if _numbers(asked["kernel"]) > (5, 10):
        return None
    limit = _bytes(host["unit"]["limit_memlock"], host["machine"]["memlock"])
    if limit is None or limit >= MEMLOCK_BYTES:
        return _finding("memlock", "ok", "RLIMIT_MEMLOCK is at least 32 MB.")
    return _finding(
        "memlock",
        "warning",
        f"RLIMIT_MEMLOCK is {limit // 2**20} MB; kernels up to 5.10 need 32 MB.",
        "Set DefaultLimitMEMLOCK=32M:32M in /etc/systemd/system.conf.d and reboot.",
    )


def _imds(host: Host, asked: Mapping[str, Any]) -> Finding:
    imds = host["imds"]
    if imds is None:
        return _finding("imds", "unknown", "The metadata service was not tested.")
    if imds["document"]:
        return _finding("imds", "ok", "The instance identity document can be read.")
    return _finding(
        "imds",
        "warning",
        f"The instance identity document, which the agent needs, cannot be read ({imds['error']}).",
        "Turn on the instance's metadata endpoint, and raise its hop limit if the host is a container.",
    )


def _resolution(host: Host, asked: Mapping[str, Any]) -> Finding:
    """The VPC endpoint's name: AWS offers the link-local address to agents that GuardDuty manages, not to packages.

    GuardDuty user guide, "How the security agent connects to GuardDuty".
    """
    network = host["network"]
    if network is None:
        return _finding("name_resolution", "unknown", "The connection to GuardDuty's endpoint was not tested.")
    if network["addresses"]:
        return _finding("name_resolution", "ok", f"{network['name']} resolves.")
    return _finding(
        "name_resolution",
        "warning",
        f"{network['name']} does not resolve ({network['error']}).",
        "Create the VPC endpoint with fleetsec.guardduty.vpc_endpoint, and turn on DNS support and DNS hostnames in the VPC.",
    )


def _tcp(host: Host, asked: Mapping[str, Any]) -> Finding | None:
    network = host["network"]
    if network is None or not network["addresses"]:
        return None
    if network["connected"]:
        return _finding("tcp_443", "ok", f"{network['name']} accepts connections on port 443.")
    return _finding(
        "tcp_443",
        "warning",
        f"{network['name']} does not accept connections on port 443 ({network['error']}).",
        "Allow port 443 from the host in the VPC endpoint's security group.",
    )


def _disk(host: Host, asked: Mapping[str, Any]) -> Finding:
    """AWS does not document how much disk space the agent needs; 200 MB is this collection's cautious estimate."""
    full = [f"{place} has {free} MB" for place, free in host["machine"]["free_mb"].items() if free < FREE_MB]
    if not full:
        return _finding("disk", "ok", "The disk has enough free space.")
    return _finding("disk", "warning", f"Free disk space is low: {', '.join(full)}.", f"Free {FREE_MB} MB.")


def memory_limit_mb(memory_mb: int) -> int:
    """How much of a host's memory the agent may use, in MB (same page, CPU and memory limits)."""
    gib = memory_mb / 1024
    return 128 if gib < 8 else 256 if gib < 32 else 1024


def _memory(host: Host, asked: Mapping[str, Any]) -> Finding:
    """AWS states what the agent may use, not what a host must have: twice that is this collection's own threshold."""
    size = asked["memtotal_mb"] or host["machine"]["memory_mb"]
    if not size:
        return _finding("memory", "unknown", "The host's memory is not known.")
    need = memory_limit_mb(size)
    if size >= 2 * need:
        return _finding("memory", "ok", f"The agent may use {need} MB of {size} MB.")
    return _finding(
        "memory", "warning", f"The agent may use {need} MB of {size} MB of memory.", "Use a larger instance."
    )


def _bringer(host: Host, asked: Mapping[str, Any]) -> Finding | None:
    who = {"guardduty": "GuardDuty", "ssm": "Systems Manager"}.get(asked["route"] or "")
    if who is None or asked["state"] == "absent":
        return None
    return _finding(
        "bringer",
        "warning",
        f"Both {who} and this role install the agent on this host; they may overwrite each other's version.",
        "Use only one of them for the host.",
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
    """The limit in bytes; None if there is no limit."""
    if of_unit == "infinity":
        return None
    if of_unit.isdigit():
        return int(of_unit)
    return of_process if of_process >= 0 else None
