# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the code is laid out: folders by subject with one set of names, and how much a folder, a file and a module may hold."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from statistics import median

from rooms import code_lines
from tree import files

UTILS = "plugins/module_utils"
MOST_FILES = 12
MOST_LINES = 350
MEDIAN_MODULE = 38
# What the collection had before its rooms were split by subject. Fewer lines do the same today.
ALL_LINES = 18_372
TOP = {"aws.py"}
# Rooms that are split by the subjects of decide/, with what each has besides: ways to call AWS, and to carry out a plan.
ROOMS = {
    f"{UTILS}/observe": {"client"},
    f"{UTILS}/converge": {"concurrent_runs", "progress", "retry", "run"},
    "tests/unit/decide": set(),
    "tests/unit/observe": {"client"},
    "tests/unit/converge": {"concurrent_runs", "progress", "retry", "run"},
}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def crowded(root: Path) -> list[str]:
    """Folders of module_utils/ that hold more files than a reader takes in."""
    counts = Counter(path.parent.relative_to(root) for path in files(root, f"{UTILS}/*.py"))
    return [
        f"{folder}/: {count} files (limit {MOST_FILES}); split it by subject"
        for folder, count in counts.items()
        if count > MOST_FILES
    ]


def at_the_top(root: Path) -> list[str]:
    """Files beside the rooms."""
    return [
        f"{path.relative_to(root)}: move it to a room: beside the folders there is {' and '.join(TOP)} only"
        for path in files(root, f"{UTILS}/*.py")
        if path.parent == root / UTILS and path.name not in TOP
    ]


def foreign_subjects(root: Path) -> list[str]:
    """Names in observe/, converge/ and tests/unit/ that decide/ does not have."""
    subjects = names(root, f"{UTILS}/decide")
    found = []
    for room, more in ROOMS.items():
        # A test file is named after what it tests; only its folder has to be that of a subject.
        known, given = subjects | more, names(root, room, folders_only=room.startswith("tests/"))
        found += [
            f"{room}/{name}: {UTILS}/decide/ has no subject of this name; use one of {', '.join(sorted(subjects))}"
            for name in sorted(given - known)
        ]
    return found


def names(root: Path, room: str, folders_only: bool = False) -> set[str]:
    """The names of the folders and files right below a room, without their suffix."""
    below = [path.relative_to(root / room) for path in files(root, f"{room}/*.py")]
    return {path.parts[0].removesuffix(".py") for path in below if not folders_only or len(path.parts) > 1}


def too_long(root: Path) -> list[str]:
    """Python files that are not modules, whose documentation has its own length."""
    return [
        f"{path.relative_to(root)}: {lines(path)} lines (limit {MOST_LINES}); split it by what it is for"
        for path in files(root, "plugins/*.py")
        if path.parent != root / "plugins" / "modules" and lines(path) > MOST_LINES
    ]


def heavy_modules(root: Path) -> list[str]:
    """The modules with more code than the median may have, if the median has too."""
    counts = {path: code_lines(path) for path in files(root, "plugins/modules/*.py")}
    middle = median(counts.values()) if counts else 0
    if middle <= MEDIAN_MODULE:
        return []
    heavy = ", ".join(f"{path.stem} {count}" for path, count in counts.items() if count > MEDIAN_MODULE)
    return [
        f"plugins/modules/: the median module has {middle} lines of code (limit {MEDIAN_MODULE}); move logic to"
        f" module_utils: {heavy}"
    ]


def too_much_python(root: Path) -> list[str]:
    """More Python than the collection had."""
    total = sum(lines(path) for path in files(root, "plugins/*.py"))
    if total < ALL_LINES:
        return []
    return [f"plugins/: {total} lines of Python (limit {ALL_LINES - 1}); say things once, rather than in denser lines"]
