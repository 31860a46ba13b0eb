# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package's own metadata, read from its file without rpm or dpkg, which the machine that fetches may not have.

RPM: "RPM V4 Package format" of rpm.org's reference manual. DEB: deb(5). Python 3.8 and the standard library.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from collections.abc import Mapping
from typing import BinaryIO

from .agent import PACKAGE, upstream

try:
    import lzma
except ImportError:
    lzma = None  # type: ignore[assignment]  # Python was built without it

# The package managers' names of the architectures. AWS's arm64 RPM is assumed to declare aarch64; its file name says arm64.
MACHINES: dict[str, dict[str, tuple[str, ...]]] = {
    "rpm": {"x86_64": ("x86_64",), "arm64": ("aarch64", "arm64")},
    "deb": {"x86_64": ("amd64",), "arm64": ("arm64",)},
}
MIB = 1024 * 1024
# Far more than the metadata of any package.
MOST = 64 * MIB
RPM_LEAD, RPM_MAGIC, HEADER_MAGIC = 96, b"\xed\xab\xee\xdb", b"\x8e\xad\xe8\x01"
RPM_TAGS = {1000: "name", 1001: "version", 1022: "machine"}
RPM_STRING = 6
AR_MAGIC, AR_HEADER, AR_END = b"!<arch>\n", 60, b"`\n"
GZIP = 16 + zlib.MAX_WBITS


class Unreadable(Exception):
    """Why a file is not a package; a clause."""


def said(path: str, kind: str) -> tuple[str, str, str] | None:
    """Name, version and machine; None if a DEB's metadata uses an unsupported compression. Unreadable."""
    try:
        with open(path, "rb") as file:
            return _of_rpm(file) if kind == "rpm" else _of_deb(file)
    except (struct.error, tarfile.TarError, zlib.error, ValueError, EOFError, MemoryError) as error:
        raise Unreadable(str(error) or type(error).__name__) from None


def unlike(name: str, version: str, machine: str, row: Mapping[str, str]) -> str | None:
    """Why a package with a good signature is not the package of the row; a clause, or None."""
    wanted = MACHINES[row["format"]][row["architecture"]]
    if (name, version) == (PACKAGE, row["version"]) and machine in wanted:
        return None
    return (
        f"it declares itself as {name} {version} for {machine}, but {PACKAGE} {row['version']} for {wanted[0]} is expected;"
        " its signature is good, so it is a genuine package under another name"
    )


def _read(file: BinaryIO, size: int) -> bytes:
    if not 0 <= size <= MOST:
        raise Unreadable(f"it declares a section of {size} bytes")
    content = file.read(size)
    if len(content) != size:
        raise Unreadable("it is truncated")
    return content


def _of_rpm(file: BinaryIO) -> tuple[str, str, str]:
    if not _read(file, RPM_LEAD).startswith(RPM_MAGIC):
        raise Unreadable("it does not start like an RPM")
    _rpm_header(file)
    # Only the first of the two headers is padded.
    file.seek(-file.tell() % 8, io.SEEK_CUR)
    entries, store = _rpm_header(file)
    found = {}
    for tag, kind, offset, _dummy in struct.iter_unpack(">4I", entries):
        if tag in RPM_TAGS and kind == RPM_STRING:
            found[RPM_TAGS[tag]] = store[offset : store.index(b"\0", offset)].decode("utf-8")
    return _whole(found)


def _rpm_header(file: BinaryIO) -> tuple[bytes, bytes]:
    """The header's entries and its store."""
    magic, count, size = struct.unpack(">4s4x2I", _read(file, 16))
    if magic != HEADER_MAGIC:
        raise Unreadable("it lacks an RPM header")
    return _read(file, 16 * count), _read(file, size)


def _of_deb(file: BinaryIO) -> tuple[str, str, str] | None:
    if _read(file, len(AR_MAGIC)) != AR_MAGIC:
        raise Unreadable("it does not start like a DEB")
    name, content = _ar_member(file)
    if name != "debian-binary" or not content.startswith(b"2."):
        raise Unreadable("it is not a DEB of format 2")
    name, content = _ar_member(file)
    while name.startswith("_"):
        name, content = _ar_member(file)
    archive = _unpacked(name, content)
    if archive is None:
        return None
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
        entry = next((one for one in tar if one.name in ("./control", "control") and one.isreg()), None)
        control = None if entry is None else tar.extractfile(entry)
        if control is None:
            raise Unreadable("it lacks a control file")
        text = control.read(MIB).decode("utf-8")
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line and not line.startswith((" ", "\t")))
    told = {name.lower(): value.strip() for name, value in fields.items()}
    names = {"name": "package", "version": "version", "machine": "architecture"}
    return _whole({what: told[name] for what, name in names.items() if name in told})


def _ar_member(file: BinaryIO) -> tuple[str, bytes]:
    header = _read(file, AR_HEADER)
    if not header.endswith(AR_END):
        raise Unreadable("it lacks an archive member of a DEB")
    size = int(header[48:58])
    content = _read(file, size)
    file.seek(size % 2, io.SEEK_CUR)
    return header[:16].decode("ascii").rstrip().rstrip("/"), content


def _unpacked(name: str, content: bytes) -> bytes | None:
    if name == "control.tar":
        return content
    if name == "control.tar.gz":
        return zlib.decompressobj(GZIP).decompress(content, MOST)
    if name == "control.tar.xz" and lzma is not None:
        try:
            return lzma.LZMADecompressor().decompress(content, MOST)
        except lzma.LZMAError as error:
            raise Unreadable(str(error)) from None
    if name.startswith("control.tar."):
        return None
    raise Unreadable("it lacks a control archive")


def _whole(found: Mapping[str, str]) -> tuple[str, str, str]:
    lacking = [what for what in ("name", "version", "machine") if not found.get(what)]
    if lacking:
        raise Unreadable(f"it does not declare its {' and '.join(lacking)}")
    return found["name"], upstream(found["version"]), found["machine"]
