# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that say what Runtime Monitoring and its sub-features should be."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  state:
    description: Whether Runtime Monitoring should be on.
    type: str
    choices: [enabled, disabled]
    default: enabled
  ec2_agent_management:
    description:
      - Whether GuardDuty installs the agent on EC2 instances itself (automated agent configuration).
      - If turned off, existing agents stay, are no longer updated, and keep causing costs.
    type: bool
  eks_addon_management:
    description: Whether GuardDuty manages its add-on on EKS clusters.
    type: bool
  ecs_fargate_agent_management:
    description: Whether GuardDuty manages its agent on ECS with Fargate.
    type: bool
  migrate_eks:
    description:
      - Whether to turn off the older feature C(EKS_RUNTIME_MONITORING), which Runtime Monitoring replaces.
      - With O(state=enabled), it is turned off only after Runtime Monitoring is on, as AWS requires, and the management of the
        EKS add-on is carried over unless O(eks_addon_management) is set.
      - With O(state=disabled), both are turned off, so that GuardDuty cleans up and the costs end.
      - If it stays on, the module warns.
    type: bool
    default: false
"""
