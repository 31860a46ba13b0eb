# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's filters: what decide/ computes, for templates and playbooks. Each is documented in a file of its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.decide.fleet.summary import summarize_rows
from ..module_utils.decide.report.document import ReportError, parse, report
from ..module_utils.decide.report.text import md_code, to_csv, to_json
from ..module_utils.decide.report.view import view


def in_a_sentence(function: Callable[..., Any]) -> Callable[..., Any]:
    """What the user can cause ends in a sentence: a report that cannot be read, or a value that is no row."""

    @wraps(function)
    def filtered(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except ReportError as error:
            raise AnsibleFilterError(str(error)) from None
        except (AttributeError, KeyError, TypeError) as error:
            raise AnsibleFilterError(
                f"{function.__name__} needs what eligibility_info returns, or what the filter before it gave"
                f" ({type(error).__name__}: {error})."
            ) from None

    return filtered


def merged(
    fleet: Mapping[str, Any] | None = None,
    earlier: Mapping[str, str] | None = None,
    read: Mapping[str, Any] | None = None,
) -> str:
    """Text, since Ansible visits each value of a structure that a template gives: seconds for a fleet of 10,000."""
    return to_json(report(fleet or {}, earlier or {}, read or {}))


def as_csv(text: str) -> str:
    return to_csv(parse(text, "The report")["instances"])


def viewed(text: str, rows: int = 250) -> dict[str, Any]:
    return view(parse(text, "The report"), int(rows))


def summarized(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return summarize_rows(rows)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "markdown_code": md_code,
            "merge_reports": in_a_sentence(merged),
            "report_csv": in_a_sentence(as_csv),
            "report_view": in_a_sentence(viewed),
            "summarize_rows": in_a_sentence(summarized),
        }
