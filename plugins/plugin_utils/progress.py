# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows, while a module runs on the controller, the lines that it adds to a file."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible import constants

from .screen import show

LOOK_EVERY = 1.0  # seconds


@contextmanager
def shown_progress(title: str) -> Iterator[str]:
    """The path of a file for the module; each line that is added to it is printed below the title immediately."""
    folder = Path(tempfile.mkdtemp(prefix="fleetsec-progress-", dir=constants.DEFAULT_LOCAL_TMP))
    path, over = folder / "progress", threading.Event()
    path.touch()

    def follow() -> None:
        with path.open(encoding="utf-8") as file:
            last_look = False
            while not last_look:
                last_look = over.wait(LOOK_EVERY)
                show(("muted", f"{title}: {line.rstrip()}") for line in file.readlines())

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield str(path)
    finally:
        over.set()
        follower.join()
        shutil.rmtree(folder, ignore_errors=True)
