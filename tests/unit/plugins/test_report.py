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
    file_mode,
    replace_all,
    to_replace,
)


def test_files_are_replaced_with_their_mode_and_nothing_is_left_beside_them(tmp_path: Path) -> None:
    folder = str(tmp_path / "a" / "b")
    texts = {"one": "1\n", "two": "\ud800\n"}
    assert to_replace(folder, texts, 0o640) == {"one": (b"", b"1\n"), "two": (b"", b"?\n")}
    mask = os.umask(0o077)
    try:
        replace_all(
            folder, {name: wanted for name, (_there, wanted) in to_replace(folder, texts, 0o640).items()}, 0o640
        )
    finally:
        os.umask(mask)
    assert not to_replace(folder, texts, 0o640)
    assert sorted(path.name for path in Path(folder).iterdir()) == ["one", "two"]
    modes = [oct(path.stat().st_mode & 0o777) for path in (tmp_path / "a", Path(folder), Path(folder, "one"))]
    assert modes == ["0o750", "0o750", "0o640"]
    Path(folder, "one").chmod(0o600)
    assert list(to_replace(folder, texts, 0o640)) == ["one"]


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    replace_all(str(tmp_path), {"one": b"1"}, file_mode("0644"))
    assert tmp_path.stat().st_mode & 0o7777 == 0o1777
    assert (tmp_path / "one").stat().st_mode & 0o7777 == 0o644


@pytest.mark.parametrize("text", ["", "rw-r-----", "0o640", "4755", "999", "64"])
def test_a_mode_that_is_not_three_octal_digits_is_refused(text: str) -> None:
    with pytest.raises(ReportError, match="is not a file mode"):
        file_mode(text)


def test_a_failure_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old", encoding="utf-8")
    with pytest.raises(OSError):
        replace_all(str(tmp_path), {"one": b"new", "no/such/folder": b"new"}, 0o640)
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
