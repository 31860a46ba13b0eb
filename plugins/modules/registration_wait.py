# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until new instances are registered with Systems Manager."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registration_wait
version_added: 0.1.0
short_description: Wait until new instances are registered with Systems Manager
description:
  - An instance runs for some time before its SSM Agent registers. A roll-out during this time would treat it as an instance
    that Systems Manager cannot reach.
  - This module waits until each Linux instance that was launched at most O(since) seconds ago is online in Systems Manager, for
    at most O(timeout) seconds. It does not wait for instances that are tagged C(GuardDutyManaged=false) or operated by AWS.
  - It does not fail if an instance does not register. It returns such instances, and a roll-out installs on them by package.
  - If there are no new instances, it makes one call per account and region and does not wait. In check mode it checks once.
options:
  since:
    description:
      - Seconds after launch during which an instance counts as new.
      - An older instance that is not registered has another problem.
    type: int
    default: 600
  timeout:
    description: The maximum number of seconds to wait.
    type: int
    default: 300
  interval:
    description: Seconds between checks.
    type: int
    default: 10
  scope:
    description: Whether to wait for all instances, or only for those tagged C(GuardDutyManaged=true).
    type: str
    choices: [all, selected]
    default: all
  filters:
    description: Filters of C(DescribeInstances), name to value or list of values.
    type: dict
    default: {}
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.targets
  - fleetsec.guardduty.attributes
  - fleetsec.guardduty.attributes.reads
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - The age of an instance is measured with the clock of the machine that runs the module.
seealso:
  - module: fleetsec.guardduty.coverage_wait
"""

EXAMPLES = r"""
- name: Wait for new instances, up to five minutes
  fleetsec.guardduty.registration_wait:
    regions: [eu-west-1]
  register: registered

- name: Show instances that did not register
  ansible.builtin.debug:
    msg: "{{ registered.waiting | map(attribute='instance_id') }}"
"""

RETURN = r"""
done:
  description: Whether all new instances are online in Systems Manager.
  returned: always
  type: bool
  sample: true
started:
  description: The number of new instances.
  returned: always
  type: int
  sample: 50
waited:
  description: The time waited, in seconds.
  returned: always
  type: int
  sample: 40
waiting:
  description: The new instances that are not online.
  returned: always
  type: list
  elements: dict
  sample:
    - {account_id: "111111111111", region: eu-west-1, instance_id: i-0123456789abcdef0}
problems:
  description: Failed accounts, regions and calls.
  returned: always
  type: list
  elements: str
  sample: []
"""

import time
from collections.abc import Sequence
from typing import Any

from ..module_utils.aws import aws_module, conclude_reading, targets_of
from ..module_utils.decide.fleet.registration import LaunchWindow, just_started, unregistered
from ..module_utils.model.fleet import Instance, Problem
from ..module_utils.observe.client.access import Target
from ..module_utils.observe.fleet.snapshot import ReadScope, observe

Look = tuple[tuple[Instance, ...], tuple[Instance, ...], tuple[Problem, ...]]


def look(targets: Sequence[Target], params: dict[str, Any]) -> Look:
    """The new instances, those that are not registered, and what could not be read."""
    filters = {**params["filters"], "instance-state-name": ["pending", "running"]}
    instances = observe(targets, ReadScope((filters,), ssm=False, network=False, detector=False))
    started = just_started(instances, LaunchWindow(time.time(), params["since"], params["scope"]))
    places = {(one.account_id, one.region) for one in started}
    chosen = [target for target in targets if (target.account_id, target.region) in places]
    nodes = observe(chosen, ReadScope(instances=False, network=False, detector=False))
    return started, unregistered(started, nodes), (*instances.problems, *nodes.problems)


def main() -> None:
    module = aws_module(
        {
            "since": {"type": "int", "default": 600},
            "timeout": {"type": "int", "default": 300},
            "interval": {"type": "int", "default": 10},
            "scope": {"type": "str", "choices": ["all", "selected"], "default": "all"},
            "filters": {"type": "dict", "default": {}},
        }
    )
    params = module.params
    if params["interval"] < 1 or min(params["timeout"], params["since"]) < 0:
        module.fail_json(msg="interval must be at least 1 second, and timeout and since not negative.")
    targets, unreachable = targets_of(module)
    began = time.monotonic()
    started, waiting, unread = look(targets, params)
    while waiting and not module.check_mode and time.monotonic() - began + params["interval"] <= params["timeout"]:
        time.sleep(params["interval"])
        started, waiting, unread = look(targets, params)
    conclude_reading(
        module,
        (*unreachable, *unread),
        done=not waiting,
        started=len(started),
        waited=round(time.monotonic() - began),
        waiting=[{"account_id": w.account_id, "region": w.region, "instance_id": w.instance_id} for w in waiting],
    )


if __name__ == "__main__":
    main()
