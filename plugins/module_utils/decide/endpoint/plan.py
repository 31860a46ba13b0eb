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
from ..tag_rules import shown_tags, tag_difference
from ..tags import RemoveTags, WriteTags
from ..verdict.endpoint_health import GONE_STATES, PENDING_STATES, policy_denies
from .changes import (
    ORDER,
    CreateEndpoint,
    CreateSecurityGroup,
    DeleteEndpoint,
    DeleteSecurityGroup,
    EnableVpcDns,
    TagEndpoint,
    TagSecurityGroup,
    UntagEndpoint,
    UntagSecurityGroup,
    UpdateEndpoint,
    UpdateSecurityGroup,
)
from .desired import DesiredEndpoint, choose, current
from .lookups import wants_private_dns
from .need import VpcSite, linux_instances
from .placement import (
    Groups,
    Refused,
    chosen_groups,
    chosen_subnets,
    extended_subnets,
    inbound,
    lets_nobody_in,
    open_zones,
    wanted_inbound,
)
from .policy import Place, same_policy

GROUP_DESCRIPTION = "Inbound 443 from this VPC to the GuardDuty agent endpoint"


@dataclass(frozen=True, slots=True)
class EndpointPlan:
    """The plan, the VPCs to show afterwards, and what cannot be done or should be known."""

    plan: Plan
    shown: tuple[str, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]


def plan_endpoints(snapshot: Snapshot, desired: DesiredEndpoint) -> EndpointPlan:
    """The plan for a snapshot that holds what lookups() asked for."""
    chosen = choose(snapshot, desired)
    instances = linux_instances(snapshot)
    changes: list[Change] = []
    problems = [*chosen.problems, *_misplaced(snapshot, desired, chosen.work)]
    warnings = list(chosen.warnings)
    for site in chosen.work:
        try:
            if desired.state == "absent":
                changes += _absent(site, desired)
            elif not site.guardduty_endpoints:
                changes += _present(site, desired, instances.get(site.vpc.vpc_id, []))
                warnings += _closed(site, desired)
        except Refused as refusal:
            problems.append(refusal.problem)
    ordered = sorted(changes, key=lambda change: ORDER.index(type(change)))
    return EndpointPlan(Plan.of(ordered), chosen.shown, tuple(dict.fromkeys(problems)), tuple(warnings))


def _misplaced(snapshot: Snapshot, desired: DesiredEndpoint, work: tuple[VpcSite, ...]) -> Iterator[Problem]:
    """Named subnets and groups that are nowhere, or in a VPC that was not asked for.

    With select=needed the names may well be of VPCs that need nothing any more.
    """
    if not work or desired.state == "absent" or desired.select != "listed":
        return
    ids = {site.vpc.vpc_id for site in work}
    subnets: dict[str, Subnet] = {}
    groups: dict[str, SecurityGroup] = {}
    for area in snapshot.areas:
        subnets |= area.subnets
        groups |= area.security_groups
    held = {subnet_id for site in work for endpoint in site.live for subnet_id in endpoint.subnet_ids}
    unknown = {word for area in snapshot.areas for word in area.unknown}
    if "subnets" not in unknown:
        for subnet_id in desired.subnet_ids or ():
            subnet = subnets.get(subnet_id)
            if (subnet is None and subnet_id not in held) or (subnet is not None and subnet.vpc_id not in ids):
                yield _elsewhere("subnet", subnet_id, subnet.vpc_id if subnet else None)
    if "security_groups" not in unknown:
        for group_id in desired.security_group_ids or ():
            group = groups.get(group_id)
            if group is None or group.vpc_id not in ids:
                yield _elsewhere("security group", group_id, group.vpc_id if group else None)


def _elsewhere(kind: str, name: str, vpc_id: str | None) -> Problem:
    if vpc_id is None:
        message = f"there is no {kind} {name} in the accounts and regions of this task"
        return Problem("", "", f"the look-up of {kind}s", "NotFound", message, "", "Check its id, account and region.")
    message = f"{name} belongs to {vpc_id}, which is none of the VPCs that this task works on"
    return Problem("", "", f"the choice of {kind}s", "OtherVpc", message, "", f"Leave it out, or add {vpc_id}.")


def _closed(site: VpcSite, desired: DesiredEndpoint) -> Iterator[str]:
    """A warning where the groups that the user named keep the VPC out; they are not ours to open."""
    endpoint = current(site, desired)
    if endpoint and desired.security_group_ids is not None and lets_nobody_in(site, endpoint):
        yield (
            f"The security groups of {endpoint.endpoint_id} in {site.vpc.vpc_id} do not let every CIDR of the VPC in on"
            " port 443. Open them, or leave security_group_ids out."
        )


