# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This tree keeps the rules of the layout, and each rule finds the mistake that it is meant to find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import layout
from layout import UTILS
from told import expect_none
from tree import ROOT

Rule = Callable[[Path], list[str]]
RULES: list[Rule] = [
    layout.crowded,
    layout.at_the_top,
    layout.foreign_subjects,
    layout.too_long,
    layout.heavy_modules,
    layout.too_much_python,
]
GOOD = {
    f"{UTILS}/aws.py": "",
    f"{UTILS}/decide/fleet/a.py": "x = 1\n" * 350,
    f"{UTILS}/decide/tags.py": "",
    f"{UTILS}/observe/fleet/ec2.py": "",
    f"{UTILS}/observe/client/sdk.py": "",
    f"{UTILS}/converge/tags.py": "",
    "tests/unit/decide/fleet/test_a.py": "",
    "tests/unit/decide/worlds.py": "",
    "plugins/modules/a.py": "x = 1\n" * 38 + "# a\n" * 350,
}
MISTAKES: list[tuple[Rule, dict[str, str], str]] = [
    (layout.crowded, {f"{UTILS}/decide/fleet/a{n}.py": "" for n in range(12)}, f"{UTILS}/decide/fleet/: 13 files"),
    (layout.at_the_top, {f"{UTILS}/model.py": ""}, f"{UTILS}/model.py: "),
    (layout.foreign_subjects, {f"{UTILS}/observe/network/a.py": ""}, f"{UTILS}/observe/network: "),
    (layout.foreign_subjects, {f"{UTILS}/converge/network.py": ""}, f"{UTILS}/converge/network: "),
    (layout.foreign_subjects, {"tests/unit/decide/rows/test_a.py": ""}, "tests/unit/decide/rows: "),
    (layout.too_long, {f"{UTILS}/decide/tags.py": "x = 1\n" * 351}, f"{UTILS}/decide/tags.py: 351 lines"),
    (layout.heavy_modules, {"plugins/modules/b.py": "x = 1\n" * 42}, "plugins/modules/: the median module has 40"),
    (layout.too_much_python, {"plugins/modules/a.py": "#\n" * layout.ALL_LINES}, "plugins/: "),
]


# To be removed when the number is reached: then the test passes, which strict does not allow.
TOO_MUCH = pytest.param(layout.too_much_python, marks=pytest.mark.xfail(strict=True, reason="not reached yet"))


@pytest.mark.parametrize("rule", [*RULES[:-1], TOO_MUCH], ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    expect_none(rule(ROOT))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_good_tree_passes(rule: Rule, tmp_path: Path) -> None:
    plant(tmp_path, GOOD)
    assert rule(tmp_path) == []


@pytest.mark.parametrize(("rule", "texts", "start"), MISTAKES)
def test_the_rule_finds_the_mistake(rule: Rule, texts: dict[str, str], start: str, tmp_path: Path) -> None:
    plant(tmp_path, GOOD | texts)
    (sentence,) = rule(tmp_path)
    assert sentence.startswith(start)


def plant(root: Path, texts: dict[str, str]) -> None:
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
