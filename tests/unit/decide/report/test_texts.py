# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSV, JSON and Markdown keep every text of AWS or a user: exact for programs, harmless for people."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from varied_fleet import fleet

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.report.document import parse, report
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.report.text import md_code, to_csv, to_json
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import Verdict
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.rows import COLUMNS, row

ONE = report(fleet(1), {}, {})
# UTF-8 cannot encode a lone surrogate
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
DANGEROUS = st.builds(
    "".join, st.lists(st.sampled_from(list("=+-@\t\r\n\"',;|`<>&{}%\\") + ["x", " ", "\uff1d"]), max_size=8)
)


def said(issue: str, tags: dict[str, str]) -> Verdict:
    """The verdict with texts from other parties."""
    (verdict,) = ONE.verdicts
    return replace(verdict, issue=issue, instance=replace(verdict.instance, tags=tags))


def read_back(text: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    return [{name: cell.removeprefix("'") for name, cell in one.items()} for one in rows]


@settings(max_examples=3 * settings.default.max_examples // 2)
@given(issue=TEXT | DANGEROUS, name=TEXT | DANGEROUS)
def test_csv_gives_each_value_again_and_no_cell_starts_a_formula(issue: str, name: str) -> None:
    text = to_csv([said(issue, {"Name": name, name: issue})])
    (again,) = read_back(text)
    assert again["gd_issue"] == issue
    assert json.loads(again["gd_tags"]) == {"Name": name, name: issue}
    for cell in list(csv.reader(io.StringIO(text, newline="")))[1]:
        assert not re.match(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]", cell), repr(cell)


def test_csv_has_a_line_for_each_instance_with_the_words_as_columns() -> None:
    verdicts = report(fleet(200), {}, {}).verdicts
    rows, text = [row(verdict) for verdict in verdicts], to_csv(verdicts)
    assert text.splitlines()[0] == ",".join(COLUMNS)
    again = read_back(text)
    assert [one["gd_instance_id"] for one in again] == [one["gd_instance_id"] for one in rows]
    for cells, one in zip(again, rows, strict=True):
        assert cells["gd_blockers"].split() == one["gd_blockers"]
        assert cells["gd_wanted"] == ("true" if one["gd_wanted"] else "false")
        assert cells["gd_agent_version"] == (one["gd_agent_version"] or "")


@given(issue=TEXT | DANGEROUS)
def test_json_is_the_report_with_a_line_for_each_instance(issue: str) -> None:
    one = replace(ONE, verdicts=(said(issue, {}),), problems=(issue,), reads=({"time": issue},))
    assert parse(to_json(one), "report.json") == one


def test_two_reports_differ_in_the_lines_of_the_instances_that_differ() -> None:
    before = report(fleet(50), {}, {})
    *rest, last = before.verdicts
    after = replace(before, verdicts=(*rest, replace(last, issue="New")))
    pairs = zip(to_json(before).split("\n"), to_json(after).split("\n"), strict=True)
    assert sum(one != other for one, other in pairs) == 1
    assert json.loads(to_json(report({}, {}, {})))["instances"] == []


@settings(max_examples=5 * settings.default.max_examples // 2)
@given(text=TEXT | DANGEROUS)
def test_a_code_span_ends_where_it_should_and_stays_in_its_cell(text: str) -> None:
    span = md_code(text)
    if not span:
        assert not re.sub(r"[\x00-\x20\x7f\u0085\u2028\u2029]", "", text)
        return
    fence = re.match("`+", span)[0]  # type: ignore[index]
    inner = span[len(fence) : -len(fence)]
    assert span.endswith(fence)
    assert len(fence) not in map(len, re.findall("`+", inner))
    assert not inner.startswith("`") and not inner.endswith("`")
    assert not re.search(r"[|\n\r\x00]", span)


@pytest.mark.parametrize(
    ("text", "span"),
    [("web", "`web`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("a|b\nc", "`a\u00a6b c`"), ("", ""), (None, "`None`")],
)
def test_code_spans(text: Any, span: str) -> None:
    assert md_code(text) == span
