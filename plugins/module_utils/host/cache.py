# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory of verified packages: a lock per package, a private staging directory, and an atomic rename to publish."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator

LOCKS, STAGING = ".locks", ".staging"
PAUSE = 0.1


class Unusable(Exception):
    """Why the directory cannot be used, or not now; whole sentences."""


class Cache:
    """The directory C(root) with one subdirectory per package, C(VERSION/FORMAT-ARCHITECTURE).

    If C(keep) is false (check mode), nothing is written to it: packages are prepared elsewhere and discarded.
    """

    def __init__(self, root: str, keep: bool) -> None:
        self.root, self.keep = root, keep

    def prepare(self) -> None:
        """Create the directory, check that nobody else can write to it, and delete what interrupted runs left. Unusable."""
        if not self.keep:
            if os.path.lexists(self.root):
                _check_private(self.root)
            return
        try:
            os.makedirs(self.root, mode=0o700, exist_ok=True)
            _check_private(self.root)
            for name in (LOCKS, STAGING):
                os.makedirs(os.path.join(self.root, name), mode=0o700, exist_ok=True)
            leftovers = os.listdir(os.path.join(self.root, STAGING))
        except OSError as error:
            raise Unusable(
                f"Cannot use the directory {self.root}: {error.strerror}. Set cache_dir to another directory."
            ) from None
        for name in leftovers:
            # A locked one is being prepared by another run.
            with contextlib.suppress(Unusable), self._lock(name, 0):
                shutil.rmtree(os.path.join(self.root, STAGING, name), ignore_errors=True)

    @contextlib.contextmanager
    def prepared(self, version: str, name: str, patience: float) -> Iterator[str]:
        """An empty private directory to prepare a package in, always removed; one process at a time per package."""
        if not self.keep:
            with tempfile.TemporaryDirectory(prefix="fleetsec-guardduty-") as folder:
                yield folder
            return
        whole = f"{version}-{name}"
        with self._lock(whole, patience):
            folder = os.path.join(self.root, STAGING, whole)
            shutil.rmtree(folder, ignore_errors=True)
            os.mkdir(folder, 0o700)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def place(self, version: str, name: str) -> str:
        return os.path.join(self.root, version, name)

    def publish(self, folder: str, version: str, name: str) -> None:
        """Move the prepared directory to its place, atomically."""
        self.discard(version, name)
        os.makedirs(os.path.join(self.root, version), mode=0o700, exist_ok=True)
        os.rename(folder, self.place(version, name))

    def discard(self, version: str, name: str) -> None:
        """Delete whatever is in the package's place."""
        place = self.place(version, name)
        if os.path.islink(place) or os.path.isfile(place):
            os.unlink(place)
        elif os.path.isdir(place):
            shutil.rmtree(place)

    @contextlib.contextmanager
    def _lock(self, name: str, patience: float) -> Iterator[None]:
        deadline = time.monotonic() + patience
        handle = os.open(os.path.join(self.root, LOCKS, name), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError as error:
                    if error.errno not in (errno.EAGAIN, errno.EACCES):
                        raise
                if time.monotonic() >= deadline:
                    raise Unusable(
                        f"Another run has been fetching {name} for {patience} s. Wait until it ends, then run this again."
                    )
                time.sleep(PAUSE)
            yield
        finally:
            os.close(handle)


def is_plain(path: str) -> bool:
    """Whether the path is a regular file, not a link to a file that another user may change."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _check_private(root: str) -> None:
    seen = os.stat(root)
    if not stat.S_ISDIR(seen.st_mode):
        raise Unusable(f"{root} is not a directory. Set cache_dir to a directory.")
    if seen.st_uid not in (0, os.geteuid()):
        raise Unusable(
            f"The directory {root} belongs to another user, who could change verified packages. Set cache_dir to your own."
        )
    if seen.st_mode & stat.S_IWOTH:
        raise Unusable(
            f"The directory {root} is writable by everybody. Remove that permission (chmod o-w), or set cache_dir to another."
        )
