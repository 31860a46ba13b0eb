# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan needs, its diff and message, and what follows a crash."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent import outcome as agent_apply
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.records import (
    Crash,
    DropInStep,
    Fetched,
    LeftoversStep,
    Located,
    PackageStep,
    Plan,
    RunningStep,
    read,
)

ROW = {"version": "1.17.1", "format": "deb", "architecture": "x86_64", "name": "agent-1.17.1.amd64.deb"}
BACK = ROW | {"version": "1.16.0", "name": "agent-1.16.0.amd64.deb"}
TO, BACK_TO = Located(**ROW), Located(**BACK)
UPGRADE = Plan(
    state="present",
    action="upgrade",
    installed_version="1.16.0",
    version="1.17.1",
    package=TO,
    rollback=BACK_TO,
    changes=(
        PackageStep("1.16.0", "1.17.1"),
        DropInStep(None, "[Service]\nMemoryMax=512M\n"),
        RunningStep(False, True),
    ),
)


def fetched(*rows: dict[str, Any]) -> tuple[Fetched, ...]:
    return read(tuple[Fetched, ...], list(rows), "packages")


def test_a_host_gets_its_own_package() -> None:
    others = [BACK, ROW | {"format": "rpm"}, ROW | {"architecture": "arm64"}]
    assert agent_apply.artefact(TO, fetched(*others, ROW | {"path": "/x"})) == Fetched(**ROW, path="/x")
    with pytest.raises(agent_apply.NoPackage, match="agent-1.17.1.amd64.deb is not among the packages"):
        agent_apply.artefact(TO, fetched(*others))
    with pytest.raises(agent_apply.NoPackage, match="names no package"):
        agent_apply.artefact(None, fetched(*others))


def test_only_the_host_that_needs_a_bad_package_fails_with_its_reason() -> None:
    rows = fetched(ROW | {"failed": True, "msg": "It is refused."}, BACK | {"failed": False, "msg": ""})
    with pytest.raises(agent_apply.NoPackage, match=r"It is refused\. The host was not touched\."):
        agent_apply.artefact(TO, rows)
    assert agent_apply.artefact(BACK_TO, rows).version == "1.16.0"


def test_the_diff_shows_versions_states_and_the_drop_in() -> None:
    assert agent_apply.diff(UPGRADE) == {
        "before": "package: 1.16.0\ndrop_in: absent\nrunning: no\n",
        "after": "package: 1.17.1\ndrop_in:\n  [Service]\n  MemoryMax=512M\nrunning: yes\n",
    }
    assert agent_apply.diff(replace(UPGRADE, changes=())) == {"before": "", "after": ""}
    leftovers = replace(UPGRADE, changes=(LeftoversStep(1, 0),))
    assert agent_apply.diff(leftovers) == {"before": "leftovers: 1\n", "after": "leftovers: 0\n"}


@pytest.mark.parametrize(
    ("more", "made", "text"),
    [
        ({}, True, "The agent was upgraded from 1.16.0 to 1.17.1."),
        ({}, False, "The agent would be upgraded from 1.16.0 to 1.17.1."),
        ({"action": "remove", "state": "absent"}, False, "The agent would be removed."),
        ({"changes": ()}, True, "Nothing to change."),
        ({"changes": (), "action": "skip", "reason": "Tagged false."}, True, "Tagged false."),
        (
            {"action": "none", "changes": UPGRADE.changes[1:]},
            True,
            "The agent's service was changed: drop-in, running.",
        ),
    ],
)
def test_the_message_says_what_was_or_would_be_done(more: dict[str, Any], made: bool, text: str) -> None:
    assert agent_apply.message(replace(UPGRADE, **more), made) == text


def test_the_version_afterwards() -> None:
    assert agent_apply.version_after(UPGRADE) == "1.17.1"
    assert agent_apply.version_after(replace(UPGRADE, changes=UPGRADE.changes[1:])) == "1.16.0"
    assert agent_apply.version_after(replace(UPGRADE, state="absent")) is None


def test_the_way_back_is_a_plan_that_leads_to_the_version_before_and_no_further() -> None:
    back = agent_apply.way_back(UPGRADE, BACK_TO)
    assert (back.action, back.version, back.package, back.rollback) == ("downgrade", "1.16.0", BACK_TO, None)
    # The drop-in of the failed plan stays: it is what the operator wants of either version.
    assert back.changes == (PackageStep("1.17.1", "1.16.0"),)


def test_a_crash_is_told_with_its_journal_and_what_the_host_was_left_with() -> None:
    lines = ("one", "", " fatal: kernel ", *("x",) * 3)
    crash = Crash("1.17.1", "the service is activating (auto-restart).", lines)
    told = agent_apply.crash_text(crash, agent_apply.taken_back("1.16.0"))
    assert told == (
        "The agent 1.17.1 does not keep running: the service is activating (auto-restart). Its journal says: one /"
        " fatal: kernel / x / x / x. The previous agent 1.16.0 was reinstalled and runs."
    )
    systemd = [
        "Started amazon-guardduty-agent.service - Agent.",
        "amazon-guardduty-agent.service: Failed with result 'x'.",
    ]
    own = agent_apply.crash_text(replace(crash, journal=(*systemd, "fatal: own.", *systemd * 3)), "")
    assert "Its journal says: fatal: own. " in own
    none = agent_apply.crash_text(replace(crash, journal=tuple(systemd)), "")
    assert "Its journal says: Started amazon" in none
    silent = agent_apply.crash_text(replace(crash, journal=()), agent_apply.left("1.17.1"))
    assert "Its journal is empty. The host now has the agent 1.17.1" in silent
    failed = agent_apply.not_taken_back("1.16.0", "1.17.1", "It is not there.")
    assert failed.startswith(
        "Restoring the previous agent 1.16.0 failed: It is not there. The host now has the agent 1.17.1"
    )