def _present(site: VpcSite, desired: DesiredEndpoint, instances: list[Instance]) -> Iterator[Change]:
    endpoint = current(site, desired)
    service = desired.service(site.area)
    if service is None:
        message = f"AWS offers no endpoint for the GuardDuty agent in {site.area.region} ({site.area.partition})"
        raise Refused(site, "ServiceNotOffered", message, "Leave this region out; Runtime Monitoring needs none there.")
    if endpoint is not None and endpoint.state.lower() not in ("available", *PENDING_STATES):
        message = f"{endpoint.endpoint_id} is in state {endpoint.state}, which it cannot leave"
        raise Refused(site, "EndpointState", message, "Delete it with state=absent, then run this again.")
    if endpoint is None and site.area.service_zones == frozenset():
        message = f"{service} is not offered in {site.area.region}"
        raise Refused(site, "ServiceNotOffered", message, "Leave this region out, or change fips.")
    if endpoint is None and "subnets" in site.area.unknown:
        return  # the call that failed is a problem already
    dns = list(_dns(site, desired)) if wants_private_dns(site, desired) else []
    groups = chosen_groups(site, desired, endpoint)
    steps = [*dns, *_group(site, desired, groups)]
    if endpoint is None:
        steps.append(_create(site, desired, service, groups, chosen_subnets(site, desired, instances)))
    else:
        steps += _update(site, desired, endpoint, groups, instances)
        steps += _tags(site, desired, (TagEndpoint, UntagEndpoint), endpoint.endpoint_id, endpoint.tags)
    yield from steps


def _dns(site: VpcSite, desired: DesiredEndpoint) -> Iterator[Change]:
    """Private DNS needs both attributes of the VPC (PrivateLink guide, "Access an AWS service"). None: not known."""
    attributes = {"dns_support": site.vpc.dns_support, "dns_hostnames": site.vpc.dns_hostnames}
    off = [name for name, value in attributes.items() if value is False]
    if not off:
        return
    if not desired.dns_attributes:
        message = f"{' and '.join(off).replace('_', ' ')} of the VPC {'are' if len(off) > 1 else 'is'} off"
        advice = "The endpoint's private DNS needs both attributes on: set dns_attributes=true, or turn them on."
        raise Refused(site, "VpcDnsOff", message.replace("dns", "DNS"), advice)
    before, after = dict.fromkeys(off, False), dict.fromkeys(off, True)
    yield EnableVpcDns(*site.area.area_key, site.vpc.vpc_id, before, after, attributes=tuple(off))


def _group(site: VpcSite, desired: DesiredEndpoint, groups: Groups) -> Iterator[Change]:
    wanted = wanted_inbound(site)
    if groups.make:
        tags = dict(desired.tags or {})
        after = {"name": desired.security_group_name, "inbound_443": list(wanted), **shown_tags(tags)}
        yield CreateSecurityGroup(
            *site.area.area_key,
            site.vpc.vpc_id,
            None,
            after,
            name=desired.security_group_name,
            description=GROUP_DESCRIPTION,
            cidrs=wanted,
            tags=tags,
        )
    elif groups.ours is not None:
        held = inbound(groups.ours)
        if held != wanted:
            yield UpdateSecurityGroup(
                *site.area.area_key,
                groups.ours.group_id,
                {"inbound_443": list(held)},
                {"inbound_443": list(wanted)},
                authorize=tuple(cidr for cidr in wanted if cidr not in held),
                revoke=tuple(cidr for cidr in held if cidr not in wanted),
            )
        changes = TagSecurityGroup, UntagSecurityGroup
        yield from _tags(site, desired, changes, groups.ours.group_id, groups.ours.tags)


def _create(site: VpcSite, desired: DesiredEndpoint, service: str, groups: Groups, subnets: tuple[str, ...]) -> Change:
    tags = dict(desired.tags or {})
    policy = desired.policy.document(_place(site, service))
    after = {
        "service_name": service,
        "private_dns": True,
        "subnet_ids": list(subnets),
        "security_groups": _named_groups(desired, groups),
        "policy": policy,
        **shown_tags(tags),
    }
    return CreateEndpoint(
        *site.area.area_key,
        site.vpc.vpc_id,
        None,
        after,
        service=service,
        subnets=subnets,
        groups=groups.ids,
        new_group=groups.make,
        policy=policy,
        tags=tags,
        replaces=_going(site),
    )


