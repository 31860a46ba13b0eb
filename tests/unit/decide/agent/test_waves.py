# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package route in waves: which hosts take part, what stops it, and a result for every host."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.waves import (
    OUTCOMES,
    HostResult,
    Wave,
    WaveError,
    conclusion,
    host_result,
    hosts_of,
    limit_of,
    notes_of,
    wave_result,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import Verdict
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import Instance


def result(host: str, outcome: str = "changed", message: str = "") -> HostResult:
    return HostResult(host, f"i-{host}", outcome, message=message)


def verdict(instance_id: str, state: str) -> Verdict:
    instance = Instance(instance_id, "111111111111", "eu-west-1", state, "linux", "x86_64", "m6i.large")
    return Verdict(instance, "absent", True, "package", "manual_package", (), "absent", "unknown", "absent")


def test_hosts_are_those_of_the_inventory_that_run() -> None:
    verdicts = [verdict("i-1", "running"), verdict("i-2", "stopped"), verdict("i-3", "running")]
    names = {"i-1": "web", "i-2": "db", "i-9": "other"}
    found = hosts_of(["i-1", "i-2", "i-3"], verdicts, names, ["web", "db", "other"])
    assert found.hosts == {"web": verdicts[0]}
    assert (found.missing, found.left_out, found.left_out_note) == (("i-3",), (), "")


def test_hosts_outside_the_limit_are_left_out_and_counted() -> None:
    verdicts = [verdict(f"i-{number}", "running" if number else "stopped") for number in range(6)]
    names = {f"i-{number}": f"web-i-{number}" for number in range(6)}
    found = hosts_of(list(names), verdicts, names, ["web-i-1", "localhost"])
    assert list(found.hosts) == ["web-i-1"]
    # The one that is stopped would not have been tried without the limit either.
    assert found.left_out == ("web-i-2", "web-i-3", "web-i-4", "web-i-5")
    assert "4 (web-i-2, web-i-3, web-i-4 and 1 more)" in found.left_out_note


def test_a_failure_of_the_canary_stops() -> None:
    assert "canary" in wave_result([result("a", "failed", "no route")], [], [], 10, "50%").stop
    assert wave_result([result("a")], [], [], 10, "50%").stop == ""
    assert wave_result([result("a", "failed")], [], [], 1, "0").stop == "", "no wave is left to stop"


def test_later_waves_may_fail_up_to_the_limit() -> None:
    first = wave_result([result("a")], [], [], 10, "2")
    second = wave_result([result("b", "failed"), result("c", "failed")], [], [first], 10, "2")
    assert second.stop == ""
    third = wave_result([result("d", "failed")], [], [first, second], 10, "2")
    assert "3 of 4" in third.stop


def test_a_host_that_does_not_report_is_a_failure() -> None:
    waiting = [{"instance_id": "i-a", "cause": "The kernel is too old."}]
    wave = wave_result([result("a"), result("b", "skipped")], waiting, [], 5, "100%")
    assert [host.outcome for host in wave.hosts] == ["not_reporting", "skipped"]
    assert "kernel" in wave.hosts[0].message
    assert wave.stop


def test_a_gate_that_is_blind_stops() -> None:
    assert "denied" in wave_result([result("a")], [], [result_wave()], 5, "100%", "denied").stop


def result_wave() -> Wave:
    return wave_result([result("z")], [], [], 5, "100%")


@pytest.mark.parametrize(
    ("limit", "total", "count"), [("0", 9, 0), ("3", 9, 3), ("10%", 9, 0), ("10%", 25, 2), (2, 9, 2)]
)
def test_the_limit(limit: Any, total: int, count: int) -> None:
    assert limit_of(limit, total) == count


@pytest.mark.parametrize("limit", ["", "ten", "-1", "101%", "1.5"])
def test_a_limit_that_is_none_is_a_sentence(limit: str) -> None:
    with pytest.raises(WaveError, match="package_max_failed"):
        limit_of(limit, 10)


@given(st.lists(st.sampled_from(["changed", "unchanged", "skipped", "failed"]), max_size=8), st.integers(1, 3))
def test_every_host_is_accounted_for(outcomes: list[str], size: int) -> None:
    names = [f"h{position}" for position in range(len(outcomes))]
    waves: list[Wave] = []
    for start in range(0, len(names), size):
        if any(wave.stop for wave in waves):
            break
        batch = [result(name, outcomes[int(name[1:])], "x") for name in names[start : start + size]]
        waves.append(wave_result(batch, [], waves, len(names), "20%"))
    end = conclusion(names, waves)
    assert [host.host for host in end.hosts] == names
    assert sum(end.counts.values()) == len(names)
    assert set(end.counts) <= set(OUTCOMES)
    assert bool(end.problems) == bool({"failed", "not_tried"} & set(end.counts))


def test_notes_say_who_is_left_and_what_came_of_the_others() -> None:
    end = conclusion(["a", "b", "c"], [Wave((result("a"), result("b"), result("c", "not_reporting")))])
    assert notes_of(end, ["i-1", "i-2", "i-3", "i-4"]) == [
        "4 instances need the package on the host itself: i-1, i-2, i-3 and 1 more",
        "3 hosts of the package route: 2 changed, 1 not reporting",
    ]
    assert notes_of(conclusion([], []), []) == []


def test_what_the_role_registered() -> None:
    planned = {
        "plan": {"action": "upgrade", "installed_version": "1.16.0"},
        "findings": [{"check": "btf", "level": "warning"}, {"check": "disk", "level": "ok"}],
    }
    applied = {"changed": True, "installed_version": "1.17.1", "msg": "Upgraded."}
    variables = {"gd_instance_id": "i-1", "agent_planned": planned, "agent_applied": applied}
    found = host_result("web", variables)
    assert (found.outcome, found.version_before, found.version) == ("changed", "1.16.0", "1.17.1")
    assert [one["check"] for one in found.findings] == ["btf"]
    assert host_result("web", {**variables, "package_failure": "refused"}).message == "refused"
    assert host_result("web", {}).outcome == "unchanged"
