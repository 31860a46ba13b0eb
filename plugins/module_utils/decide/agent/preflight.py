# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host can run the agent: one finding for each of AWS's requirements.

Source: GuardDuty user guide, "Prerequisites for Amazon EC2 instance support" and its table of CPU, OS and kernels, read
2026-10. AWS calls its table verified, not exclusive, so a system that it does not list causes a warning.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..verdict.os_support import VERIFIED_DATE, kernel_verified, os_listed, os_verified
from .packages import ALIASES, DIRECTORIES
from .records import Desired, Host

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


@dataclass(frozen=True, slots=True)
class Finding:
    """A requirement on a host. C(level): error, warning, unknown or ok."""

    check: str
    level: str
    message: str
    remedy: str = ""

    @property
    def text(self) -> str:
        return f"{self.message} {self.remedy}".strip()


def findings(host: Host, desired: Desired) -> list[Finding]:
    """A finding for each requirement that matters, the most severe first."""
    found = [check(host, desired) for check in CHECKS]
    order = ("error", "warning", "unknown", "ok")
    return sorted((one for one in found if one), key=lambda one: order.index(one.level))


def _in_table(distribution: str | None) -> str:
    return DISTRIBUTIONS.get(distribution or "", distribution or "")


def machine_of(desired: Desired) -> str:
    """The architecture as x86_64 or arm64, or the system's name for any other."""
    name = str(desired.architecture or "")
    return ALIASES.get(name, name)


def _architecture(host: Host, desired: Desired) -> Finding:
    name = machine_of(desired)
    if name in DIRECTORIES["rpm"]:
        return Finding("architecture", "ok", f"The agent supports {name}.")
    return Finding(
        "architecture",
        "error",
        f"The agent does not support the architecture {name or '(unknown)'}.",
        "Exclude the host.",
    )


def _package_manager(host: Host, desired: Desired) -> Finding:
    kind = host.package.format
    if kind:
        return Finding("package_manager", "ok", f"The host uses {kind.upper()} packages.")
    return Finding(
        "package_manager", "error", "The host has neither rpm nor dpkg.", "Use a system that AWS lists, or exclude it."
    )


def _systemd(host: Host, desired: Desired) -> Finding:
    if host.systemd:
        return Finding("systemd", "ok", "The host runs systemd.")
    return Finding("systemd", "error", "The host does not run systemd, which starts the agent.", "Exclude the host.")


def _distribution(host: Host, desired: Desired) -> Finding:
    name, version = desired.distribution, desired.distribution_version
    if os_verified(_in_table(name), version):
        return Finding("distribution", "ok", f"{name} {version} is in AWS's table.")
    return Finding(
        "distribution",
        "warning",
        f"{name} {version} is not in AWS's table of verified systems (read {VERIFIED_DATE}).",
        "Try it on one host and check its coverage.",
    )


def _kernel(host: Host, desired: Desired) -> Finding:
    name, kernel = desired.distribution, desired.kernel
    if not os_listed(_in_table(name)):
        return Finding("kernel", "unknown", f"AWS's table lists no kernels for {name}.")
    if kernel_verified(_in_table(name), kernel):
        return Finding("kernel", "ok", f"Kernel {kernel} is in AWS's table.")
    return Finding(
        "kernel",
        "warning",
        f"Kernel {kernel} is not in AWS's table for {name} (read {VERIFIED_DATE}).",
        "Boot a listed kernel or install a newer agent; the coverage shows whether the agent works.",
    )


def _btf(host: Host, desired: Desired) -> Finding:
    if host.machine.btf:
        return Finding("btf", "ok", "The kernel provides its type information (BTF).")
    return Finding(
        "btf",
        "warning",
        "The kernel has no /sys/kernel/btf/vmlinux; the agent needs CONFIG_DEBUG_INFO_BTF.",
        "Boot a kernel that was built with it.",
    )


def _memlock(host: Host, desired: Desired) -> Finding | None:
    """For kernels up to 5.10 only: newer kernels do not count the agent's maps against the limit."""
    if _numbers(desired.kernel) > (5, 10):
        return None
    limit = _bytes(host.unit.limit_memlock, host.machine.memlock)
    if limit is None or limit >= MEMLOCK_BYTES:
        return Finding("memlock", "ok", "RLIMIT_MEMLOCK is at least 32 MB.")
    return Finding(
        "memlock",
        "warning",
        f"RLIMIT_MEMLOCK is {limit // 2**20} MB; kernels up to 5.10 need 32 MB.",
        "Set DefaultLimitMEMLOCK=32M:32M in /etc/systemd/system.conf.d and reboot.",
    )


