# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in agent as real packages, signed and laid out like the real buckets, and the hostile ones beside them.

    rpm/VERSION/{x86_64,arm64}/amazon-guardduty-agent-VERSION.ARCHITECTURE.{rpm,sig}    rpm/VERSION/publickey.pem
    deb/VERSION/{amd64,arm64}/...                                                       the same
    fingerprint      of the key that signs the good ones: what a test hands to the role instead of AWS's
    publickey.pem

Needs rpmbuild and rpmsign (Debian: rpm), dpkg-deb and gpg. The keys are made for one build and thrown away.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.packages import DIRECTORIES, PACKAGE

SOURCES = Path(__file__).resolve().parents[1] / "agent"
# The collection refuses versions below its newest that AWS never released, so these are real numbers, ...
GOOD = ("1.15.0", "1.16.0", "1.17.1")
# ... and what no AWS has released is above. This one starts and dies.
CRASHING = "9.0.0"
HOSTILE = {
    "altered": "9.0.1",
    "foreign_key": "9.0.2",
    "no_signature": "9.0.3",
    "truncated": "9.0.4",
    "key_and_signature_swapped": "9.0.5",
    # genuine, signed, and not what its name says
    "replayed": "9.0.6",
    "other_architecture": "9.0.7",
}
REPLAYED = GOOD[0]
OWN_KEY, FOREIGN_KEY = "Stand-in for AwsGuardDuty", "Mallory"
RPM_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}


