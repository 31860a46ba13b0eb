# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Without test hosts, one sentence states why; with them, the servers answer as AWS does."""

from __future__ import annotations

import os
import urllib.error
import urllib.request

import pytest

from lab import machine
from lab.scenarios import Molecule

IMDS = "http://169.254.169.254"


def test_without_root_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "need root" in str(machine.lacking("podman"))


def test_without_podman_and_apt_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "podman" in str(machine.lacking("podman"))
    assert "docker not found" in str(machine.lacking("docker")).replace(
        ", ip, rpmbuild, dpkg-deb, gpg, openssl, ssh", ""
    )


def test_here_there_are_some() -> None:
    assert machine.lacking(os.environ["GD_ENGINE"]) is None


def test_the_metadata_service_knows_no_stranger(molecule: Molecule) -> None:
    """The controller is not an instance of the fleet."""
    request = urllib.request.Request(f"{IMDS}/latest/api/token", method="PUT")
    request.add_header("X-aws-ec2-metadata-token-ttl-seconds", "60")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=5)


def test_a_missing_key_is_denied(molecule: Molecule) -> None:
    bucket = "https://694911143906-eu-west-1-guardduty-agent-rpm-artifacts.s3.eu-west-1.amazonaws.com"
    with pytest.raises(urllib.error.HTTPError, match="403") as denied:
        urllib.request.urlopen(f"{bucket}/1.17.1/nothing", timeout=5)
    assert b"<Code>AccessDenied</Code>" in denied.value.read()
