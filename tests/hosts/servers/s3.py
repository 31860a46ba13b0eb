#!/usr/bin/env python3
# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's buckets over TLS, as S3 serves them to anybody: the bucket is in the host's name, errors are XML.

    s3.py --root FOLDER --certificate FILE --key FILE --log FILE

A missing key is 403 AccessDenied, as S3 says to a caller that may not list the bucket:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html. Each request is one JSON line in the log, so that a
test can count downloads. It runs in a container that has Python and nothing else.
"""

from __future__ import annotations

import argparse
import json
import ssl
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server_version = "AmazonS3"
    server: Buckets

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

    def answer(self, bucket: str, key: str, status: HTTPStatus, body: bytes) -> None:
        self.server.record(self.command, bucket, key, int(status), self.client_address[0])
        self.send_response(status)
        self.send_header("Content-Type", "binary/octet-stream" if status == HTTPStatus.OK else "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing: the log of requests is the one that record() writes."""


class Buckets(ThreadingHTTPServer):
    """The buckets below one folder, and the log of who asked for what."""

    daemon_threads = True

    def __init__(self, root: Path, log: Path) -> None:
        super().__init__(("0.0.0.0", 443), Handler)
        self.root, self.log, self.lock = root, log, threading.Lock()

    def record(self, method: str, bucket: str, key: str, status: int, caller: str) -> None:
        line = {"method": method, "bucket": bucket, "key": key, "status": status, "caller": caller}
        with self.lock, self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")


def xml(code: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'.encode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The agent's buckets for test hosts.")
    for name in ("root", "certificate", "key", "log"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    server = Buckets(options.root, options.log)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    # The handshake belongs to the thread of the request: one that only connects must not hold up the others.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()
