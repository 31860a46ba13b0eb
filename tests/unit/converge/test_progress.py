# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A long wait prints few lines, a short one none."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.fleetsec.guardduty.plugins.module_utils.converge.progress import Wait
from ansible_collections.fleetsec.guardduty.plugins.module_utils.converge.retry import Retry


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def polled(path: Path | None, ready_after: float, done: int = 0) -> None:
    clock = Clock()
    wait = Wait(str(path) if path else None, "1/eu-west-1", 9, "VPC endpoints available", clock.read, done)

    def ready() -> bool:
        wait.done = done if done else min(9, int(clock.now / 20))
        return clock.now >= ready_after

    assert Retry(900, clock.sleep, clock.read, wait.pause).poll(ready)


def test_a_short_wait_is_not_reported(tmp_path: Path) -> None:
    polled(tmp_path / "progress", 4)
    polled(None, 100)
    assert lines(tmp_path / "progress") == []


def test_a_long_wait_is_reported_as_it_changes(tmp_path: Path) -> None:
    polled(tmp_path / "progress", 100)
    told = lines(tmp_path / "progress")
    assert told[0] == "1/eu-west-1: 0 of 9 VPC endpoints available after 8 s"
    assert 4 <= len(told) <= 6
    counts = [int(line.split()[1]) for line in told]
    assert counts == sorted(set(counts))


def test_a_wait_without_change_is_reported_each_minute(tmp_path: Path) -> None:
    polled(tmp_path / "progress", 300, done=1)
    assert 4 <= len(lines(tmp_path / "progress")) <= 6


def test_a_file_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    polled(tmp_path / "no-such-folder" / "progress", 100)
