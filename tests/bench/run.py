# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the collection beside its peer, whole processes in turn: make bench, or make bench ARGS=--quick.

Results go to a JSON file, and with --guide into docs/docsite/rst/guide_speed.rst and its charts.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from answers import Fleet
from measure import ROOT, Endpoint, Measured, Run, endpoint, run
from report import print_table, write_guide
from setting import setting
from work import (
    ALIKE,
    BARE,
    DIRECT,
    EMPTY,
    FLOOR,
    LESS,
    OURS,
    PEER,
    Command,
    empty_play,
    endpoints_in_a_loop,
    endpoints_in_bulk,
    inventories,
    inventory,
    reads,
    tags_in_a_loop,
    tags_in_bulk,
    write_floor,
)

REGIONS = "eu-west-1 eu-west-2 eu-west-3 eu-central-1 eu-north-1 us-east-1 us-east-2 us-west-2".split()
FORMS = ("--graph", "--list")
PEERS = (PEER, ALIKE)


class Bench:
    """Runs pairs in turn, so that what else the machine does meets both."""

    def __init__(self, folder: Path, programme: str, result: Path) -> None:
        self.folder, self.programme, self.result = folder, programme, result
        self.measured: dict[tuple[str, str, int], Measured] = {}

    def pair(self, work: str, size: int, aws: Endpoint, contenders: Mapping[str, Command], runs: int) -> None:
        for _turn in range(runs):
            for who, command in contenders.items():
                taken = self.take(command, aws)[0]
                found = self.measured.setdefault((work, who, size), Measured(work, who, size))
                found.runs.append(taken)
                print(
                    f"{work:34} {size:6} {who:20} {taken.cpu:8.2f} s CPU {taken.wall:8.2f} s {taken.memory:6.0f} MiB",
                    f"{sum(taken.calls.values()):5} calls",
                    flush=True,
                )
        self.write()

    def write(self) -> None:
        """What is measured so far: a run that is cut off leaves what it has."""
        measured = [one.plain() for one in self.measured.values()]
        result = {**setting(), "programme": self.programme, "measured": measured}
        self.result.parent.mkdir(parents=True, exist_ok=True)
        self.result.write_text(json.dumps(result, indent=1), encoding="utf-8")

    def take(self, command: Command, aws: Endpoint) -> tuple[Run, str]:
        taken, text = run(command.words, self.folder, aws, command.plugin)
        command.check(text)
        return taken, text

    def inventories(self, size: int, peer: bool, runs: int, forms: Iterable[str] = FORMS) -> None:
        """One account and region, no latency: what is measured is the client's own work."""
        inventories(self.folder, ["eu-west-1"])
        with endpoint(instances=size) as aws:
            write_floor(self.folder, self.take(inventory(OURS, "--list --export", size), aws)[1])
            for form in forms:
                whos = [OURS, LESS, FLOOR, DIRECT] if form == "--graph" else [OURS, FLOOR, DIRECT]
                self.pair(f"inventory {form}", size, aws, {who: inventory(who, form, size) for who in whos}, runs)
                if peer:
                    few = 1 if size > 1000 else min(runs, 2)
                    self.pair(f"inventory {form}", size, aws, {who: inventory(who, form, size) for who in PEERS}, few)

    def regions(self, size: int, peer: bool, runs: int) -> None:
        """Eight regions at 50 ms a call."""
        inventories(self.folder, REGIONS)
        with endpoint(instances=size // len(REGIONS), latency=0.05) as aws:
            found = size // len(REGIONS) * len(REGIONS)
            ours = inventory(OURS, "--graph", found)
            self.take(ours, aws)  # the endpoint renders its pages when they are first asked for
            self.pair("8 regions at 50 ms", size, aws, {OURS: ours}, runs)
            if peer:
                peers = {who: inventory(who, "--graph", found) for who in PEERS}
                self.pair("8 regions at 50 ms", size, aws, peers, 1)

    def accounts(self, accounts: int, runs: int) -> None:
        """Accounts times four regions of 25 instances, with and without latency, and one account and region alone."""
        roles = [f"arn:aws:iam::{100000000000 + number}:role/FleetSec" for number in range(accounts)]
        for name, latency in (("at 0 ms", 0), ("at 50 ms", 0.05)):
            for some, regions in ((roles[:1], REGIONS[:1]), (roles, REGIONS[:4])):
                inventories(self.folder, regions, some)
                areas = len(some) * len(regions)
                with endpoint(instances=25, vpcs=2, latency=latency) as aws:
                    self.pair(f"accounts {name}", areas, aws, {OURS: inventory(OURS, "--graph", 25 * areas)}, runs)

    def writes(self, tags: int, endpoints: int, looped: int, runs: int) -> None:
        """Bulk modules against loops; a loop is measured over some items only, its price is the same for each."""
        fleet = Fleet("111111111111", "eu-west-1", tags, endpoints)
        ids = [fleet.id("i", index) for index in range(tags)]
        vpc_ids = [fleet.id("vpc", index) for index in range(endpoints)]
        with endpoint(instances=tags, vpcs=endpoints) as aws:
            self.pair("empty play", 0, aws, {EMPTY: empty_play(self.folder)}, runs)
            for work, tag in (("tags already right", {"backup": "daily"}), ("tags to write", {"new": "x"})):
                bulk, loop = tags_in_bulk(self.folder, ids, **tag), tags_in_a_loop(self.folder, ids[:looped], **tag)
                self.pair(work, tags, aws, {OURS: bulk}, runs)
                self.pair(work, looped, aws, {PEER: loop}, 1)
            self.pair("endpoints already right", endpoints, aws, {OURS: endpoints_in_bulk(self.folder, vpc_ids)}, runs)
            loop = endpoints_in_a_loop(self.folder, vpc_ids[:looped])
            self.pair("endpoints already right", min(looped, endpoints), aws, {PEER: loop}, 1)

    def start_up(self, runs: int) -> None:
        inventories(self.folder, ["eu-west-1"])
        with endpoint(instances=10, vpcs=2) as aws:
            pair = {who: inventory(who, "--graph", 10) for who in (OURS, PEER)}
            self.pair("start-up", 10, aws, pair, runs)
            self.pair("a module's reads", 10, aws, {who: reads(who) for who in (OURS, BARE)}, runs)


def quick(bench: Bench) -> None:
    bench.start_up(3)
    bench.inventories(500, True, 1)
    bench.regions(80, True, 1)
    bench.accounts(5, 1)
    bench.writes(1000, 100, 3, 1)


def full(bench: Bench) -> None:
    bench.start_up(7)
    bench.inventories(100, True, 3)
    bench.inventories(1000, True, 3)
    bench.accounts(100, 3)
    bench.writes(1000, 100, 20, 3)
    bench.inventories(10_000, True, 3)
    bench.regions(10_000, True, 3)
    bench.inventories(50_000, False, 1)


def ours_only(bench: Bench) -> None:
    """What a change of ours is judged by, without the peer's minutes."""
    bench.start_up(5)
    bench.inventories(1000, False, 3)
    bench.inventories(10_000, False, 2)
    bench.accounts(100, 1)


PROGRAMMES: dict[str, Callable[[Bench], None]] = {"quick": quick, "full": full, "ours": ours_only}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure the collection beside its peer.")
    parser.add_argument("--quick", action="store_true", help="smaller fleets, one run, less than two minutes")
    parser.add_argument("--ours", action="store_true", help="without the peer")
    parser.add_argument("--guide", action="store_true", help="write the figures and charts into the guide")
    parser.add_argument("--result", type=Path, default=ROOT / "tests" / "output" / "bench.json", help="where to write")
    parser.add_argument("--from-result", action="store_true", help="measure nothing, use what is written there")
    options = parser.parse_args()
    if not options.from_result:
        name = "quick" if options.quick else "ours" if options.ours else "full"
        with tempfile.TemporaryDirectory() as folder:
            PROGRAMMES[name](Bench(Path(folder), name, options.result))
    result = json.loads(options.result.read_text(encoding="utf-8"))
    print_table(result)
    if options.guide and result["programme"] != "full":
        parser.error("--guide takes a whole run, which neither --quick nor --ours is")
    if options.guide:
        write_guide(result, ROOT / "docs" / "docsite" / "rst")


if __name__ == "__main__":
    sys.exit(main())
