# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GuardDuty's operations have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.guardduty.responses import GuardDutyResponse as MotoGuardDuty

from . import constraints, guardduty_state, paging
from .guardduty_detector import refused
from .wire import AwsError

Rows = Sequence[Any]


def invalid() -> AwsError:
    return refused("an invalid or out-of-range value is specified as an input parameter.")


class GuardDutyBase(MotoGuardDuty):
    """What every operation needs: checked parameters, the state, pages."""

    def checked_input(self) -> dict[str, Any]:
        self.parse_parameters(self.normalized_request)
        parameters: dict[str, Any] = self.params
        if constraints.violations("guardduty", self._get_action(), parameters):
            raise invalid()
        return parameters

    @property
    def state(self) -> guardduty_state.GuardDutyState:
        return guardduty_state.state(self.current_account, self.region)

    def paged(self, rows: Callable[[], Rows], parameters: Mapping[str, Any]) -> tuple[Rows, str | None]:
        # 1 to 50 (botocore); the default is documented for ListMembers only: 50.
        return paging.page(
            rows,
            parameters,
            default=50,
            maximum=50,
            bad_size=lambda dummy: invalid(),
            bad_token=invalid,
            scope=f"{self._get_action()} {self.current_account} {self.region}",
        )
