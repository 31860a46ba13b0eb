# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The architecture as a picture in CONTRIBUTING.md, drawn from the imports of plugins/, and the rule that arrows point down.

PYTHONPATH=.cache python tests/gates/picture.py      # update the picture
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

from tree import ROOT, files, imports

PAGE = "CONTRIBUTING.md"
RUN = "PYTHONPATH=.cache python tests/gates/picture.py"
MARK = re.compile(
    r"(?<=<!-- picture: written by tests/gates/picture.py -->\n).*?(?=<!-- end of the picture -->)", re.DOTALL
)
# From top to bottom, each with what it does. Code imports from below its own layer only.
LAYERS: tuple[dict[str, str], ...] = (
    {"modules": "", "action": "", "inventory": "", "filter": ""},
    {"plugin_utils": "", "aws.py": "amazon.aws", "options": "argument specs"},
    {"converge": "writes to AWS"},
    {"observe": "reads AWS", "decide": "computes"},
    {"model": "frozen records", "host": "runs on managed hosts"},
)
LAYER = {room: number for number, layer in enumerate(LAYERS) for room in layer}
# The room whose packages are drawn; the others name theirs.
OPEN = "decide"
UTILS = "plugins/module_utils/"

Graph = Mapping[str, set[str]]


def room_of(path: str) -> str:
    """The room of a file: the folder below plugins/ or below module_utils/, or aws.py."""
    return path.removeprefix(UTILS).removeprefix("plugins/").split("/")[0]


def package_of(path: str) -> str:
    """The folder below a room of module_utils/, such as decide/verdict, or a file that stands beside those folders."""
    room, *rest = path.removeprefix(UTILS).split("/")
    return f"{room}/{rest[0]}" if path.startswith(UTILS) and rest else room_of(path)


def arrows(root: Path) -> dict[tuple[str, str], int]:
    """Every import of one file of plugins/ by another, with its line."""
    known = {str(path.relative_to(root)): path for path in files(root, "plugins/*.py")}
    found: dict[tuple[str, str], int] = {}
    for name, path in known.items():
        for one in imports(path, root):
            target = one.name.replace(".", "/")
            # from module import name
            target = next((t for t in (f"{target}.py", f"{target.rpartition('/')[0]}.py") if t in known), name)
            if target != name:
                found.setdefault((name, target), one.line)
    return found


def upward(root: Path) -> list[str]:
    """Imports that point up or sideways between the rooms of the picture, and rooms that are not in the picture."""
    found = []
    for (name, target), line in arrows(root).items():
        above, below = room_of(name), room_of(target)
        for room, path in ((above, name), (below, target)):
            if room not in LAYER:
                found.append(f"tests/gates/picture.py: LAYERS lacks the room {room} of {path}; add it, and run: {RUN}")
        if above != below and LAYER.get(above, -1) >= LAYER.get(below, len(LAYERS)):
            found.append(
                f"{name}:{line}: imports {target}, which is not below it: arrows point down from {above} to what is drawn"
                f" under it (LAYERS in tests/gates/picture.py). Move the code that both need to a room below both."
            )
    return list(dict.fromkeys(found))


def cycles(root: Path) -> list[str]:
    """Import cycles between files, or between the packages of a room."""
    found = arrows(root)
    for kind, name_of in (("files", str), ("packages", package_of)):
        proof = {(name_of(a), name_of(b)): f"{a}:{line} imports {b}" for (a, b), line in found.items()}
        try:
            TopologicalSorter(graph(proof)).prepare()
        except CycleError as error:
            steps = [proof[importer, imported] for imported, importer in pairwise(error.args[1])]
            return [f"import cycle of {kind}: {'; '.join(reversed(steps))}. Move what both need to a file of its own."]
    return []


def graph(edges: Mapping[tuple[str, str], object]) -> Graph:
    found: dict[str, set[str]] = defaultdict(set)
    for above, below in edges:
        if above != below:
            found[above].add(below)
    return found


def reduced(all_arrows: Graph) -> Graph:
    """Without the arrows that follow from others."""
    return {
        node: {one for one in below if not any(one in reached(all_arrows, other) for other in below - {one})}
        for node, below in all_arrows.items()
    }


def reached(all_arrows: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = all_arrows.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def draw(root: Path) -> str:
    """The Mermaid flowchart: rooms, and within decide/ its packages."""
    found = arrows(root)
    between = reduced(graph({(room_of(a), room_of(b)): None for a, b in found}))
    inside = reduced(
        graph({(package_of(a), package_of(b)): None for a, b in found if room_of(a) == room_of(b) == OPEN})
    )
    packages: dict[str, set[str]] = defaultdict(set)
    for path in files(root, f"{UTILS}*.py"):
        name = str(path.relative_to(root))
        packages[room_of(name)].add(package_of(name))
    return "\n".join(["```mermaid", *_lines(between, inside, packages), "```", ""])


def _lines(between: Graph, inside: Graph, packages: Graph) -> Iterator[str]:
    yield "flowchart TB"
    for layer in LAYERS:
        for room, purpose in layer.items():
            title = f"{room if '.' in room else f'{room}/'}{f': {purpose}' if purpose else ''}"
            within = sorted(package.partition("/")[2] for package in packages.get(room, ()) if "/" in package)
            if room == OPEN:
                yield f'  subgraph {room}["{title}"]'
                yield from (f"    {node(f'{room}/{name}')}[{name.removesuffix('.py')}]" for name in within)
                yield from (f"  {line}" for line in _arrows(inside))
                yield "  end"
            else:
                names = ", ".join(name.removesuffix(".py") for name in within if name.removesuffix(".py") != room)
                subjects = f"<br>{names}" if room in ("observe", "converge") else ""
                yield f'  {node(room)}["{title}{subjects}"]'
    yield from _arrows(between)


def _arrows(some: Graph) -> Iterator[str]:
    for above in sorted(some, key=lambda name: (LAYER.get(name, 0), name)):
        if some[above]:
            yield f"  {node(above)} --> {' & '.join(node(below) for below in sorted(some[above]))}"


def node(name: str) -> str:
    return name.removesuffix(".py").replace("/", "_")


def drawn(page: str, picture: str) -> str:
    """The page with the picture between its marks."""
    return MARK.sub(lambda _found: picture, page)


def outdated(root: Path) -> list[str]:
    """The page whose picture is not that of the code."""
    page = (root / PAGE).read_text(encoding="utf-8")
    if not MARK.search(page):
        return [f"{PAGE}: lacks the marks of the picture: <!-- picture: written by tests/gates/picture.py -->"]
    if page != drawn(page, draw(root)):
        return [f"{PAGE}: the picture is not that of the imports in plugins/; run: {RUN}"]
    return []


if __name__ == "__main__":
    path = ROOT / PAGE
    path.write_text(drawn(path.read_text(encoding="utf-8"), draw(ROOT)), encoding="utf-8")
