# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the plan of agent_plan on a host, watches the agent start, and goes back where it crashes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_apply
version_added: 0.1.0
short_description: Carry out the plan for the GuardDuty agent on a host
description:
  - Installs, upgrades, repairs or removes the agent as M(fleetsec.guardduty.agent_plan) planned, from a package that
    M(fleetsec.guardduty.agent_package) verified, and leaves its service as planned.
  - On the host the package must still have the SHA-256 that was verified, and must say itself that it is the planned name,
    version and architecture. An old package that is served under a new name is refused, however good its signature.
  - A service counts as started when it ran as one process for O(settle_seconds). Where it does not, the version that was there
    before is installed again, if its package is at hand, and the task fails and says which version crashed, with what, and
    which one the host was left with.
  - Uses C(rpm -U) and C(apt-get install). No signature check of theirs is switched off and no key is imported.
options:
  plan:
    description: The plan, as M(fleetsec.guardduty.agent_plan) returns it.
    type: dict
    required: true
  packages:
    description: What M(fleetsec.guardduty.agent_package) returned. The host's package is picked from it.
    type: list
    elements: dict
    default: []
  packages_dir:
    description:
      - The directory of the controller that has the packages by their C(name), where another machine fetched them. Left out,
        each is where its C(path) says.
    type: path
  packages_on:
    description:
      - The machine that has the packages. From V(controller) the one that is needed is brought to the host and removed there
        afterwards.
    type: str
    choices: [controller, target]
    default: controller
  settle_seconds:
    description: For how many seconds the agent must run as one process before its start counts.
    type: int
    default: 5
  rollback:
    description: Whether a version that crashes is replaced by the version that was there before.
    type: bool
    default: true
  watch:
    description: Whether to watch the agent for O(settle_seconds) also where there is nothing to change.
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
  - A run that was interrupted, also by a reboot, is completed by the next plan and run.
seealso:
  - module: fleetsec.guardduty.agent_package
"""

EXAMPLES = r"""
- name: Watch the agent for half a minute, and change nothing
  fleetsec.guardduty.agent_apply:
    plan: "{{ planned.plan }}"
    watch: true
    settle_seconds: 30

- name: Carry out the plan
  fleetsec.guardduty.agent_apply:
    plan: "{{ planned.plan }}"
    packages: "{{ fetched.packages }}"
"""

RETURN = r"""
carried_out:
  description: The plan's action, which was carried out; in check mode, which would be.
  returned: always
  type: str
  sample: upgrade
installed_version:
  description: The version that the host has now, or null; in check mode, the one it would have.
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
  description: Whether the version from before was installed again, after the new one crashed.
  returned: always
  type: bool
  sample: false
crash:
  description: What systemd and the journal say of a version that crashed.
  returned: when the agent did not keep running
  type: dict
  sample:
    version: 1.17.1
    why: the service is activating (auto-restart)
    journal: ["fatal: no such kernel symbol"]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.agent import installed
from ..module_utils.host.carry_out import carry_out
from ..module_utils.host.options import APPLY
from ..module_utils.host.packages import Refused
from ..module_utils.host.service import Crashed


def main() -> None:
    module = AnsibleModule(APPLY, supports_check_mode=True)
    options = module.params
    changed = bool(options["plan"]["changes"])
    if not module.check_mode:
        try:
            # The action has picked the one that the plan needs.
            row = options["packages"][0] if options["packages"] else None
            carry_out(module, options["plan"], row, options["settle_seconds"], options["watch"])
        except Refused as error:
            module.fail_json(msg=str(error), installed_version=installed(module)["version"])
        except Crashed as error:
            version = installed(module)["version"]
            crash = {"version": version, "why": error.why, "journal": error.journal}
            module.fail_json(
                msg=f"The agent crashed: {error.why}.", crash=crash, installed_version=version, changed=changed
            )
        except OSError as error:
            module.fail_json(
                msg=f"Changing the agent failed at {error.filename}: {error.strerror}. Make room, or run as root."
            )
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
