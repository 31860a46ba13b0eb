# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that are not AWS's, such as a proxy's login page with status 200: a problem and unknown data, no traceback."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from wire import ACCOUNT, REGION

from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client.access import (
    Access,
    Connection,
    Credentials,
    Target,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.fleet.snapshot import ReadScope, observe

NOTHING = {"instances": False, "ssm": False, "network": False, "detector": False}
PAGE = b"<html><body>Please log in</body></html>"
CUT = b'{"InstanceProperties": [{"InstanceId": "i-'


class Raw:
    """The body of an answer as it came over the network."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, *dummy: Any, **__: Any) -> Any:
        yield self.body


def fleet(body: bytes, word: str) -> Any:
    access = Access(Connection(credentials=Credentials("AKIDUNITTESTONLY", "unit-secret-7f3a", None)))
    access.session.register(
        "before-send",
        lambda request, **dummy: AWSResponse(request.url, 200, {"Content-Type": "text/html"}, Raw(body)),
    )
    return observe([Target(ACCOUNT, REGION, "aws", access)], ReadScope(**{**NOTHING, word: True}))


@pytest.mark.parametrize(
    ("word", "unknown", "body"),
    [
        pytest.param(word, unknown, body, marks=marks)
        for word, unknown, body, marks in (
            ("instances", "instances", b"", ()),
            ("instances", "instances", CUT, ()),
            ("instances", "instances", PAGE, ()),
            ("ssm", "ssm", b"", ()),
            ("ssm", "ssm", CUT, ()),
            ("ssm", "ssm", PAGE, ()),
            ("detector", "detector", b"", ()),
            ("detector", "detector", PAGE, ()),
        )
    ],
)
def test_an_answer_that_is_not_of_aws(word: str, unknown: str, body: bytes) -> None:
    snapshot = fleet(body, word)
    assert unknown in snapshot.areas[0].unknown
    assert "The response was truncated or is not from AWS" in str(snapshot.problems[0])
