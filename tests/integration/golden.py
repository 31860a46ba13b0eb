# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file with the number of AWS calls of modules and playbooks; test_call_counts.py says how to update it."""

from __future__ import annotations

import json
import os

from harness import ROOT

GOLDEN = ROOT / "tests" / "golden" / "calls.json"


def hold(name: str, calls: dict[str, int]) -> None:
    """Compare with what the file says, or write it there."""
    if os.environ.get("GOLDEN") == "write":
        written = json.dumps(read() | {name: calls}, indent=1, sort_keys=True)
        GOLDEN.write_text(f"{written}\n", encoding="utf-8")
        return
    expected = read().get(name, {})
    differs = [
        f"{operation}: {calls.get(operation, 0)} calls instead of {expected.get(operation, 0)}"
        for operation in sorted(calls.keys() | expected.keys())
        if calls.get(operation) != expected.get(operation)
    ]
    assert not differs, f"{name} calls AWS otherwise than {GOLDEN.relative_to(ROOT)} says: {'; '.join(differs)}"


def read() -> dict[str, dict[str, int]]:
    return json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
