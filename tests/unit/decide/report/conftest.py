# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports of the synthetic fleets, written once for all tests."""

from __future__ import annotations

import pytest
from written import Runs, Written, write_all


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return write_all(tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="session")
def reports(runs: Runs) -> dict[str, Written]:
    return runs.reports
