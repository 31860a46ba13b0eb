# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin API under /_world/: the log, faults, and new worlds."""

from __future__ import annotations

import json
from typing import Any

from . import behaviour, loader
from .faults import Faults
from .fleet import FleetError, parse_fleet
from .journal import Journal
from .specs import Fleet
from .wire import Reply
from .world import WORLD, Agent


class Admin:
    def __init__(self, fleet: Fleet, journal: Journal, faults: Faults) -> None:
        self._fleet = fleet
        self._journal = journal
        self._faults = faults
        loader.load(fleet)

    def answer(self, environ: dict[str, Any], body: bytes) -> Reply:
        request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO'].removeprefix('/_world/').rstrip('/')}"
        reads = {
            "GET log": self._journal.entries,
            "GET calls": self._journal.counts,
            "GET violations": self._journal.violations,
        }
        changes = {
            "DELETE log": self._journal.clear,
            "DELETE faults": self._faults.clear,
            "POST agents": lambda: _agent_reports(json.loads(body)),
            "POST faults": lambda: self._faults.add(_rules(body)),
            "POST registrations": _agents_of_ssm_report,
            "POST fleet": lambda: self._load(parse_fleet(body.decode())),
            "POST reset": lambda: self._load(self._fleet),
        }
        if request in reads:
            return _json(200, reads[request]())
        if request not in changes:
            return _json(404, {"error": f"no {request}; known: {', '.join([*reads, *changes])}"})
        try:
            changes[request]()
        except (FleetError, KeyError, TypeError, ValueError) as mistake:
            return _json(400, {"error": str(mistake)})
        return _json(200, {})

    def _load(self, fleet: Fleet) -> None:
        """A new world: faults and log go with the old one."""
        loader.load(fleet)
        self._fleet = fleet
        self._faults.clear()
        self._journal.clear()


def _agent_reports(report: dict[str, Any]) -> None:
    """The data of a real process on a real host: its version, and the identity document that IMDS gave it."""
    document = report["document"]
    with WORLD.lock:
        node = WORLD.nodes_in(document["accountId"], document["region"])[document["instanceId"]]
        node.agent = Agent(report["version"], "manual", report["running"], WORLD.now())


def _agents_of_ssm_report() -> None:
    """The SSM Agents of instances that have started report now, whatever the pace."""
    with WORLD.lock:
        for key, nodes in WORLD.nodes.items():
            for node in nodes.values():
                node.registers = min(node.registers, WORLD.now())
            behaviour.changed(*key)


def _rules(body: bytes) -> list[dict[str, Any]]:
    rules = json.loads(body)
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise ValueError("a JSON list of rules is expected")
    return rules


def _json(status: int, value: Any) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, json.dumps(value).encode())
