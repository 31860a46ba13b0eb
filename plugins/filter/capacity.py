# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the playbook capacity. Each is documented in a file of its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.decide.agent.waves import WaveError
from ..module_utils.decide.capacity import CapacityError, lines, of_size, of_verdicts, plan
from ..module_utils.decide.report.document import ReportError, parse


def capacity_plan(
    fleet: str | Mapping[str, Any], means: Mapping[str, Any], waves: Sequence[str | int]
) -> dict[str, Any]:
    try:
        areas = of_size(fleet) if isinstance(fleet, Mapping) else of_verdicts(parse(fleet, "The report").verdicts)
        return plan(areas, means, waves)
    except (CapacityError, ReportError, WaveError) as error:
        raise AnsibleFilterError(str(error)) from None


def capacity_lines(planned: Mapping[str, Any]) -> list[str]:
    return lines(planned)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"capacity_plan": capacity_plan, "capacity_lines": capacity_lines}
