# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests on a managed host whether the agent can work there. Python 3.8 and the standard library."""

from __future__ import annotations

import http.client
import json
import os
import resource
import socket
import threading
import time
import urllib.error
import urllib.request
from typing import Any

IMDS = "http://169.254.169.254"
PORT = 443
# EC2 user guide, "Use IMDSv2": a token first. A separate opener, because the metadata service is never behind a proxy.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def metadata(timeout: float) -> dict[str, Any]:
    """The instance identity document, or why it cannot be read. C(timeout): seconds per request."""
    try:
        token = _ask("/latest/api/token", timeout, {"X-aws-ec2-metadata-token-ttl-seconds": "60"}, "PUT")
        text = _ask("/latest/dynamic/instance-identity/document", timeout, {"X-aws-ec2-metadata-token": token})
        said = json.loads(text)
        document = {"region": said["region"], "account_id": said["accountId"], "instance_id": said["instanceId"]}
    except urllib.error.HTTPError as error:
        return {"document": None, "error": f"HTTP status {error.code}"}
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        return {"document": None, "error": str(error) or type(error).__name__}
    return {"document": document, "error": None}


def _ask(path: str, timeout: float, headers: dict[str, str], method: str = "GET") -> str:
    request = urllib.request.Request(IMDS + path, headers=headers, method=method)
    with _OPENER.open(request, timeout=timeout) as answer:
        return bytes(answer.read(65536)).decode("utf-8")


def endpoint(name: str, timeout: float) -> dict[str, Any]:
    """Whether a name resolves, and whether one of its addresses accepts TCP on port 443. C(timeout): seconds per test."""
    addresses, error = _resolve(name, timeout)
    result: dict[str, Any] = {"name": name, "addresses": addresses, "error": error, "connected": False}
    deadline = time.monotonic() + timeout
    for address in addresses:
        try:
            socket.create_connection((address, PORT), max(deadline - time.monotonic(), 0.1)).close()
        except OSError as failure:
            result["error"] = str(failure) or type(failure).__name__
        else:
            result.update(connected=True, error=None)
            break
    return result


def _resolve(name: str, timeout: float) -> tuple[list[str], str | None]:
    """The addresses, or why there are none. In a thread, because the system's resolver has no timeout parameter."""
    said: list[tuple[list[Any], str | None]] = []

    def ask() -> None:
        try:
            said.append((socket.getaddrinfo(name, PORT, type=socket.SOCK_STREAM), None))
        except (OSError, UnicodeError) as error:
            said.append(([], str(error)))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout)
    found, why = said[0] if said else ([], f"no answer within {timeout} s")
    return sorted({entry[4][0] for entry in found}), why


def machine() -> dict[str, Any]:
    """Memory, free disk space and kernel facilities."""
    return {
        "btf": os.path.exists("/sys/kernel/btf/vmlinux"),
        "memory_mb": _memory_mb(),
        "vcpus": os.cpu_count() or 1,
        "free_mb": {place: _free_mb(place) for place in ("/opt", "/var")},
        "memlock": resource.getrlimit(resource.RLIMIT_MEMLOCK)[1],
    }


def _memory_mb() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (OSError, ValueError):
        return None


def _free_mb(place: str) -> int:
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize // 2**20
