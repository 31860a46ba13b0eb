# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the repository promises about its files, as rules over a root folder."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import yaml

from rooms import calls, host_modules
from tree import files, parse, strings

# REUSE-IgnoreStart
HEADER = [
    "# Copyright: (c) 2026, the fleetsec.guardduty authors",
    "# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
]
# REUSE-IgnoreEnd
SOURCE = ("*.py", "*.sh", "*.toml", "*.yml", "*.yaml", "Makefile", ".ci/run")
TEXT = (*SOURCE, "*.cfg", "*.csv", "*.html", "*.in", "*.j2", "*.json", "*.md", "*.rst", "*.txt")
MAX_LINES = 400
# Their length is not ours to choose: a licence, a list of pins, a log.
LONG = ("LICENSES/*", "CHANGELOG.md", "changelogs/changelog.yaml", "tests/requirements/*.txt")
ATTRIBUTES = {"check_mode", "diff_mode", "idempotent"}
# A path that exists on one person's machine only, and a signature of somebody's editor.
PRIVATE = re.compile(r"(?<![\w.}])/(?:work|root|Users)/|co-authored[-]by:", re.IGNORECASE)


def headless(root: Path) -> list[str]:
    """Source files that do not start with the three lines (after a shebang)."""
    found = []
    for path in files(root, *SOURCE):
        lines = path.read_text(encoding="utf-8").splitlines()
        start = 1 if lines and lines[0].startswith("#!") else 0
        fragment = "changelogs" in path.parts and path.name != "config.yaml"
        if lines and not fragment and lines[start : start + 3] != HEADER:
            found.append(f"{path.relative_to(root)}: does not start with the three lines of copyright and licence")
    return found


def overlong(root: Path) -> list[str]:
    """Files that are so long that they probably serve more than one purpose."""
    exempt = set(files(root, *LONG))
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files(root, *TEXT)}
    return [
        f"{path.relative_to(root)}: {length} lines (limit {MAX_LINES}); split it by what it is for"
        for path, length in lengths.items()
        if length > MAX_LINES and path not in exempt
    ]


def private(root: Path) -> list[str]:
    """Paths and signatures that exist on one machine only."""
    found = []
    for path in files(root, *TEXT):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if match := PRIVATE.search(line):
                found.append(f"{path.relative_to(root)}:{number}: {match[0]!r} exists on one machine only")
    return found


def action_group(root: Path) -> list[str]:
    """Modules missing from the action group, and names in it that are not modules.

    Modules for hosts take no AWS options, and neither do modules that only document an action plugin.
    """
    runtime = yaml.safe_load((root / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    listed = set(runtime["action_groups"]["guardduty"])
    for_hosts = {path.stem for path in host_modules(root)}
    alone = {
        path.stem
        for path in files(root, "plugins/action/*.py")
        if (module := root / "plugins" / "modules" / path.name).exists() and not any(calls(module))
    }
    modules = {path.stem for path in files(root, "plugins/modules/*.py")} - {"__init__"} - for_hosts - alone
    found = [f"meta/runtime.yml: the group lacks the module {name}" for name in sorted(modules - listed)]
    found += [f"meta/runtime.yml: the group lists {name}, which is not a module" for name in sorted(listed - modules)]
    return found


def grouped(root: Path) -> list[str]:
    """Modules whose documentation and meta/runtime.yml disagree on whether they are in the action group."""
    runtime = yaml.safe_load((root / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    listed = set(runtime["action_groups"]["guardduty"])
    found = []
    for path in files(root, "plugins/modules/*.py"):
        docs = yaml.safe_load(strings(parse(path).body).get("DOCUMENTATION", "")) or {}
        if ("action_group" in known_attributes(docs, root)) != (path.stem in listed):
            found.append(f"{path.relative_to(root)}: its attribute action_group contradicts meta/runtime.yml")
    return found


def undocumented(root: Path) -> list[str]:
    """Modules without documentation, attributes or examples that a reader can use."""
    found = []
    for path in files(root, "plugins/modules/*.py"):
        texts = strings(parse(path).body)
        docs = yaml.safe_load(texts.get("DOCUMENTATION", "")) or {}
        attributes = known_attributes(docs, root)
        missing = [name for name in ("DOCUMENTATION", "EXAMPLES", "RETURN") if not texts.get(name, "").strip()]
        missing += [f"attribute {name}" for name in sorted(ATTRIBUTES) if not attributes.get(name, {}).get("support")]
        missing += [key for key in ("short_description", "description", "author", "version_added") if not docs.get(key)]
        if not any(f"fleetsec.guardduty.{path.stem}:" in line for line in texts.get("EXAMPLES", "").splitlines()):
            missing.append(f"an example that calls fleetsec.guardduty.{path.stem}")
        found += [f"{path.relative_to(root)}: lacks {what}" for what in missing]
    return found


def known_attributes(docs: dict[str, Any], root: Path) -> dict[str, dict[str, Any]]:
    """A module's attributes with those of the collection's own fragments that it names."""
    names = docs.get("extends_documentation_fragment", [])
    merged: dict[str, dict[str, Any]] = {}
    for name in [names] if isinstance(names, str) else names:
        if name.startswith("fleetsec.guardduty."):
            fragment, *part = name.removeprefix("fleetsec.guardduty.").split(".")
            merge(merged, fragment_docs(root, fragment, (part or ["documentation"])[0].upper()).get("attributes", {}))
    merge(merged, docs.get("attributes", {}))
    return merged


def merge(into: dict[str, dict[str, Any]], attributes: dict[str, dict[str, Any]]) -> None:
    for name, value in attributes.items():
        into[name] = into.get(name, {}) | (value or {})


def fragment_docs(root: Path, fragment: str, part: str) -> dict[str, Any]:
    path = root / "plugins" / "doc_fragments" / f"{fragment}.py"
    if not path.exists():
        return {}
    classes = [node for node in parse(path).body if isinstance(node, ast.ClassDef)]
    texts = [strings(node.body) for node in classes]
    return next((yaml.safe_load(found[part]) for found in texts if part in found), {})


def unannounced(root: Path) -> list[str]:
    """A version without a changelog entry: neither a pending fragment nor a release."""
    version = yaml.safe_load((root / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    log = root / "changelogs" / "changelog.yaml"
    released = yaml.safe_load(log.read_text(encoding="utf-8"))["releases"] if log.exists() else {}
    if files(root, "changelogs/fragments/*.yml") or version in released:
        return []
    return [f"changelogs: no fragment and no release {version}"]


def nameless(root: Path) -> list[str]:
    """Variables called _, which ansible-test's pylint forbids; this check takes a second, sanity takes minutes."""
    return [
        f"{path.relative_to(root)}:{node.lineno}: the name _ is forbidden; use a name such as _page or dummy"
        for path in files(root, "*.py")
        for node in ast.walk(parse(path))
        if (isinstance(node, ast.Name) and node.id == "_" and isinstance(node.ctx, ast.Store))
        or (isinstance(node, ast.arg) and node.arg == "_")
    ]


def unpinned(root: Path) -> list[str]:
    """Requirements that are not exact pins: options, addresses and ranges make two installations differ."""
    pin = re.compile(r"[\w.-]+(\[[\w,-]+\])?==[\w.]+( ; .+)?")
    return [
        f"{path.relative_to(root)}: {line!r} is not an exact pin"
        for path in files(root, "tests/requirements/*.txt")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#") and not pin.fullmatch(line)
    ]
