# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan that gives VPCs their endpoint for the agent's data, keeps it right, or takes it away.

Sources: GuardDuty user guide, "Creating Amazon VPC endpoint manually", "Validating VPC endpoint configuration", "Cleaning
up resources"; what GuardDuty owns carries the tag GuardDutyManaged and is never changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...model.fleet import MANAGED_TAG, Endpoint, Instance, Problem, SecurityGroup, Snapshot, Subnet
from ..plan import Change, Plan
from ..verdict.endpoint_health import GONE_STATES, PENDING_STATES, policy_denies
from .desired import EndpointWish, choose, current
from .lookups import wants_private_dns
from .need import Home, linux_instances
from .placement import (
    Groups,
    Refused,
    chosen_groups,
    chosen_subnets,
    extended_subnets,
    inbound,
    lets_nobody_in,
    open_zones,
    tag_difference,
    wanted_inbound,
)
from .policy import Place, same_policy

GROUP_DESCRIPTION = "Inbound 443 from this VPC to the GuardDuty agent endpoint"
# The order of the steps: each builds on those before it.
STEPS = (
    ("enable", "VPC DNS setting"),
    ("create", "security group"),
    ("update", "security group"),
    ("create", "VPC endpoint"),
    ("update", "VPC endpoint"),
    ("tag", "security group"),
    ("tag", "VPC endpoint"),
    ("untag", "security group"),
    ("untag", "VPC endpoint"),
    ("delete", "VPC endpoint"),
    ("delete", "security group"),
)


@dataclass(frozen=True, slots=True)
class EndpointPlan:
    """The plan, the VPCs to show afterwards, and what cannot be done or should be known."""

    plan: Plan
    shown: tuple[str, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]


def plan_endpoints(snapshot: Snapshot, wish: EndpointWish) -> EndpointPlan:
    """The plan for a snapshot that holds what lookups() asked for."""
    chosen = choose(snapshot, wish)
    instances = linux_instances(snapshot)
    changes: list[Change] = []
    problems = [*chosen.problems, *_misplaced(snapshot, wish, chosen.work)]
    warnings = list(chosen.warnings)
    for home in chosen.work:
        try:
            if wish.state == "absent":
                changes += _absent(home, wish)
            elif not home.guarddutys:
                changes += _present(home, wish, instances.get(home.vpc.vpc_id, []))
                warnings += _closed(home, wish)
        except Refused as refusal:
            problems.append(refusal.problem)
    ordered = sorted(changes, key=lambda change: STEPS.index((change.action, change.kind)))
    return EndpointPlan(Plan.of(ordered), chosen.shown, tuple(dict.fromkeys(problems)), tuple(warnings))


def _misplaced(snapshot: Snapshot, wish: EndpointWish, work: tuple[Home, ...]) -> Iterator[Problem]:
    """Named subnets and groups that are nowhere, or in a VPC that was not asked for.

    With select=needed the names may well be of VPCs that need nothing any more.
    """
    if not work or wish.state == "absent" or wish.select != "listed":
        return
    ids = {home.vpc.vpc_id for home in work}
    subnets: dict[str, Subnet] = {}
    groups: dict[str, SecurityGroup] = {}
    for area in snapshot.areas:
        subnets |= area.subnets
        groups |= area.security_groups
    held = {subnet_id for home in work for endpoint in home.live for subnet_id in endpoint.subnet_ids}
    unknown = {word for area in snapshot.areas for word in area.unknown}
    if "subnets" not in unknown:
        for subnet_id in wish.subnet_ids or ():
            subnet = subnets.get(subnet_id)
            if (subnet is None and subnet_id not in held) or (subnet is not None and subnet.vpc_id not in ids):
                yield _elsewhere("subnet", subnet_id, subnet.vpc_id if subnet else None)
    if "security_groups" not in unknown:
        for group_id in wish.security_group_ids or ():
            group = groups.get(group_id)
            if group is None or group.vpc_id not in ids:
                yield _elsewhere("security group", group_id, group.vpc_id if group else None)


def _elsewhere(kind: str, name: str, vpc_id: str | None) -> Problem:
    if vpc_id is None:
        message = f"there is no {kind} {name} in the accounts and regions of this task"
        return Problem("", "", f"the look-up of {kind}s", "NotFound", message, "", "Check its id, account and region.")
    message = f"{name} belongs to {vpc_id}, which is none of the VPCs that this task works on"
    return Problem("", "", f"the choice of {kind}s", "OtherVpc", message, "", f"Leave it out, or add {vpc_id}.")


def _closed(home: Home, wish: EndpointWish) -> Iterator[str]:
    """A warning where the groups that the user named keep the VPC out; they are not ours to open."""
    endpoint = current(home, wish)
    if endpoint and wish.security_group_ids is not None and lets_nobody_in(home, endpoint):
        yield (
            f"The security groups of {endpoint.endpoint_id} in {home.vpc.vpc_id} do not let every CIDR of the VPC in on"
            " port 443. Open them, or leave security_group_ids out."
        )


