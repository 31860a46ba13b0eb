# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of the collection support: HOSTS is for those that run on managed hosts, which are in no action group."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: The action group of the module, for C(module_defaults).
    support: full
    membership: [fleetsec.guardduty.guardduty]
  platform:
    description: The platforms on which the module runs.
    platforms: posix
    support: full
"""

    HOSTS = r"""
options: {}
attributes:
  platform:
    description: The platforms on which the module runs. It needs Python 3.8 or later there.
    platforms: posix
    support: full
"""

    WRITES = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and report changes without making them.
    support: full
    details: Check mode reports exactly the changes of the real run, because both come from the same plan.
  diff_mode:
    description: Returns the changes, with the state before and after.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
"""

    READS = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and report changes without making them.
    support: full
    details: The module never changes anything.
  diff_mode:
    description: Returns the changes, with the state before and after.
    support: N/A
    details: The module never changes anything.
  idempotent:
    description: A second run changes nothing.
    support: N/A
    details: The module never changes anything.
"""
