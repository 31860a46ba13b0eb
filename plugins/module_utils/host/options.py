# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of agent_package and agent_apply, for the modules and the action plugins."""

from __future__ import annotations

from typing import Any

# GuardDuty user guide, "Installing the security agent manually": the fingerprint of AWS's signing key. decide/agent/packages.py
# repeats it, because a managed host has no decide/; tests/unit/host/test_trust.py checks that both are equal.
FINGERPRINT = "747891EF537813344456760306C906A7093FF49D"

FETCH: dict[str, Any] = {
    "packages": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "version": {"type": "str", "required": True},
            "format": {"type": "str", "required": True, "choices": ["rpm", "deb"]},
            "architecture": {"type": "str", "required": True, "choices": ["x86_64", "arm64"]},
            "name": {"type": "str", "required": True},
            "package": {"type": "str", "required": True},
            "signature": {"type": "str", "required": True},
            # A location, not a secret; Ansible warns about the word key.
            "public_key": {"type": "str", "required": True, "no_log": False},
            "optional": {"type": "bool", "default": False},
        },
    },
    "fingerprints": {"type": "list", "elements": "str", "default": [FINGERPRINT]},
    "public_key": {"type": "str", "no_log": False},
    "sha256": {"type": "list", "elements": "str", "default": []},
    "cache_dir": {"type": "path", "default": "~/.cache/fleetsec-guardduty"},
    "timeout": {"type": "int", "default": 300},
    "retries": {"type": "int", "default": 3},
    "s3": {"type": "dict", "default": {}},
}

APPLY: dict[str, Any] = {
    "plan": {"type": "dict", "required": True},
    "packages": {"type": "list", "elements": "dict", "default": []},
    "packages_dir": {"type": "path"},
    "packages_on": {"type": "str", "choices": ["controller", "target"], "default": "controller"},
    "settle_seconds": {"type": "int", "default": 5},
    "rollback": {"type": "bool", "default": True},
    "watch": {"type": "bool", "default": False},
}
