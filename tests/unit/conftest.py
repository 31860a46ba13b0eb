# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the collection importable by its full name, and property tests repeatable."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / ".cache"  # holds ansible_collections/fleetsec/guardduty, a link to the checkout (make setup)

if str(TREE) not in sys.path:
    sys.path.insert(0, str(TREE))

# The same examples everywhere, so that a failed run fails again, and more of them in CI. HYPOTHESIS_PROFILE=search searches
# further.
settings.register_profile("repeatable", derandomize=True, print_blob=True, deadline=None, max_examples=50)
settings.register_profile("ci", settings.get_profile("repeatable"), max_examples=200)
settings.register_profile(
    "search", print_blob=True, deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow]
)
DEFAULT_PROFILE = "ci" if os.environ.get("CI") == "true" else "repeatable"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", DEFAULT_PROFILE))


@pytest.fixture(autouse=True)
def nobody_to_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """No real credentials, no real profile, no real endpoint; other tests of the same run keep their environment."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "BOTO"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
