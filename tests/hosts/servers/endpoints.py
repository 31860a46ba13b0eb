# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS's endpoints that a host speaks to, over TLS: the agent's buckets, and GuardDuty's for what an agent reports.

    endpoints.py --root FOLDER --certificate FILE --key FILE --log FILE --aws http://169.254.169.1:5555

The buckets are as S3 serves them to anybody: the bucket is in the host's name, errors are XML. A missing key is 403
AccessDenied, as S3 says to a caller that may not list the bucket:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html. Each request is one JSON line in the log, so that a
test can count downloads. What agents really send to GuardDuty is not public: the stand-in agent posts its version and the
identity document of its host, and the emulated AWS then covers that instance. It runs in a container that has Python and
nothing else.
"""

from __future__ import annotations

import argparse
import json
import ssl
import threading
import urllib.error
import urllib.request
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server_version = "AmazonS3"
    server: Endpoints

    def do_GET(self) -> None:
        bucket = self.headers.get("Host", "").partition(".s3.")[0]
        key = unquote(self.path.partition("?")[0]).lstrip("/")
        if "/" in bucket or not bucket or not (self.server.root / bucket).is_dir():
            self.answer(bucket, key, HTTPStatus.NOT_FOUND, xml("NoSuchBucket"))
            return
        path = self.server.root / bucket / key
        if ".." in path.parts or not path.is_file():
            self.answer(bucket, key, HTTPStatus.FORBIDDEN, xml("AccessDenied"))
        else:
            self.answer(bucket, key, HTTPStatus.OK, path.read_bytes())

    do_HEAD = do_GET

    def do_POST(self) -> None:
        host, body = self.headers.get("Host", ""), self.rfile.read(int(self.headers.get("Content-Length", "0")))
        status = HTTPStatus.NOT_FOUND
        if host.startswith("guardduty-data"):
            request = urllib.request.Request(f"{self.server.aws}/_world/agents", data=body)
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    status = HTTPStatus(answer.status)
            except urllib.error.HTTPError as refused:
                status = HTTPStatus(refused.code)
        self.answer(host, self.path.lstrip("/"), status, b"")

    def answer(self, bucket: str, key: str, status: HTTPStatus, body: bytes) -> None:
        self.server.record(self.command, bucket, key, int(status), self.client_address[0])
        self.send_response(status)
        self.send_header("Content-Type", "binary/octet-stream" if status == HTTPStatus.OK else "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing: the log of requests is the one that record() writes."""


class Endpoints(ThreadingHTTPServer):
    """Their content, and the log of who asked for what."""

    daemon_threads = True

    def __init__(self, root: Path, log: Path, aws: str) -> None:
        super().__init__(("0.0.0.0", 443), Handler)
        self.root, self.log, self.aws, self.lock = root, log, aws, threading.Lock()

    def record(self, method: str, bucket: str, key: str, status: int, caller: str) -> None:
        line = {"method": method, "bucket": bucket, "key": key, "status": status, "caller": caller}
        with self.lock, self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")


def xml(code: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'.encode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="AWS's endpoints for test hosts.")
    for name in ("root", "certificate", "key", "log"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--aws", required=True, metavar="URL", help="where the emulated AWS answers")
    options = parser.parse_args()
    server = Endpoints(options.root, options.log, options.aws)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    # The handshake belongs to the thread of the request: one that only connects must not hold up the others.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()
