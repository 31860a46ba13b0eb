# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and replacing the files of a report: all or none, and only reports."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.report.document import ReportError
from ansible_collections.fleetsec.guardduty.plugins.plugin_utils.report import (
    earlier_reports,
    folder_differs,
    replace_all,
    to_replace,
)


def test_files_are_replaced_with_their_mode_and_nothing_is_left_beside_them(tmp_path: Path) -> None:
    folder = str(tmp_path / "a" / "b")
    texts = {"one": "1\n", "two": "\ud800\n"}
    assert to_replace(folder, texts) == {"one": (b"", b"1\n"), "two": (b"", b"?\n")}
    assert folder_differs(folder)
    mask = os.umask(0o077)
    try:
        replace_all(folder, {name: wanted for name, (_there, wanted) in to_replace(folder, texts).items()})
    finally:
        os.umask(mask)
    assert not folder_differs(folder) and not to_replace(folder, texts)
    assert sorted(path.name for path in Path(folder).iterdir()) == ["one", "two"]
    modes = [oct(path.stat().st_mode & 0o777) for path in (tmp_path / "a", Path(folder), Path(folder, "one"))]
    assert modes == ["0o755", "0o755", "0o644"]
    Path(folder, "one").chmod(0o600)
    assert list(to_replace(folder, texts)) == ["one"]


def test_a_failure_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old", encoding="utf-8")
    with pytest.raises(OSError):
        replace_all(str(tmp_path), {"one": b"new", "no/such/folder": b"new"})
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    assert (tmp_path / "one").read_text(encoding="utf-8") == "old"


def test_shards_are_found_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("b/report.json", "a/report.json", "a/deep/x.json", "a/.hidden.json", "a/other.txt", "out/report.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    found = earlier_reports([str(tmp_path)], str(tmp_path / "out"))
    assert list(found.values()) == ["a/deep/x.json", "a/report.json", "b/report.json"]
    assert list(earlier_reports([str(tmp_path / "b"), str(tmp_path / "a/report.json")], "").values()) == [
        "b/report.json",
        "a/report.json",
    ]


def test_what_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"no report.json file at .*/nowhere\. "):
        earlier_reports([str(tmp_path / "nowhere")], "")
    (tmp_path / "bad.json").write_bytes(b"\xff")
    with pytest.raises(ReportError, match=r"bad\.json cannot be read"):
        earlier_reports([str(tmp_path)], "")
