# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake AWX rejects what AWX rejects: each rule finds its mistake."""

from __future__ import annotations

from typing import Any

import pytest
import standin

API = "/api/v2"
QUESTION: dict[str, Any] = {"question_name": "q", "variable": "v", "type": "text", "required": False}


@pytest.fixture
def awx() -> standin.Awx:
    made = standin.Awx(["a.yml"])
    for kind, body in (
        ("organizations", {"name": "o"}),
        ("projects", {"name": "p", "organization": 4, "scm_type": "git", "scm_url": "u"}),
        ("inventories", {"name": "i", "organization": 4}),
        ("job_templates", {"name": "t", "project": 5, "inventory": 6, "playbook": "a.yml", "survey_enabled": True}),
        ("workflow_job_templates", {"name": "w", "organization": 4}),
        ("workflow_job_template_nodes", {"identifier": "one", "workflow_job_template": 8}),
        ("workflow_job_template_nodes", {"identifier": "two", "workflow_job_template": 8}),
    ):
        assert post(made, kind, body) == 201
    assert post(made, "job_templates/7/survey_spec", survey({})) == 200
    return made


def survey(change: dict[str, Any]) -> dict[str, Any]:
    return {"name": "", "description": "", "spec": [{**QUESTION, **change}]}


def post(awx: standin.Awx, path: str, body: dict[str, Any]) -> int:
    try:
        return awx.answer("POST", f"{API}/{path}/", {}, body).status
    except standin.Answer as answer:
        return answer.status


SCHEDULE = {"name": "s", "unified_job_template": 7, "rrule": "DTSTART:20260101T020000Z RRULE:FREQ=DAILY;INTERVAL=1"}
INJECTED = {"inputs": {"fields": [{"id": "a", "label": "a", "type": "string"}]}}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("organizations", {"name": "o"}),
        ("labels", {"name": "l"}),
        ("labels", {"name": "l", "organization": 99}),
        ("projects", {"name": "q", "organization": 4, "scm_type": "git"}),
        ("inventory_sources", {"name": "s", "inventory": 6, "source": "scm"}),
        ("job_templates", {"name": "u", "project": 5, "inventory": 6, "playbook": "b.yml"}),
        ("job_templates", {"name": "u", "project": 5, "playbook": "a.yml"}),
        ("job_templates/7/survey_spec", survey({"type": "number"})),
        ("job_templates/7/survey_spec", survey({"type": "integer", "default": "1"})),
        ("job_templates/7/survey_spec", survey({"type": "multiplechoice", "choices": ["a"], "default": "b"})),
        ("job_templates/7/labels", {"id": 99}),
        ("schedules", {**SCHEDULE, "rrule": "RRULE:FREQ=DAILY;INTERVAL=1"}),
        ("schedules", {**SCHEDULE, "rrule": "DTSTART:20260101T020000Z RRULE:FREQ=DAILY"}),
        ("schedules", {**SCHEDULE, "job_type": "check"}),
        ("schedules", {**SCHEDULE, "extra_data": {"other": "1"}}),
        ("schedules", {**SCHEDULE, "extra_data": {"v": 1}}),
        ("credential_types", {"name": "c", "kind": "ssh"}),
        ("credential_types", {"name": "c", "kind": "cloud", **INJECTED, "injectors": {"env": {"X": "{{ b }}"}}}),
        ("notification_templates", {"name": "n", "organization": 4, "notification_type": "webhook"}),
        ("workflow_job_template_nodes/9/success_nodes", {"id": 9}),
    ],
)
def test_a_mistake_is_refused(awx: standin.Awx, path: str, body: dict[str, Any]) -> None:
    assert post(awx, path, body) == 400


def test_what_is_right_is_taken(awx: standin.Awx) -> None:
    assert post(awx, "schedules", {**SCHEDULE, "extra_data": {"v": "1"}}) == 201
    assert post(awx, "workflow_job_template_nodes/9/success_nodes", {"id": 10}) == 204
    assert post(awx, "workflow_job_template_nodes/10/success_nodes", {"id": 9}) == 400
    injectors = {"env": {"X": "{{ a }}"}}
    assert post(awx, "credential_types", {"name": "c", "kind": "cloud", **INJECTED, "injectors": injectors}) == 201
