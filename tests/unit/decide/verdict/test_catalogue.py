# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue: every code has a cause, a remedy and a fix."""

from __future__ import annotations

import re

import pytest

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.catalogue import (
    BLOCKER_ORDER,
    BLOCKERS,
    COVERAGE_STATES,
    ENDPOINT_STATES,
    REASONS,
    ROUTES,
    SCOPES,
    SSM_STATES,
    TAG_STATES,
    Blocker,
    Reason,
)

CODE = re.compile(r"[a-z]+(_[a-z]+)*")
MODULES = {
    *("runtime_monitoring", "member_runtime_monitoring", "organization_runtime_monitoring", "instance_tags"),
    *("vpc_endpoint", "ssm_association", "eligibility_info", "coverage_info", "runtime_monitoring_info"),
    *("vpc_endpoint_info", "ssm_association_info", "agent_package_info", "coverage_wait"),
}
PLAYBOOKS = {"audit", "rollout", "tag", "upgrade", "offboard", "image"}
DESIGNED_BLOCKERS = {
    "not_running",
    "not_ssm_managed",
    "ssm_connection_lost",
    "exclusion_unreadable",
    "tag_ineffective",
    "beyond_scope",
    "agent_left_behind",
    "imds_off",
    "endpoint_missing",
    "endpoint_misconfigured",
    "vpc_dns_off",
    "os_unverified",
    "coverage_unhealthy",
    "not_reporting",
}


def is_one_sentence(text: str) -> bool:
    return bool(text) and text[0].isupper() and text.endswith(".") and ". " not in text and "  " not in text


@pytest.mark.parametrize("reason", REASONS.values(), ids=lambda reason: reason.code)
def test_reasons(reason: Reason) -> None:
    assert CODE.fullmatch(reason.code) and REASONS[reason.code] is reason
    assert is_one_sentence(reason.cause)
    assert reason.route in ROUTES
    assert not (reason.wanted and reason.route == "none")


@pytest.mark.parametrize("blocker", BLOCKERS.values(), ids=lambda blocker: blocker.code)
def test_blockers(blocker: Blocker) -> None:
    assert CODE.fullmatch(blocker.code) and BLOCKERS[blocker.code] is blocker
    assert is_one_sentence(blocker.cause) and is_one_sentence(blocker.remedy)


@pytest.mark.parametrize("fix", sorted({blocker.fix for blocker in BLOCKERS.values() if blocker.fix}))
def test_a_fix_is_a_module_or_playbook_of_the_collection(fix: str) -> None:
    namespace, collection, name = fix.split(".")
    assert (namespace, collection) == ("fleetsec", "guardduty")
    assert name in MODULES | PLAYBOOKS


def test_the_designed_blockers_are_all_there() -> None:
    assert set(BLOCKERS) >= DESIGNED_BLOCKERS
    assert list(BLOCKER_ORDER.items()) == [(code, position) for position, code in enumerate(BLOCKERS)]


def test_contradictions_are_the_three_that_also_fit_who_is_not_wanted() -> None:
    assert {code for code, blocker in BLOCKERS.items() if blocker.contradiction} == {
        "exclusion_unreadable",
        "tag_ineffective",
        "agent_left_behind",
    }


def test_values() -> None:
    assert SCOPES == ("all", "selected")
    assert TAG_STATES == ("included", "excluded", "absent", "ineffective")
    assert ROUTES == ("guardduty", "ssm", "package", "none")
    assert ENDPOINT_STATES == ("available", "pending", "missing", "misconfigured", "unknown")
    assert set(SSM_STATES) == {"online", "lost", "absent", "unknown"}
    assert set(COVERAGE_STATES) == {"healthy", "unhealthy", "absent", "unknown"}
