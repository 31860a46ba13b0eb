# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench labels its figures correctly: a broken promise is shown as broken, and AWS's answers have AWS's format."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import botocore.session
import pytest
from botocore.parsers import create_parser

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.append(str(BENCH))

from answers import Fleet  # noqa: E402
from chart import Line, chart  # noqa: E402
from endpoint import LISTS, World  # noqa: E402
from report import TARGETS, Result, _parts, targets  # noqa: E402
from work import ALIKE, DIRECT, EMPTY, FLOOR, LESS, OURS, PEER  # noqa: E402

GRAPH, TAGS = "inventory --graph", "tags already right"


def measured(work: str, who: str, size: int, cpu: float, memory: float = 100.0) -> dict[str, Any]:
    median = {"cpu": cpu, "wall": cpu, "memory": memory}
    return {"work": work, "who": who, "size": size, "median": median, "runs": [{**median, "calls": {}}]}


def said(*figures: dict[str, Any]) -> dict[str, tuple[float, bool]]:
    return {
        target.says: (round(value, 3), target.met(value)) for target, value in targets(Result({"measured": figures}))
    }


@pytest.mark.parametrize(("seconds", "met"), [(400.0, True), (390.0, False)])
def test_faster_than_the_peer_means_that_the_peer_takes_longer(seconds: float, met: bool) -> None:
    figures = said(measured(GRAPH, OURS, 10_000, 10.0), measured(GRAPH, ALIKE, 10_000, seconds))
    assert figures == {"inventory, ``--graph``: times the peer's speed, equivalent groups": (seconds / 10, met)}


def test_slower_than_the_floor_is_broken_at_twice() -> None:
    for seconds, met in ((10.0, True), (10.1, False)):
        figures = said(measured(GRAPH, OURS, 10_000, seconds), measured(GRAPH, FLOOR, 10_000, 5.0))
        assert figures["inventory, ``--graph``: times ansible-core alone"] == (seconds / 5, met)


def test_a_loop_over_few_items_is_counted_up_without_its_start() -> None:
    figures = said(
        measured("empty play", EMPTY, 0, 1.0),
        measured(TAGS, OURS, 1000, 2.0),
        measured(TAGS, PEER, 10, 11.0),
    )
    assert figures == {"tags already right: times the loop's speed": ((1 + 1000 * 1.0) / 2, True)}


def test_small_fleets_do_not_show_promises_for_large_ones() -> None:
    assert (
        said(measured(GRAPH, OURS, 500, 1.0), measured(GRAPH, ALIKE, 500, 2.0), measured(GRAPH, FLOOR, 500, 0.5)) == {}
    )


def test_the_parts_of_the_time_are_the_whole() -> None:
    figures = [
        measured("start-up", OURS, 10, 1.0),
        *(measured(GRAPH, who, 10_000, seconds) for who, seconds in ((OURS, 4.0), (LESS, 3.25), (DIRECT, 2.0))),
        measured(GRAPH, DIRECT, 100, 0.5),
    ]
    shares = [line.rpartition(",")[2] for line in _parts(Result({"measured": figures})).splitlines() if "%" in line]
    assert shares == ['"25%"', '"38%"', '"19%"', '"19%"']


def test_every_promise_has_words_of_its_own() -> None:
    assert len({target.says for target in TARGETS}) == len(TARGETS)


def test_a_chart_is_xml_with_every_point() -> None:
    drawn = chart("a < b", [Line("ours", [(100, 1), (1000, 3)]), Line("peer", [(100, 20)]), Line("none", [])])
    assert len(ElementTree.fromstring(drawn).findall(".//{*}circle")) == 3


def test_an_instance_is_as_large_as_the_bench_says() -> None:
    fleet = Fleet("111111111111", "eu-west-1", 100, 4)
    assert all(4500 < len(fleet.instance(index)) < 5500 and len(fleet.tags(index)) == 10 for index in range(100))


@pytest.mark.parametrize("action", LISTS)
def test_pages_of_ec2_are_whole_and_as_large_as_asked(action: str) -> None:
    world = World(instances=25, vpcs=25)
    fleet = world.fleet("111111111111", "eu-west-1")
    shape = botocore.session.get_session().get_service_model("ec2").operation_model(action).output_shape
    found, token = [], ""
    while token is not None:
        body = world.ec2(fleet, {"Action": action, "MaxResults": "10", "NextToken": token})
        page = create_parser("ec2").parse({"body": body, "headers": {}, "status_code": 200}, shape)
        items = next(value for value in page.values() if isinstance(value, list))
        assert len(items) <= 10
        found += [str(item) for item in items]
        token = page.get("NextToken")
    assert len(set(found)) == len(found) == (50 if action == "DescribeSubnets" else 25)
