# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a report: reading earlier ones, the texts of a new one, and replacing the current files."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from ..module_utils.decide.report.document import Report, ReportError
from ..module_utils.decide.report.text import md_code, to_csv, to_json
from ..module_utils.decide.report.view import view

JSON_NAME = "report.json"
TEMPLATES = Path(__file__).resolve().parents[2] / "playbooks" / "templates"
# Tags and problems of a whole fleet are not for every user of the controller.
MODE = "0640"


def earlier_reports(given: Iterable[str], folder: str) -> dict[str, str]:
    """The text of each report.json by its path: files, and *.json below directories, in the order of their paths.

    The report of C(folder) itself is left out. Raises a ReportError if a path has no report, or if one cannot be read.
    """
    texts = {}
    for name in given:
        path = os.path.realpath(name)
        found = _json_files(path) if os.path.isdir(path) else [path] if os.path.isfile(path) else []
        if not found:
            raise ReportError(f"shards: there is no report.json file at {path}. Use files or directories that exist.")
        for report_file in found:
            if report_file != os.path.join(folder, JSON_NAME):
                texts[report_file] = _text_of(report_file)
    return texts


def _json_files(folder: str) -> list[str]:
    return sorted(
        path
        for parent, _folders, names in os.walk(folder)
        for name in names
        if name.endswith(".json") and not name.startswith(".")
        if os.path.isfile(path := os.path.join(parent, name)) and not os.path.islink(path)
    )


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"{path} cannot be read: {error}. Write it again with report_dir, or leave it out.") from None


def environment() -> Environment:
    """Plain Jinja, so that text from AWS or from a host is never a template of Ansible; HTML is escaped."""
    rendering = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html.j2",), default=False),
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    rendering.filters["code"] = md_code
    return rendering


def texts_of(report: Report, title: str, time: str, rows: int) -> dict[str, str]:
    """The text of each file by its name. C(rows): the most rows in a table of the page."""
    rendering = environment()
    shown = {"report": view(report, rows), "title": title, "time": time}
    pages = {name: rendering.get_template(f"{name}.j2").render(shown) for name in ("report.html", "report.md")}
    return {
        JSON_NAME: to_json(report),
        "report.csv": to_csv(report.verdicts),
        **{name: text.rstrip("\n") + "\n" for name, text in pages.items()},
    }


def file_mode(text: str) -> int:
    """The mode that an option gives. Raises a ReportError."""
    if not re.fullmatch(r"0?[0-7]{3}", text):
        raise ReportError(f"mode: {text!r} is not a file mode of three octal digits, such as 0640 or 0644.")
    return int(text, 8)


def to_replace(folder: str, texts: Mapping[str, str], mode: int) -> dict[str, tuple[bytes, bytes]]:
    """The current and the desired content of each file whose content or mode differs. No file: empty."""
    differing = {}
    for name, text in texts.items():
        # A lone surrogate, which JSON can hold and UTF-8 cannot, becomes a question mark.
        wanted, path = text.encode("utf-8", "replace"), Path(folder, name)
        current = path.read_bytes() if path.exists() else b""
        if current != wanted or not path.exists() or path.stat().st_mode & 0o7777 != mode:
            differing[name] = (current, wanted)
    return differing


def replace_all(folder: str, contents: Mapping[str, bytes], mode: int) -> None:
    """Write every file next to its destination, and rename them when all are written. Raises an OSError."""
    _create_folder(folder, mode)
    written: dict[str, str] = {}
    try:
        for name, content in contents.items():
            handle, path = tempfile.mkstemp(prefix=f".{name}-", dir=folder)
            written[name] = path
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(path, mode)
        for name in contents:
            os.replace(written[name], os.path.join(folder, name))
    finally:
        for path in written.values():
            with suppress(FileNotFoundError):
                os.remove(path)


def _create_folder(folder: str, mode: int) -> None:
    """A folder that exists keeps its mode: it may be a home, or one that others use."""
    missing = [path for path in (Path(folder), *Path(folder).parents) if not path.exists()]
    os.makedirs(folder, exist_ok=True)
    for path in missing:
        path.chmod(mode | (mode & 0o444) >> 2)  # whoever may read the files may enter
