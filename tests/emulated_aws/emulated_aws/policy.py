# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoint policies: whether they allow an agent of this account.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html, as far as a VPC endpoint
policy for GuardDuty needs it: an explicit deny wins, and without an allow nothing passes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

AGENT_ACTION = "guardduty:SendSecurityTelemetry"
FULL_ACCESS = json.dumps({"Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]})


def parse(document: str) -> dict[str, Any] | None:
    """The policy, or None where AWS would call it malformed."""
    try:
        policy = json.loads(document)
    except ValueError:
        return None
    if not isinstance(policy, dict) or "Statement" not in policy:
        return None
    good = all(isinstance(s, dict) and s.get("Effect") in ("Allow", "Deny") for s in _list(policy["Statement"]))
    return policy if good else None


def lets_agents_in(document: str, account: str, context: Mapping[str, str]) -> bool:
    """Whether the policy lets agents of C(account) send telemetry. C(context) has global condition keys."""
    policy = parse(document)
    if policy is None:
        return False
    keys = {key.lower(): value for key, value in context.items()}
    effects = {s["Effect"] for s in _list(policy["Statement"]) if _applies(s, account, keys)}
    return "Allow" in effects and "Deny" not in effects


def _applies(statement: Mapping[str, Any], account: str, context: Mapping[str, str]) -> bool:
    return (
        _principal(statement, account)
        and _listed(statement, "Action", AGENT_ACTION.lower(), lower=True)
        and _listed(statement, "Resource", f"arn:aws:guardduty:*:{account}:detector/*")
        and all(_condition(operator, tests, context) for operator, tests in statement.get("Condition", {}).items())
    )


def _principal(statement: Mapping[str, Any], account: str) -> bool:
    named = statement.get("Principal", "*")
    names = _list(named) if not isinstance(named, dict) else _list(named.get("AWS", []))
    return bool({"*", account, f"arn:aws:iam::{account}:root"} & set(names))


def _listed(statement: Mapping[str, Any], element: str, value: str, lower: bool = False) -> bool:
    if f"Not{element}" in statement:
        return not _matches(value, statement[f"Not{element}"], lower)
    return _matches(value, statement.get(element, "*"), lower)


def _matches(value: str, patterns: Any, lower: bool) -> bool:
    return any(fnmatchcase(value, p.lower() if lower else p) for p in _list(patterns))


def _condition(operator: str, tests: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """One operator block: every key must hold. An operator that agents never meet is as if it did not hold."""
    name = operator.rpartition(":")[2].removesuffix("IfExists").lower()
    for key, wanted in tests.items():
        value = context.get(key.lower())
        if value is None and operator.endswith("IfExists"):
            continue
        values = [str(each) for each in _list(wanted)]
        if name in ("stringequals", "stringequalsignorecase"):
            held = value in values
        elif name in ("stringnotequals", "stringnotequalsignorecase"):
            held = value not in values
        elif name in ("stringlike", "arnlike", "arnequals"):
            held = value is not None and any(fnmatchcase(value, each) for each in values)
        elif name in ("stringnotlike", "arnnotlike", "arnnotequals"):
            held = value is None or not any(fnmatchcase(value, each) for each in values)
        elif name == "null":
            held = (value is None) == (values[0].lower() == "true")
        else:
            held = False
        if not held:
            return False
    return True


def lets_rule_send(document: str | None, queue_arn: str, rule_arn: str) -> bool:
    """Whether a queue's policy lets a rule of EventBridge send to it: without an allow EventBridge may not."""
    policy = parse(document) if document else None
    context = {"aws:sourcearn": rule_arn}
    effects = {
        statement["Effect"]
        for statement in (_list(policy["Statement"]) if policy else ())
        if (statement.get("Principal") == "*" or "events.amazonaws.com" in _services(statement))
        and _listed(statement, "Action", "sqs:sendmessage", lower=True)
        and _listed(statement, "Resource", queue_arn)
        and all(_condition(operator, tests, context) for operator, tests in statement.get("Condition", {}).items())
    }
    return effects == {"Allow"}


def _services(statement: Mapping[str, Any]) -> list[Any]:
    principal = statement.get("Principal")
    return _list(principal.get("Service", [])) if isinstance(principal, dict) else []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def for_accounts(key: str, value: str) -> str:
    """GuardDuty's own shape: everything is allowed, except to principals whose condition key is another."""
    everyone = {"Principal": "*", "Action": "*", "Resource": "*"}
    denial = {"Effect": "Deny", **everyone, "Condition": {"StringNotEquals": {key: value}}}
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **everyone}, denial]})
