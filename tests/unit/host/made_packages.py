# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DEB packages as bytes, created as deb(5) describes, so that a test does not need dpkg."""

from __future__ import annotations

import io
import tarfile

NAME = "amazon-guardduty-agent"


def deb(version: str, machine: str = "amd64", name: str = NAME, more: bytes = b"") -> bytes:
    """C(more) stands for what the package brings."""
    control = f"Package: {name}\nVersion: {version}\nArchitecture: {machine}\nDescription: none\n A line: of it\n"
    members = {"debian-binary": b"2.0\n", "control.tar.gz": tar("./control", control.encode()), "data.tar": more}
    return b"!<arch>\n" + b"".join(member(*one) for one in members.items())


def tar(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def member(name: str, content: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
    return header + content + b"\n" * (len(content) % 2)
