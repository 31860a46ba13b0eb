# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the queues and rules by which events wake a rulebook."""

from __future__ import annotations

DOCUMENTATION = r"""
module: event_queue
version_added: 0.1.0
short_description: Manage the SQS queue, and the EventBridge rules that fill it, by which events wake a rulebook
description:
  - Keeps, in any number of accounts and regions, an SQS queue for the source C(amazon.aws.aws_sqs_queue) of a rulebook, a
    dead-letter queue beside it, and a rule of EventBridge's default bus for each kind of event.
  - The queue is encrypted by SQS (SSE-SQS). Its policy lets these rules send, and nobody else.
  - Everything bears the tag C(fleetsec-guardduty-events) with the name. What has the name and not the tag is somebody else's,
    and is neither changed nor deleted.
options:
  state:
    description: V(present) makes them so, V(absent) deletes exactly what this module made.
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
      - Which events come into the queue. The rules of others are deleted.
      - V(instance_running) is an instance that has started, V(tag_change) a change of its tag C(GuardDutyManaged),
        V(coverage_unhealthy) an agent that GuardDuty no longer counts as healthy.
    type: list
    elements: str
    choices: [instance_running, tag_change, coverage_unhealthy]
    default: [instance_running, tag_change, coverage_unhealthy]
  retention:
    description: Seconds after which an event that nobody fetched is dropped, from 60 to 1209600.
    type: int
    default: 86400
  dead_letter_retention:
    description: The same for events that were fetched and never done, counted from when they came into the queue.
    type: int
    default: 1209600
  max_receives:
    description: How often an event is fetched before it goes to the dead-letter queue, from 1 to 1000.
    type: int
    default: 5
  tags:
    description: Tags for the queues and for new rules. Others stay.
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
  - A queue that is encrypted by a key of KMS stays so; that key must let EventBridge use it.
  - SQS lets a name be used again 60 seconds after its queue was deleted.
  - Other attributes of the queues, and other targets of the rules, are left as they are.
seealso:
  - module: fleetsec.guardduty.registration_wait
"""

EXAMPLES = r"""
- name: Queues in two accounts and two regions
  fleetsec.guardduty.event_queue:
    regions: [eu-west-1, us-east-1]
    assume_role_arns:
      - arn:aws:iam::111111111111:role/FleetSec
      - arn:aws:iam::222222222222:role/FleetSec

- name: Only instances that start
  fleetsec.guardduty.event_queue:
    regions: [eu-west-1]
    events: [instance_running]

- name: Take them away
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
  description: Every change, with what was there before and what is there after.
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
  description: The queue of each account and region, as a rulebook names it. Empty with O(state=absent).
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
  description: Everything that failed or was refused, each in one sentence - accounts, regions and changes.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ..module_utils.aws import aws_module, conclude, targets_of
from ..module_utils.converge.events import HANDLERS
from ..module_utils.decide.event.plan import PATTERNS, DesiredEvents, plan_events, queue_row, refusal
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
