# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""agent_package and agent_apply as tasks: S3 by the emulated AWS, real gpg, and the results of check mode and of a plan alone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from harness import SECRET, Ansible, EmulatedAws
from made_packages import deb

BUCKET = "694911143906-eu-west-1-guardduty-agent-deb-artifacts"
NAME = "amazon-guardduty-agent-1.17.1.amd64"
CONTENT = deb("1.17.1")
FETCH = """
- name: Fetch
  fleetsec.guardduty.agent_package:
    packages: "{{ rows }}"
    fingerprints: ["{{ fingerprint }}"]
    cache_dir: "{{ cache }}"
  environment: {HOME: "{{ home }}"}
"""
APPLY = """
- name: Apply
  fleetsec.guardduty.agent_apply:
    plan: "{{ plan }}"
    packages: "{{ packages | default([]) }}"
  diff: true
"""
ROW = {"version": "1.17.1", "format": "deb", "architecture": "x86_64", "name": f"{NAME}.deb"}
INSTALL: dict[str, Any] = {
    "state": "present",
    "action": "install",
    "installed_version": None,
    "version": "1.17.1",
    "package": ROW,
    "rollback": None,
    "reason": "",
    "changes": [
        {"what": "package", "before": None, "after": "1.17.1"},
        {"what": "running", "before": False, "after": True},
    ],
}


@dataclass(frozen=True)
class Signed:
    """A package with its signature by a key of this test."""

    fingerprint: str
    files: dict[str, bytes]


@pytest.fixture
def signed(tmp_path: Path) -> Iterator[Signed]:
    if not shutil.which("gpg"):
        pytest.skip("LEFT OUT: fetching by S3 is not tested, gpg is not on this machine")
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]

    def run(*words: str) -> bytes:
        return subprocess.run([*gpg, *words], input=CONTENT, capture_output=True, check=True).stdout

    try:
        run("--quick-generate-key", "aws", "ed25519", "sign", "never")
        lines = run("--with-colons", "--list-keys").decode().splitlines()
        fingerprint = [line.split(":")[9] for line in lines if line.startswith("fpr")][0]
        files = {
            f"1.17.1/amd64/{NAME}.deb": CONTENT,
            f"1.17.1/amd64/{NAME}.sig": run("--detach-sign", "--output", "-"),
            "1.17.1/publickey.pem": run("--armor", "--export"),
        }
        yield Signed(fingerprint, files)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


def s3_row(version: str = "1.17.1") -> dict[str, Any]:
    places = {"package": f"amd64/{NAME}.deb", "signature": f"amd64/{NAME}.sig", "public_key": "publickey.pem"}
    return ROW | {"version": version} | {what: f"s3://{BUCKET}/{version}/{place}" for what, place in places.items()}


@pytest.fixture
def bucket(aws: EmulatedAws, signed: Signed) -> Signed:
    aws.load("accounts:\n  '111111111111':\n    regions: {eu-west-1: {}}\n")
    keys = {"aws_access_key_id": "AKIAEMULATEDCALLER00", "aws_secret_access_key": SECRET}
    s3 = boto3.client("s3", region_name="eu-west-1", endpoint_url=aws.endpoint_url, **keys)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for key, content in signed.files.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=content)
    return signed


def test_s3_is_read_once_and_predicted_by_check_mode(aws: EmulatedAws, ansible: Ansible, bucket: Signed) -> None:
    # The home is that of the machine that fetches, which need not be the controller's.
    home = ansible.folder / "elsewhere"
    cache = home / "cache"
    given = {"rows": [s3_row()], "fingerprint": bucket.fingerprint, "cache": "~/cache", "home": str(home)}
    predicted = ansible.playbook(FETCH, "--check", **given).ok().tasks["Fetch"]
    assert predicted["changed"] and not cache.exists()
    made = ansible.playbook(FETCH, **given).ok().tasks["Fetch"]
    assert (made["packages"], made["diff"]) == (predicted["packages"], predicted["diff"])
    assert Path(made["packages"][0]["path"]).read_bytes() == CONTENT
    aws.clear()
    again = ansible.playbook(FETCH, **given).ok().tasks["Fetch"]
    assert not again["changed"] and aws.calls() == {}
    assert again["packages"] == [made["packages"][0] | {"downloaded": False}]


def test_files_missing_in_s3_are_reported_and_the_rest_is_kept(ansible: Ansible, bucket: Signed) -> None:
    given = {"fingerprint": bucket.fingerprint, "cache": str(ansible.folder / "cache"), "home": str(ansible.folder)}
    made = ansible.playbook(FETCH, rows=[s3_row("1.16.0"), s3_row()], **given).ok().tasks["Fetch"]
    missing, good = made["packages"]
    assert not good["failed"] and missing["failed"] and made["changed"]
    assert f"s3://{BUCKET}/1.16.0/publickey.pem could not be read through the S3 API" in missing["msg"]
    assert all("s3" not in row for row in made["packages"])


def test_a_plan_is_predicted_without_the_host(aws: EmulatedAws, ansible: Ansible) -> None:
    good = ROW | {"path": "/nowhere/agent.deb", "failed": False, "msg": ""}
    predicted = ansible.playbook(APPLY, "--check", plan=INSTALL, packages=[good]).ok().tasks["Apply"]
    assert predicted["changed"] and predicted["msg"] == "The agent 1.17.1 would be installed."
    assert predicted["diff"] == {"before": "package: absent\nrunning: no\n", "after": "package: 1.17.1\nrunning: yes\n"}
    assert (predicted["carried_out"], predicted["installed_version"], predicted["rolled_back"]) == (
        "install",
        "1.17.1",
        False,
    )


@pytest.mark.parametrize("mode", [[], ["--check"]])
def test_a_refused_package_fails_the_host_that_needs_it(aws: EmulatedAws, ansible: Ansible, mode: list[str]) -> None:
    bad = ROW | {"path": None, "failed": True, "msg": "It is refused."}
    run = ansible.playbook(APPLY, *mode, plan=INSTALL, packages=[bad])
    assert run.returncode == 2 and run.tasks["Apply"]["msg"] == "It is refused. The host was not touched."
    run = ansible.playbook(APPLY, *mode, plan=INSTALL)
    assert "is not among the packages" in run.tasks["Apply"]["msg"]


def test_nothing_to_do_is_nothing_done(aws: EmulatedAws, ansible: Ansible) -> None:
    nothing = INSTALL | {"action": "none", "changes": [], "package": None}
    made = ansible.playbook(APPLY, plan=nothing).ok().tasks["Apply"]
    assert (made["changed"], made["msg"]) == (False, "Nothing to change.")
    skip = nothing | {"action": "skip", "reason": "The host should not run the agent: excluded_by_tag."}
    made = ansible.playbook(APPLY, plan=skip).ok().tasks["Apply"]
    assert made["skipped"] and not made["changed"] and made["skip_reason"] == skip["reason"]


def test_a_host_without_systemd_is_told(aws: EmulatedAws, ansible: Ansible) -> None:
    if Path("/run/systemd/system").exists():
        pytest.skip("LEFT OUT: this machine runs systemd, and a test must not touch it")
    package = ansible.folder / "agent.deb"
    package.write_bytes(CONTENT)
    good = ROW | {"path": str(package), "sha256": "0" * 64, "failed": False, "msg": ""}
    run = ansible.playbook(APPLY, plan=INSTALL, packages=[good])
    assert run.returncode == 2
    assert "root" in run.tasks["Apply"]["msg"] or "does not run systemd" in run.tasks["Apply"]["msg"]
