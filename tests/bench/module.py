# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module's main() in this process, without the ansible command around it: module.py NAME ARGUMENTS-AS-JSON."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from ansible.module_utils.testing import patch_module_args

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).with_name("plugins") / "modules"))
    with patch_module_args(json.loads(sys.argv[2])):
        importlib.import_module(sys.argv[1]).main()
