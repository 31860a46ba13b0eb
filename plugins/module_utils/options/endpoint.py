# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of vpc_endpoint."""

from __future__ import annotations

from typing import Any

from ..decide.endpoint.desired import GROUP_NAME
from ..decide.endpoint.policy import PRESETS

STRINGS = {"type": "list", "elements": "str"}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "select": {"type": "str", "choices": ["listed", "needed"], "default": "listed"},
    "vpc_ids": STRINGS,
    "routes": {**STRINGS, "choices": ["guardduty", "ssm", "package"], "default": []},
    "subnet_ids": STRINGS,
    "security_group_ids": STRINGS,
    "security_group_name": {"type": "str", "default": GROUP_NAME},
    "policy": {"type": "str", "choices": list(PRESETS)},
    "organization_id": {"type": "str"},
    "policy_accounts": {**STRINGS, "default": []},
    "policy_json": {"type": "json"},
    "policy_template": {"type": "path"},
    "policy_source": {"type": "str"},
    "dns_attributes": {"type": "bool", "default": False},
    "fips": {"type": "bool", "default": False},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
    "include_guardduty": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 900},
    "progress_file": {"type": "path"},
}
RULES: dict[str, Any] = {
    "required_if": [("select", "listed", ["vpc_ids"]), ("policy", "organization", ["organization_id"])],
    "mutually_exclusive": [("policy", "policy_json", "policy_template"), ("policy_json", "policy_accounts")],
}
