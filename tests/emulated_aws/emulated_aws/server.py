# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP/1.1 server with keep-alive for one WSGI application, able to break connections on purpose."""

from __future__ import annotations

import io
import socket
import struct
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)

from .faults import ConnectionDropped


class Handler(BaseHTTPRequestHandler):
    """Werkzeug's handler closes the connection after each answer: with thousands of calls, keep-alive is faster."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Server

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionDropped:
            self._reset()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _answer(self) -> None:
        environ = self._environ(self._body())
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            started[:] = [status, headers]

        chunks = self.server.app(environ, start_response)
        code, reason = started[0].split(" ", 1)
        self.send_response_only(int(code), reason)
        for name, value in started[1]:
            self.send_header(name, value)
        self.send_header("Date", self.date_time_string())
        self.end_headers()
        for chunk in chunks:
            if self.command != "HEAD":
                self.wfile.write(chunk)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _answer  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, dummy, query = self.path.partition("?")
        host, port = self.server.server_address[:2]
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": self.path,
            "REQUEST_URI": self.path,
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        # moto reads the S3 metadata headers' own spelling from here.
        preserved: dict[str, str] = {}
        for name, value in self.headers.items():
            key = environ_key_for_header(name)
            if key in ("CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"):
                continue
            if should_preserve_original_header_name(name):
                preserved[key] = name
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = preserved
        return environ

    def _reset(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        # With linger 0, closing sends RST: the client sees a reset, not an orderly end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def log_message(self, *dummy: Any) -> None:
        """Calls are in /_world/log."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, host: str, port: int, app: Any) -> None:
        super().__init__((host, port), Handler)
        self.app = app

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host}:{port}"

    def shutdown_request(self, request: Any) -> None:
        # The base class shuts the socket down first, which would turn a reset into an orderly end.
        self.close_request(request)
