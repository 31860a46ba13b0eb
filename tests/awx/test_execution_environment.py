# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-builder accepts the execution environment's definition, and finds the collections' requirements."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import ROOT

DEFINITION = ROOT / "extensions" / "awx" / "execution-environment.yml"
Builder = Callable[..., str]


@pytest.fixture(scope="module")
def builder() -> Builder:
    environment = [sys.executable, "-I", str(ROOT / "tests" / "setup" / "environment.py"), "--env", "awx", "run"]

    def run(*arguments: str) -> str:
        command = [*environment, "ansible-builder", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def galaxy() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))


def test_the_definition_makes_a_build_context(builder: Builder, tmp_path: Path) -> None:
    """With the tarball of this version beside the collection, where the definition looks for it."""
    definition = tmp_path / "extensions" / "awx" / DEFINITION.name
    definition.parent.mkdir(parents=True)
    shutil.copy(DEFINITION, definition)
    tarball = f"fleetsec-guardduty-{galaxy()['version']}.tar.gz"
    (tmp_path / tarball).write_bytes(b"")
    context = tmp_path / "context"
    builder("create", "-f", str(definition), "-c", str(context))
    wanted = yaml.safe_load((context / "_build" / "requirements.yml").read_text(encoding="utf-8"))["collections"]
    assert [one["name"] for one in wanted] == [f"/build/collections/{tarball}", "amazon.aws"]
    assert wanted[1]["version"] == galaxy()["dependencies"]["amazon.aws"]
    assert (context / "_build" / "collections" / tarball).exists()
    assert "ansible-core>=2.21,<2.22" in (context / "Containerfile").read_text(encoding="utf-8")


def test_what_the_collections_need_is_found(builder: Builder, tmp_path: Path) -> None:
    amazon = find_spec("ansible_collections.amazon")
    assert amazon is not None and amazon.submodule_search_locations is not None
    collections = tmp_path / "ansible_collections"
    (collections / "fleetsec").mkdir(parents=True)
    (collections / "fleetsec" / "guardduty").symlink_to(ROOT)
    (collections / "amazon").symlink_to(next(iter(amazon.submodule_search_locations)))
    python, system = tmp_path / "python.txt", tmp_path / "system.txt"
    builder("introspect", str(tmp_path), "--write-pip", str(python), "--write-bindep", str(system))
    needs = python.read_text(encoding="utf-8")
    # The minimum that pyproject.toml and README.md state
    for line in ("boto3>=1.35.0", "botocore>=1.35.0"):
        assert any(one.startswith(line) and "fleetsec.guardduty" in one for one in needs.splitlines()), needs
    assert "from collection amazon.aws" in needs
    assert {"gnupg", "openssh-client"} <= {line.split(maxsplit=1)[0] for line in system.read_text().splitlines()}
