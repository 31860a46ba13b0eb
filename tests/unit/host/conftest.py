# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real keys, real signatures and a real server with faults, for tests that fetch and verify packages."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fleetsec.guardduty.plugins.module_utils.host import supply
from ansible_collections.fleetsec.guardduty.plugins.module_utils.host.cache import Cache

# Years before the tests: with gpg's clock set to it, a key can expire without a wait.
LONG_AGO = "20200101T000000!"


def run(command: list[str], **environment: Any) -> tuple[int, str, str]:
    """As AnsibleModule.run_command."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return done.returncode, done.stdout, done.stderr


@dataclass
class KeyRing:
    """The secret keys of a test run."""

    home: Path
    fingerprints: dict[str, str] = field(default_factory=dict)

    def gpg(self, *words: str, clock: str | None = None, given: bytes | None = None) -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--yes", "--pinentry-mode", "loopback"]
        command += ["--passphrase", "", "--trust-model", "always"]
        command += ["--faked-system-time", clock] if clock else []
        return subprocess.run([*command, *words], input=given, capture_output=True, check=True).stdout

    def make(self, who: str, expires: str = "never", clock: str | None = None) -> None:
        self.gpg("--quick-generate-key", who, "ed25519", "sign", expires, clock=clock)
        lines = self.gpg("--with-colons", "--list-keys", who).decode().splitlines()
        self.fingerprints[who] = next(line.split(":")[9] for line in lines if line.startswith("fpr"))

    def public(self, *who: str) -> bytes:
        return self.gpg("--armor", "--export", *who)

    def sign(self, content: bytes, *who: str, clock: str | None = None, kind: str = "--detach-sign") -> bytes:
        names = [word for one in who for word in ("--local-user", one)]
        return self.gpg(*names, kind, "--output", "-", clock=clock, given=content)

    def revoke(self, who: str) -> None:
        # gpg prepares a revocation with each key, and breaks its first line so that none is used by accident.
        text = (self.home / "openpgp-revocs.d" / f"{self.fingerprints[who]}.rev").read_text().replace(":-----", "-----")
        self.gpg("--import", given=text.encode())


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyRing]:
    if not shutil.which("gpg"):
        pytest.skip("LEFT OUT: signatures are not tested, gpg is not on this machine")
    # gpg-agent's socket has a path of at most 107 characters.
    home = Path(tmp_path_factory.mktemp("k", numbered=True))
    home.chmod(0o700)
    ring = KeyRing(home)
    try:
        for who in ("aws", "next", "mallory", "revoked"):
            ring.make(who)
        ring.make("expired", "1y", LONG_AGO)
        yield ring
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


@dataclass
class Site:
    """A server of artefacts: the content and the fault of each path, and the number of requests for it."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    # A path to the faults of its first requests: a status, or 'reset', 'short', 'slow', 'endless'.
    faults: dict[str, list[int | str]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)

    def offer(self, version: str = "1.17.1", **parts: bytes) -> dict[str, Any]:
        """The row of a package whose C(package), C(signature) and C(public_key) are these; a part left out does not exist."""
        stem = f"/{version}/amd64/amazon-guardduty-agent-{version}.amd64"
        paths = {"package": f"{stem}.deb", "signature": f"{stem}.sig", "public_key": f"/{version}/publickey.pem"}
        self.files.update({paths[what]: content for what, content in parts.items()})
        name = paths["package"].rpartition("/")[2]
        row = {"version": version, "format": "deb", "architecture": "x86_64", "name": name, "optional": False}
        return row | {what: self.url + path for what, path in paths.items()}


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.asked[self.path] += 1
            waiting = site.faults.get(self.path, [])
            answer(self, site, waiting.pop(0) if waiting else None)

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(handler: BaseHTTPRequestHandler, site: Site, fault: int | str | None) -> None:
    content = site.files.get(handler.path)
    if fault == "reset":
        handler.connection.close()
        handler.close_connection = True
        return
    if isinstance(fault, int) or content is None:
        # S3 answers 403 for what is not there to whoever may not list the bucket.
        handler.send_response(fault if isinstance(fault, int) else 403)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    handler.send_response(200)
    if fault != "endless":
        handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    try:
        if fault == "short":
            handler.wfile.write(content[: len(content) // 2])
        elif fault == "slow":
            for byte in content:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
                time.sleep(0.05)
        elif fault == "endless":
            while True:
                handler.wfile.write(content)
        else:
            handler.wfile.write(content)
    except OSError:
        pass
    handler.close_connection = handler.close_connection or fault is not None


@dataclass
class Shop:
    """Supplies packages from its own cache, as the module does."""

    keys: KeyRing
    cache: Path
    warnings: list[str] = field(default_factory=list)

    def supply(
        self, *rows: dict[str, Any], pinned: tuple[str, ...] = ("aws",), keep: bool = True, **options: Any
    ) -> list[Any]:
        given = {"public_key": None, "sha256": [], "timeout": 5, "retries": 0} | options
        given["fingerprints"] = [self.keys.fingerprints[who] for who in pinned]
        cache = Cache(str(self.cache), keep=keep)
        supplier = supply.Supplier(run, shutil.which("gpg"), cache, given)
        cache.prepare()
        results = supplier.supply(list(rows))
        self.warnings = supplier.warnings
        return results

    def one(self, *rows: dict[str, Any], **options: Any) -> dict[str, Any]:
        results = self.supply(*rows, **options)
        assert len(results) == 1
        return results[0]

    def kept(self) -> list[str]:
        """Everything in the cache but its empty locks."""
        return sorted(
            str(path.relative_to(self.cache))
            for path in self.cache.rglob("*")
            if path.is_file() and path.parent.name != ".locks"
        )


@pytest.fixture
def shop(keys: KeyRing, tmp_path: Path) -> Shop:
    return Shop(keys, tmp_path / "cache")
