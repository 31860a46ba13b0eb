# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host name has no other meaning to Ansible, and nobody takes over the name of another instance."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from worlds import instance

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.hostnames import RESERVED, host_names

TAKEN = {"gd_wanted", "databases"}
# Separators and wildcards of patterns, paths, quoting, options, variables
DANGEROUS = set(",:!&~*?[]@/\\\"'`$%{}|;<>#\0")
NAMES = st.text(max_size=12) | st.sampled_from(
    ["web", "web", "web-1", "localhost", "all", "gd_wanted", "databases", "i-1", "i-2", "a b", "a  b", " a", "..", "-x"]
)


@given(st.lists(NAMES, max_size=6))
def test_names_are_safe_and_nobody_shares_one(names: list[str]) -> None:
    fleet = [instance(instance_id=f"i-{number}", tags={"Name": name}) for number, name in enumerate(names)]
    found, warnings = host_names(fleet, ["tag:Name"], TAKEN)
    final = [found.get(one.instance_id, one.instance_id) for one in fleet]
    assert len(set(final)) == len(fleet)
    for name in found.values():
        assert name not in RESERVED | TAKEN and not DANGEROUS & set(name)
        assert name[0] not in "-._"
        assert all(unicodedata.category(letter)[0] in "LN" or letter in "._-" for letter in name)
    # Its own tag decides, as long as nobody else has the same.
    for number, name in enumerate(names):
        if name and name != f"i-{number}" and f"i-{number}" not in found:
            assert warnings


def test_usual_names_are_kept() -> None:
    usual = ["web-1", "web_2", "db.example.com", "Ärzte_3", "10.0.0.8"]
    fleet = [instance(instance_id=f"i-{number}", tags={"Name": name}) for number, name in enumerate(usual)]
    assert list(host_names(fleet, ["tag:Name"], TAKEN)[0].values()) == usual
    assert host_names(fleet, ["instance-id"], TAKEN) == ({}, [])
