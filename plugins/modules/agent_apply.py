# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies the plan of agent_plan on a host, checks that the agent keeps running, and rolls back if it crashes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_apply
version_added: 0.1.0
short_description: Apply the plan for the GuardDuty agent on a host
description:
  - Installs, upgrades, repairs or removes the agent as M(fleetsec.guardduty.agent_plan) planned, from a package that
    M(fleetsec.guardduty.agent_package) verified, and leaves its service as planned.
    - On the host, the package must still have the SHA-256 that was verified, and its metadata must match the planned name,
    version and architecture. An old package that is served under a new name is rejected, even if its signature is good.
  - A service counts as started when the same process has run for O(settle_seconds). Otherwise the previous version is
    reinstalled, if its package is available, and the task fails. The message names the version that crashed, the error, and the
    version that the host now has.
  - Uses C(rpm -U) and C(apt-get install). It does not disable their signature checks and imports no keys.
options:
  plan:
    description: The plan, as M(fleetsec.guardduty.agent_plan) returns it.
    type: dict
    required: true
  packages:
    description: The packages that M(fleetsec.guardduty.agent_package) returned. The module selects the host's package.
    type: list
    elements: dict
    default: []
  packages_dir:
    description:
      - The directory on the controller that contains the packages by C(name), if another machine fetched them. If omitted, each
        package is at its C(path).
    type: path
  packages_on:
    description:
      - The machine that has the packages. With V(controller), the package is copied to the host and deleted afterwards.
    type: str
    choices: [controller, target]
    default: controller
  settle_seconds:
    description: The number of seconds that the agent must keep running before its start counts as successful.
    type: int
    default: 5
  rollback:
    description: Whether to restore the previous version if the new one crashes.
    type: bool
    default: true
  watch:
    description: Whether to check that the agent keeps running for O(settle_seconds) even if nothing changes.
    type: bool
    default: false
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.attributes.hosts
  - fleetsec.guardduty.attributes.writes
requirements:
  - systemd, and rpm or apt, on the host
notes:
  - Run it as root.
  - The next plan and run complete a run that was interrupted, for example by a reboot.
seealso:
  - module: fleetsec.guardduty.agent_package
"""

EXAMPLES = r"""
- name: Check that the agent runs for half a minute, without changes
  fleetsec.guardduty.agent_apply:
    plan: "{{ planned.plan }}"
    watch: true
    settle_seconds: 30

- name: Apply the plan
  fleetsec.guardduty.agent_apply:
    plan: "{{ planned.plan }}"
    packages: "{{ fetched.packages }}"
"""

RETURN = r"""
carried_out:
  description: The plan's action, which was applied; in check mode, which would be applied.
  returned: always
  type: str
  sample: upgrade
installed_version:
  description: The version that the host has now, or null; in check mode, the version it would have.
  returned: always
  type: str
  sample: 1.17.1
changes:
  description: The plan's changes.
  returned: always
  type: list
  elements: dict
  sample:
    - {what: package, before: 1.16.0, after: 1.17.1}
    - {what: running, before: false, after: true}
rolled_back:
  description: Whether the previous version was reinstalled after the new one crashed.
  returned: always
  type: bool
  sample: false
crash:
  description: What systemd and the journal report about a version that crashed.
  returned: when the agent did not keep running
  type: dict
  sample:
    version: 1.17.1
    why: the service is activating (auto-restart)
    journal: ["fatal: no such kernel symbol"]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.agent import installed
from ..module_utils.host.carry_out import carry_out, parse
from ..module_utils.host.options import APPLY
from ..module_utils.host.packages import Refused
from ..module_utils.host.service import Crashed


def main() -> None:
    module = AnsibleModule(APPLY, supports_check_mode=True)
    options = module.params
    changed = bool(options["plan"].get("changes"))
    if not module.check_mode:
        try:
            # The action plugin has selected the package that the plan needs.
            order = parse(options["plan"], options["packages"])
            carry_out(module, order, options["settle_seconds"], options["watch"])
        except Refused as error:
            module.fail_json(msg=str(error), installed_version=installed(module).version)
        except Crashed as error:
            version = installed(module).version
            crash = {"version": version, "why": error.why, "journal": error.journal}
            module.fail_json(
                msg=f"The agent crashed: {error.why}.", crash=crash, installed_version=version, changed=changed
            )
        except OSError as error:
            module.fail_json(
                msg=f"Changing the agent failed at {error.filename}: {error.strerror}. Free disk space, or run as root."
            )
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
