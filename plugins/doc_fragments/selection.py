# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that select EC2 instances."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  instance_ids:
    description:
      - The IDs of the instances, in any of the accounts and regions.
      - With the inventory's default host names, a group is such a list, for example C(groups['gd_ineffective']).
    type: list
    elements: str
  filters:
    description:
      - Filters of C(DescribeInstances), name to value or list of values, such as C(tag:env) or C(vpc-id).
      - See U(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html).
    type: dict
    default: {}
"""
