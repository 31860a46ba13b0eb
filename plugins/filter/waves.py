# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the package route: what decide/ computes. Each is documented in a file of its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from ..module_utils.decide.agent.waves import WaveError, conclusion, host_result, hosts_of, older_agents, wave_result


def package_hosts(
    instance_ids: Iterable[str],
    rows: Iterable[Mapping[str, Any]],
    names: Iterable[str],
    hostvars: Mapping[str, Any],
    within: Iterable[str] | None = None,
) -> dict[str, Any]:
    known = list(names)
    host_of = {hostvars[name]["gd_instance_id"]: name for name in known if "gd_instance_id" in hostvars[name]}
    return hosts_of(instance_ids, rows, host_of, set(known if within is None else within))


def within_limit(groups: Mapping[str, Iterable[str]], limit: str | None = None) -> list[str]:
    if not limit:
        return [*groups.get("all", ()), "localhost"]
    # Ansible's own reading of a limit, with its groups, exceptions, patterns and files; no variable says what came of it.
    manager = InventoryManager(DataLoader(), parse=False)
    for group, hosts in groups.items():
        manager.add_group(group)
        for host in hosts:
            manager.add_host(host, group=group)
    manager.subset(limit)
    return [host.name for host in manager.get_hosts("all:localhost")]


def of_older_agents(rows: Iterable[Mapping[str, Any]], version: str) -> list[str]:
    try:
        return older_agents(rows, version)
    except WaveError as error:
        raise AnsibleFilterError(str(error)) from None


def package_wave(
    names: Iterable[str],
    hostvars: Mapping[str, Any],
    earlier: Sequence[Mapping[str, Any]],
    gate: Mapping[str, Any],
    total: int,
    max_failed: str,
) -> dict[str, Any]:
    results = [host_result(name, hostvars[name]) for name in names]
    blind = str(gate.get("msg")) if gate.get("failed") and "waiting" not in gate else ""
    waiting = [] if gate.get("done", True) else gate.get("waiting") or []
    try:
        return wave_result(results, waiting, earlier, total, max_failed, blind)
    except WaveError as error:
        raise AnsibleFilterError(str(error)) from None


def package_conclusion(waves: Sequence[Mapping[str, Any]], names: Iterable[str]) -> dict[str, Any]:
    return conclusion(names, waves)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "older_agents": of_older_agents,
            "package_conclusion": package_conclusion,
            "package_hosts": package_hosts,
            "package_wave": package_wave,
            "within_limit": within_limit,
        }
