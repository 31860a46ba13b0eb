# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-core's own price of an inventory: given hosts, variables and groups, made from a file that costs nothing to read."""

from __future__ import annotations

import marshal
from pathlib import Path

from ansible.plugins.inventory import BaseInventoryPlugin

DOCUMENTATION = r"""
name: floor
short_description: The hosts of a file, for measuring what ansible-core itself costs
description: Makes hosts, variables and groups that were written with Python's marshal. Files end with C(floor.yml).
options:
  plugin:
    description: C(floor).
    type: str
    required: true
  data:
    description: The file, a dict with C(hosts), name to variables, and C(groups), name to hosts.
    type: path
    required: true
  direct:
    description: Set variables on the host object, not through the inventory.
    type: bool
    default: false
author:
  - The fleetsec.guardduty authors (@fleetsec)
"""


class InventoryModule(BaseInventoryPlugin):
    NAME = "floor"

    def verify_file(self, path):
        return path.endswith("floor.yml")

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        data = marshal.loads(Path(self.get_option("data")).read_bytes())
        direct = self.get_option("direct")
        for name, variables in data["hosts"].items():
            inventory.add_host(name)
            for key, value in variables.items():
                if direct:
                    inventory.hosts[name].set_variable(key, value)
                else:
                    inventory.set_variable(name, key, value)
        for group, names in data["groups"].items():
            added = inventory.add_group(group)
            for name in names:
                inventory.add_child(added, name)
