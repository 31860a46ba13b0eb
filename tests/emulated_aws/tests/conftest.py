# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server for the whole session, started as its users start it; each test loads its own world."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from served import PACKAGE, Served, Server


@pytest.fixture(scope="session", autouse=True)
def _no_real_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whatever a test forgets, it reaches no real account and reads no real credentials."""
    nowhere = tmp_path_factory.mktemp("aws")
    settings = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(nowhere / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(nowhere / "credentials"),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("server"), {**os.environ, "PYTHONPATH": str(PACKAGE)})
    yield started
    assert started.stop() == 0


@pytest.fixture
def aws(server: Server) -> Iterator[Served]:
    """The served world. A test that met an answer which real AWS would not give fails at its end."""
    served = Served(server.url)
    yield served
    assert served.get("violations") == served.expected_violations
