# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints on the controller's screen while a task runs.

To standard error, so that the output of JSON callbacks on standard output stays valid; AWX shows such lines in the job's output.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible import constants
from ansible.utils.display import Display

COLORS = {
    "title": constants.COLOR_HIGHLIGHT,
    "good": constants.COLOR_OK,
    "bad": constants.COLOR_ERROR,
    "warn": constants.COLOR_CHANGED,
    "muted": constants.COLOR_SKIP,
}


def show(lines: Iterable[tuple[str, str]]) -> None:
    """Print lines of decide/report/console.py, each in the colour of its style."""
    display = Display()
    for style, text in lines:
        display.display(text, color=COLORS.get(style), stderr=True)
