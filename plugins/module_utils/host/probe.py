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

IMDS = "http://169.254.169.254"
PORT = 443
# EC2 user guide, "Use IMDSv2": a token first. A separate opener, because the metadata service is never behind a proxy.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def metadata(timeout):
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


def _ask(path, timeout, headers, method="GET"):
    request = urllib.request.Request(IMDS + path, headers=headers, method=method)
    with _OPENER.open(request, timeout=timeout) as answer:
        return answer.read(65536).decode("utf-8")


def endpoint(name, timeout):
    """Whether a name resolves, and whether one of its addresses accepts TCP on port 443. C(timeout): seconds per test."""
    result = {"name": name, "addresses": [], "error": None, "connected": False}
    result["addresses"], result["error"] = _resolve(name, timeout)
    deadline = time.monotonic() + timeout
    for address in result["addresses"]:
        try:
            socket.create_connection((address, PORT), max(deadline - time.monotonic(), 0.1)).close()
        except OSError as error:
            result["error"] = str(error) or type(error).__name__
        else:
            result.update(connected=True, error=None)
            break
    return result


def _resolve(name, timeout):
    """The addresses, or why there are none. In a thread, because the system's resolver has no timeout parameter."""
    said = []

    def ask():
        try:
            said.append((socket.getaddrinfo(name, PORT, type=socket.SOCK_STREAM), None))
        except (OSError, UnicodeError) as error:
            said.append(([], str(error)))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout)
    found, error = said[0] if said else ([], f"no answer within {timeout} s")
    return sorted({entry[4][0] for entry in found}), error


def machine():
    """Memory, free disk space and kernel facilities."""
    return {
        "btf": os.path.exists("/sys/kernel/btf/vmlinux"),
        "memory_mb": _memory_mb(),
        "vcpus": os.cpu_count() or 1,
        "free_mb": {place: _free_mb(place) for place in ("/opt", "/var")},
        "memlock": resource.getrlimit(resource.RLIMIT_MEMLOCK)[1],
    }


def _memory_mb():
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (OSError, ValueError):
        return None


def _free_mb(place):
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize // 2**20
