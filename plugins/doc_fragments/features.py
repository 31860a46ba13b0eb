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
      - Whether GuardDuty brings the agent to EC2 instances by itself (automated agent configuration).
      - Turned off, the agents that are there stay, are no longer updated, and keep costing.
    type: bool
  eks_addon_management:
    description: Whether GuardDuty manages its add-on on EKS clusters.
    type: bool
  ecs_fargate_agent_management:
    description: Whether GuardDuty manages its agent on ECS with Fargate.
    type: bool
  migrate_eks:
    description:
      - Whether to turn the older feature C(EKS_RUNTIME_MONITORING) off, which Runtime Monitoring replaces.
      - With O(state=enabled) it goes off only after Runtime Monitoring is on, the order that AWS asks for, and the management
        of the EKS add-on is carried over unless O(eks_addon_management) says otherwise.
      - With O(state=disabled) both go off, which is what makes GuardDuty clean up and ends the costs.
      - Where it stays on, a warning says so.
    type: bool
    default: false
"""
