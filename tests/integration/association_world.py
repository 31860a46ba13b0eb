# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world for tests of associations, and a client of it."""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

import botocore.session

ONE, TWO = "111111111111", "222222222222"
DOCUMENT = "AmazonGuardDuty-ConfigureRuntimeMonitoringSsmPlugin"
OWN = "GuardDutyRuntimeMonitoring-do-not-delete"
IDLE = {"ssm:ListAssociations": 1, "ssm:DescribeAssociation": 1}

WORLD = """
accounts:
  "111111111111":
    name: one
    regions:
      eu-west-1:
        guardduty: {runtime_monitoring: true}
        vpcs: {shop: {cidr: 10.0.0.0/16, subnets: {a: eu-west-1a}, endpoint: {owner: operator}}}
        instances:
          - {name: web, count: 3, vpc: shop, ssm: online, tags: {wave: "1"}}
          - {name: old, vpc: shop, ssm: online, kernel: "4.14", tags: {wave: "2"}}
          - {name: gone, vpc: shop, ssm: lost, tags: {wave: "3"}}
  "222222222222":
    name: two
    roles: [FleetSec]
    regions:
      eu-west-1:
        vpcs: {data: {cidr: 10.1.0.0/16, subnets: {a: eu-west-1a}}}
        instances:
          - {name: db, count: 2, vpc: data, ssm: online, tags: {wave: "1"}}
"""

WAVE = """
- name: wave
  fleetsec.guardduty.ssm_association:
    association_name: wave-1
    target_tags: {wave: 1}
    schedule_expression: rate(1 day)
    max_concurrency: 50%
"""

KEYS = {
    "aws_access_key_id": "AKIAEMULATEDCALLER00",
    "aws_secret_access_key": "emulated-secret-that-appears-nowhere-else-4711",
}


def state_manager(endpoint_url: str) -> Any:
    """Systems Manager of account one, as another tool would use it."""
    # Nothing of the machine's own configuration may leak in.
    with mock.patch.dict(os.environ, {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}):
        return botocore.session.Session().create_client(
            "ssm", region_name="eu-west-1", endpoint_url=endpoint_url, **KEYS
        )


def described(ssm: Any) -> dict[str, Any]:
    """The only association."""
    (row,) = ssm.list_associations()["Associations"]
    return dict(ssm.describe_association(AssociationId=row["AssociationId"])["AssociationDescription"])
