# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log: every AWS call, and everything that must never happen in a test."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class Entry:
    n: int
    service: str
    operation: str
    region: str
    parameters: dict[str, Any]
    account: str | None = None
    status: int | None = None
    error: str | None = None
    fault: str | None = None
    duration_ms: float | None = None


class Journal:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._violations: list[dict[str, Any]] = []
        self._number = 0

    def open(self, service: str, operation: str, region: str, parameters: dict[str, Any]) -> Entry:
        with self._lock:
            self._number += 1
            entry = Entry(self._number, service, operation, region, parameters)
            self._entries.append(entry)
            return entry

    def violation(self, entry: Entry, what: str) -> None:
        """Remember an answer that real AWS would not give: a test that met one proved nothing."""
        with self._lock:
            self._violations.append({"n": entry.n, "op": f"{entry.service}:{entry.operation}", "what": what})

    def entries(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(entry) for entry in self._entries]

    def counts(self) -> dict[str, int]:
        with self._lock:
            return dict(Counter(f"{entry.service}:{entry.operation}" for entry in self._entries))

    def violations(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._violations)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._violations.clear()
