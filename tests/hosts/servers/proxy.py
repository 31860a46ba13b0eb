# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP proxy for CONNECT alone (RFC 9110, 9.3.6), as many networks have one: it knows names that nobody else does.

    proxy.py --to 169.254.169.250 --log FILE

Each tunnel is one JSON line in the log. It runs in a container that has Python and nothing else.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT = 3128
CHUNK = 65536


class Handler(BaseHTTPRequestHandler):
    """One tunnel."""

    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_CONNECT(self) -> None:
        self.close_connection = True
        if not self.path.endswith(".amazonaws.com:443"):
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        self.server.record(self.path, self.client_address[0])
        with socket.create_connection((self.server.to, 443), timeout=10) as beyond:
            self.send_response(HTTPStatus.OK)
            self.end_headers()
            tunnel(self.connection, beyond)

    def log_message(self, *arguments: object) -> None:
        """Nothing: the log of tunnels is the one that record() writes."""


def tunnel(one: socket.socket, other: socket.socket) -> None:
    """Until either side has ended."""
    across = {one: other, other: one}
    while True:
        for ready in select.select(list(across), [], [])[0]:
            content = ready.recv(CHUNK)
            if not content:
                return
            across[ready].sendall(content)


class Proxy(ThreadingHTTPServer):
    """Where its tunnels lead, and the log of who asked for one."""

    daemon_threads = True

    def __init__(self, to: str, log: Path) -> None:
        super().__init__(("0.0.0.0", PORT), Handler)
        self.to, self.log, self.lock = to, log, threading.Lock()

    def record(self, target: str, caller: str) -> None:
        with self.lock, self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps({"target": target, "caller": caller}) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A proxy for test hosts.")
    parser.add_argument("--to", required=True, metavar="ADDRESS", help="where AWS's endpoints answer")
    parser.add_argument("--log", type=Path, required=True)
    options = parser.parse_args()
    Proxy(options.to, options.log).serve_forever()
