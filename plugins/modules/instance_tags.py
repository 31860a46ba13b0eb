# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags instances for GuardDuty, in bulk."""

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_tags
version_added: 0.1.0
short_description: Include instances in, or exclude them from, GuardDuty Runtime Monitoring by tag
description:
  - Writes the tag C(GuardDutyManaged) on any number of EC2 instances, up to 1,000 per call.
  - An exclusion is complete only when GuardDuty can read it, so V(exclude) also turns on instance metadata tags.
  - Returns which verdicts change, that is whether an instance should run the agent and who installs it.
  - Can write other tags in the same run.
options:
  managed:
    description:
      - V(include) writes exactly C(true), V(exclude) exactly C(false), V(clear) removes the tag.
      - V(repair) replaces values such as C(True) or C(FALSE), which GuardDuty is not known to honor, with what they mean, and
        does not change other values.
      - If omitted, the tag is not changed.
    type: str
    choices: [include, exclude, clear, repair]
  tags:
    description:
      - Other tags to write. Keys that start with C(aws:) are rejected.
      - Tags that are not listed are not changed.
    type: dict
    default: {}
  remove_tags:
    description: Keys of other tags to remove.
    type: list
    elements: str
    default: []
  metadata_tags:
    description:
      - Whether to turn on instance metadata tags for excluded instances.
      - This is impossible if a tag key contains a space or a slash; RV(forbidden_keys) lists such instances.
    type: bool
    default: true
  verdicts:
    description: Whether to return which verdicts change. This requires calls to read the state of GuardDuty and SSM.
    type: bool
    default: true
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.selection
  - fleetsec.guardduty.scope
  - fleetsec.guardduty.targets
  - fleetsec.guardduty.attributes
  - fleetsec.guardduty.attributes.writes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: fleetsec.guardduty.eligibility_info
"""

EXAMPLES = r"""
- name: Exclude the build agents, readable for GuardDuty
  fleetsec.guardduty.instance_tags:
    regions: [eu-west-1]
    filters:
      tag:role: build
    managed: exclude

- name: Repair values in the wrong case everywhere
  fleetsec.guardduty.instance_tags:
    regions: [eu-west-1, us-east-1]
    assume_role_arns:
      - arn:aws:iam::111111111111:role/FleetSec
      - arn:aws:iam::222222222222:role/FleetSec
    managed: repair

- name: Include the instances of a group and add a tag
  fleetsec.guardduty.instance_tags:
    regions: [eu-west-1]
    instance_ids: "{{ groups['gd_ineffective'] | default([]) }}"
    managed: include
    tags:
      runtime-monitoring-wave: "1"
"""

RETURN = r"""
msg:
  description: What was changed, in one sentence.
  returned: always
  type: str
  sample: 3 instance metadata tags settings enabled, 12 instances tagged.
changes:
  description: Every change, with the state before and after.
  returned: always
  type: list
  elements: dict
  sample:
    - account_id: "111111111111"
      region: eu-west-1
      action: tag
      kind: instance
      target: i-0123456789abcdef0
      before: {"tag:GuardDutyManaged": "True"}
      after: {"tag:GuardDutyManaged": "true"}
failed_changes:
  description: The changes that could not be made, each with its error.
  returned: always
  type: list
  elements: dict
  sample: []
verdict_changes:
  description: The instances for which the tags change whether they should run the agent, who installs it, or why.
  returned: when O(verdicts=true)
  type: list
  elements: dict
  sample:
    - instance_id: i-0123456789abcdef0
      account_id: "111111111111"
      region: eu-west-1
      before: {wanted: true, route: ssm, reason: manual_ssm}
      after: {wanted: true, route: guardduty, reason: included_by_tag}
transitions:
  description: The number of instances that change from one reason to another.
  returned: when O(verdicts=true)
  type: list
  elements: dict
  sample:
    - {before: manual_ssm, after: included_by_tag, count: 12}
forbidden_keys:
  description: Tag keys by instance that AWS does not allow in the instance metadata, which makes an exclusion unreadable.
  returned: always
  type: dict
  sample: {i-0123456789abcdef0: [cost center]}
problems:
  description: Every failure in one sentence - accounts, regions, calls, instance IDs and changes.
  returned: always
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ..module_utils.aws import SCOPE_ARGUMENTS, SELECTION_ARGUMENTS, aws_module, conclude, observed
from ..module_utils.converge.tags import HANDLERS
from ..module_utils.decide.fleet.selection import missing_instances
from ..module_utils.decide.fleet.verdict_changes import transitions, verdict_changes
from ..module_utils.decide.tag_rules import as_text
from ..module_utils.decide.tags import DesiredTags, forbidden_sentence, plan_tags, refused_keys
from ..module_utils.decide.verdict.eligibility import Choices
from ..module_utils.observe.fleet.snapshot import ReadScope


def main() -> None:
    module = aws_module(
        {
            "managed": {"type": "str", "choices": ["include", "exclude", "clear", "repair"]},
            "tags": {"type": "dict", "default": {}},
            "remove_tags": {"type": "list", "elements": "str", "default": []},
            "metadata_tags": {"type": "bool", "default": True},
            "verdicts": {"type": "bool", "default": True},
            **SELECTION_ARGUMENTS,
            **SCOPE_ARGUMENTS,
        }
    )
    params = module.params
    tags = {key: as_text(value) for key, value in params["tags"].items()}
    desired = DesiredTags(params["managed"], tags, tuple(params["remove_tags"]), params["metadata_tags"])
    refused = refused_keys(desired)
    if refused:
        module.fail_json(msg=refused)
    ids = params["instance_ids"]
    wants = {"ssm": params["verdicts"], "detector": params["verdicts"]}
    targets, before = observed(
        module, ReadScope(filters=(params["filters"],), instance_ids=ids, coverage=False, network=False, **wants)
    )
    tagging = plan_tags(before, desired)
    results: dict[str, Any] = {"forbidden_keys": {key: list(keys) for key, keys in tagging.forbidden.items()}}
    if params["verdicts"]:
        flipped = verdict_changes(before, tagging.after, Choices(params["scope"], params["fallback_to_package"]))
        results |= {"verdict_changes": flipped, "transitions": transitions(flipped)}
    warnings = [forbidden_sentence(tagging.forbidden)] if tagging.forbidden else []
    problems = (*before.problems, *tagging.problems, *missing_instances(before, ids))
    conclude(module, tagging.plan, targets, HANDLERS, problems, warnings, **results)


if __name__ == "__main__":
    main()
