# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report
version_added: 0.1.0
short_description: Write a report of a fleet, and merge reports
description:
  - Writes C(report.html), C(report.md), C(report.csv) and C(report.json) into a folder on the controller. Makes no AWS call.
  - Earlier reports are merged in. A later row of the same instance replaces an earlier one; the fleet that was read now is the
    latest. Rows are sorted and counted again.
  - The same fleet gives the same files, so request ids are left out of the problems, and no clock is read.
  - All files are written first, and then replaced together, so that a failure leaves the earlier report as it is.
  - The playbooks write their reports with it.
options:
  dest:
    description: The folder on the controller. It is created if it does not exist; a folder that exists keeps its mode.
    type: path
    required: true
  fleet:
    description: The result of M(fleetsec.guardduty.eligibility_info). Left out, only O(shards) are merged.
    type: dict
    default: {}
  read:
    description: How O(fleet) was read (regions, roles, scope, filters), to be kept and shown. Empty values are left out.
    type: dict
    default: {}
  shards:
    description:
      - Earlier C(report.json) files, or directories with C(*.json) files at any depth, the latest last; those of a directory in
        the order of their paths. The C(report.json) of O(dest) itself is never one of them.
    type: list
    elements: path
    default: []
  title:
    description: The title of the page.
    type: str
    default: GuardDuty Runtime Monitoring
  time:
    description: When the fleet was read, in the form in which it is to be shown. Empty, no time is shown.
    type: str
    default: ""
  rows:
    description: How many rows a table of the page may have. C(report.csv) always has all instances.
    type: int
    default: 250
  mode:
    description: The mode of the files as octal digits. New folders get it too, with execute permission for all who may read.
    type: str
    default: "0640"
attributes:
  check_mode:
    description: Reports what would be written, and writes nothing.
    support: full
  diff_mode:
    description: Shows how each file differs, unless it is larger than ansible-core's limit for differences.
    support: full
  idempotent:
    description: A second run over an unchanged fleet changes nothing.
    support: full
  platform:
    description: The platforms on which the module runs.
    platforms: posix
    support: full
    details: It is an action plugin, and always runs on the controller.
author:
  - The fleetsec.guardduty authors (@fleetsec)
seealso:
  - module: fleetsec.guardduty.eligibility_info
"""

EXAMPLES = r"""
- name: Read the fleet
  fleetsec.guardduty.eligibility_info:
    regions: [eu-west-1]
  register: fleet

- name: Write its report
  fleetsec.guardduty.report:
    dest: reports/fleet
    fleet: "{{ fleet }}"

- name: Merge reports
  fleetsec.guardduty.report:
    dest: reports/organization
    shards: [reports/]
"""

RETURN = r"""
dest:
  description: The folder, as an absolute path.
  returned: success
  type: str
  sample: /srv/reports/fleet
files:
  description: The names of the files that were written, or that would be.
  returned: success
  type: list
  elements: str
  sample: [report.json, report.csv, report.html, report.md]
"""
