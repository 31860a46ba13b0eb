# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of an association's runs."""

from __future__ import annotations

import pytest

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.association.runs import (
    RunReport,
    all_finished,
    latest,
    problems,
    remarks,
    results,
    state_of,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.associations import Execution, ExecutionTarget


def target(instance_id: str, status: str, execution: str = "e1", detailed: str = "") -> ExecutionTarget:
    return ExecutionTarget(execution, "2", instance_id, status, detailed or status)


def report(state: str, *targets: ExecutionTarget) -> RunReport:
    return RunReport("111111111111", "eu-west-1", "id", "agent", "2", state, targets)


def execution(status: str) -> Execution:
    return Execution("e", "2", status, status, "2026-11-24T00:00:00+00:00")


@pytest.mark.parametrize(
    ("statuses", "finished"),
    [
        ([], False),
        (["Success"], True),
        (["Failed", "Success"], True),
        (["Success", "InProgress"], False),
        (["Pending"], False),
    ],
)
def test_runs_are_finished_when_all_are(statuses: list[str], finished: bool) -> None:
    assert all_finished([execution(status) for status in statuses]) is finished


def test_the_newest_word_of_a_node_counts() -> None:
    newest, older = target("i-1", "Success", "e2"), target("i-1", "Failed", "e1")
    assert latest([newest, older, target("i-2", "Failed")]) == (newest, target("i-2", "Failed"))


def test_states() -> None:
    assert state_of((), True) == "no_targets"
    assert state_of((), False) == "unfinished"
    assert state_of((target("i-1", "Failed"),), True) == "finished"
    assert state_of((target("i-1", "Pending"),), True) == "unfinished"


def test_every_target_is_in_exactly_one_list() -> None:
    words = ["Success", "Failed", "TimedOut", "Skipped", "Pending", "InProgress", "SomethingNew"]
    found = results([report("finished", *(target(f"i-{word}", word) for word in words))])
    listed = {name: [row["status"] for row in rows] for name, rows in found.items()}
    assert listed == {
        "succeeded_targets": ["Success"],
        "failed_targets": ["Failed", "TimedOut", "Skipped", "SomethingNew"],
        "unfinished_targets": ["Pending", "InProgress"],
        "unmatched": [],
    }


def test_problems_name_nodes_and_state_what_to_do() -> None:
    many = [target(f"i-{n}", "Failed", detailed="TimedOut") for n in range(7)]
    (failed,) = problems([report("finished", target("i-ok", "Success"), *many)], 60)
    assert "7 of 8 targets failed: i-0 (TimedOut)" in str(failed) and "and 2 more" in str(failed)
    (late,) = problems([report("unfinished", target("i-1", "Pending"))], 60)
    assert "1 of 1 targets had not finished after 60 seconds: i-1 (Pending). Nodes that are not online" in str(late)
    (idle,) = problems([report("not_started")], 1.5)
    assert "no run had started after 1.5 seconds" in str(idle)
    assert problems([report("finished", target("i-1", "Success")), report("no_targets"), report("scheduled")], 60) == []


def test_no_node_and_no_run_yet_are_reported_and_are_not_errors() -> None:
    nobody, later = remarks([report("no_targets"), report("scheduled"), report("finished")])
    assert "No managed node matches" in nobody
    assert "only runs on schedule" in later
