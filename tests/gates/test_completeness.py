# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every blocker, coverage issue, operating system, AWS field and host variable has everything that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import completeness
from told import expect_none


@pytest.mark.parametrize(
    "rule",
    [
        completeness.blockers,
        completeness.issues,
        completeness.systems,
        completeness.aws_fields,
        completeness.variables,
    ],
    ids=lambda rule: rule.__name__,
)
def test_nothing_is_missing(rule: Callable[[], Iterator[str]]) -> None:
    expect_none(rule())
