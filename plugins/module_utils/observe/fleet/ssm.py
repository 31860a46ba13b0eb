# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads Systems Manager: which instances are managed nodes, and which associations exist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...model.fleet import Node
from ..client.access import Target
from ..client.problems import THROTTLED_CODES
from ..client.sdk import ClientError

# DescribeInstanceProperties returns 1,000 nodes per page, DescribeInstanceInformation 50 (botocore model, MaxResults).
PROPERTIES_PAGE = 1000
INFORMATION_PAGE = 50


def nodes(target: Target) -> dict[str, Node]:
    """The managed nodes by instance id.

    The larger pages may be denied by an older policy, or not be offered by an AWS-compatible service, with many
    different codes: then the smaller pages are used. Only throttling is not a reason, since it affects both.
    """
    try:
        return _nodes(target, "describe_instance_properties", "InstanceProperties", PROPERTIES_PAGE)
    except ClientError as error:
        if error.response["Error"]["Code"] in THROTTLED_CODES:
            raise
    return _nodes(target, "describe_instance_information", "InstanceInformationList", INFORMATION_PAGE)


def _nodes(target: Target, operation: str, key: str, page_size: int) -> dict[str, Node]:
    client: Any = target.client("ssm")
    paginator = client.get_paginator(operation)
    found = {}
    for page in paginator.paginate(PaginationConfig={"PageSize": page_size}):
        for item in page.get(key) or ():
            found[item["InstanceId"]] = _node(item)
    return found


def _node(item: Mapping[str, Any]) -> Node:
    return Node(
        instance_id=item["InstanceId"],
        ping=item.get("PingStatus") or "",
        agent_version=item.get("AgentVersion"),
        platform_name=item.get("PlatformName"),
        platform_version=item.get("PlatformVersion"),
    )
