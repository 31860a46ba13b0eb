# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository as the gates see it: its files, and what Python files import, call and document."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Folders that tools create; they contain no source of ours.
MADE = {"__pycache__", "build", "dist", "output"}
KEPT_HIDDEN = {".ci"}
OWN = "ansible_collections.fleetsec.guardduty."


@dataclass(frozen=True)
class Import:
    """One imported module; modules of the collection without the collection's name."""

    line: int
    name: str


def files(root: Path, *patterns: str) -> list[Path]:
    """The files below root that match, without those that tools create; * matches any depth."""
    return sorted(path for path in walk(root) if any(fnmatch(str(path.relative_to(root)), p) for p in patterns))


def walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_symlink():
            continue
        if path.is_file():
            yield path
        elif path.name not in MADE and (not path.name.startswith(".") or path.name in KEPT_HIDDEN):
            yield from walk(path)


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path, root: Path) -> list[Import]:
    """Every import of a file, including imports inside functions."""
    package = path.relative_to(root).with_suffix("").parts[:-1]
    found = []
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            found += [Import(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *filter(None, [node.module])])
            # from package import module: the names count, so that no import hides behind its parent
            found += [Import(node.lineno, f"{module}.{alias.name}") for alias in node.names]
    return [Import(one.line, one.name.removeprefix(OWN)) for one in found]


def strings(body: list[ast.stmt]) -> dict[str, str]:
    """Strings assigned in the body of a file or a class, such as DOCUMENTATION."""
    return {
        target.id: node.value.value
        for node in body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def place(path: Path, root: Path, line: int) -> str:
    return f"{path.relative_to(root)}:{line}"
