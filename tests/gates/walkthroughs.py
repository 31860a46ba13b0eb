# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of docs/contributing/, carried out in a copy of this tree exactly as they are written.

A fenced block is a step: a diff or a whole file (after the language, the file), or shell commands. A block of text after it
is what tests/gates/completeness.py, or the next test of the page, says to whoever forgets that step.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tree import ROOT, files

PAGES = ROOT / "docs" / "contributing"
FENCE = re.compile(r"^```(?P<kind>\w+) ?(?P<path>\S*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
COLLECTION = ".cache/ansible_collections/fleetsec/guardduty"
COMPLETENESS = "PYTHONPATH=.cache python tests/gates/completeness.py"


class StaleError(Exception):
    """A page that does not fit the tree, as a sentence."""


@dataclass(frozen=True)
class Step:
    """C(forgotten): the sentence that names the file that lacks this step, or nothing."""

    page: str
    kind: str
    path: str
    body: str
    forgotten: str = ""

    @property
    def is_check(self) -> bool:
        return self.kind == "shell" and "pytest" in self.body


def pages() -> list[Path]:
    return sorted(PAGES.glob("*.md"))


def steps(page: Path) -> list[Step]:
    """The steps of a page, in order."""
    found: list[Step] = []
    for fence in FENCE.finditer(page.read_text(encoding="utf-8")):
        if fence["kind"] == "text":
            last = found.pop()
            found.append(Step(last.page, last.kind, last.path, last.body, fence["body"].strip()))
        else:
            found.append(Step(page.name, fence["kind"], fence["path"], fence["body"]))
    return found


def copy(folder: Path) -> Path:
    """A copy of this tree that runs the commands of the pages."""
    for path in files(ROOT, "*"):
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    (folder / COLLECTION).parent.mkdir(parents=True)
    (folder / COLLECTION).symlink_to(folder)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def carry_out(step: Step, root: Path) -> None:
    """Changes the copy as the step says. Raises StaleError if it does not fit."""
    path = root / step.path
    if step.kind == "shell":
        code, output = run(step.body, root)
        if code:
            raise StaleError(f"docs/contributing/{step.page}: `{step.body.strip()}` fails:\n{output}")
    elif step.kind == "diff":
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        lines = step.body.splitlines(keepends=True)
        old = "".join(line[1:] or "\n" for line in lines if not line.startswith("+"))
        new = "".join(line[1:] or "\n" for line in lines if not line.startswith("-"))
        if text.count(old) != 1:
            raise StaleError(
                f"docs/contributing/{step.page}: {step.path} has these lines {text.count(old)} times, not once; update the"
                f" page:\n{old}"
            )
        path.write_text(text.replace(old, new), encoding="utf-8")
    else:
        path.write_text(step.body, encoding="utf-8")


def missing(root: Path) -> str:
    """What the gate says about the copy; nothing if nothing is missing."""
    code, output = run(COMPLETENESS, root)
    return output if code else ""


def run(command: str, root: Path) -> tuple[int, str]:
    """Commands as a reader types them. Exit status and output."""
    # Python tells a changed file by its second and its size, and two steps fit into one second
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": "-p no:cacheprovider -n 0"}
    done = subprocess.run(
        ["bash", "-ec", command], cwd=root, env=environment, text=True, capture_output=True, check=False
    )
    return done.returncode, done.stdout + done.stderr
