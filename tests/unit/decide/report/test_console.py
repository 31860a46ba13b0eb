# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary on the screen: at most 80 columns, and each instance counted under its most urgent blocker."""

from __future__ import annotations

from hypothesis import given
from strategies import areas, choices
from worlds import judged, row

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.fleet.summary import summarize
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.fleet.verdict_changes import (
    transitions,
    verdict_changes,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.report.console import (
    WIDTH,
    note_lines,
    summary_lines,
    verdict_change_lines,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import Choices, judge_fleet
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import AccountRegion, Snapshot


@given(one=areas(), other=areas(), chosen=choices)
def test_no_line_is_too_long_and_the_blocked_are_each_counted_once(
    one: AccountRegion, other: AccountRegion, chosen: Choices
) -> None:
    summary = summarize(judge_fleet(Snapshot((one,)), chosen))
    counts = transitions(verdict_changes(Snapshot((one,)), Snapshot((other,)), chosen))
    lines = [*summary_lines(summary, "Before"), *verdict_change_lines(counts, summary, "What would change")]
    assert all(len(text) <= WIDTH for _style, text in lines)
    assert sum(blocker["first"] for blocker in summary["blockers"]) == summary["blocked"]


def test_the_symptom_does_not_hide_the_cause() -> None:
    verdict = judged(node=None, row=row("UNHEALTHY"), endpoints=())
    assert verdict.blockers == ("endpoint_missing", "coverage_unhealthy")
    shown = "\n".join(text for _style, text in summary_lines(summarize([verdict]), "Before"))
    assert "1  endpoint_missing" in shown
    assert "coverage_unhealthy" not in shown


def test_a_fleet_without_wanted_instances() -> None:
    (_title, (style, text), *_rest) = summary_lines(summarize([]), "Before")
    assert (style, text) == ("warn", "  None of 0 instances should run the agent.")


def test_full_coverage_is_good_and_none_is_bad() -> None:
    assert summary_lines(summarize([judged()]), "After")[1][0] == "good"
    assert summary_lines(summarize([judged(row=row("UNHEALTHY"))]), "After")[1][0] == "bad"


def test_long_notes_are_wrapped() -> None:
    lines = note_lines(["word " * 40, "short"])
    assert all(len(text) <= WIDTH for _style, text in lines)
    assert [text[:4] for _style, text in lines] == ["  - ", "    ", "    ", "  - "]