def _update(
    site: VpcSite, desired: DesiredEndpoint, endpoint: Endpoint, groups: Groups, instances: list[Instance]
) -> Iterator[Change]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    sent: dict[str, Any] = {}
    if not endpoint.private_dns:
        before["private_dns"], after["private_dns"] = False, True
        sent["private_dns"] = True
    subnets = _wanted_subnets(site, desired, endpoint, instances)
    if set(subnets) != set(endpoint.subnet_ids):
        before["subnet_ids"], after["subnet_ids"] = sorted(endpoint.subnet_ids), list(subnets)
        sent |= _set_change("subnets", endpoint.subnet_ids, subnets)
    if set(groups.ids) != set(endpoint.security_group_ids) or groups.make:
        before["security_groups"] = sorted(endpoint.security_group_ids)
        after["security_groups"] = _named_groups(desired, groups)
        sent |= _set_change("groups", endpoint.security_group_ids, groups.ids)
    if desired.policy.explicit or policy_denies(endpoint.policy, site.area.account_id):
        policy = desired.policy.document(_place(site, endpoint.service_name))
        if not same_policy(endpoint.policy, policy):
            before["policy"], after["policy"] = endpoint.policy, policy
            sent["policy"] = policy
    if after:
        where = (*site.area.area_key, endpoint.endpoint_id)
        yield UpdateEndpoint(*where, before, after, vpc_id=site.vpc.vpc_id, new_group=groups.make, **sent)


def _place(site: VpcSite, service: str) -> Place:
    return Place(site.area.account_id, site.area.region, site.area.partition, site.vpc.vpc_id, service)


def _wanted_subnets(
    site: VpcSite, desired: DesiredEndpoint, endpoint: Endpoint, instances: list[Instance]
) -> tuple[str, ...]:
    read = any(subnet.vpc_id == site.vpc.vpc_id for subnet in site.area.subnets.values())
    if "subnets" in site.area.unknown:
        return endpoint.subnet_ids
    if desired.subnet_ids is not None:
        if not read and set(endpoint.subnet_ids) <= set(desired.subnet_ids):
            return endpoint.subnet_ids  # nothing was looked up, because the endpoints hold just what is named
        return chosen_subnets(site, desired, instances)
    if read and open_zones(site, endpoint, instances):
        return extended_subnets(site, endpoint, desired, instances)
    return endpoint.subnet_ids


def _set_change(what: str, before: tuple[str, ...], after: tuple[str, ...]) -> dict[str, Any]:
    return {
        f"add_{what}": tuple(sorted(set(after) - set(before))),
        f"remove_{what}": tuple(sorted(set(before) - set(after))),
    }


def _named_groups(desired: DesiredEndpoint, groups: Groups) -> list[str]:
    """Group ids, and our group's name while it has no id yet."""
    return [*sorted(groups.ids), *([desired.security_group_name] if groups.make else [])]


def _tags(
    site: VpcSite,
    desired: DesiredEndpoint,
    changes: tuple[type[WriteTags], type[RemoveTags]],
    target: str,
    tags: Mapping[str, str],
) -> Iterator[Change]:
    written, gone = tag_difference(tags, desired.tags, desired.purge_tags)
    write, remove = changes
    if written:
        before = shown_tags(tags, written)
        yield write(*site.area.area_key, target, before, shown_tags(written), tags=written)
    if gone:
        yield remove(*site.area.area_key, target, shown_tags(gone), {}, keys=tuple(sorted(gone)))


def _absent(site: VpcSite, desired: DesiredEndpoint) -> Iterator[Change]:
    """Endpoints first; a group can go only when the endpoints' network interfaces have."""
    doomed = [endpoint for endpoint in site.live if desired.include_guardduty or not endpoint.guardduty_owned]
    for endpoint in doomed:
        before = {
            "service_name": endpoint.service_name,
            "owner": "guardduty" if endpoint.guardduty_owned else "operator",
            "subnet_ids": sorted(endpoint.subnet_ids),
            "security_groups": sorted(endpoint.security_group_ids),
        }
        yield DeleteEndpoint(*site.area.area_key, endpoint.endpoint_id, before, None)
    if not desired.wait and (doomed or _going(site)):
        return  # a later run finds the group without its endpoint
    after = tuple(endpoint.endpoint_id for endpoint in doomed)
    for group in site.area.security_groups.values():
        if group.vpc_id == site.vpc.vpc_id and _goes_too(group, site, desired):
            before = {"name": group.name, "vpc_id": site.vpc.vpc_id}
            yield DeleteSecurityGroup(*site.area.area_key, group.group_id, before, None, endpoints=after)


def _going(site: VpcSite) -> bool:
    endpoints = site.area.endpoints.get(site.vpc.vpc_id, ())
    return any(endpoint.state.lower() in GONE_STATES for endpoint in endpoints)


def _goes_too(group: SecurityGroup, site: VpcSite, desired: DesiredEndpoint) -> bool:
    """GuardDuty's group carries its tag. Ours goes by its name, unless an endpoint that stays uses it."""
    if MANAGED_TAG in group.tags:
        return desired.include_guardduty
    stays = [endpoint for endpoint in site.guardduty_endpoints if not desired.include_guardduty]
    used = any(group.group_id in endpoint.security_group_ids for endpoint in stays)
    return group.name == desired.security_group_name and not used
