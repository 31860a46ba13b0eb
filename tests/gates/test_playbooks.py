# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook that works on localhost does not seem to succeed if a limit leaves localhost out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

PLAYBOOKS = sorted((Path(__file__).resolve().parents[2] / "playbooks").glob("*.yml"))


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_it_begins_with_a_look_at_the_limit(path: Path) -> None:
    first, *others = yaml.safe_load(path.read_text(encoding="utf-8"))
    local = [play for play in (first, *others) if play.get("hosts") == "localhost"]
    assert (first.get("ansible.builtin.import_playbook") == "parts/limit.yml") == bool(local)


def test_there_are_playbooks() -> None:
    assert {"audit", "gate", "rollout"} <= {path.stem for path in PLAYBOOKS}
