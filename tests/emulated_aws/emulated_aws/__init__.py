# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulated AWS: EC2, SSM, GuardDuty, STS and Organizations as far as agents on EC2 fleets need them."""

import os

# moto's 1,301 images cost a third of a second for each new world, and nothing here reads them. Read at moto's import.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
