# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of verified packages: a lock for each, a private place to prepare it, and one rename that shows it whole."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import tempfile
import time

LOCKS, STAGING = ".locks", ".staging"
PAUSE = 0.1


class Unusable(Exception):
    """Why the folder cannot be used, or not now; a whole sentence or two."""


class Cache:
    """A folder C(root) with one folder for each package, C(VERSION/FORMAT-ARCHITECTURE).

    With C(keep) false (check mode) nothing is written in it: a package is prepared elsewhere and thrown away.
    """

    def __init__(self, root, keep):
        self.root, self.keep = root, keep

    def prepare(self):
        """Make the folder, see that nobody else can write in it, and clear what interrupted runs left."""
        if not self.keep:
            if os.path.lexists(self.root):
                _hold_private(self.root)
            return
        try:
            os.makedirs(self.root, mode=0o700, exist_ok=True)
            _hold_private(self.root)
            for name in (LOCKS, STAGING):
                os.makedirs(os.path.join(self.root, name), mode=0o700, exist_ok=True)
            leftovers = os.listdir(os.path.join(self.root, STAGING))
        except OSError as error:
            raise Unusable(
                f"The folder {self.root} cannot be used: {error.strerror}. Set cache_dir to another."
            ) from None
        for name in leftovers:
            # One that is locked is being prepared at this moment.
            with contextlib.suppress(Unusable), self._lock(name, 0):
                shutil.rmtree(os.path.join(self.root, STAGING, name), ignore_errors=True)

    @contextlib.contextmanager
    def prepared(self, version, name, patience):
        """An empty private folder to prepare a package in, removed whatever happens; one process at a time, for each package."""
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

    def place(self, version, name):
        return os.path.join(self.root, version, name)

    def publish(self, folder, version, name):
        """Show the prepared folder in its place, whole or not at all."""
        self.discard(version, name)
        os.makedirs(os.path.join(self.root, version), mode=0o700, exist_ok=True)
        os.rename(folder, self.place(version, name))

    def discard(self, version, name):
        """Remove what is in the package's place, whatever it is."""
        place = self.place(version, name)
        if os.path.islink(place) or os.path.isfile(place):
            os.unlink(place)
        elif os.path.isdir(place):
            shutil.rmtree(place)

    @contextlib.contextmanager
    def _lock(self, name, patience):
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
                    raise Unusable(f"Another run has been fetching {name} for {patience} s. Let it end, and run again.")
                time.sleep(PAUSE)
            yield
        finally:
            os.close(handle)


def is_plain(path):
    """Whether it is a file itself, not a link to one that somebody else may change."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _hold_private(root):
    seen = os.stat(root)
    if not stat.S_ISDIR(seen.st_mode):
        raise Unusable(f"{root} is no folder. Set cache_dir to one.")
    if seen.st_uid not in (0, os.geteuid()):
        raise Unusable(
            f"The folder {root} belongs to another user, who could change what is verified. Set cache_dir to your own."
        )
    if seen.st_mode & stat.S_IWOTH:
        raise Unusable(
            f"Everybody can write in the folder {root}. Take that right away (chmod o-w), or set cache_dir to another."
        )
