# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records that an inventory cache holds, with the format of that cache: both change together.

    PYTHONPATH=.cache python tests/gates/records.py      # increase the format, and record the fields

An old cache is then ignored, instead of being read as if it had the new field.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from typing import Any

from ansible_collections.fleetsec.guardduty.plugins.module_utils.model import codec, fleet
from tree import ROOT

CODEC = "plugins/module_utils/model/codec.py"
RECORDED = "tests/golden/records.json"
RUN = "PYTHONPATH=.cache python tests/gates/records.py"


def present() -> dict[str, dict[str, str]]:
    """Record to field to type, of everything that a cache may hold."""
    classes = [found for found in vars(fleet).values() if isinstance(found, type) and is_dataclass(found)]
    return {found.__name__: {one.name: str(one.type) for one in fields(found)} for found in classes}


def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / RECORDED).read_text(encoding="utf-8"))
    return found


def outdated() -> list[str]:
    """The fields that changed without a new format of the cache."""
    old, new = recorded()["records"], present()
    changed = [
        f"{record}.{name}"
        for record in sorted(old.keys() | new.keys())
        for name in sorted(old.get(record, {}).keys() | new.get(record, {}).keys())
        if old.get(record, {}).get(name) != new.get(record, {}).get(name)
    ]
    if changed:
        return [f"{CODEC}: FORMAT is not increased for {', '.join(changed)}, so old caches would be read; run: {RUN}"]
    if recorded()["format"] != codec.FORMAT:
        return [f"{RECORDED}: has the format {recorded()['format']}, and {CODEC} has {codec.FORMAT}; run: {RUN}"]
    return []


if __name__ == "__main__":
    number = max(codec.FORMAT, recorded()["format"] + 1) if outdated() else codec.FORMAT
    path = ROOT / CODEC
    text = re.sub(r"^FORMAT = \d+$", f"FORMAT = {number}", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    made = json.dumps({"format": number, "records": present()}, indent=2)
    (ROOT / RECORDED).write_text(f"{made}\n", encoding="utf-8")
