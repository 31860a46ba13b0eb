# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of object of AWX 24.6.1: fields, what they refer to, what must be unique, what can be associated.

From AWX's models and serializers (awx/main/models, awx/api/serializers.py), as far as this collection's objects go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NOTIFIED = {f"notification_templates_{event}": "notification_templates" for event in ("started", "success", "error")}
PROMPTED = (
    "inventory",
    "limit",
    "scm_branch",
    "job_type",
    "diff_mode",
    "verbosity",
    "forks",
    "job_slice_count",
    "timeout",
)
# Which switch of a template lets a launch set a field; the other fields have the switch of their own name.
ASKS = {name: f"ask_{name}_on_launch" for name in (*PROMPTED, "execution_environment")} | {
    "job_tags": "ask_tags_on_launch",
    "skip_tags": "ask_skip_tags_on_launch",
}
LAUNCHED: dict[str, Any] = dict.fromkeys(ASKS) | {"extra_data": {}}


@dataclass(frozen=True)
class Kind:
    type: str
    required: tuple[str, ...]
    unique: tuple[str, ...] = ("name",)
    refers: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    associated: Mapping[str, str] = field(default_factory=dict)


OWNED = {"organization": "organizations"}
JOB_FIELDS = {
    "job_type": "run",
    "limit": "",
    "verbosity": 0,
    "forks": 0,
    "timeout": 0,
    "extra_vars": "",
    "job_tags": "",
}
ASKED = dict.fromkeys((*ASKS.values(), "ask_variables_on_launch", "ask_credential_on_launch"), False)
KINDS: dict[str, Kind] = {
    "organizations": Kind(
        "organization",
        ("name",),
        associated={**NOTIFIED, "notification_templates_approvals": "notification_templates"},
    ),
    "labels": Kind("label", ("name", "organization"), ("name", "organization"), OWNED),
    "credential_types": Kind("credential_type", ("name", "kind"), defaults={"inputs": {}, "injectors": {}}),
    "credentials": Kind(
        "credential",
        ("name", "credential_type"),
        ("name", "organization", "credential_type"),
        {**OWNED, "credential_type": "credential_types"},
        {"inputs": {}},
    ),
    "execution_environments": Kind(
        "execution_environment", ("name", "image"), refers={**OWNED, "credential": "credentials"}, defaults={"pull": ""}
    ),
    "notification_templates": Kind(
        "notification_template", ("name", "notification_type", "organization"), ("name", "organization"), OWNED
    ),
    "projects": Kind(
        "project",
        ("name",),
        ("name", "organization"),
        {**OWNED, "default_environment": "execution_environments", "credential": "credentials"},
        {"scm_type": "", "scm_url": "", "scm_branch": "", "scm_revision": "", "status": "successful"},
        NOTIFIED,
    ),
    "inventories": Kind(
        "inventory",
        ("name", "organization"),
        ("name", "organization"),
        OWNED,
        {"kind": "", "host_filter": None, "variables": ""},
    ),
    "inventory_sources": Kind(
        "inventory_source",
        ("name", "inventory"),
        ("name", "inventory"),
        {
            "inventory": "inventories",
            "source_project": "projects",
            "credential": "credentials",
            "execution_environment": "execution_environments",
        },
        {"source": "", "source_path": "", "overwrite": False, "overwrite_vars": False, "update_on_launch": False},
        NOTIFIED,
    ),
    "job_templates": Kind(
        "job_template",
        ("name", "playbook"),
        ("name", "organization"),
        {"inventory": "inventories", "project": "projects", "execution_environment": "execution_environments"},
        {**ASKED, **JOB_FIELDS, "survey_enabled": False, "diff_mode": False, "job_slice_count": 1},
        {**NOTIFIED, "credentials": "credentials", "labels": "labels"},
    ),
    "workflow_job_templates": Kind(
        "workflow_job_template",
        ("name",),
        ("name", "organization"),
        {**OWNED, "inventory": "inventories"},
        {**ASKED, "extra_vars": "", "limit": None, "survey_enabled": False},
        {**NOTIFIED, "notification_templates_approvals": "notification_templates", "labels": "labels"},
    ),
    "workflow_approval_templates": Kind("workflow_approval_template", ("name",), ("id",), defaults={"timeout": 0}),
    "workflow_job_template_nodes": Kind(
        "workflow_job_template_node",
        ("workflow_job_template",),
        ("identifier", "workflow_job_template"),
        {"workflow_job_template": "workflow_job_templates", "unified_job_template": "unified_job_templates"},
        {**LAUNCHED, "unified_job_template": None, "all_parents_must_converge": False},
        dict.fromkeys(("success_nodes", "failure_nodes", "always_nodes"), "workflow_job_template_nodes"),
    ),
    "schedules": Kind(
        "schedule",
        ("name", "rrule", "unified_job_template"),
        ("name", "unified_job_template"),
        {"unified_job_template": "unified_job_templates"},
        {**LAUNCHED, "enabled": True},
    ),
}
# One list over several kinds
UNIFIED = ("projects", "inventory_sources", "job_templates", "workflow_job_templates", "workflow_approval_templates")
MANAGED_TYPES = (("Machine", "ssh"), ("Source Control", "scm"), ("Amazon Web Services", "cloud"))
