# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a sentence lists many names."""

from __future__ import annotations

from collections.abc import Iterable


def some(names: Iterable[str], limit: int = 3) -> str:
    """The first few names, and the number of the others: 'a, b, c and 2 more'."""
    every = list(names)
    more = f" and {len(every) - limit} more" if len(every) > limit else ""
    return ", ".join(every[:limit]) + more
