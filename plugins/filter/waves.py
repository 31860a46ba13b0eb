# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the package route, computed by decide/. Each is documented in a file of its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from ..module_utils.decide.agent.waves import (
    Wave,
    WaveError,
    conclusion,
    host_of,
    host_result,
    hosts_of,
    notes_of,
    older_agents,
    wave_result,
)
from ..module_utils.decide.verdict.rows import RowError, read_rows, row, verdict_of
from ..module_utils.model.codec import to_plain


def in_a_sentence(function: Callable[..., Any]) -> Callable[..., Any]:
    """Errors that the user can cause end in a sentence."""

    @wraps(function)
    def filtered(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except (RowError, WaveError) as error:
            raise AnsibleFilterError(str(error)) from None

    return filtered


def package_hosts(
    instance_ids: Iterable[str],
    rows: Iterable[Mapping[str, Any]],
    names: Iterable[str],
    hostvars: Mapping[str, Any],
    within: Iterable[str] | None = None,
) -> dict[str, Any]:
    known = list(names)
    name_of = {hostvars[name]["gd_instance_id"]: name for name in known if "gd_instance_id" in hostvars[name]}
    verdicts = read_rows(verdict_of, rows, "rows")
    found = hosts_of(instance_ids, verdicts, name_of, set(known if within is None else within))
    return {
        "hosts": [{"name": name, **row(verdict)} for name, verdict in found.hosts.items()],
        "missing": list(found.missing),
        "left_out": list(found.left_out),
        "left_out_note": found.left_out_note,
    }


def within_limit(groups: Mapping[str, Iterable[str]], limit: str | None = None) -> list[str]:
    if not limit:
        return [*groups.get("all", ()), "localhost"]
    # Ansible's own reading of a limit, with its groups, exceptions, patterns and files; no variable has its result.
    manager = InventoryManager(DataLoader(), parse=False)
    for group, hosts in groups.items():
        manager.add_group(group)
        for host in hosts:
            manager.add_host(host, group=group)
    manager.subset(limit)
    return [host.name for host in manager.get_hosts("all:localhost")]


def of_older_agents(rows: Iterable[Mapping[str, Any]], version: str) -> list[str]:
    return older_agents(read_rows(verdict_of, rows, "rows"), version)


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
    return plain(wave_result(results, waiting, waves_of(earlier), total, max_failed, blind))


def package_conclusion(
    waves: Sequence[Mapping[str, Any]], names: Iterable[str], missing: Sequence[str] = ()
) -> dict[str, Any]:
    end = conclusion(names, waves_of(waves))
    return {**plain(end), "notes": notes_of(end, missing)}


def waves_of(rows: Iterable[Mapping[str, Any]]) -> list[Wave]:
    return [Wave(read_rows(host_of, wave["hosts"], "hosts"), wave["stop"]) for wave in rows]


def plain(record: Any) -> dict[str, Any]:
    found: dict[str, Any] = to_plain(record)
    return found


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "older_agents": in_a_sentence(of_older_agents),
            "package_conclusion": in_a_sentence(package_conclusion),
            "package_hosts": in_a_sentence(package_hosts),
            "package_wave": in_a_sentence(package_wave),
            "within_limit": within_limit,
        }
