# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An endpoint policy from a Jinja2 template, and the errors of both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment, Template

# The most characters that an endpoint policy may have (PrivateLink guide, quotas).
MOST_CHARACTERS = 20480
# The variables of a template.
VARIABLES = (
    *("account_id", "extra_accounts", "organization_id", "partition", "policy", "region", "service_name", "vpc_id"),
)


class BadPolicy(Exception):
    """A text is not a valid policy, or a template does not render to one; the message states the reason."""


def require_template(source: str, name: str) -> None:
    """Raise BadPolicy for errors of a template that do not depend on the values of its variables.

    C(name): the template's name in errors. An unknown variable is an error even if this rendering does not use it.
    """
    _template(source, name)
    from jinja2 import meta

    environment = _environment()
    used = meta.find_undeclared_variables(environment.parse(source))
    unknown = sorted(used - set(VARIABLES) - set(environment.globals))
    if unknown:
        raise BadPolicy(f"{name} uses the unknown variables {', '.join(unknown)}. Use only {', '.join(VARIABLES)}.")


def rendered(source: str, name: str, values: Mapping[str, Any]) -> str:
    """The policy that a template renders with these values."""
    from jinja2 import TemplateError

    if not source:
        raise BadPolicy("policy_source is empty: run vpc_endpoint as a task, so that the controller fills it in.")
    try:
        text = _template(source, name).render(values)
    except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError) as error:
        raise BadPolicy(f"{name} cannot be rendered for {values['vpc_id']}: {error}.") from error
    return require_policy(text, f"{name}, rendered for {values['vpc_id']},")


def require_policy(text: str, name: str) -> str:
    """The policy as JSON without unnecessary spaces, which count towards AWS's limit."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadPolicy(f"{name} is not valid JSON: {error}.") from error
    if not isinstance(document, dict) or "Statement" not in document:
        raise BadPolicy(f"{name} is not a valid policy: it has no Statement.")
    policy = json.dumps(document)
    if len(policy) > MOST_CHARACTERS:
        raise BadPolicy(
            f"{name} has {len(policy)} characters; an endpoint policy may have at most {MOST_CHARACTERS}. Shorten it."
        )
    return policy


@lru_cache
def _template(source: str, name: str) -> Template:
    from jinja2 import TemplateSyntaxError

    try:
        return _environment().from_string(source)
    except TemplateSyntaxError as error:
        raise BadPolicy(f"{name} is not a valid Jinja2 template: {error.message} (line {error.lineno}).") from error


@lru_cache
def _environment() -> Environment:
    try:
        from jinja2 import StrictUndefined
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError as error:
        raise BadPolicy("Endpoint policies require jinja2 where the module runs, such as on the controller.") from error
    # The options of Ansible's template module.
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True)
    environment.filters["to_json"] = json.dumps
    return environment
