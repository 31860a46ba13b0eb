# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a result of the bench to what people read: the table on the screen, the targets, and the guide with its charts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chart import Line, chart
from work import ALIKE, BARE, DIRECT, EMPTY, FLOOR, LESS, OURS, PEER

GRAPH, LIST = "inventory --graph", "inventory --list"
LATE, PROMPT = "accounts at 50 ms", "accounts at 0 ms"
FLEET = 10_000  # what the promises about inventories are made for
READS, RIGHT, WRITE, ENDPOINTS = "a module's reads", "tags already right", "tags to write", "endpoints already right"


class Result:
    """The medians of a result."""

    def __init__(self, plain: Mapping[str, Any]) -> None:
        self.plain = plain
        self.measured = {(one["work"], one["who"], one["size"]): one for one in plain["measured"]}

    def median(self, work: str, who: str, size: int, what: str = "cpu") -> float:
        """Raises KeyError where it was not measured."""
        return self.measured[work, who, size]["median"][what]

    def calls(self, work: str, who: str, size: int) -> int:
        return sum(self.measured[work, who, size]["runs"][0]["calls"].values())

    def sizes(self, work: str, who: str) -> list[int]:
        return sorted(size for found, by, size in self.measured if (found, by) == (work, who))

    def largest(self, work: str, who: str) -> int:
        return max(self.sizes(work, who), default=0)

    def ratio(self, work: str, slow: str, fast: str, size: int, what: str = "cpu") -> float:
        return self.median(work, slow, size, what) / self.median(work, fast, size, what)

    def looped(self, work: str, what: str = "cpu") -> float:
        """The peer's loop over as many items as the bulk module had: its price for each, times their number."""
        empty = self.median("empty play", EMPTY, 0, what)
        done = self.largest(work, PEER)
        return empty + (self.median(work, PEER, done, what) - empty) / done * self.largest(work, OURS)


@dataclass(frozen=True)
class Target:
    """A promise about a ratio: what it is, its limit, and whether more is better."""

    says: str
    limit: float
    more: bool
    measure: Callable[[Result], float]

    def met(self, value: float) -> bool:
        return value >= self.limit if self.more else value <= self.limit


def _beside_loop(work: str) -> Callable[[Result], float]:
    return lambda result: result.looped(work) / result.median(work, OURS, result.largest(work, OURS))


def _peer(work: str, size: int = FLEET, what: str = "cpu") -> Callable[[Result], float]:
    return lambda result: result.ratio(work, ALIKE, OURS, size, what)


def _floor(work: str, who: str) -> Callable[[Result], float]:
    return lambda result: result.ratio(work, OURS, who, FLEET)


def _further_account(result: Result) -> float:
    one, many = result.median(PROMPT, OURS, 1), result.largest(PROMPT, OURS)
    return (result.median(PROMPT, OURS, many) - one) / (many - 1) / one


def _hidden_latency(result: Result) -> float:
    many = result.largest(PROMPT, OURS)
    return result.median(LATE, OURS, many, "wall") / result.median(PROMPT, OURS, many, "wall")


def _slope(result: Result, what: str, small: int, large: int) -> float:
    more = result.median(GRAPH, OURS, large, what) - result.median(GRAPH, OURS, small, what)
    return more / (large - small)


def _linear(result: Result) -> float:
    large = result.largest(GRAPH, OURS)
    if large < FLEET:
        raise KeyError(large)
    start = result.median("start-up", OURS, 10)
    each = [(result.median(GRAPH, OURS, size) - start) / size for size in (1000, large)]
    return each[1] / each[0]


def _memory(result: Result) -> float:
    return 1024 * _slope(result, "memory", 1000, result.largest(GRAPH, OURS))


TARGETS = (
    Target("inventory, ``--graph``: times the peer's speed, equivalent groups", 40, True, _peer(GRAPH)),
    Target("inventory, ``--list``: times the peer's speed, equivalent groups", 12, True, _peer(LIST)),
    Target("inventory, ``--graph``: times ansible-core alone", 2, False, _floor(GRAPH, FLOOR)),
    Target("inventory, ``--list``: times ansible-core alone", 1.4, False, _floor(LIST, FLOOR)),
    Target(
        "8 regions at 50 ms: times the peer's wall-clock speed, equivalent groups",
        40,
        True,
        _peer("8 regions at 50 ms", what="wall"),
    ),
    Target("accounts: wall-clock time at 50 ms, times that at 0 ms", 1.3, False, _hidden_latency),
    Target("one more account and region: CPU relative to the first one's", 0.1, False, _further_account),
    Target("time for each instance of the largest fleet, times that at 1,000", 1.3, False, _linear),
    Target("KiB of memory for each instance, ``--graph``", 12, False, _memory),
    Target("tags already right: times the loop's speed", 300, True, _beside_loop(RIGHT)),
    Target("tags to write: times the loop's speed", 300, True, _beside_loop(WRITE)),
    Target("endpoints already right: times the loop's speed", 40, True, _beside_loop(ENDPOINTS)),
    Target("start-up with 10 instances, times the peer's", 1, False, lambda r: r.ratio("start-up", OURS, PEER, 10)),
    Target("a module's CPU, times that of a bare one", 1.1, False, lambda r: r.ratio(READS, OURS, BARE, 10)),
)


