# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching and caching packages: a real server with faults, folders, and several processes at once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ansible
import pytest
from made_packages import deb
from pythons import VERSIONS, interpreter

from ansible_collections.fleetsec.guardduty.plugins.module_utils.host import download, supply
from ansible_collections.fleetsec.guardduty.plugins.module_utils.host.cache import Cache, Unusable

ROOT = Path(__file__).resolve().parents[3]
CONTENT = deb("1.17.1", more=b"what a signature is concerned with\n" * 1000)
PACKAGE = "/1.17.1/amd64/amazon-guardduty-agent-1.17.1.amd64.deb"
PLACE = "1.17.1/deb-x86_64"


@pytest.fixture
def row(site: Any, keys: Any) -> dict[str, Any]:
    return site.offer(package=CONTENT, signature=keys.sign(CONTENT, "aws"), public_key=keys.public("aws"))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "FIRST_PAUSE", 0.01)


@pytest.mark.parametrize("fault", [500, 503, 429, 408, "reset", "short"])
def test_what_may_pass_is_tried_again(shop: Any, site: Any, row: dict[str, Any], fault: int | str) -> None:
    site.faults[PACKAGE] = [fault, fault]
    assert shop.one(row, retries=2)["msg"] == ""
    assert site.asked[PACKAGE] == 3


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (500, "answers 500"),
        ("reset", ""),
        ("short", f"of {len(CONTENT)} bytes"),
        ("slow", "not complete after 1 s"),
        ("endless", "larger than the maximum of 1 KiB"),
    ],
)
def test_what_does_not_pass_is_told_and_leaves_nothing(
    shop: Any, site: Any, row: dict[str, Any], fault: int | str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault == "endless":
        monkeypatch.setitem(supply.LIMITS, "package", 1024)
    site.faults[PACKAGE] = [fault, fault]
    result = shop.one(row, retries=1, timeout=1)
    assert result["failed"] and words in result["msg"] and site.url + PACKAGE in result["msg"]
    assert site.asked[PACKAGE] == (1 if fault == "endless" else 2)
    assert shop.kept() == []


@pytest.mark.parametrize(
    ("status", "words"),
    [(403, "S3 also answers this if the file does not exist"), (404, "layout"), (401, "credentials")],
)
def test_a_refusal_is_explained_and_not_tried_again(
    shop: Any, site: Any, row: dict[str, Any], status: int, words: str
) -> None:
    site.faults[PACKAGE] = [status]
    result = shop.one(row, retries=3)
    assert result["failed"] and words in result["msg"] and f"answers {status}" in result["msg"]
    assert site.asked[PACKAGE] == 1


def test_a_server_that_is_not_there_is_told(shop: Any, row: dict[str, Any]) -> None:
    nowhere = row | dict.fromkeys(("package", "signature", "public_key"), "http://127.0.0.1:9/x")
    assert "Connection refused" in shop.one(nowhere, retries=1)["msg"]
    assert "not a valid URL" in shop.one(row | {"public_key": "http://[oops"})["msg"]


def test_the_second_run_asks_for_nothing(shop: Any, site: Any, row: dict[str, Any]) -> None:
    first, asked = shop.one(row), dict(site.asked)
    second = shop.one(row)
    assert (first["downloaded"], second["downloaded"]) == (True, False)
    assert second == first | {"downloaded": False} and site.asked == asked


def test_rows_of_one_package_are_ways_to_it(shop: Any, site: Any, row: dict[str, Any]) -> None:
    """Hosts of two regions: each has its own bucket, with the same package in it."""
    elsewhere = row | {what: f"{site.url}/elsewhere{row[what][len(site.url) :]}" for what in ("package", "public_key")}
    result = shop.one(elsewhere | {"optional": True}, row, row)
    assert (result["failed"], result["optional"], site.asked[PACKAGE]) == (False, False, 1)
    assert "elsewhere" in shop.one(elsewhere | {"version": "1.16.0"})["msg"]


def altered(place: Path) -> None:
    path = next(place.glob("*.deb"))
    path.write_bytes(path.read_bytes()[:-1] + b"X")


def linked(place: Path) -> None:
    path = next(place.glob("*.deb"))
    path.rename(place.parent.parent / "elsewhere.deb")
    path.symlink_to(place.parent.parent / "elsewhere.deb")


def linked_as_a_whole(place: Path) -> None:
    target = place.parent.parent / "elsewhere"
    shutil.rmtree(target, ignore_errors=True)
    place.rename(target)
    place.symlink_to(target)


def emptied(place: Path) -> None:
    for path in place.iterdir():
        path.unlink()


@pytest.mark.parametrize("damage", [altered, linked, linked_as_a_whole, emptied])
def test_a_bad_package_in_the_cache_is_fetched_anew(shop: Any, site: Any, row: dict[str, Any], damage: Any) -> None:
    shop.one(row)
    damage(shop.cache / PLACE)
    result = shop.one(row)
    path = Path(result["path"])
    assert result["downloaded"] and not path.is_symlink() and path.read_bytes() == CONTENT
    assert not path.parent.is_symlink() and len(shop.warnings) == 1 and "fetched again" in shop.warnings[0]
    site.files.clear()
    damage(shop.cache / PLACE)
    assert shop.one(row)["failed"] and not (shop.cache / PLACE).exists(), (
        "a bad one is gone, even with nothing in its place"
    )


def test_what_an_interrupted_run_left_is_cleared(shop: Any, row: dict[str, Any]) -> None:
    for name in ("1.17.1-deb-x86_64", "9.9.9-rpm-arm64"):
        (shop.cache / ".staging" / name / "new").mkdir(parents=True)
        (shop.cache / ".staging" / name / "new" / row["name"]).write_text("half")
    assert shop.one(row)["msg"] == ""
    assert list((shop.cache / ".staging").iterdir()) == []


def test_what_a_run_leaves_that_dies_while_another_waits_is_cleared(tmp_path: Path) -> None:
    cache = Cache(str(tmp_path), keep=True)
    cache.prepare()
    (tmp_path / ".staging" / "1.17.1-deb-x86_64" / "new").mkdir(parents=True)
    with cache.prepared("1.17.1", "deb-x86_64", 0) as folder:
        assert os.listdir(folder) == []
        with pytest.raises(Unusable, match="Another run"), cache.prepared("1.17.1", "deb-x86_64", 0):
            pytest.fail("two at a time")


@pytest.mark.parametrize("cached", [False, True])
def test_check_mode_fetches_and_keeps_nothing(shop: Any, site: Any, row: dict[str, Any], cached: bool) -> None:
    if cached:
        shop.one(row)
    before = shop.kept()
    predicted = shop.one(row, keep=False)
    assert shop.kept() == before and shop.cache.exists() == cached
    assert predicted == shop.one(row)


def test_check_mode_predicts_a_refusal(shop: Any, site: Any, keys: Any) -> None:
    row = site.offer(package=CONTENT, signature=keys.sign(b"other", "aws"), public_key=keys.public("aws"))
    predicted = shop.one(row, keep=False)
    assert "does not match" in predicted["msg"] and predicted == shop.one(row)


def test_a_cache_that_others_can_change_is_not_used(shop: Any, row: dict[str, Any]) -> None:
    shop.cache.mkdir()
    shop.cache.chmod(0o777)
    for keep in (True, False):
        with pytest.raises(Unusable, match="is writable by everybody"):
            shop.one(row, keep=keep)
    shop.cache.rmdir()
    shop.cache.write_text("")
    with pytest.raises(Unusable):
        shop.one(row)


@pytest.mark.parametrize("layout", ["layout", "flat", "both arm64"])
def test_a_folder_is_a_source(shop: Any, keys: Any, tmp_path: Path, layout: str) -> None:
    """AWS's layout, one folder for all, and a signature beside each package: no network is needed."""
    mirror, content = tmp_path / "mirror", deb("1.17.1", "arm64")
    name = "amazon-guardduty-agent-1.17.1.arm64"
    deep = mirror / "1.17.1" / "arm64" if layout == "layout" else mirror
    deep.mkdir(parents=True)
    (deep / f"{name}.deb").write_bytes(content)
    (deep / f"{name}.sig").write_bytes(keys.sign(b"the RPM" if layout == "both arm64" else content, "aws"))
    if layout == "both arm64":
        (deep / f"{name}.deb.sig").write_bytes(keys.sign(content, "aws"))
    (mirror / "1.17.1" if layout == "layout" else mirror).joinpath("publickey.pem").write_bytes(keys.public("aws"))
    row = {"version": "1.17.1", "format": "deb", "architecture": "arm64", "name": f"{name}.deb", "optional": False}
    row |= {what: f"{mirror}/1.17.1/arm64/{name}.{end}" for what, end in (("package", "deb"), ("signature", "sig"))}
    assert shop.one(row | {"public_key": f"{mirror}/1.17.1/publickey.pem"})["msg"] == ""
    (deep / f"{name}.deb").unlink()
    shop.cache = tmp_path / "another"
    assert (
        f"failed: {mirror}/1.17.1/arm64/{name}.deb and {mirror}/{name}.deb do not exist."
        in shop.one(row | {"public_key": f"{mirror}/1.17.1/publickey.pem"})["msg"]
    )


def start(
    module: str, options: Mapping[str, Any], program: str = sys.executable, path: str = str(ROOT / ".cache")
) -> subprocess.Popen[str]:
    """A module as a process of its own, by its full name as AnsiballZ runs it."""
    command = [program, "-m", f"ansible_collections.fleetsec.guardduty.plugins.modules.{module}"]
    environment = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdin
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": dict(options)}))
    process.stdin.close()
    return process


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout
    text = process.stdout.read()
    process.wait()
    answer: dict[str, Any] = json.loads(text)
    assert (process.returncode == 1) == answer.get("failed", False)
    return answer


def arguments(shop: Any, keys: Any, row: dict[str, Any]) -> dict[str, Any]:
    return {"packages": [row], "cache_dir": str(shop.cache), "fingerprints": [keys.fingerprints["aws"]]}


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_old_pythons_of_managed_hosts_run_the_modules(
    version: tuple[int, int], shop: Any, site: Any, keys: Any, row: dict[str, Any], tmp_path: Path
) -> None:
    program = interpreter(version)
    (tmp_path / "ansible").symlink_to(Path(ansible.__file__).parent)
    path = f"{tmp_path}:{ROOT / '.cache'}"
    made = finished(start("agent_package", arguments(shop, keys, row), program, path))
    assert made["changed"] and made["packages"][0]["fingerprint"] == keys.fingerprints["aws"]
    nothing = {"plan": {"state": "present", "action": "none", "changes": []}}
    if Path("/run/systemd/system").exists():
        assert finished(start("agent_apply", nothing, program, path))["changed"] is False
    else:
        assert "does not run systemd" in finished(start("agent_apply", nothing, program, path))["msg"]


def test_runs_at_the_same_time_fetch_a_package_once(shop: Any, site: Any, keys: Any, row: dict[str, Any]) -> None:
    processes = [start("agent_package", arguments(shop, keys, row)) for dummy in range(4)]
    results = [finished(process) for process in processes]
    assert sorted(result["changed"] for result in results) == [False, False, False, True]
    assert {result["packages"][0]["path"] for result in results} == {str(shop.cache / PLACE / row["name"])}
    assert set(site.asked.values()) == {1}, site.asked


def test_a_killed_run_leaves_nothing_that_the_next_one_uses(
    shop: Any, site: Any, keys: Any, row: dict[str, Any]
) -> None:
    site.faults[PACKAGE] = ["slow"]
    process = start("agent_package", arguments(shop, keys, row))
    staged = shop.cache / ".staging" / "1.17.1-deb-x86_64" / "new" / row["name"]
    deadline = time.monotonic() + 20
    while not staged.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert staged.exists() and not (shop.cache / PLACE).exists()
    assert shop.one(row)["downloaded"] and list((shop.cache / ".staging").iterdir()) == []


def test_the_module_fails_as_a_whole_where_nothing_can_be_verified(shop: Any, keys: Any, row: dict[str, Any]) -> None:
    good = arguments(shop, keys, row)
    for wrong, words in (
        ({"fingerprints": []}, "Set at least one fingerprint"),
        ({"fingerprints": ["093FF49D"]}, "not a full fingerprint"),
        ({"cache_dir": "/proc/nowhere"}, "Cannot use the directory"),
        ({"timeout": 0}, "at least 1"),
    ):
        answer = finished(start("agent_package", good | wrong))
        assert answer["failed"] and words in answer["msg"]
