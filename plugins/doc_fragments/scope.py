# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options by which the operator says which instances should run the agent."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  scope:
    description:
      - Which instances should run the agent if automated agent configuration is off.
      - V(all) means every supported instance that is not tagged C(GuardDutyManaged=false).
      - V(selected) means only those that are tagged C(GuardDutyManaged=true).
    type: str
    choices: [all, selected]
    default: all
  fallback_to_package:
    description:
      - Whether to move instances that GuardDuty should install on, but that are not online in Systems Manager, to the package
        route.
      - Only their route changes; their reason stays the same.
    type: bool
    default: false
"""
