# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the long lists of the JSON services without botocore's walk over their models, and hands over whatever is unusual.

As instance_pages.py does for EC2: the same answer with the members that guardduty.py and ssm.py read. An error, or a page
that is not as the model has it, is left to botocore as it came.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

Reader = Callable[[Any], Any]
Members = Mapping[str, "tuple[str, Reader]"]
Handler = Callable[..., None]


class _Unusual(Exception):
    """A page for botocore."""


def page_reader(members: Members) -> Handler:
    """A handler of botocore's event before-parse: what it puts into C(customized_response_dict) is part of the answer."""

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
    for name, (key, read) in members.items():
        found = value.get(name)
        if found is not None:
            answer[key] = read(found)
    return answer


def _text(value: Any) -> Any:
    if value.__class__ is not str:
        raise _Unusual
    return value


def _instant(value: Any) -> datetime:
    """Seconds since 1970, the format of timestamps in these services' answers."""
    if value.__class__ not in (int, float):
        raise _Unusual
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OSError, OverflowError, ValueError):
        raise _Unusual from None


def _nested(members: Members) -> Reader:
    return lambda value: _structure(value, members)


def _listed(members: Members) -> Reader:
    def read(value: Any) -> list[dict[str, Any]]:
        if value.__class__ is not list:
            raise _Unusual
        return [_structure(item, members) for item in value]

    return read


# Name in the answer to member and reader, for each structure; from botocore's models of GuardDuty and Systems Manager.
AGENT = {"version": ("Version", _text)}
EC2_DETAILS = {
    "instanceId": ("InstanceId", _text),
    "agentDetails": ("AgentDetails", _nested(AGENT)),
    "managementType": ("ManagementType", _text),
    "clusterArn": ("ClusterArn", _text),
}
COVERAGE = {
    "resourceDetails": (
        "ResourceDetails",
        _nested({"ec2InstanceDetails": ("Ec2InstanceDetails", _nested(EC2_DETAILS))}),
    ),
    "coverageStatus": ("CoverageStatus", _text),
    "issue": ("Issue", _text),
    "updatedAt": ("UpdatedAt", _instant),
}
NODE = {name: (name, _text) for name in ("InstanceId", "PingStatus", "AgentVersion", "PlatformName", "PlatformVersion")}
COVERAGE_PAGE = {"resources": ("Resources", _listed(COVERAGE)), "nextToken": ("NextToken", _text)}
NODES_PAGE = {"InstanceProperties": ("InstanceProperties", _listed(NODE)), "NextToken": ("NextToken", _text)}

HANDLERS = {
    "before-parse.guardduty.ListCoverage": page_reader(COVERAGE_PAGE),
    "before-parse.ssm.DescribeInstanceProperties": page_reader(NODES_PAGE),
}
