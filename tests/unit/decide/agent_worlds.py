# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts as agent_plan reads them, and its options, for the tests of the plan."""

from __future__ import annotations

from typing import Any

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.records import Desired, Host, read

INSTALLED = "install ok installed"


def asked(**options: Any) -> Desired:
    given = {
        "state": "present",
        "version": "1.17.1",
        "version_policy": "pinned",
        "allow_downgrade": False,
        "force": False,
        "strict": False,
        "region": "eu-west-1",
        "source": "bucket",
        "limits": None,
        "wanted": None,
        "reason": None,
        "route": None,
        "architecture": "x86_64",
        "distribution": "Amazon",
        "distribution_version": "2023",
        "kernel": "6.1.112-122.189.amzn2023.x86_64",
        "memtotal_mb": None,
        **options,
    }
    return read(Desired, given, "options")


def host(version: str | None = None, status: str = INSTALLED, **parts: Any) -> Host:
    return read(Host, answer(version, status, **parts), "host")


def answer(version: str | None = None, status: str = INSTALLED, **parts: Any) -> dict[str, Any]:
    """The answer of a healthy host. With a version: installed, enabled and running."""
    there = version is not None
    unit = {
        "load_state": "loaded" if there else "not-found",
        "active_state": "active" if there else "inactive",
        "sub_state": "running" if there else "dead",
        "unit_file_state": "enabled" if there else "",
        "main_pid": 100 if there else 0,
        "restarts": 0,
        "limit_memlock": "8388608",
        "drop_in": None,
        "outdated": False,
        **parts.pop("unit", {}),
    }
    machine = {
        "btf": True,
        "memory_mb": 8192,
        "vcpus": 2,
        "free_mb": {"/opt": 9000, "/var": 9000},
        "memlock": 8388608,
        **parts.pop("machine", {}),
    }
    return {
        "package": {"format": "rpm", "version": version, "status": status if there else None},
        "systemd": True,
        "unit": unit,
        "leftovers": [],
        "machine": machine,
        "imds": {"document": {"region": "eu-west-1", "account_id": "1", "instance_id": "i-1"}, "error": None},
        "network": {"name": "n", "addresses": ["10.0.0.1"], "connected": True, "error": None},
        **parts,
    }
