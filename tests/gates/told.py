# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a gate fails: with one sentence per mistake, each with its file and what to do, and without a traceback."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def expect_none(sentences: Iterable[str]) -> None:
    """Fails with the sentences, one per line, if there are any."""
    if found := list(sentences):
        pytest.fail("\n".join(found), pytrace=False)
