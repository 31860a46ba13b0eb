# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ssm_association, and the desired association that they state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..decide.association.desired import DesiredAssociation
from ..decide.association.settings import from_options
from ..decide.tag_rules import as_texts

TARGETS: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "key": {"type": "str", "required": True, "no_log": False},
        "values": {"type": "list", "elements": "str", "required": True},
    },
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", "absent", "run"], "default": "present"},
    "association_name": {"type": "str"},
    "document_name": {"type": "str"},
    "document_version": {"type": "str"},
    "parameters": {"type": "dict"},
    "targets": TARGETS,
    "target_tags": {"type": "dict"},
    "instance_ids": {"type": "list", "elements": "str"},
    "schedule_expression": {"type": "str"},
    "schedule_offset": {"type": "int"},
    "apply_only_at_cron_interval": {"type": "bool"},
    "max_concurrency": {"type": "str"},
    "max_errors": {"type": "str"},
    "compliance_severity": {"type": "str", "choices": ["CRITICAL", "HIGH", "MEDIUM", "LOW", "UNSPECIFIED"]},
    "sync_compliance": {"type": "str", "choices": ["AUTO", "MANUAL"]},
    "output_location": {
        "type": "dict",
        "options": {
            "s3_bucket_name": {"type": "str"},
            "s3_key_prefix": {"type": "str", "no_log": False},
            "s3_region": {"type": "str"},
        },
    },
    "calendar_names": {"type": "list", "elements": "str"},
    "target_locations": {
        "type": "list",
        "elements": "dict",
        "options": {
            "accounts": {"type": "list", "elements": "str"},
            "regions": {"type": "list", "elements": "str"},
            "target_location_max_concurrency": {"type": "str"},
            "target_location_max_errors": {"type": "str"},
            "execution_role_name": {"type": "str"},
            "include_child_organization_units": {"type": "bool"},
            "exclude_accounts": {"type": "list", "elements": "str"},
            "targets": TARGETS,
            "targets_max_concurrency": {"type": "str"},
            "targets_max_errors": {"type": "str"},
        },
    },
    "alarm_configuration": {
        "type": "dict",
        "options": {
            "alarm_name": {"type": "str"},
            "ignore_poll_alarm_failure": {"type": "bool", "default": False},
        },
    },
    "duration": {"type": "int"},
    "dispatch_assume_role_arn": {"type": "str"},
    "tags": {"type": "dict"},
    "purge_tags": {"type": "bool", "default": True},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 900},
}
RULES: dict[str, Any] = {
    "mutually_exclusive": [("targets", "target_tags", "instance_ids")],
    "required_one_of": [("association_name", "targets", "target_tags", "instance_ids")],
}


def desired_from(params: Mapping[str, Any]) -> DesiredAssociation:
    tags = params["tags"]
    return DesiredAssociation(
        state=params["state"],
        settings=from_options(params),
        tags=None if tags is None else as_texts(tags),
        purge_tags=params["purge_tags"],
    )
