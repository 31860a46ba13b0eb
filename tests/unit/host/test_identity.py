# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity of a package: real ones, built with the managers' own tools, intact and damaged."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_packages import NAME, deb, member, tar
from real_packages import Host, rpm_builder

from ansible_collections.fleetsec.guardduty.plugins.module_utils.host.identity import Unreadable, said, unlike

TRUTH = (NAME, "1.17.1", "x86_64")
PACKINGS = ("gzip", "xz", "none")
DAMAGE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An RPM by rpmbuild, and a DEB by dpkg-deb in each compression, where this machine has the two."""
    folder = tmp_path_factory.mktemp("packages")
    found = {"rpm": rpm_builder(folder)(more="Epoch: 1")}
    if not shutil.which("dpkg-deb"):
        pytest.skip("LEFT OUT: real DEBs are not read, dpkg-deb is not on this machine")
    control = folder / "tree" / "DEBIAN" / "control"
    control.parent.mkdir(parents=True)
    for packing in PACKINGS:
        control.write_text(
            f"Package: {NAME}\nVersion: 1:1.17.1-2\nArchitecture: amd64\nMaintainer: none\nDescription: it\n Version: 9\n"
        )
        found[packing] = folder / f"{packing}.deb"
        words = ["dpkg-deb", "--uniform-compression", f"-Z{packing}", "--build", str(folder / "tree")]
        subprocess.run([*words, str(found[packing])], check=True, capture_output=True)
    return found


def test_a_real_package_is_read_as_its_manager_reads_it(real: dict[str, Path], tmp_path: Path) -> None:
    assert said(str(real["rpm"]), "rpm") == TRUTH
    query = ["rpm", "-qp", "--qf", "%{NAME} %{VERSION} %{ARCH}", str(real["rpm"])]
    assert Host(HOME=str(tmp_path)).run_command(query)[1].split() == list(TRUTH)
    for packing in PACKINGS:
        assert said(str(real[packing]), "deb") == (NAME, "1.17.1", "amd64")


@DAMAGE
@given(data=st.data())
def test_a_damaged_one_is_unreadable_or_read_and_nothing_else(
    real: dict[str, Path], tmp_path: Path, data: st.DataObject
) -> None:
    """Truncated or changed at any place. What can be read is text, which is then compared."""
    which = data.draw(st.sampled_from(sorted(real)))
    content = bytearray(real[which].read_bytes())
    # What describes a package is at its start.
    place = data.draw(st.integers(0, min(len(content), 6000) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged"
    path.write_bytes(content)
    try:
        told = said(str(path), "rpm" if which == "rpm" else "deb")
    except Unreadable as why:
        assert str(why)
    else:
        assert told is None or all(isinstance(word, str) and word for word in told)


@pytest.mark.parametrize("kind", ["rpm", "deb"])
@pytest.mark.parametrize("content", [b"", b"no package", b"!<arch>\n" * 99, b"\xed\xab\xee\xdb" + bytes(200)])
def test_what_is_no_package_is_unreadable(tmp_path: Path, kind: str, content: bytes) -> None:
    (tmp_path / "it").write_bytes(content)
    with pytest.raises(Unreadable):
        said(str(tmp_path / "it"), kind)


def test_what_a_deb_lacks_is_told(tmp_path: Path) -> None:
    path, start = tmp_path / "it", b"!<arch>\n" + member("debian-binary", b"2.0\n")
    for content, words in (
        (start + member("control.tar.gz", tar("./other", b"")), "lacks a control file"),
        (start + member("control.tar.gz", tar("./control", b"Package: x\n")), "its version and machine"),
        (start + member("data.tar", b""), "lacks a control archive"),
        (start + member("control.tar.gz", b"x" * 50), "incorrect header"),
        (start + member("control.tar.xz", b"x" * 50), "not supported"),
    ):
        path.write_bytes(content)
        with pytest.raises(Unreadable, match=words):
            said(str(path), "deb")


def test_a_compression_that_python_has_not_says_nothing(tmp_path: Path) -> None:
    """zstd, of which dpkg knows: the host itself holds it then."""
    path = tmp_path / "it"
    path.write_bytes(b"!<arch>\n" + member("debian-binary", b"2.0\n") + member("control.tar.zst", b"\x28\xb5\x2f\xfd"))
    assert said(str(path), "deb") is None
    path.write_bytes(deb("1.17.1").replace(b"control.tar.gz ", b"_control.tar.gz"))
    with pytest.raises(Unreadable, match="lacks a control archive"):
        said(str(path), "deb")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ((NAME, "1.17.1", "aarch64"), None),
        ((NAME, "1.17.1", "arm64"), None),
        ((NAME, "1.15.0", "aarch64"), f"{NAME} 1.15.0 for aarch64, but {NAME} 1.17.1 for aarch64"),
        ((NAME, "1.17.1", "x86_64"), "for x86_64, but"),
        (("bash", "1.17.1", "aarch64"), "as bash 1.17.1"),
    ],
)
def test_it_must_be_what_its_name_says(told: tuple[str, str, str], words: str | None) -> None:
    why = unlike(*told, {"version": "1.17.1", "format": "rpm", "architecture": "arm64"})
    assert why is None if words is None else words in why
