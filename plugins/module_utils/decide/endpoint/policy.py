# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy of an endpoint: the desired one, and whether two policies are equivalent.

The presets are in playbooks/templates/endpoint_policy.json.j2.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from .policy_template import BadPolicy, rendered, require_policy, require_template

PRESETS = ("account", "organization", "open")


# AWS's default for an endpoint without a policy (PrivateLink guide, "Control access to VPC endpoints").
ALLOWS_EVERYTHING = '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}'


@dataclass(frozen=True, slots=True)
class Place:
    """The VPC whose endpoint gets a policy."""

    account_id: str
    region: str
    partition: str
    vpc_id: str
    service_name: str


@dataclass(frozen=True, slots=True)
class DesiredPolicy:
    """C(preset) None, and neither C(text) nor C(template): an existing policy is left alone as long as it allows the account.

    C(source) is the text of the user's C(template), or of the collection's template with the presets.
    """

    preset: str | None = None
    organization_id: str | None = None
    accounts: tuple[str, ...] = ()
    text: str | None = None
    template: str | None = None
    source: str = ""

    @property
    def explicit(self) -> bool:
        return self.preset is not None or self.text is not None or self.template is not None

    def refused(self) -> str | None:
        """Why the desired policy is invalid, or None."""
        try:
            if self.text is not None:
                require_policy(self.text, "policy_json")
            elif self.source:
                require_template(self.source, self._name)
        except BadPolicy as error:
            return str(error)
        bad = [account for account in self.accounts if not (account.isdigit() and len(account) == 12)]
        return f"policy_accounts has {', '.join(bad)}; use account ids of 12 digits." if bad else None

    def document(self, place: Place) -> str:
        """The policy for a VPC, as JSON; raises BadPolicy if the template does not render to one."""
        if self.text is not None:
            return self.text
        values = {
            **asdict(place),
            "policy": self.preset or "account",
            "organization_id": self.organization_id,
            "extra_accounts": sorted(set(self.accounts)),
        }
        return rendered(self.source, self._name, values)

    @property
    def _name(self) -> str:
        return f"policy_template {self.template}" if self.template else "the policy template of the collection"


def same_policy(one: str | None, other: str | None) -> bool:
    """Whether two policies are equivalent. None is the policy that allows everything, AWS's default."""
    return canonical(one) == canonical(other)


def canonical(policy: str | None) -> str:
    """The policy as text, independent of spacing, of the order of keys and values, and of lists of one element."""
    if policy is None:
        policy = ALLOWS_EVERYTHING
    try:
        document = json.loads(policy)
    except ValueError:
        return policy
    # The version affects only policy variables (IAM user guide, "Version").
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
