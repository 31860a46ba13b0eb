# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine that fetches answers: a bastion may lie, but it names no file on the controller."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fleetsec.guardduty.plugins.action.agent_package import answered
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.records import NotValid

ROW = {"version": "1.17.1", "format": "deb", "architecture": "x86_64", "name": "agent.deb"}


def test_rows_for_requested_packages_are_read() -> None:
    assert answered({"packages": [ROW | {"path": "/x", "size": 9}]}, [ROW])[0].path == "/x"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "packages is of the type NoneType, expected list"),
        ({"packages": [1]}, r"packages\[0\] is of the type int"),
        ({"packages": [ROW | {"failed": "no"}]}, r"packages\[0\].failed is of the type str, expected bool"),
        ({"packages": [ROW, ROW | {"name": "../../etc/cron.d/x"}]}, r"packages\[1\] was not requested"),
        ({"packages": [ROW | {"version": "1.16.0"}]}, r"packages\[0\] was not requested"),
    ],
)
def test_any_other_answer_is_not_valid(said: dict[str, Any], words: str) -> None:
    with pytest.raises(NotValid, match=words):
        answered(said, [ROW])
