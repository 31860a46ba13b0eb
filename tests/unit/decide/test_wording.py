# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many names a sentence lists."""

from __future__ import annotations

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.wording import some


def test_the_first_few_are_named_and_the_others_counted() -> None:
    assert some(["a", "b", "c", "d", "e"], 5) == "a, b, c, d, e"
    assert some(["a", "b", "c", "d", "e", "f", "g"], 5) == "a, b, c, d, e and 2 more"
    assert some(iter("abcd")) == "a, b, c and 1 more"
    assert some([]) == ""