def _present(home: Home, wish: EndpointWish, instances: list[Instance]) -> Iterator[Change]:
    endpoint = current(home, wish)
    service = wish.service(home.area)
    if service is None:
        message = f"AWS offers no endpoint for the GuardDuty agent in {home.area.region} ({home.area.partition})"
        raise Refused(home, "ServiceNotOffered", message, "Leave this region out; Runtime Monitoring needs none there.")
    if endpoint is not None and endpoint.state.lower() not in ("available", *PENDING_STATES):
        message = f"{endpoint.endpoint_id} is in state {endpoint.state}, which it cannot leave"
        raise Refused(home, "EndpointState", message, "Delete it with state=absent, then run this again.")
    if endpoint is None and home.area.service_zones == frozenset():
        message = f"{service} is not offered in {home.area.region}"
        raise Refused(home, "ServiceNotOffered", message, "Leave this region out, or change fips.")
    if endpoint is None and "subnets" in home.area.unknown:
        return  # the call that failed is a problem already
    dns = list(_dns(home, wish)) if wants_private_dns(home, wish) else []
    groups = chosen_groups(home, wish, endpoint)
    steps = [*dns, *_group(home, wish, groups)]
    if endpoint is None:
        steps.append(_create(home, wish, service, groups, chosen_subnets(home, wish, instances)))
    else:
        steps += _update(home, wish, endpoint, groups, instances)
        steps += _tags(home, wish, "VPC endpoint", endpoint.endpoint_id, endpoint.tags)
    yield from steps


def _dns(home: Home, wish: EndpointWish) -> Iterator[Change]:
    """Private DNS needs both attributes of the VPC (PrivateLink guide, "Access an AWS service"). None: not known."""
    attributes = {"dns_support": home.vpc.dns_support, "dns_hostnames": home.vpc.dns_hostnames}
    off = [name for name, value in attributes.items() if value is False]
    if not off:
        return
    if not wish.dns_attributes:
        message = f"{' and '.join(off).replace('_', ' ')} of the VPC {'are' if len(off) > 1 else 'is'} off"
        advice = "The endpoint's private DNS needs both attributes on: set dns_attributes=true, or turn them on."
        raise Refused(home, "VpcDnsOff", message.replace("dns", "DNS"), advice)
    before, after = dict.fromkeys(off, False), dict.fromkeys(off, True)
    yield _change(home, "enable", "VPC DNS setting", home.vpc.vpc_id, before, after, {"attributes": tuple(off)})


def _group(home: Home, wish: EndpointWish, groups: Groups) -> Iterator[Change]:
    wanted = wanted_inbound(home)
    if groups.make:
        tags = dict(wish.tags or {})
        after = {"name": wish.security_group_name, "inbound_443": list(wanted), **_tag_keys(tags)}
        details = {"name": wish.security_group_name, "cidrs": wanted, "tags": tags, "description": GROUP_DESCRIPTION}
        yield _change(home, "create", "security group", home.vpc.vpc_id, None, after, details)
    elif groups.ours is not None:
        held = inbound(groups.ours)
        if held != wanted:
            details = {
                "authorize": tuple(cidr for cidr in wanted if cidr not in held),
                "revoke": tuple(cidr for cidr in held if cidr not in wanted),
            }
            before, after = {"inbound_443": list(held)}, {"inbound_443": list(wanted)}
            yield _change(home, "update", "security group", groups.ours.group_id, before, after, details)
        yield from _tags(home, wish, "security group", groups.ours.group_id, groups.ours.tags)


def _create(home: Home, wish: EndpointWish, service: str, groups: Groups, subnets: tuple[str, ...]) -> Change:
    tags = dict(wish.tags or {})
    policy = wish.policy.document(_place(home, service))
    after = {
        "service_name": service,
        "private_dns": True,
        "subnet_ids": list(subnets),
        "security_groups": _named_groups(wish, groups),
        "policy": policy,
        **_tag_keys(tags),
    }
    details = {
        "service": service,
        "subnets": subnets,
        "groups": groups.ids,
        "new_group": groups.make,
        "policy": policy,
        "tags": tags,
        "predecessor": _going(home),
    }
    return _change(home, "create", "VPC endpoint", home.vpc.vpc_id, None, after, details)


