# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pip and ansible-galaxy install the same collection, without files that only developers need."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tree import ROOT, files

HOME = "ansible_collections/fleetsec/guardduty/"
# What a user needs; tests and the tools' settings may differ between the two.
PUBLIC = ("LICENSES", "README.md", "extensions", "meta", "playbooks", "plugins", "roles")
# The scenarios need tests/hosts, which only a checkout has.
OURS = ("extensions/molecule/",)
NEVER = (".venv", ".cache", ".ci", ".git", "__pycache__", ".pytest_cache", ".ruff_cache", ".hypothesis", "output")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Files of the wheel, by their path in the collection."""
    folder = tmp_path_factory.mktemp("wheel")
    build([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)])
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return {name.removeprefix(HOME) for name in archive.namelist() if name.startswith(HOME)}


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Files of the galaxy artefact, by their path in the collection."""
    folder = tmp_path_factory.mktemp("tarball")
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    build([str(galaxy), "collection", "build", "--output-path", str(folder)])
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        return {member.name for member in archive if member.isfile()}


def test_both_hold_the_same_public_files(wheel: set[str], tarball: set[str]) -> None:
    assert public(wheel) == public(tarball)


def test_both_hold_every_public_file_of_the_tree(wheel: set[str]) -> None:
    assert public(wheel) == public({str(path.relative_to(ROOT)) for path in files(ROOT, "*") if path.suffix != ".pyc"})


def test_a_wheel_says_its_version_where_ansible_looks(wheel: set[str]) -> None:
    assert "galaxy.yml" in wheel


def test_neither_holds_what_only_a_checkout_can_use(wheel: set[str], tarball: set[str]) -> None:
    assert [name for name in wheel | tarball if name.startswith(OURS)] == []


def test_neither_holds_what_tools_left(wheel: set[str], tarball: set[str]) -> None:
    assert [name for name in wheel | tarball if set(Path(name).parts) & set(NEVER)] == []


def public(names: set[str]) -> set[str]:
    return {name for name in names if Path(name).parts[0] in PUBLIC and not name.startswith(OURS)}


def build(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
