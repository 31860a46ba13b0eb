# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches one file from a URL or a path, with limits on size, time and attempts."""

from __future__ import annotations

import errno
import http.client
import os
import shutil
import ssl
import time
from collections.abc import Sequence
from typing import Any, BinaryIO
from urllib.error import HTTPError, URLError

from ansible.module_utils.urls import open_url

MIB = 1024 * 1024
CHUNK = 256 * 1024
# An attempt ends after this many seconds without data, even if it has more time left.
SILENCE = 30
FIRST_PAUSE = 0.5
TRY_AGAIN = (408, 429)
OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO)
REMEDIES = {
    401: "The server requires credentials; fetch from a source that this machine may read.",
    403: "S3 also answers this if the file does not exist: check the version, architecture and region. If they are correct,"
    " fetch through the S3 API with credentials (source s3), or from a mirror.",
    404: "Check the version and architecture, and that the source has AWS's layout (VERSION/ARCHITECTURE/FILE).",
    407: "The proxy requires credentials; set https_proxy in the environment of the task.",
}


class NotFetched(Exception):
    """Why a file was not fetched; whole sentences."""


class _Passing(Exception):
    """A temporary failure: the next attempt may succeed."""


def fetch(place: str | Sequence[str], target: str, limit: int, timeout: float, retries: int) -> None:
    """Write the file at C(place), an http(s) URL or a list of paths to try, to C(target); at most C(limit) bytes."""
    if not isinstance(place, str):
        return _copy(place, target, limit)
    for attempt in range(retries + 1):
        try:
            return _download(place, target, limit, timeout)
        except _Passing as failure:
            if attempt == retries:
                times = "once" if retries == 0 else f"{retries + 1} times"
                raise NotFetched(
                    f"{place} was tried {times}: {failure}. Try again later, or use another source."
                ) from None
            time.sleep(FIRST_PAUSE * 2**attempt)


def _copy(paths: Sequence[str], target: str, limit: int) -> None:
    found = next((path for path in paths if os.path.isfile(path)), None)
    if found is None:
        raise NotFetched(
            f"{' and '.join(paths)} {'does' if len(paths) == 1 else 'do'} not exist. Put the file there, in AWS's layout."
        )
    try:
        if os.path.getsize(found) > limit:
            raise NotFetched(_too_large(found, limit))
        shutil.copyfile(found, target)
    except OSError as error:
        raise NotFetched(
            f"Cannot copy {found}: {error.strerror}. Check its permissions and the free disk space."
        ) from None


def _download(url: str, target: str, limit: int, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    try:
        # Not decompressed, because the signature covers the original bytes.
        with open_url(url, timeout=min(SILENCE, timeout), decompress=False) as answer, open(target, "wb") as file:
            expected = answer.headers.get("Content-Length")
            if expected is not None and int(expected) > limit:
                raise NotFetched(_too_large(url, limit))
            received = _pour(answer, file, url, limit, deadline, timeout)
    except HTTPError as error:
        if error.code >= 500 or error.code in TRY_AGAIN:
            raise _Passing(f"the server answers {error.code} {error.reason}") from None
        raise NotFetched(
            f"{url}: the server answers {error.code} {error.reason}. {REMEDIES.get(error.code, 'Check the source.')}"
        ) from None
    except URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise NotFetched(_untrusted(url, error.reason)) from None
        raise _Passing(str(error.reason)) from None
    except ssl.SSLCertVerificationError as error:
        raise NotFetched(_untrusted(url, error)) from None
    except (http.client.InvalidURL, ValueError) as error:
        raise NotFetched(f"{url} is not a valid URL: {error}. Check the source.") from None
    except http.client.IncompleteRead:
        raise _Passing("the connection ended in the middle of the file") from None
    except (http.client.HTTPException, OSError) as error:
        if getattr(error, "errno", None) in OF_THE_DISK:
            raise
        raise _Passing(str(error) or type(error).__name__) from None
    if expected is not None and received != int(expected):
        raise _Passing(f"the connection ended after {received} of {expected} bytes")


def _pour(answer: Any, file: BinaryIO, url: str, limit: int, deadline: float, timeout: float) -> int:
    received = 0
    while True:
        # read1 returns the available data; read would wait for a full chunk from a slow server
        chunk = answer.read1(CHUNK)
        if not chunk:
            return received
        received += len(chunk)
        if received > limit:
            raise NotFetched(_too_large(url, limit))
        if time.monotonic() > deadline:
            raise _Passing(f"the file was not complete after {timeout} s ({received} bytes received)")
        file.write(chunk)


def _too_large(place: str, limit: int) -> str:
    return f"{place} is larger than the maximum of {limit // 1024} KiB for such a file. Check the source."


def _untrusted(url: str, error: ssl.SSLCertVerificationError) -> str:
    return (
        f"{url}: the server's certificate is not trusted ({error.verify_message}). Add the certificate authority that signed"
        " it to this machine's trusted authorities."
    )
