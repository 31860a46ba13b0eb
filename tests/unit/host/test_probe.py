# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probes, against real sockets: every kind of answer, and no answer, becomes a finding and never a traceback."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pythons import VERSIONS, interpreter

from ansible_collections.fleetsec.guardduty.plugins.module_utils.host import probe
from ansible_collections.fleetsec.guardduty.plugins.modules.agent_plan import endpoint_name

# EC2 user guide, "Instance identity documents": the fields that are read, among others.
DOCUMENT = {
    "accountId": "111111111111",
    "instanceId": "i-0a1b2c3d4e5f60718",
    "region": "eu-west-1",
    "version": "2017-09-30",
}
TOKEN = "AQAEAtoken"
Serve = Callable[..., ThreadingHTTPServer]


@pytest.fixture
def imds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    servers = []

    def serve(document: str = json.dumps(DOCUMENT), status: int = 200, raw: bytes = b"", wait: float = 0) -> Any:
        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                lifetime = self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
                self.say(200 if self.path == "/latest/api/token" and lifetime else 400, TOKEN)

            def do_GET(self) -> None:
                given = self.headers["X-aws-ec2-metadata-token"]
                fitting = self.path == "/latest/dynamic/instance-identity/document"
                self.say(200 if fitting and given == TOKEN else 401, document)

            def say(self, code: int, text: str) -> None:
                if wait:
                    # Longer than the probe waits, which is gone by then.
                    time.sleep(wait)
                    return
                if raw:
                    self.wfile.write(raw)
                    return
                self.send_response(code if status == 200 else status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *words: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        servers.append(server)
        monkeypatch.setattr(probe, "IMDS", f"http://127.0.0.1:{server.server_port}")
        return server

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_identity_document_by_a_token(imds: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    imds()
    # The metadata service is on the host: a proxy would answer for another one.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert probe.metadata(3) == {
        "document": {"region": "eu-west-1", "account_id": "111111111111", "instance_id": "i-0a1b2c3d4e5f60718"},
        "error": None,
    }


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 403}, "HTTP status 403"),
        ({"status": 500}, "HTTP status 500"),
        ({"document": "<html>"}, "Expecting value"),
        ({"document": "{}"}, "region"),
        ({"document": "[1]"}, "indices"),
        ({"raw": b"SSH-2.0-OpenSSH_9.2\r\n"}, "SSH-2.0"),
        ({"raw": b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nshort"}, "Expecting value"),
        ({"wait": 1}, "timed out"),
    ],
)
def test_what_is_no_metadata_service(imds: Serve, answer: dict[str, Any], words: str) -> None:
    imds(**answer)
    found = probe.metadata(0.3)
    assert found["document"] is None
    assert words in found["error"]


def test_nobody_listens(imds: Serve) -> None:
    server = imds()
    server.shutdown()
    server.server_close()
    assert "refused" in probe.metadata(1)["error"]


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(probe, "PORT", server.getsockname()[1])
        yield server


def test_an_endpoint_that_takes_connections(listener: socket.socket) -> None:
    assert probe.endpoint("127.0.0.1", 3) == {
        "name": "127.0.0.1",
        "addresses": ["127.0.0.1"],
        "connected": True,
        "error": None,
    }


def test_an_endpoint_that_refuses(listener: socket.socket) -> None:
    listener.close()
    found = probe.endpoint("127.0.0.1", 3)
    assert (found["addresses"], found["connected"]) == (["127.0.0.1"], False)
    assert "refused" in found["error"]


@pytest.mark.parametrize("name", ["guardduty-data.eu-west-1.invalid", f"guardduty-data.{'x' * 64}.amazonaws.com", ".."])
def test_a_name_that_does_not_resolve(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 6761: .invalid never resolves. Python refuses the other two itself, by another exception."""
    found = probe.endpoint(name, 5)
    assert (found["addresses"], found["connected"]) == ([], False)
    assert found["error"]


def test_a_resolver_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()

    def hang(*dummy: Any, **more: Any) -> Any:
        asked.wait(10)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    began = time.monotonic()
    found = probe.endpoint("guardduty-data.eu-west-1.amazonaws.com", 0.2)
    asked.set()
    assert found["error"] == "no answer within 0.2 s"
    assert time.monotonic() - began < 5


def test_all_addresses_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """TEST-NET-1 (RFC 5737) leads nowhere; a packet there is dropped or refused, according to the network."""
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{n}", 443)) for n in range(1, 6)]
    name, really = "guardduty-data.eu-west-1.amazonaws.com", socket.getaddrinfo

    def resolve(host: str, *given: Any, **more: Any) -> Any:
        return addresses if host == name else really(host, *given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    began = time.monotonic()
    found = probe.endpoint(name, 1)
    assert (len(found["addresses"]), found["connected"]) == (5, False)
    assert found["error"]
    assert time.monotonic() - began < 4


def test_the_machine() -> None:
    found = probe.machine()
    assert found["memory_mb"] > 100
    assert set(found["free_mb"]) == {"/opt", "/var"}
    assert min(found["free_mb"].values()) >= 0


# As it runs on a host: no collection's name leads to it there but Ansible's own import of the files that it sends.
BY_ITSELF = """
import json, sys
sys.path.insert(0, sys.argv[1])
import probe
probe.IMDS, probe.PORT = sys.argv[2], int(sys.argv[3])
print(json.dumps([probe.metadata(3), probe.endpoint("127.0.0.1", 3), probe.machine()]))
"""


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_by_each_python_of_a_host(version: tuple[int, int], imds: Serve, listener: socket.socket) -> None:
    imds()
    python, folder = interpreter(version), str(Path(probe.__file__).parent)
    command = [python, "-c", BY_ITSELF, folder, probe.IMDS, str(probe.PORT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    metadata, endpoint, machine = json.loads(done.stdout)
    assert metadata["document"]["region"] == "eu-west-1"
    assert endpoint["connected"]
    assert machine.keys() == probe.machine().keys()


@pytest.mark.parametrize(
    ("region", "name"),
    [
        ("eu-west-1", "guardduty-data.eu-west-1.amazonaws.com"),
        # AWS GovCloud user guide, GuardDuty: the FIPS endpoint service.
        ("us-gov-west-1", "guardduty-data-fips.us-gov-west-1.amazonaws.com"),
    ],
)
def test_the_name_that_is_tried(region: str, name: str) -> None:
    """GuardDuty user guide, "Creating an Amazon VPC endpoint manually"."""
    assert endpoint_name(region) == name
