# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts a limit leaves. Expectations are those of Ansible's documentation, Patterns: targeting hosts and groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fleetsec.guardduty.plugins.filter.waves import within_limit

GROUPS = {
    "all": ["i-1", "i-2", "i-3"],
    "ungrouped": [],
    "gd_route_package": ["i-1", "i-2"],
    "gd_blocked": ["i-2"],
}


@pytest.mark.parametrize(
    ("limit", "left"),
    [
        ("", {"i-1", "i-2", "i-3", "localhost"}),
        ("i-1:localhost", {"i-1", "localhost"}),
        ("i-1,i-2,localhost", {"i-1", "i-2", "localhost"}),
        ("all,localhost", {"i-1", "i-2", "i-3", "localhost"}),
        ("localhost", {"localhost"}),
        # Implicit, and so not in all.
        ("all:!i-1", {"i-2", "i-3"}),
        ("all:localhost:!i-1", {"i-2", "i-3", "localhost"}),
        ("gd_route_package:&gd_blocked", {"i-2"}),
        ("gd_route_package[0]", {"i-1"}),
        ("~i-[13]", {"i-1", "i-3"}),
        ("i-*", {"i-1", "i-2", "i-3"}),
        ("nobody", set()),
    ],
)
def test_limits(limit: str, left: set[str]) -> None:
    assert set(within_limit(GROUPS, limit)) == left


def test_a_file_has_a_pattern_a_line(tmp_path: Path) -> None:
    (tmp_path / "retry").write_text("i-3\nlocalhost\n")
    assert set(within_limit(GROUPS, f"@{tmp_path}/retry")) == {"i-3", "localhost"}


def test_a_localhost_of_the_inventory_is_a_host_as_others() -> None:
    assert "localhost" in within_limit({"all": ["i-1", "localhost"]}, "all:!i-1")
