# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether agents in a VPC can reach GuardDuty through the VPC's endpoint.

Rules: GuardDuty user guide, "Creating Amazon VPC endpoint manually" and "Validating VPC endpoint configuration"; the
policy's shape is in "Using shared VPC with Runtime Monitoring".
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...model.fleet import AccountRegion, Endpoint, SecurityGroup, Vpc

AGENT_PORT = 443
# The action that the agent calls, in every notation that includes it (user guide, "Validating your organization service
# control policy").
AGENT_ACTIONS = frozenset({"*", "guardduty:*", "guardduty:sendsecuritytelemetry"})
# States of endpoints that DescribeVpcEndpoints still lists but that can no longer be used (botocore model, State).
GONE_STATES = frozenset({"deleted", "deleting", "expired", "rejected"})
PENDING_STATES = frozenset({"pending", "pendingacceptance", "partial"})


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """Whether a VPC's agents can use its endpoint. C(state): one of catalogue.ENDPOINT_STATES. C(faults): what is wrong."""

    state: str
    endpoint: Endpoint | None = None
    faults: tuple[str, ...] = ()


UNKNOWN_HEALTH = EndpointHealth("unknown")


def service_name(region: str, partition: str, fips: bool = False) -> str | None:
    """The endpoint service for the agent's data, or None where AWS offers none (China).

    GovCloud has the FIPS variant only (AWS GovCloud user guide, GuardDuty).
    """
    if partition not in ("aws", "aws-us-gov"):
        return None
    suffix = "-fips" if fips or partition == "aws-us-gov" else ""
    return f"com.amazonaws.{region}.guardduty-data{suffix}"


def endpoint_health_by_vpc(area: AccountRegion) -> dict[str, EndpointHealth]:
    """The endpoint health of each VPC that was read or has an instance, by VPC ID."""
    ids = {instance.vpc_id for instance in area.instances if instance.vpc_id} | set(area.vpcs)
    return {vpc_id: endpoint_health(area, vpc_id) for vpc_id in ids}


def endpoint_health(area: AccountRegion, vpc_id: str) -> EndpointHealth:
    vpc = area.vpcs.get(vpc_id)
    if vpc is None or "endpoints" in area.unknown:
        return UNKNOWN_HEALTH
    if vpc.owner_id != area.account_id:
        # A participant of a shared VPC cannot see the owner's endpoint (PrivateLink guide, "Create an interface
        # endpoint").
        return UNKNOWN_HEALTH
    live = [endpoint for endpoint in area.endpoints.get(vpc_id, ()) if endpoint.state.lower() not in GONE_STATES]
    if not live:
        return EndpointHealth("missing")
    judged = [_judge(endpoint, vpc, area) for endpoint in live]
    return min(judged, key=lambda health: ("available", "pending", "misconfigured").index(health.state))


def _judge(endpoint: Endpoint, vpc: Vpc, area: AccountRegion) -> EndpointHealth:
    faults = endpoint_faults(endpoint, vpc, area.account_id, area.security_groups)
    if endpoint.state.lower() in PENDING_STATES:
        return EndpointHealth("pending", endpoint, faults)
    if endpoint.state.lower() != "available":
        faults = (f"state is {endpoint.state}", *faults)
    return EndpointHealth("misconfigured" if faults else "available", endpoint, faults)


def endpoint_faults(
    endpoint: Endpoint, vpc: Vpc, account_id: str, groups: Mapping[str, SecurityGroup]
) -> tuple[str, ...]:
    """What is wrong with an endpoint, apart from its state. What is unknown is not a fault."""
    faults = []
    if not endpoint.private_dns:
        faults.append("private DNS is off")
    if policy_denies(endpoint.policy, account_id):
        faults.append(f"the endpoint policy denies account {account_id}")
    known = [groups[group_id] for group_id in endpoint.security_group_ids if group_id in groups]
    if known and len(known) == len(endpoint.security_group_ids):
        closed = closed_cidrs(vpc.cidrs, known)
        if closed:
            faults.append(f"its security group does not allow {', '.join(closed)} on port {AGENT_PORT}")
    return tuple(faults)


def closed_cidrs(cidrs: Sequence[str], groups: Iterable[SecurityGroup]) -> tuple[str, ...]:
    """The CIDRs that no rule of the groups allows on port 443.

    A rule for a security group or prefix list may allow them too, which CIDRs cannot show: then none counts as closed.
    """
    rules = [
        rule
        for group in groups
        for rule in group.ingress
        if _opens_agent_port(rule.protocol, rule.from_port, rule.to_port)
    ]
    if any(rule.other_sources for rule in rules):
        return ()
    open_nets = [ipaddress.ip_network(cidr, strict=False) for rule in rules for cidr in rule.cidrs]
    return tuple(cidr for cidr in cidrs if not _inside(ipaddress.ip_network(cidr, strict=False), open_nets))


def _opens_agent_port(protocol: str, from_port: int, to_port: int) -> bool:
    return protocol == "-1" or (protocol in ("tcp", "6") and from_port <= AGENT_PORT <= to_port)


# Quoted: ansible-test checks it for Pythons that have no | between types.
Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"


def _inside(net: Network, open_nets: Sequence[Network]) -> bool:
    same = [other for other in open_nets if other.version == net.version]
    merged = ipaddress.collapse_addresses(same)  # type: ignore[type-var]
    return any(net.subnet_of(other) for other in merged)  # type: ignore[arg-type]


def policy_denies(policy: str | None, account_id: str) -> bool:
    """Whether an endpoint policy certainly denies this account's agents.

    Only the two forms that GuardDuty documents are evaluated: StringNotEquals on aws:PrincipalAccount in a Deny, and the
    absence of any Allow. Organization conditions need the organization's ID, which is unknown here: they count as open.
    """
    if not policy:
        return False
    try:
        document = json.loads(policy)
    except ValueError:
        return False
    statements = _as_list(document.get("Statement")) if isinstance(document, dict) else []
    statements = [statement for statement in statements if isinstance(statement, dict)]
    if not any(statement.get("Effect") == "Allow" for statement in statements):
        return True
    return any(statement.get("Effect") == "Deny" and _denies(statement, account_id) for statement in statements)


def _denies(statement: Mapping[str, Any], account_id: str) -> bool:
    if not _covers_agents(statement):
        return False
    condition = statement.get("Condition")
    if not condition:
        return True
    if not isinstance(condition, dict) or len(condition) != 1:
        return False
    ((operator, pairs),) = condition.items()
    if not isinstance(pairs, dict) or len(pairs) != 1:
        return False
    ((key, values),) = pairs.items()
    if key.lower() != "aws:principalaccount":
        return False
    named = account_id in [str(value) for value in _as_list(values)]
    return (operator == "StringNotEquals" and not named) or (operator == "StringEquals" and named)


def _covers_agents(statement: Mapping[str, Any]) -> bool:
    """Whether a statement covers every principal, the agent's action, and every resource."""
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        principal = principal.get("AWS")
    actions = {str(action).lower() for action in _as_list(statement.get("Action"))}
    return (
        "*" in _as_list(principal)
        and not actions.isdisjoint(AGENT_ACTIONS)
        and "*" in _as_list(statement.get("Resource"))
    )


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
