# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads botocore's models of the services in less than half the time; short runs mostly wait for this.

botocore checks all of its 400 services for a model before it loads one, and builds an ordered dict of every object
of EC2's nine megabytes. The loaded models are the same.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from typing import Any

from .sdk import JSONFileLoader, Loader

READERS = ((".json", bytes), (".json.gz", gzip.decompress))


class _Files(JSONFileLoader):
    """A file that is missing or cannot be read this way is left to botocore."""

    def load_file(self, file_path: str) -> Any:
        for suffix, read in READERS:
            try:
                with open(file_path + suffix, "rb") as file:
                    return json.loads(read(file.read()))
            except (OSError, EOFError, ValueError, zlib.error):
                continue
        return super().load_file(file_path)


class Models(Loader):
    """A loader for botocore's session, with the search paths of the session's current loader."""

    def __init__(self, usual: Any) -> None:
        super().__init__(list(usual.search_paths), _Files(), include_default_search_paths=False)

    def list_available_services(self, type_name: str) -> list[str]:
        """Every service name in the search paths; for a name without a model, botocore reports that its data was not found."""
        found: set[str] = set()
        for path in filter(os.path.isdir, self.search_paths):
            found.update(os.listdir(path))
        return sorted(found)
