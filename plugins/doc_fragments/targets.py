# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that every module, the inventory and every playbook share: which accounts and regions."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  regions:
    description:
      - The regions to work in.
      - Empty means the region of the connection (O(region), E(AWS_REGION) or the profile's).
    type: list
    elements: str
    default: []
  assume_role_arns:
    description:
      - The ARNs of the IAM roles to assume, one for each account to work in.
      - Empty means the account of the caller's own credentials.
      - An account whose role cannot be assumed is reported; the others are processed.
    type: list
    elements: str
    default: []
  organization_role_name:
    description:
      - The name of an IAM role to assume in every active account of the organization.
      - The caller needs C(organizations:ListAccounts). Its own account is processed without a role.
    type: str
  only:
    description:
      - Work only in these of the accounts and regions, each as C(ACCOUNT/REGION).
      - An empty list means none. If omitted, it means all.
    type: list
    elements: str
notes:
  - Accounts and regions are processed in parallel, with at most 32 concurrent calls.
"""

    # An inventory plugin reads the same options from its file; there, too, the region comes from the environment.
    PLUGINS = r"""
options:
  regions:
    description:
      - The regions to read.
      - Empty means the region from the environment (E(AWS_REGION)) or the profile.
    type: list
    elements: str
    default: []
  assume_role_arns:
    description:
      - The ARNs of the IAM roles to assume, one for each account to read.
      - Empty means the account of the caller's own credentials.
    type: list
    elements: str
    default: []
  organization_role_name:
    description:
      - The name of an IAM role to assume in every active account of the organization.
      - The caller needs C(organizations:ListAccounts). Its own account is read without a role.
    type: str
"""