def targets(result: Result) -> Iterator[tuple[Target, float]]:
    """The targets that this result can say something of."""
    for target in TARGETS:
        try:
            yield target, target.measure(result)
        except (KeyError, ZeroDivisionError):
            continue


def print_table(plain: Mapping[str, Any]) -> None:
    result = Result(plain)
    print(f"\n{plain['taken']}, {plain['machine']}, {plain['versions']}\n")
    for row in rows(result):
        print(" ".join(f"{cell:>{12 if number else 36}}" for number, cell in enumerate(row)))
    print()
    for target, value in targets(result):
        said = f"{'at least' if target.more else 'at most'} {target.limit:g}"
        print(f"{'met   ' if target.met(value) else 'MISSED'} {target.says}: {value:.3g} ({said})")


HEAD = ("work", "size", "who", "CPU s", "wall s", "MiB", "calls", "CPU ratio", "wall ratio")


def rows(result: Result) -> Iterator[Sequence[str]]:
    """One row for each contender, with how many times longer than the collection it took where both did the same."""
    yield HEAD
    for (work, who, size), one in result.measured.items():
        median = one["median"]
        ours = result.measured.get((work, OURS, size))
        ratios = [f"{median[what] / ours['median'][what]:.2f}" for what in ("cpu", "wall")] if ours else ["", ""]
        figures = (f"{median['cpu']:.2f}", f"{median['wall']:.2f}", f"{median['memory']:.0f}")
        yield (work, f"{size:,}", who, *figures, f"{result.calls(work, who, size):,}", *ratios)


def write_guide(plain: Mapping[str, Any], folder: Path) -> None:
    """Put the figures between the guide's marks, and draw its charts."""
    result = Result(plain)
    path = folder / "guide_speed.rst"
    text = path.read_text(encoding="utf-8")
    parts = {
        "setting": _setting(plain),
        "targets": _targets(result),
        "parts": _parts(result),
        "figures": _figures(result),
    }
    for name, part in parts.items():
        begin, end = f".. bench: {name}\n", f".. end of {name}\n"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        text = pattern.sub(lambda _found, part=part, begin=begin, end=end: f"{begin}\n{part}\n{end}", text)
    path.write_text(text, encoding="utf-8")
    for form in (GRAPH, LIST):
        whos = (
            (ALIKE, "amazon.aws.aws_ec2, equivalent groups"),
            (OURS, "fleetsec.guardduty.ec2"),
            (FLOOR, "ansible-core alone"),
        )
        lines = [Line(label, _points(result, form, who)) for who, label in whos]
        drawn = chart(f"ansible-inventory {form.rpartition(' ')[2]}: seconds of CPU by number of instances", lines)
        name = f"speed_{form.rpartition('-')[2]}.svg"
        (folder / "images" / name).write_text(drawn, encoding="utf-8")


def _points(result: Result, work: str, who: str) -> list[tuple[float, float]]:
    return [(size, result.median(work, who, size)) for size in result.sizes(work, who)]


def _setting(plain: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in plain["versions"].items())
    return f"Taken on {plain['taken']}; {plain['machine']}; {versions}.\n"


def _targets(result: Result) -> str:
    table = [("promise", "limit", "measured", "met")]
    for target, value in targets(result):
        limit = f"{'≥' if target.more else '≤'} {target.limit:g}"
        table.append((target.says, limit, f"{value:.3g}", "yes" if target.met(value) else "no"))
    return _table(table)


def _parts(result: Result) -> str:
    """Where the time of a large ``--graph`` goes, by what is saved when a part is left out."""
    whole, start = result.median(GRAPH, OURS, FLEET), result.median("start-up", OURS, 10)
    hosts = result.median(GRAPH, DIRECT, FLEET) - result.median(GRAPH, DIRECT, 100)
    rows = whole - result.median(GRAPH, LESS, FLEET)
    table = [("part", "CPU s", "of the whole")]
    for part, seconds in (
        ("starting: Python, ansible-core, boto3, the models of four services, nine calls", start),
        ("ansible-core's own work on hosts and groups, and printing them", hosts),
        ("``ListCoverage``: 200 calls with signature, connection and parser", rows),
        (
            "the rest: reading 50 MB of instances and the nodes of SSM, verdicts, variables",
            whole - start - hosts - rows,
        ),
    ):
        table.append((part, f"{seconds:.2f}", f"{seconds / whole:.0%}"))
    return _table(table)


def _figures(result: Result) -> str:
    return _table([row for row in rows(result) if row[2] != DIRECT])


def _table(table: Sequence[Sequence[str]]) -> str:
    head, *rows = (",".join(f'"{cell}"' for cell in row) for row in table)
    return "\n".join([".. csv-table::", f"   :header: {head}", "", *(f"   {row}" for row in rows), ""])
