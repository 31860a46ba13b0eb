# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside a lab, which make hosts makes: the scenarios, run once, and the hosts that they leave behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from lab import scenarios
from lab.network import MOLECULE


def pytest_configure() -> None:
    if "GD_LAB_NAME" not in os.environ:
        pytest.exit("These tests need test hosts around them: run make hosts.", returncode=4)


@pytest.fixture(scope="session")
def molecule() -> scenarios.Molecule:
    return scenarios.run_molecule(scenarios.chosen())


@pytest.fixture
def on_hosts(ansible_adhoc: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Run a module on the live hosts of a scenario: host name to result."""

    def run(scenario: str, module: str, *arguments: str, **options: Any) -> dict[str, Any]:
        manager = ansible_adhoc(inventory=str(MOLECULE / "inventory"), host_pattern=scenario)
        return dict(getattr(manager[scenario], module)(*arguments, **options).contacted)

    return run
