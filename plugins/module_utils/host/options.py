# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules for managed hosts, for the modules and the action plugins."""

from __future__ import annotations

from typing import Any

# GuardDuty user guide, "Installing the security agent manually": the fingerprint of AWS's signing key. decide/agent/packages.py
# repeats it, because a managed host has no decide/; tests/unit/host/test_trust.py checks that both are equal.
FINGERPRINT = "747891EF537813344456760306C906A7093FF49D"

# The options of agent_plan that the host fills in.
FACTS = ("architecture", "distribution", "distribution_version", "kernel")

PLAN: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "image", "absent"], "default": "present"},
    "version": {"type": "str", "default": "latest"},
    "version_policy": {"type": "str", "choices": ["pinned", "at_least", "exact"], "default": "pinned"},
    "allow_downgrade": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "strict": {"type": "bool", "default": False},
    "region": {"type": "str", "default": ""},
    "source": {"type": "str", "default": "bucket"},
    "limits": {"type": "dict"},
    "wanted": {"type": "bool"},
    "reason": {"type": "str"},
    "route": {"type": "str"},
    "architecture": {"type": "str"},
    "distribution": {"type": "str"},
    "distribution_version": {"type": "str"},
    "kernel": {"type": "str"},
    "memtotal_mb": {"type": "int"},
    "probe": {"type": "bool", "default": True},
    "probe_timeout": {"type": "int", "default": 3},
    "connect_timeout": {"type": "int", "default": 0},
}

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