def _imds(host: Host, desired: Desired) -> Finding:
    imds = host.imds
    if imds is None:
        return Finding("imds", "unknown", "The metadata service was not tested.")
    if imds.document:
        return Finding("imds", "ok", "The instance identity document can be read.")
    return Finding(
        "imds",
        "warning",
        f"The instance identity document, which the agent needs, cannot be read ({imds.error}).",
        "Turn on the instance's metadata endpoint, and raise its hop limit if the host is a container.",
    )


def _resolution(host: Host, desired: Desired) -> Finding:
    """The VPC endpoint's name: AWS offers the link-local address to agents that GuardDuty manages, not to packages.

    GuardDuty user guide, "How the security agent connects to GuardDuty".
    """
    network = host.network
    if network is None:
        return Finding("name_resolution", "unknown", "The connection to GuardDuty's endpoint was not tested.")
    if network.addresses:
        return Finding("name_resolution", "ok", f"{network.name} resolves.")
    return Finding(
        "name_resolution",
        "warning",
        f"{network.name} does not resolve ({network.error}).",
        "Create the VPC endpoint with fleetsec.guardduty.vpc_endpoint, and turn on DNS support and DNS hostnames in the VPC.",
    )


def _tcp(host: Host, desired: Desired) -> Finding | None:
    network = host.network
    if network is None or not network.addresses:
        return None
    if network.connected:
        return Finding("tcp_443", "ok", f"{network.name} accepts connections on port 443.")
    return Finding(
        "tcp_443",
        "warning",
        f"{network.name} does not accept connections on port 443 ({network.error}).",
        "Allow port 443 from the host in the VPC endpoint's security group.",
    )


def _disk(host: Host, desired: Desired) -> Finding:
    """AWS does not document how much disk space the agent needs; 200 MB is this collection's cautious estimate."""
    full = [f"{place} has {free} MB" for place, free in host.machine.free_mb.items() if free < FREE_MB]
    if not full:
        return Finding("disk", "ok", "The disk has enough free space.")
    return Finding("disk", "warning", f"Free disk space is low: {', '.join(full)}.", f"Free {FREE_MB} MB.")


def memory_limit_mb(memory_mb: int) -> int:
    """How much of a host's memory the agent may use, in MB (same page, CPU and memory limits)."""
    gib = memory_mb / 1024
    return 128 if gib < 8 else 256 if gib < 32 else 1024


def _memory(host: Host, desired: Desired) -> Finding:
    """AWS states what the agent may use, not what a host must have: twice that is this collection's own threshold."""
    size = desired.memtotal_mb or host.machine.memory_mb
    if not size:
        return Finding("memory", "unknown", "The host's memory is not known.")
    need = memory_limit_mb(size)
    if size >= 2 * need:
        return Finding("memory", "ok", f"The agent may use {need} MB of {size} MB.")
    return Finding(
        "memory", "warning", f"The agent may use {need} MB of {size} MB of memory.", "Use a larger instance."
    )


def _bringer(host: Host, desired: Desired) -> Finding | None:
    who = {"guardduty": "GuardDuty", "ssm": "Systems Manager"}.get(desired.route or "")
    if who is None or desired.state == "absent":
        return None
    return Finding(
        "bringer",
        "warning",
        f"Both {who} and this role install the agent on this host; they may overwrite each other's version.",
        "Use only one of them for the host.",
    )


CHECKS: tuple[Callable[[Host, Desired], Finding | None], ...] = (
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


def _numbers(kernel: str | None) -> tuple[int, ...]:
    """The first two numbers of a kernel release."""
    return tuple(int(part) for part in re.findall(r"\d{1,9}", kernel or "")[:2])


def _bytes(of_unit: str, of_process: int) -> int | None:
    """The limit in bytes; None if there is no limit."""
    if of_unit == "infinity":
        return None
    if re.fullmatch(r"[0-9]{1,20}", of_unit):
        return int(of_unit)
    return of_process if of_process >= 0 else None
