# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the long lists of the JSON services without botocore's walk over their models, and leaves unusual pages to botocore.

Like instance_pages.py for EC2: the same answer with the members that guardduty.py and ssm.py read. An error, or a page
that does not match the model, is passed to botocore unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

Members = Mapping[str, "tuple[str, Any]"]
Handler = Callable[..., None]


class _Unusual(Exception):
    """A page for botocore."""


def page_reader(members: Members) -> Handler:
    """A handler of botocore's event before-parse: what it adds to C(customized_response_dict) becomes part of the answer."""

    def read(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **unused: Any) -> None:
        if response_dict["status_code"] != 200:
            return
        try:
            page = _structure(json.loads(response_dict["body"].decode()), members)
        except (ValueError, _Unusual):
            return
        if page:
            customized_response_dict.update(page)
            response_dict["body"] = b"{}"

    return read


def _structure(value: Any, members: Members) -> dict[str, Any]:
    if value.__class__ is not dict:
        raise _Unusual
    answer = {}
    for name, (key, kind) in members.items():
        found = value.get(name)
        if found is not None:
            answer[key] = _value(found, kind)
    return answer


def _value(value: Any, kind: Any) -> Any:
    if kind.__class__ is dict:
        return _structure(value, kind)
    if kind is datetime:
        return _instant(value)
    if value.__class__ is not (str if kind is str else list):
        raise _Unusual
    return value if kind is str else [_structure(item, kind[0]) for item in value]


def _instant(value: Any) -> datetime:
    """Seconds since 1970, the format of timestamps in these services' answers."""
    if value.__class__ not in (int, float):
        raise _Unusual
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OSError, OverflowError, ValueError):
        raise _Unusual from None


# Name in the answer to member and type, for each structure; from botocore's models of GuardDuty and Systems Manager.
EC2_DETAILS = {
    "instanceId": ("InstanceId", str),
    "agentDetails": ("AgentDetails", {"version": ("Version", str)}),
    "managementType": ("ManagementType", str),
    "clusterArn": ("ClusterArn", str),
}
COVERAGE = {
    "resourceDetails": ("ResourceDetails", {"ec2InstanceDetails": ("Ec2InstanceDetails", EC2_DETAILS)}),
    "coverageStatus": ("CoverageStatus", str),
    "issue": ("Issue", str),
    "updatedAt": ("UpdatedAt", datetime),
}
NODE = {name: (name, str) for name in ("InstanceId", "PingStatus", "AgentVersion", "PlatformName", "PlatformVersion")}
COVERAGE_PAGE = {"resources": ("Resources", [COVERAGE]), "nextToken": ("NextToken", str)}
NODES_PAGE = {"InstanceProperties": ("InstanceProperties", [NODE]), "NextToken": ("NextToken", str)}

HANDLERS = {
    "before-parse.guardduty.ListCoverage": page_reader(COVERAGE_PAGE),
    "before-parse.ssm.DescribeInstanceProperties": page_reader(NODES_PAGE),
}
