# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy of an endpoint: what is wanted, and whether two policies mean the same.

The shape of the presets is GuardDuty's: everything is allowed, and then denied to whoever is not of the account or of the
organization (GuardDuty user guide, "Creating Amazon VPC endpoint manually" and "Using shared VPC with Runtime
Monitoring").
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PRESETS = ("account", "organization", "open")
# The most characters that an endpoint policy may have (PrivateLink guide, quotas).
MOST_CHARACTERS = 20480


@dataclass(frozen=True, slots=True)
class PolicyWish:
    """C(preset) None and C(text) None: an existing policy is left alone as long as it lets the account in."""

    preset: str | None = None
    organization_id: str | None = None
    accounts: tuple[str, ...] = ()
    text: str | None = None

    @property
    def explicit(self) -> bool:
        return self.preset is not None or self.text is not None

    def refused(self) -> str | None:
        """Why the wish cannot be granted, or None."""
        if self.text is None:
            bad = [account for account in self.accounts if not (account.isdigit() and len(account) == 12)]
            return f"policy_accounts takes account ids of 12 digits, not {', '.join(bad)}." if bad else None
        try:
            document = json.loads(self.text)
        except ValueError as error:
            return f"policy_json is not JSON: {error}."
        if not isinstance(document, dict) or "Statement" not in document:
            return "policy_json is no policy: it has no Statement."
        if len(self.text) > MOST_CHARACTERS:
            return f"policy_json has {len(self.text)} characters; an endpoint policy may have {MOST_CHARACTERS}."
        return None

    def document(self, account_id: str) -> str:
        """The policy for a VPC of this account, as JSON."""
        if self.text is not None:
            return self.text
        return json.dumps({"Version": "2012-10-17", "Statement": self._statements(account_id)})

    def _statements(self, account_id: str) -> list[dict[str, Any]]:
        everybody = {"Principal": "*", "Action": "*", "Resource": "*"}
        allow = {"Effect": "Allow", **everybody}
        if self.preset == "open":
            return [allow]
        # Keys within one operator must all mismatch for the Deny to hold, so naming accounts beside the organization
        # lets both in (IAM user guide, "Conditions with multiple context keys or values").
        if self.preset == "organization":
            outside: dict[str, Any] = {"aws:PrincipalOrgID": self.organization_id}
            if self.accounts:
                outside["aws:PrincipalAccount"] = _one_or_many(sorted(set(self.accounts)))
        else:
            outside = {"aws:PrincipalAccount": _one_or_many(sorted({account_id, *self.accounts}))}
        return [allow, {"Effect": "Deny", **everybody, "Condition": {"StringNotEquals": outside}}]


def same_policy(one: str | None, other: str | None) -> bool:
    """Whether two policies say the same. No policy is the policy that allows everything, which AWS sets by default."""
    return canonical(one) == canonical(other)


def canonical(policy: str | None) -> str:
    """The policy as text that does not depend on spacing, on the order of keys and values, or on lists of one."""
    if policy is None:
        policy = PolicyWish("open").document("")
    try:
        document = json.loads(policy)
    except ValueError:
        return policy
    # The version decides about policy variables only (IAM user guide, "Version").
    if isinstance(document, dict) and "${" not in policy:
        document.pop("Version", None)
    return json.dumps(_normal(document), sort_keys=True)


def _normal(value: Any) -> Any:
    if isinstance(value, dict):
        return "*" if value == {"AWS": "*"} else {key: _normal(item) for key, item in value.items()}
    if isinstance(value, list):
        items = sorted((_normal(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
        return items[0] if len(items) == 1 else items
    return value


def _one_or_many(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)
