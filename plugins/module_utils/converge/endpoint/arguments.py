# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of EC2's writing calls for endpoints and security groups."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ...decide.endpoint.changes import CreateEndpoint, UpdateEndpoint
from ...decide.verdict.endpoint_health import AGENT_PORT
from ..run import AreaRun


def permission(cidrs: Sequence[str]) -> Any:
    permission: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": AGENT_PORT, "ToPort": AGENT_PORT}
    four = [{"CidrIp": cidr} for cidr in cidrs if ":" not in cidr]
    six = [{"CidrIpv6": cidr} for cidr in cidrs if ":" in cidr]
    return permission | ({"IpRanges": four} if four else {}) | ({"Ipv6Ranges": six} if six else {})


def create_arguments(run: AreaRun, change: CreateEndpoint) -> dict[str, Any]:
    groups = [*change.groups, *([run.made[change.target]] if change.new_group else [])]
    return {
        "VpcEndpointType": "Interface",
        "VpcId": change.target,
        "ServiceName": change.service,
        "SubnetIds": list(change.subnets),
        "SecurityGroupIds": groups,
        "PrivateDnsEnabled": True,
        "PolicyDocument": change.policy,
        # One token for all attempts, so that no second endpoint is created if the answer to an attempt is lost.
        "ClientToken": str(uuid.uuid4()),
        **tag_specifications("vpc-endpoint", change.tags),
    }


def update_arguments(run: AreaRun, change: UpdateEndpoint) -> dict[str, Any]:
    new = [run.made[change.vpc_id]] if change.new_group else []
    lists = {
        "AddSubnetIds": list(change.add_subnets),
        "RemoveSubnetIds": list(change.remove_subnets),
        "AddSecurityGroupIds": [*change.add_groups, *new],
        "RemoveSecurityGroupIds": list(change.remove_groups),
    }
    arguments: dict[str, Any] = {"VpcEndpointId": change.target}
    arguments |= {name: values for name, values in lists.items() if values}
    if change.private_dns:
        arguments["PrivateDnsEnabled"] = True
    if change.policy is not None:
        arguments["PolicyDocument"] = change.policy
    return arguments


def tag_specifications(kind: str, tags: Mapping[str, str]) -> dict[str, Any]:
    if not tags:
        return {}
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": listed}]}
