# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GuardDuty's SSM document does on a node: install or uninstall the agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from .documents import CONFIGURE_PLUGIN, short_name
from .ec2_view import Ec2Instance
from .world import Agent, AgentOrigin, Node

# GuardDuty user guide, "GuardDuty security agent versions for Amazon EC2 instances", newest of November 2026.
LATEST_AGENT = "1.17.1"
_RELEASED = frozenset(
    [
        "1.17.1",
        "1.16.0",
        "1.15.0",
        "1.9.2",
        "1.9.1",
        "1.9.0",
        "1.8.0",
        "1.7.1",
        "1.7.0",
        "1.6.0",
        "1.5.0",
        "1.3.1",
        "1.3.0",
        "1.2.0",
        "1.1.0",
        "1.0.2",
        "1.0.1",
        "1.0.0",
    ]
)
_AGENT_OF_PACKAGE = {"1.7.2": "1.7.1"}  # same page: the SSM package 1.7.2 contains the agent 1.7.1

# GuardDuty user guide, "Validate architectural requirements" and release notes: kernels 5.4 to 7.2, x86_64 and arm64,
# without Graviton 1, which the A1 family has.
_LOWEST_KERNEL, _HIGHEST_KERNEL = (5, 4), (7, 2)
_ARCHITECTURES = ("x86_64", "arm64")

TAG = "GuardDutyManaged"


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def kernel_verdict(kernel: str) -> Literal["lower", "higher"] | None:
    known = numbers(kernel)[:2]
    if not known:
        return None
    return "lower" if known < _LOWEST_KERNEL else "higher" if known > _HIGHEST_KERNEL else None


def excluded(instance: Ec2Instance) -> bool:
    """The host reads its exclusion tag from instance metadata, so that it needs tags there (prerequisites page)."""
    return instance.tags.get(TAG) == "false" and instance.metadata_tags


def supported(node: Node, instance: Ec2Instance) -> bool:
    return (
        instance.platform == "linux"
        and instance.architecture in _ARCHITECTURES
        and not instance.instance_type.startswith("a1.")
        and kernel_verdict(node.kernel) is None
    )


def _install(version: str, node: Node, instance: Ec2Instance, by: AgentOrigin, at: float) -> bool:
    wanted = _AGENT_OF_PACKAGE.get(version, version) or LATEST_AGENT
    if wanted not in _RELEASED or not supported(node, instance):
        return False
    there = node.agent
    if by == "guardduty":
        if excluded(instance):
            return True
        if there is not None:
            # When GuardDuty rolls out updates is not documented: its run takes over a manual agent, no more.
            there.by = by
            return True
    if there is None or there.version != wanted:
        node.agent = Agent(version=wanted, by=by, running=True, since=at)
    return True


def run(
    document: str,
    parameters: Mapping[str, list[str]],
    node: Node,
    instance: Ec2Instance,
    by: AgentOrigin,
    at: float,
) -> bool:
    """Run a document on an online node; whether it succeeded. Documents other than GuardDuty's do nothing here.

    Windows nodes fail: the document is for Linux. (What AWS shows for Windows nodes of such a run is not documented.)
    """
    if short_name(document) != CONFIGURE_PLUGIN:
        return True
    if parameters.get("action") == ["Uninstall"]:
        node.agent = None
        return instance.platform == "linux"
    return _install((parameters.get("version") or [""])[0], node, instance, by, at)
