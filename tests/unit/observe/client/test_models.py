# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick loader returns botocore's own models, from botocore's own search paths."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import botocore.session
import pytest
from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader

from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client.access import Access, Connection
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client.models import Models

COLLECTION = Path(__file__).resolve().parents[4]
CLIENTS = re.compile(r"client\(\"(\w+)\"")
SERVICES = sorted(
    {
        name
        for file in (COLLECTION / "plugins").rglob("*.py")
        for name in CLIENTS.findall(file.read_text(encoding="utf-8"))
    }
)


def models(*paths: Path) -> tuple[Models, Loader]:
    """Our loader and botocore's, with the same search paths."""
    theirs = botocore.session.Session().get_component("data_loader")
    theirs.search_paths[:0] = map(str, paths)
    return Models(theirs), theirs


def test_the_services_are_found() -> None:
    assert {"ec2", "guardduty", "ssm", "sts"} <= set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_the_models_are_those_of_botocore(service: str) -> None:
    ours, theirs = models()
    for kind in ("service-2", "paginators-1", "waiters-2", "endpoint-rule-set-1"):
        found = []
        for loader in (ours, theirs):
            try:
                found.append(loader.load_service_model(service, kind))
            except DataNotFoundError:  # not every service has waiters
                found.append(None)
        assert found[0] == found[1], kind


def test_other_data_are_those_of_botocore() -> None:
    ours, theirs = models()
    for name in ("endpoints", "partitions", "_retry", "sdk-default-configuration"):
        assert ours.load_data(name) == theirs.load_data(name)


def test_a_session_of_ours_has_it() -> None:
    session = Access(Connection()).session
    assert isinstance(session.get_component("data_loader"), Models)
    assert "eu-west-1" in session.get_available_regions("ec2")


def test_models_of_the_user_go_first_packed_or_not(tmp_path: Path) -> None:
    for number, (suffix, pack) in enumerate(((".json", bytes), (".json.gz", gzip.compress))):
        version = tmp_path / f"s{number}" / "2026-01-01"
        version.mkdir(parents=True)
        (version / f"service-2{suffix}").write_bytes(pack(json.dumps({"number": number}).encode()))
    ours, theirs = models(tmp_path)
    for number in (0, 1):
        found = ours.load_service_model(f"s{number}", "service-2")
        assert found == theirs.load_service_model(f"s{number}", "service-2") == {"number": number}


def test_a_broken_model_is_left_to_botocore_to_name(tmp_path: Path) -> None:
    version = tmp_path / "odd" / "2026-01-01"
    version.mkdir(parents=True)
    (version / "service-2.json").write_bytes(b"{")
    ours, theirs = models(tmp_path)
    for loader in (ours, theirs):
        with pytest.raises(ValueError):
            loader.load_service_model("odd", "service-2")


def test_what_is_nowhere_is_not_found() -> None:
    ours, _theirs = models()
    with pytest.raises(DataNotFoundError):
        ours.load_service_model("nothing-of-the-kind", "service-2")