def build(out: Path) -> None:
    """Make everything below C(out), which must not exist; it is there as a whole or not at all."""
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with tempfile.TemporaryDirectory(prefix="gd-agent-") as work:
            builder = _Builder(partial, Path(work))
            try:
                builder.build()
            finally:
                builder.close()
        partial.replace(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


class _Builder:
    """One build, with its throw-away keys."""

    def __init__(self, out: Path, work: Path) -> None:
        self.out, self.work, self.keys = out, work, work / "keys"
        self.keys.mkdir(mode=0o700)
        self.environment = {**os.environ, "GNUPGHOME": str(self.keys), "LC_ALL": "C.UTF-8"}

    def close(self) -> None:
        self._run("gpgconf", "--kill", "gpg-agent")

    def build(self) -> None:
        self.out.mkdir(parents=True)
        for name in (OWN_KEY, FOREIGN_KEY):
            self._gpg(
                "--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key", name, "rsa2048", "sign", "0"
            )
            (self.work / f"{name}.pem").write_text(self._gpg("--armor", "--export", name), encoding="utf-8")
        shutil.copy(self.work / f"{OWN_KEY}.pem", self.out / "publickey.pem")
        listed = self._gpg("--with-colons", "--list-keys", OWN_KEY).splitlines()
        fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr:"))
        (self.out / "fingerprint").write_text(f"{fingerprint}\n", encoding="utf-8")
        for version in (*GOOD, CRASHING):
            tree = self._tree(version)
            for machine in RPM_MACHINES:
                self._sign(self._rpm(version, machine, tree), OWN_KEY)
                self._sign(self._deb(version, machine, tree), OWN_KEY)
            for kind in DIRECTORIES:
                shutil.copy(self.out / "publickey.pem", self.out / kind / version)
        for trick, version in HOSTILE.items():
            for kind, directories in DIRECTORIES.items():
                self._hostile(trick, version, kind, list(directories.values()))

    def _tree(self, version: str) -> Path:
        """The files of the installed package."""
        root = self.work / f"tree-{version}"
        program = root / "opt/aws/amazon-guardduty-agent/bin/amazon-guardduty-agent"
        unit = root / "usr/lib/systemd/system/amazon-guardduty-agent.service"
        for folder in (program.parent, unit.parent, root / "var/log/amzn-guardduty-agent"):
            folder.mkdir(parents=True)
        text = (SOURCES / "agent.sh").read_text(encoding="utf-8")
        program.write_text(text.replace("@VERSION@", version).replace("@CRASHES@", CRASHING), encoding="utf-8")
        program.chmod(0o755)
        shutil.copy(SOURCES / unit.name, unit)
        return root

    def _place(self, kind: str, version: str, machine: str) -> Path:
        directory = DIRECTORIES[kind][machine]
        path = self.out / kind / version / directory / f"{PACKAGE}-{version}.{directory}.{kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _rpm(self, version: str, machine: str, tree: Path) -> Path:
        top, target = self.work / "rpmbuild", RPM_MACHINES[machine]
        macros = {
            "_topdir": top,
            "agent_version": version,
            "agent_root": tree,
            "_build_id_links": "none",
            "_buildhost": "standin",
        }
        defines = [f"--define={name} {value}" for name, value in macros.items()]
        self._run("rpmbuild", "-bb", "--quiet", "--target", target, *defines, SOURCES / f"{PACKAGE}.spec")
        package = self._place("rpm", version, machine)
        shutil.move(next((top / "RPMS" / target).glob("*.rpm")), package)
        self._run("rpmsign", f"--define=_gpg_name {OWN_KEY}", "--define=__gpg /usr/bin/gpg", "--addsign", package)
        return package

    def _deb(self, version: str, machine: str, tree: Path) -> Path:
        root = self.work / f"deb-{version}-{machine}"
        shutil.copytree(tree, root)
        (root / "DEBIAN").mkdir()
        control = {
            "Package": PACKAGE,
            "Version": version,
            "Architecture": DIRECTORIES["deb"][machine],
            "Maintainer": "Nobody <nobody@example.com>",
            "Depends": "systemd",
            "Description": "Test stand-in for the agent of Amazon GuardDuty",
        }
        text = "".join(f"{name}: {value}\n" for name, value in control.items())
        (root / "DEBIAN" / "control").write_text(text, encoding="utf-8")
        for script in ("postinst", "prerm", "postrm"):
            shutil.copy(SOURCES / script, root / "DEBIAN" / script)
            (root / "DEBIAN" / script).chmod(0o755)
        package = self._place("deb", version, machine)
        self._run("dpkg-deb", "--root-owner-group", "-Zgzip", "--build", root, package)
        return package

    def _hostile(self, trick: str, version: str, kind: str, directories: Sequence[str]) -> None:
        genuine = self.out / kind / (REPLAYED if trick == "replayed" else GOOD[1])
        folder = self.out / kind / version
        for directory in directories:
            taken = next(d for d in directories if d != directory) if trick == "other_architecture" else directory
            source = next((genuine / taken).glob(f"*.{kind}"))
            package = folder / directory / f"{PACKAGE}-{version}.{directory}.{kind}"
            package.parent.mkdir(parents=True)
            shutil.copy(source, package)
            shutil.copy(source.with_suffix(".sig"), package.with_suffix(".sig"))
            self._spoil(trick, package)
        foreign = trick == "key_and_signature_swapped"
        shutil.copy(self.work / f"{FOREIGN_KEY if foreign else OWN_KEY}.pem", folder / "publickey.pem")

    def _spoil(self, trick: str, package: Path) -> None:
        signature = package.with_suffix(".sig")
        content = bytearray(package.read_bytes())
        if trick == "altered":
            content[-40] ^= 0xFF
            package.write_bytes(content)
        elif trick == "truncated":
            package.write_bytes(content[: len(content) // 2])
        elif trick == "no_signature":
            signature.unlink()
        elif trick in ("foreign_key", "key_and_signature_swapped"):
            self._sign(package, FOREIGN_KEY)

    def _sign(self, package: Path, key: str) -> None:
        self._gpg("--yes", "--local-user", key, "--detach-sign", "--output", package.with_suffix(".sig"), package)

    def _gpg(self, *arguments: str | Path) -> str:
        return self._run("gpg", "--batch", "--quiet", *arguments)

    def _run(self, *command: str | Path) -> str:
        done = subprocess.run(
            command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))} failed: {done.stdout}{done.stderr}")
        return done.stdout