def _update(
    home: Home, wish: EndpointWish, endpoint: Endpoint, groups: Groups, instances: list[Instance]
) -> Iterator[Change]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    details: dict[str, Any] = {"vpc_id": home.vpc.vpc_id, "new_group": groups.make}
    if not endpoint.private_dns:
        before["private_dns"], after["private_dns"] = False, True
    subnets = _wanted_subnets(home, wish, endpoint, instances)
    if set(subnets) != set(endpoint.subnet_ids):
        before["subnet_ids"], after["subnet_ids"] = sorted(endpoint.subnet_ids), list(subnets)
        details |= _set_change("subnets", endpoint.subnet_ids, subnets)
    if set(groups.ids) != set(endpoint.security_group_ids) or groups.make:
        before["security_groups"] = sorted(endpoint.security_group_ids)
        after["security_groups"] = _named_groups(wish, groups)
        details |= _set_change("groups", endpoint.security_group_ids, groups.ids)
    if wish.policy.explicit or policy_denies(endpoint.policy, home.area.account_id):
        policy = wish.policy.document(_place(home, endpoint.service_name))
        if not same_policy(endpoint.policy, policy):
            before["policy"], after["policy"] = endpoint.policy, policy
    if after:
        yield _change(home, "update", "VPC endpoint", endpoint.endpoint_id, before, after, details)


def _place(home: Home, service: str) -> Place:
    return Place(home.area.account_id, home.area.region, home.area.partition, home.vpc.vpc_id, service)


def _wanted_subnets(home: Home, wish: EndpointWish, endpoint: Endpoint, instances: list[Instance]) -> tuple[str, ...]:
    read = any(subnet.vpc_id == home.vpc.vpc_id for subnet in home.area.subnets.values())
    if "subnets" in home.area.unknown:
        return endpoint.subnet_ids
    if wish.subnet_ids is not None:
        if not read and set(endpoint.subnet_ids) <= set(wish.subnet_ids):
            return endpoint.subnet_ids  # nothing was looked up, because the endpoints hold just what is named
        return chosen_subnets(home, wish, instances)
    if read and open_zones(home, endpoint, instances):
        return extended_subnets(home, endpoint, wish, instances)
    return endpoint.subnet_ids


def _set_change(what: str, before: tuple[str, ...], after: tuple[str, ...]) -> dict[str, Any]:
    return {
        f"add_{what}": tuple(sorted(set(after) - set(before))),
        f"remove_{what}": tuple(sorted(set(before) - set(after))),
    }


def _named_groups(wish: EndpointWish, groups: Groups) -> list[str]:
    """Group ids, and our group's name while it has no id yet."""
    return [*sorted(groups.ids), *([wish.security_group_name] if groups.make else [])]


def _tags(home: Home, wish: EndpointWish, kind: str, target: str, tags: Mapping[str, str]) -> Iterator[Change]:
    written, gone = tag_difference(tags, wish)
    if written:
        before = _tag_keys({key: tags[key] for key in written if key in tags})
        yield _change(home, "tag", kind, target, before, _tag_keys(written), {"tags": written})
    if gone:
        yield _change(home, "untag", kind, target, _tag_keys(gone), {}, {"keys": tuple(sorted(gone))})


def _absent(home: Home, wish: EndpointWish) -> Iterator[Change]:
    """Endpoints first; a group can go only when the endpoints' network interfaces have."""
    doomed = [endpoint for endpoint in home.live if wish.include_guardduty or not endpoint.guardduty_owned]
    for endpoint in doomed:
        before = {
            "service_name": endpoint.service_name,
            "owner": "guardduty" if endpoint.guardduty_owned else "operator",
            "subnet_ids": sorted(endpoint.subnet_ids),
            "security_groups": sorted(endpoint.security_group_ids),
        }
        yield _change(home, "delete", "VPC endpoint", endpoint.endpoint_id, before, None)
    if not wish.wait and (doomed or _going(home)):
        return  # a later run finds the group without its endpoint
    after = tuple(endpoint.endpoint_id for endpoint in doomed)
    for group in home.area.security_groups.values():
        if group.vpc_id == home.vpc.vpc_id and _goes_too(group, home, wish):
            before = {"name": group.name, "vpc_id": home.vpc.vpc_id}
            yield _change(home, "delete", "security group", group.group_id, before, None, {"after": after})


def _going(home: Home) -> bool:
    endpoints = home.area.endpoints.get(home.vpc.vpc_id, ())
    return any(endpoint.state.lower() in GONE_STATES for endpoint in endpoints)


def _goes_too(group: SecurityGroup, home: Home, wish: EndpointWish) -> bool:
    """GuardDuty's group carries its tag. Ours goes by its name, unless an endpoint that stays uses it."""
    if MANAGED_TAG in group.tags:
        return wish.include_guardduty
    stays = [endpoint for endpoint in home.guarddutys if not wish.include_guardduty]
    used = any(group.group_id in endpoint.security_group_ids for endpoint in stays)
    return group.name == wish.security_group_name and not used


def _tag_keys(tags: Mapping[str, str]) -> dict[str, str]:
    return {f"tag:{key}": value for key, value in tags.items()}


def _change(
    home: Home,
    action: str,
    kind: str,
    target: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    details: Mapping[str, Any] | None = None,
) -> Change:
    area = home.area
    return Change(area.account_id, area.region, action, kind, target, before, after, details or {})
