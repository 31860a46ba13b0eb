# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages the queues and rules through which events trigger a rulebook."""

from __future__ import annotations

DOCUMENTATION = r"""
module: event_queue
version_added: 0.1.0
short_description: Manage the SQS queues and EventBridge rules that trigger an event-driven rulebook
description:
  - Manages, in any number of accounts and regions, an SQS queue for a rulebook's source C(amazon.aws.aws_sqs_queue), its
    dead-letter queue, and a rule on EventBridge's default bus for each kind of event.
  - The queue is encrypted by SQS (SSE-SQS). Its policy allows only these rules to send.
  - All resources have the tag C(fleetsec-guardduty-events) with the name as its value. Resources of the same name without the
    tag are neither changed nor deleted.
options:
  state:
    description: V(present) creates and updates the resources, V(absent) deletes exactly what this module created.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - The name of the queue. The dead-letter queue is C(NAME-dead-letters), a rule C(NAME-instance-running) and so on.
      - At most 45 letters, digits, C(-) and C(_).
    type: str
    default: fleetsec-guardduty-events
  events:
    description:
      - The events to send to the queue. Rules for other events are deleted.
      - V(instance_running) is the start of an instance, V(tag_change) a change of the tag C(GuardDutyManaged), and
        V(coverage_unhealthy) an agent that GuardDuty no longer reports as healthy.
    type: list
    elements: str
    choices: [instance_running, tag_change, coverage_unhealthy]
    default: [instance_running, tag_change, coverage_unhealthy]
  retention:
    description: Seconds after which an event that was not received is dropped, from 60 to 1209600.
    type: int
    default: 86400
  dead_letter_retention:
    description: The same for events that were received but never processed, counted from their arrival in the queue.
    type: int
    default: 1209600
  max_receives:
    description: The number of receives after which an event moves to the dead-letter queue, from 1 to 1000.
    type: int
    default: 5
  tags:
    description: Tags for the queues and for new rules. Other tags stay.
    type: dict
    default: {}
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.targets
  - fleetsec.guardduty.attributes
  - fleetsec.guardduty.attributes.writes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - A queue that is encrypted with a KMS key stays so; the key's policy must allow EventBridge to use it.
  - A queue name can be reused 60 seconds after its queue was deleted.
  - Other attributes of the queues, and other targets of the rules, are not changed.
seealso:
  - module: fleetsec.guardduty.registration_wait
"""

EXAMPLES = r"""
- name: Set up queues in two accounts and two regions
  fleetsec.guardduty.event_queue:
    regions: [eu-west-1, us-east-1]
    assume_role_arns:
      - arn:aws:iam::111111111111:role/FleetSec
      - arn:aws:iam::222222222222:role/FleetSec

- name: Send only starts of instances
  fleetsec.guardduty.event_queue:
    regions: [eu-west-1]
    events: [instance_running]

- name: Delete the queues and rules
  fleetsec.guardduty.event_queue:
    regions: [eu-west-1, us-east-1]
    state: absent
"""

RETURN = r"""
msg:
  description: What was changed, in one sentence.
  returned: always
  type: str
  sample: 1 dead-letter queue created, 1 event queue created, 3 event rules created.
changes:
  description: Every change, with the state before and after.
  returned: always
  type: list
  elements: dict
  sample:
    - account_id: "111111111111"
      region: eu-west-1
      action: create
      kind: event rule
      target: fleetsec-guardduty-events-instance-running
      before: null
      after:
        pattern:
          source: [aws.ec2]
          detail-type: [EC2 Instance State-change Notification]
          detail: {state: [running]}
        enabled: true
        target: arn:aws:sqs:eu-west-1:111111111111:fleetsec-guardduty-events
        tags: {fleetsec-guardduty-events: fleetsec-guardduty-events}
queues:
  description: The queue of each account and region. Empty with O(state=absent).
  returned: always
  type: list
  elements: dict
  sample:
    - account_id: "111111111111"
      region: eu-west-1
      queue_name: fleetsec-guardduty-events
      queue_arn: arn:aws:sqs:eu-west-1:111111111111:fleetsec-guardduty-events
failed_changes:
  description: The changes that could not be made, each with its error.
  returned: always
  type: list
  elements: dict
  sample: []
problems:
  description: Every failure or refusal in one sentence - accounts, regions and changes.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ..module_utils.aws import aws_module, conclude, targets_of
from ..module_utils.converge.events import HANDLERS
from ..module_utils.decide.events.plan import PATTERNS, DesiredEvents, plan_events, queue_row, refusal
from ..module_utils.decide.tag_rules import as_text
from ..module_utils.observe.events import event_areas


def main() -> None:
    module = aws_module(
        {
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "name": {"type": "str", "default": "fleetsec-guardduty-events"},
            "events": {"type": "list", "elements": "str", "choices": list(PATTERNS), "default": list(PATTERNS)},
            "retention": {"type": "int", "default": 86400},
            "dead_letter_retention": {"type": "int", "default": 1209600},
            "max_receives": {"type": "int", "default": 5},
            "tags": {"type": "dict", "default": {}},
        }
    )
    params = module.params
    desired = DesiredEvents(
        name=params["name"],
        present=params["state"] == "present",
        events=params["events"],
        retention=params["retention"],
        dead_letter_retention=params["dead_letter_retention"],
        max_receives=params["max_receives"],
        tags={str(key): as_text(value) for key, value in params["tags"].items()},
    )
    refused = refusal(desired)
    if refused:
        module.fail_json(msg=refused)
    targets, unreachable = targets_of(module)
    areas, unread = event_areas(targets, (desired.name, desired.dead_letters), desired.rule_prefix)
    planned = plan_events(areas, desired)
    problems = (*unreachable, *unread, *planned.problems)
    queues = [queue_row(area, desired) for area in areas] if desired.present else []
    conclude(module, planned.plan, targets, HANDLERS, problems, queues=queues)


if __name__ == "__main__":
    main()
