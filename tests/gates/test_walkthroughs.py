# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever follows a page of docs/contributing/ to the letter succeeds, and whoever forgets a step is told by a gate."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import walkthroughs
from walkthroughs import Step

MOST_LINES = 140


@pytest.mark.parametrize("page", walkthroughs.pages(), ids=lambda page: page.stem)
def test_who_follows_the_page_misses_nothing(page: Path, tmp_path: Path) -> None:
    root = walkthroughs.copy(tmp_path / "guardduty")
    for step in walkthroughs.steps(page):
        if not step.is_check:
            carry_out(step, root)
    assert walkthroughs.missing(root) == ""


@pytest.mark.story
@pytest.mark.parametrize("page", walkthroughs.pages(), ids=lambda page: page.stem)
def test_its_tests_pass(page: Path, tmp_path: Path) -> None:
    root = walkthroughs.copy(tmp_path / "guardduty")
    steps = walkthroughs.steps(page)
    assert steps[-1].is_check
    for step in steps:
        carry_out(step, root)


# Some twenty copies of the tree: CI has the time, and whoever changes a page sets CI=true.
@pytest.mark.story
@pytest.mark.skipif(os.environ.get("CI") != "true", reason="takes a minute; runs in CI")
@pytest.mark.parametrize("page", walkthroughs.pages(), ids=lambda page: page.stem)
def test_who_forgets_a_step_is_told(page: Path, tmp_path: Path) -> None:
    steps = walkthroughs.steps(page)
    for number, step in enumerate(steps):
        if step.forgotten:
            root = walkthroughs.copy(tmp_path / str(number))
            for other in steps:
                if other is not step and not other.is_check:
                    carry_out(other, root)
            said = walkthroughs.missing(root)
            if step.forgotten not in said:
                said += walkthroughs.run(next(one for one in steps[number:] if one.is_check).body, root)[1]
            assert step.forgotten in said, f"{page.name}: nothing says {step.forgotten!r}, but:\n{said}"


@pytest.mark.parametrize("page", walkthroughs.pages(), ids=lambda page: page.stem)
def test_it_is_one_page(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_a_page_that_does_not_fit_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(walkthroughs.StaleError, match="docs/contributing/p.md: a.py has these lines 0 times"):
        walkthroughs.carry_out(Step("p.md", "diff", "a.py", " y = 1\n+z = 2\n"), tmp_path)


def carry_out(step: Step, root: Path) -> None:
    try:
        walkthroughs.carry_out(step, root)
    except walkthroughs.StaleError as error:
        pytest.fail(str(error), pytrace=False)
