# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture in CONTRIBUTING.md is that of the code, its arrows point down, and it stays small enough to read."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import picture
from told import expect_none
from tree import ROOT

UTILS = "plugins/module_utils"
MOST_NODES, MOST_ARROWS = 26, 36
# Rule, files, and the two files that its one sentence names
MISTAKES: list[tuple[Callable[[Path], list[str]], dict[str, str], tuple[str, str]]] = [
    (
        picture.upward,
        {f"{UTILS}/decide/plan.py": "\nfrom ..converge.run import X", f"{UTILS}/converge/run.py": ""},
        (f"{UTILS}/decide/plan.py:2", f"{UTILS}/converge/run.py"),
    ),
    (
        picture.upward,
        {f"{UTILS}/observe/a.py": "from ..decide.plan import X", f"{UTILS}/decide/plan.py": ""},
        (f"{UTILS}/observe/a.py:1", f"{UTILS}/decide/plan.py"),
    ),
    (
        picture.cycles,
        {
            f"{UTILS}/decide/tags.py": "from .verdict.rows import X",
            f"{UTILS}/decide/verdict/rows.py": "def f():\n    from .. import tags",
        },
        (f"{UTILS}/decide/tags.py:1 imports {UTILS}/decide/verdict/rows.py", f"{UTILS}/decide/verdict/rows.py:2"),
    ),
    (
        picture.cycles,
        {
            f"{UTILS}/decide/fleet/a.py": "from ..agent.a import X",
            f"{UTILS}/decide/fleet/b.py": "",
            f"{UTILS}/decide/agent/a.py": "",
            f"{UTILS}/decide/agent/b.py": "from ..fleet.b import X",
        },
        (f"{UTILS}/decide/fleet/a.py:1 imports {UTILS}/decide/agent/a.py", f"{UTILS}/decide/agent/b.py:1"),
    ),
    (
        picture.upward,
        {f"{UTILS}/attic/a.py": "from ..model.fleet import X", f"{UTILS}/model/fleet.py": ""},
        ("tests/gates/picture.py", f"{UTILS}/attic/a.py"),
    ),
]
GOOD = {
    "plugins/modules/a.py": "from ..module_utils.decide.tags import X\nfrom ..module_utils.model.fleet import Y",
    f"{UTILS}/decide/tags.py": "from ..model.fleet import Y",
    f"{UTILS}/model/fleet.py": "import ansible",
    picture.PAGE: "<!-- picture: written by tests/gates/picture.py -->\n<!-- end of the picture -->",
}


def test_arrows_point_down() -> None:
    expect_none(picture.upward(ROOT))


def test_there_is_no_cycle() -> None:
    expect_none(picture.cycles(ROOT))


def test_the_picture_is_that_of_the_code() -> None:
    expect_none(picture.outdated(ROOT))


def test_one_can_read_it() -> None:
    drawn = picture.draw(ROOT)
    nodes = re.findall(r"^ +\w+\[", drawn, re.MULTILINE)
    below = [line.partition(" --> ")[2] for line in drawn.splitlines() if " --> " in line]
    assert len(nodes) <= MOST_NODES and sum(len(some.split(" & ")) for some in below) <= MOST_ARROWS


@pytest.mark.parametrize(("rule", "tree", "named"), MISTAKES)
def test_the_rule_names_both_files(
    rule: Callable[[Path], list[str]], tree: dict[str, str], named: tuple[str, str], tmp_path: Path
) -> None:
    plant(tmp_path, tree)
    (sentence,) = rule(tmp_path)
    assert all(name in sentence for name in named)


def test_a_good_tree_passes_and_arrows_that_follow_from_others_are_left_out(tmp_path: Path) -> None:
    plant(tmp_path, GOOD)
    assert picture.upward(tmp_path) == picture.cycles(tmp_path) == []
    arrows = [line.strip() for line in picture.draw(tmp_path).splitlines() if "-->" in line]
    assert arrows == ["modules --> decide", "decide --> model"]


def test_a_new_import_makes_the_picture_outdated(tmp_path: Path) -> None:
    plant(tmp_path, GOOD)
    page = tmp_path / picture.PAGE
    page.write_text(picture.drawn(page.read_text(encoding="utf-8"), picture.draw(tmp_path)), encoding="utf-8")
    assert picture.outdated(tmp_path) == []
    plant(tmp_path, {"plugins/filter/a.py": "from ..module_utils.decide.tags import X"})
    assert picture.RUN in picture.outdated(tmp_path)[0]


def plant(root: Path, texts: dict[str, str]) -> None:
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text + "\n", encoding="utf-8")
