# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts avoid the phrases of words.py, and the gate finds each phrase in each kind of text."""

from __future__ import annotations

from pathlib import Path

import pytest

import words
from told import expect_none
from tree import ROOT, files

BROKEN_UP = {
    "docs/a.rst": "First.\n\nCheck mode lists them, and what\ncame of each host.\n",
    "plugins/a.py": "# Where an agent falls\n# silent, it is started.\n",
    "plugins/b.py": "raise Refused(\n    f'{path} is'\n    f' no report'\n)\n",
    "playbooks/a.yml": "- name: Take\n    in the hosts\n",
}
ALLOWED = {
    "docs/a.rst": (
        "There is no report. It is no longer there, and\nthere\n  is no JSON. The module recommends it, and tells which of\n"
        "them report.\n\n.. reasons: written by tests/gates/guides.py\n\nWe mend it.\n\n.. end\n"
    ),
    "CONTRIBUTING.md": "## Style\n\nHold that it is no JSON.\n\n## Next\n",
    "docs/a.svg": "mend",
}


def test_texts_avoid_the_phrases() -> None:
    expect_none(words.avoidable(ROOT))


def test_there_are_texts_to_check() -> None:
    # SECURITY.md may be missing
    assert [pattern for pattern in words.CHECKED if pattern != "SECURITY.md" and not files(ROOT, pattern)] == []


@pytest.mark.parametrize("phrase", words.PHRASES, ids=lambda phrase: phrase.example)
def test_each_phrase_is_found(phrase: words.Phrase, tmp_path: Path) -> None:
    plant(tmp_path, {"README.md": f"A title\n\n{phrase.example}.\n"})
    (found,) = words.avoidable(tmp_path)
    assert found.startswith("README.md:3: ")
    assert found.endswith(f": write '{phrase.better}'")


@pytest.mark.parametrize("path", BROKEN_UP)
def test_a_line_break_hides_nothing(path: str, tmp_path: Path) -> None:
    plant(tmp_path, {path: BROKEN_UP[path]})
    assert len(words.avoidable(tmp_path, ("*",))) == 1


def test_what_is_allowed_passes(tmp_path: Path) -> None:
    plant(tmp_path, ALLOWED)
    assert words.avoidable(tmp_path, ("*",)) == []


def plant(root: Path, texts: dict[str, str]) -> None:
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
