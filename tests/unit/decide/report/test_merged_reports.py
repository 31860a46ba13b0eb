# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merging reports: nothing is lost, nothing is counted twice, and the same fleet gives the same text."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from varied_fleet import fleet, varied

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.fleet.summary import summarize
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.report.document import (
    ReportError,
    first_things_first,
    parse,
    report,
    steady,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.report.text import to_json
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.rows import COLUMNS, row, verdict_of

FLEET = fleet(300)


def alone(one: dict[str, Any], **read: Any) -> dict[str, Any]:
    return report(one, {}, read)


def part(account_id: str) -> dict[str, Any]:
    rows = [one for one in FLEET["instances"] if one["gd_account_id"] == account_id]
    return {"instances": rows, "problems": []}


@pytest.mark.parametrize("size", [0, 1, 7, 300])
def test_a_summary_of_rows_is_the_summary_of_verdicts(size: int) -> None:
    verdicts = varied(size, seed=size)
    assert summarize(map(verdict_of, map(row, verdicts))) == summarize(verdicts)


def test_shards_by_account_come_to_the_report_of_the_whole_fleet() -> None:
    shards = {one: to_json(alone(part(one))) for one in sorted({one["gd_account_id"] for one in FLEET["instances"]})}
    assert len(shards) == 3
    merged, whole = report({}, shards, {}), alone(FLEET)
    assert merged == whole
    assert to_json(merged) == to_json(whole)
    assert summarize(whole.verdicts) == FLEET["summary"]


def test_a_later_row_of_the_same_instance_replaces_an_earlier_one() -> None:
    old = FLEET["instances"][0]
    new = {**old, "gd_coverage": "healthy" if old["gd_coverage"] != "healthy" else "unhealthy"}
    earlier, later = (to_json(alone({"instances": [one], "problems": []})) for one in (old, new))

    assert report({}, {"a": earlier, "b": later}, {}).verdicts[0].coverage == new["gd_coverage"]
    assert report({}, {"b": later, "a": earlier}, {}).verdicts[0].coverage == old["gd_coverage"]
    now = report({"instances": [old], "problems": []}, {"b": later}, {})
    assert [one.coverage for one in now.verdicts] == [old["gd_coverage"]], "what was read now is the latest"


def test_the_order_in_which_aws_answers_changes_nothing() -> None:
    shuffled = [{**one, "gd_tags": dict(reversed(one["gd_tags"].items()))} for one in FLEET["instances"]]
    random.Random(4).shuffle(shuffled)
    assert to_json(alone({**FLEET, "instances": shuffled})) == to_json(alone(FLEET))


def test_what_was_read_and_what_failed_is_kept_of_every_part() -> None:
    one = report(
        {"instances": [], "problems": ["x failed."]}, {}, {"time": "06:00", "regions": ["eu-west-1"], "filters": {}}
    )
    assert one.reads == ({"time": "06:00", "regions": ["eu-west-1"]},)
    both = report({"instances": [], "problems": ["x failed.", "y failed."]}, {"a": to_json(one)}, {})
    assert both.reads == one.reads, "a read without data adds no entry"
    assert both.problems == ("x failed.", "y failed.")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            "ssm:ListX in 1/eu failed: AccessDenied: no (request id 0a-1). Allow it.",
            "ssm:ListX in 1/eu failed: AccessDenied: no. Allow it.",
        ),
        (
            "failed: UnauthorizedOperation: You may not. Encoded authorization failure message: aB-3_x9 (request id 7).",
            "failed: UnauthorizedOperation: You may not..",
        ),
        ("region eu-west-9 is not one.", "region eu-west-9 is not one."),
    ],
)
def test_a_problem_that_stays_has_the_same_words_each_time(said: str, kept: str) -> None:
    assert steady(said) == kept


def changed(text: str, **changes: Any) -> str:
    return json.dumps({**json.loads(text), **changes})


def first_row(text: str, **changes: Any) -> str:
    rows = json.loads(text)["instances"]
    return changed(text, instances=[{**rows[0], **changes}])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda text: text[:-3], "is not valid JSON"),
        (lambda text: "[1]", "is not a report of fleetsec.guardduty"),
        (lambda text: '{"instances": []}', "is not a report of fleetsec.guardduty"),
        (lambda text: changed(text, format=99), "has format 99"),
        (lambda text: changed(text, instances=["x"]), r"instances\[0\] is not a row"),
        (lambda text: changed(text, instances=[{"gd_instance_id": "i-1"}]), "lacks gd_account_id"),
        (lambda text: first_row(text, gd_tags=None), "has a gd_tags that is not a dict"),
        (lambda text: first_row(text, gd_reason="new"), "has the gd_reason 'new'"),
        (lambda text: first_row(text, gd_route="new"), "has the gd_route 'new'"),
        (lambda text: first_row(text, gd_blockers=["new"]), "has the blocker 'new'"),
        (lambda text: first_row(text, gd_blockers=[{}]), "has the blocker {}"),
        (lambda text: first_row(text, gd_vpc_id=4), "has a gd_vpc_id that is not a str"),
        (lambda text: first_row(text, gd_tags={"a": 1}), "has gd_tags that are not text"),
        (lambda text: changed(text, reads=["x"]), r"reads\[0\] is not a row"),
        (lambda text: changed(text, hosts=[{"host": "web"}]), r"hosts\[0\] lacks instance_id"),
    ],
)
def test_a_shard_that_is_no_report_is_named_with_what_is_wrong(spoil: Any, says: str) -> None:
    good = to_json(alone(FLEET))
    assert parse(good, "shards/a.json") == alone(FLEET)
    with pytest.raises(ReportError, match=rf"^shards/a\.json.*{says}.*\.$"):
        report({}, {"shards/a.json": spoil(good)}, {})


def test_the_columns_are_the_words_in_their_order() -> None:
    assert tuple(FLEET["instances"][0]) == COLUMNS
    assert tuple(json.loads(to_json(alone(FLEET)))["instances"][0]) == COLUMNS


def test_uncovered_instances_come_first_then_contradictions_then_what_is_stopped_then_what_is_healthy() -> None:
    ordered = first_things_first(map(verdict_of, FLEET["instances"]))
    assert len(ordered) == FLEET["summary"]["blocked"]
    kinds = [
        "contradiction"
        if not one.wanted
        else "healthy"
        if one.coverage == "healthy"
        else "uncovered"
        if one.instance.state == "running"
        else "stopped"
        for one in ordered
    ]
    assert list(dict.fromkeys(kinds)) == ["uncovered", "contradiction", "stopped", "healthy"]
    assert kinds == sorted(kinds, key=["uncovered", "contradiction", "stopped", "healthy"].index)
