# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts' images, built from Debian's packages; the engine's store keeps them, so that only the first time costs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .machine import LabError, run

FOLDER = Path(__file__).resolve().parents[1] / "images"
DEBIAN = "localhost/gd-debian:bookworm"
EL_STANDIN = "localhost/gd-el-standin:2023"
# The registry's name for it, so that the same Containerfile works where a registry can be had, and here.
SEED = "docker.io/library/debian:bookworm"
UNNEEDED = ("man", "doc", "locale")


def build(engine: str, environment: Mapping[str, str]) -> None:
    """Build what is not there; a cached layer costs half a second."""
    own = {DEBIAN: "debian", EL_STANDIN: "el-standin"}
    wanted = {os.environ.get("GD_DEB_IMAGE", DEBIAN), os.environ.get("GD_EL_IMAGE", EL_STANDIN)}
    # The servers run in the Debian image, whatever the hosts are.
    wanted |= {DEBIAN}
    if engine == "podman":
        _seed(environment)
    isolation = ("--isolation", "chroot") if engine == "podman" else ()
    # docker looks for a file of another name.
    options = ("-q", *isolation, "--network", "host")
    for tag, folder in own.items():
        if tag in wanted:
            file = FOLDER / folder / "Containerfile"
            run(engine, "build", *options, "--file", file, "-t", tag, FOLDER / folder, env=environment)
    for tag in wanted - set(own):
        if run(engine, "image", "inspect", tag, env=environment, check=False).returncode != 0:
            raise LabError(f"the image {tag} is not in {engine}'s store: build it as tests/hosts/README.md says")


def _seed(environment: Mapping[str, str]) -> None:
    """What a pull of debian:bookworm would bring, made from Debian's archive."""
    if run("podman", "image", "exists", SEED, env=environment, check=False).returncode == 0:
        return
    mirror = os.environ.get("GD_DEBIAN_MIRROR")
    with tempfile.TemporaryDirectory(prefix="gd-seed-") as work:
        root = Path(work) / "root.tar"
        options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in UNNEEDED]
        run(
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            '--aptopt=Acquire::Languages "none"',
            *options,
            "bookworm",
            root,
            *([mirror] if mirror else []),
        )
        run("podman", "import", "-q", "--change", 'CMD ["bash"]', root, SEED, env=environment)
