# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter of the playbook offboard, computed by decide/. It is documented in a file of its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils.decide.offboard.plan import Choice, Done, Fleet, offboard, refused, vpc_of
from ..module_utils.decide.offboard.text import left_text, steps_text
from ..module_utils.decide.verdict.rows import RowError, read_rows
from ..module_utils.model.codec import to_plain


def choice_of(variables: Mapping[str, Any]) -> Choice:
    """The playbook's variables, which an AWX survey gives as text."""
    given = dict(variables)
    for name in ("all_vpcs", "include_guardduty", "disable_monitoring"):
        given[name] = boolean(given[name])
    refusal = refused(given)
    if refusal is not None:
        raise AnsibleFilterError(refusal)
    del given["all_vpcs"]
    return Choice(**{**given, "vpc_ids": tuple(given["vpc_ids"])})


def offboard_plan(
    fleet: Mapping[str, Any],
    vpcs: Mapping[str, Any],
    variables: Mapping[str, Any],
    automation: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    uninstall: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    choice = choice_of(variables)
    try:
        known, endpoints = Fleet.of(fleet), read_rows(vpc_of, vpcs["vpcs"], "vpcs")
    except RowError as error:
        raise AnsibleFilterError(str(error)) from None
    plan = offboard(known, endpoints, choice, Done.of(automation, tags, uninstall))
    return {**to_plain(plan), "steps": steps_text(plan, known, choice), "left": left_text(plan)}


def refusal_of(variables: Mapping[str, Any]) -> str:
    try:
        choice_of(variables)
    except (AnsibleFilterError, TypeError) as error:
        return str(error)
    return ""


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"offboard_plan": offboard_plan, "offboard_refusal": refusal_of}
