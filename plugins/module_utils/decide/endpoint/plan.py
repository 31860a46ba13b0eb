# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan that creates, updates or deletes the VPC endpoints for the agent's data.

Sources: GuardDuty user guide, "Creating Amazon VPC endpoint manually", "Validating VPC endpoint configuration", "Cleaning
up resources"; what GuardDuty owns has the tag GuardDutyManaged and is never changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...model.fleet import MANAGED_TAG, AreaKey, Endpoint, Lookup, Problem, SecurityGroup, Snapshot, Subnet
from ..plan import Change, Plan
from ..tag_rules import shown_tags, tag_difference
from ..tags import RemoveTags, WriteTags
from ..verdict.endpoint_health import PENDING_STATES, policy_denies
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
from .choice import choose
from .desired import DesiredEndpoint
from .placement import Groups, Refused, chosen_groups, chosen_subnets, extended_subnets, inbound
from .policy import Place, same_policy
from .site import DesiredSite, Reads

GROUP_DESCRIPTION = "Inbound 443 from this VPC to the GuardDuty agent endpoint"


@dataclass(frozen=True, slots=True)
class EndpointPlan:
    """The plan, the VPCs to show afterwards, problems and warnings.

    C(needs): what has to be read before the plan is final; it is empty once everything is known.
    """

    plan: Plan = Plan()
    shown: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    needs: Mapping[AreaKey, Lookup] = field(default_factory=dict)


def plan_endpoints(snapshot: Snapshot, desired: DesiredEndpoint) -> EndpointPlan:
    reads = Reads()
    chosen = choose(snapshot, desired, reads)
    changes: list[Change] = []
    problems = [*chosen.problems, *_misplaced(snapshot, desired, chosen.work)]
    warnings = list(chosen.warnings)
    if desired.state != "absent":
        _look_for_named(chosen.work, desired, reads)
    for site in chosen.work:
        try:
            if desired.state == "absent":
                changes += _absent(site)
            elif not site.guardduty_endpoints:
                changes += _present(site)
                warnings += _closed(site)
        except Refused as refusal:
            problems.append(refusal.problem)
    if reads.needs:
        return EndpointPlan(needs=reads.needs)
    ordered = sorted(changes, key=lambda change: ORDER.index(type(change)))
    return EndpointPlan(Plan.of(ordered), chosen.shown, tuple(dict.fromkeys(problems)), tuple(warnings))


def _look_for_named(work: tuple[DesiredSite, ...], desired: DesiredEndpoint, reads: Reads) -> None:
    """Listed subnets and groups may be in any account and region of the task.

    Subnets are not looked up if the endpoints together have exactly the listed ones: nothing more is needed then.
    """
    held = {subnet_id for site in work if site.current for subnet_id in site.current.subnet_ids}
    subnets = frozenset(desired.subnet_ids or ())
    subnets = frozenset() if subnets == held else subnets
    seen = {group_id for site in work for group_id in site.area.security_groups}
    groups = frozenset(desired.security_group_ids or ()) - seen
    for site in work:
        services = frozenset({site.service} if subnets and site.service else ())
        reads.have(site.area, Lookup(services=services, subnet_ids=subnets, group_ids=groups))


def _misplaced(snapshot: Snapshot, desired: DesiredEndpoint, work: tuple[DesiredSite, ...]) -> Iterator[Problem]:
    """Problems of listed subnets and groups that do not exist, or that are in a VPC that was not selected.

    With select=needed, they may be in VPCs that no longer need an endpoint.
    """
    if not work or desired.state == "absent" or desired.select != "listed":
        return
    ids = {site.vpc_id for site in work}
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
        return Problem("", "", f"the lookup of {kind}s", "NotFound", message, "", "Check its id, account and region.")
    message = f"{name} belongs to {vpc_id}, which this task does not select"
    return Problem("", "", f"the choice of {kind}s", "OtherVpc", message, "", f"Leave it out, or add {vpc_id}.")


def _closed(site: DesiredSite) -> Iterator[str]:
    """A warning if the user's groups do not allow the VPC; this module does not change them."""
    endpoint = site.current
    if endpoint and site.desired.security_group_ids is not None and site.closed(endpoint):
        yield (
            f"The security groups of {endpoint.endpoint_id} in {site.vpc_id} do not allow inbound traffic on port 443 from"
            " every CIDR of the VPC. Allow it, or leave security_group_ids out."
        )


def _present(site: DesiredSite) -> Iterator[Change]:
    endpoint, service = site.current, site.service
    if service is None:
        message = f"AWS offers no endpoint for the GuardDuty agent in {site.area.region} ({site.area.partition})"
        raise Refused(
            site, "ServiceNotOffered", message, "Leave this region out; Runtime Monitoring needs no endpoint there."
        )
    if endpoint is not None and endpoint.state.lower() not in ("available", *PENDING_STATES):
        message = f"{endpoint.endpoint_id} is in state {endpoint.state}, which it cannot leave"
        raise Refused(site, "EndpointState", message, "Delete it with state=absent, then run this again.")
    if endpoint is None and site.area.service_zones == frozenset():
        message = f"{service} is not offered in {site.area.region}"
        raise Refused(site, "ServiceNotOffered", message, "Leave this region out, or change fips.")
    dns = list(_dns(site))
    groups = chosen_groups(site)
    if endpoint is not None:
        yield from (*dns, *_group(site, groups), *_update(site, endpoint, groups))
        yield from _tags(site, (TagEndpoint, UntagEndpoint), endpoint.endpoint_id, endpoint.tags)
    elif _subnets_known(site) and "subnets" not in site.area.unknown:  # the failed call is already a problem
        subnets = chosen_subnets(site)
        yield from (*dns, *_group(site, groups), _create(site, service, groups, subnets))


def _subnets_known(site: DesiredSite) -> bool:
    if site.desired.subnet_ids is not None:
        return True
    return site.have_subnets(with_instances=site.desired.select == "listed")


def _dns(site: DesiredSite) -> Iterator[Change]:
    """Private DNS needs both attributes of the VPC (PrivateLink guide, "Access an AWS service"). None: not known."""
    if not site.wants_private_dns or not site.have_dns():
        return
    attributes = {"dns_support": site.vpc.dns_support, "dns_hostnames": site.vpc.dns_hostnames}
    off = [name for name, value in attributes.items() if value is False]
    if not off:
        return
    if not site.desired.dns_attributes:
        message = f"{' and '.join(off).replace('_', ' ')} of the VPC {'are' if len(off) > 1 else 'is'} off"
        advice = "The endpoint's private DNS needs both attributes on: set dns_attributes=true, or turn on both."
        raise Refused(site, "VpcDnsOff", message.replace("dns", "DNS"), advice)
    before, after = dict.fromkeys(off, False), dict.fromkeys(off, True)
    yield EnableVpcDns(*site.area.area_key, site.vpc_id, before, after, attributes=tuple(off))


def _group(site: DesiredSite, groups: Groups) -> Iterator[Change]:
    desired, wanted = site.desired, tuple(sorted(site.vpc.cidrs))
    if groups.create:
        tags = dict(desired.tags or {})
        after = {"name": desired.security_group_name, "inbound_443": list(wanted), **shown_tags(tags)}
        yield CreateSecurityGroup(
            *site.area.area_key,
            site.vpc_id,
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
        yield from _tags(site, (TagSecurityGroup, UntagSecurityGroup), groups.ours.group_id, groups.ours.tags)


def _create(site: DesiredSite, service: str, groups: Groups, subnets: tuple[str, ...]) -> Change:
    tags = dict(site.desired.tags or {})
    policy = site.desired.policy.document(_place(site, service))
    after = {
        "service_name": service,
        "private_dns": True,
        "subnet_ids": list(subnets),
        "security_groups": _named_groups(site, groups),
        "policy": policy,
        **shown_tags(tags),
    }
    return CreateEndpoint(
        *site.area.area_key,
        site.vpc_id,
        None,
        after,
        service=service,
        subnets=subnets,
        groups=groups.ids,
        new_group=groups.create,
        policy=policy,
        tags=tags,
        replaces=site.going,
    )


def _update(site: DesiredSite, endpoint: Endpoint, groups: Groups) -> Iterator[Change]:
    desired = site.desired
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    sent: dict[str, Any] = {}
    if not endpoint.private_dns:
        before["private_dns"], after["private_dns"] = False, True
        sent["private_dns"] = True
    subnets = _wanted_subnets(site, endpoint)
    if set(subnets) != set(endpoint.subnet_ids):
        before["subnet_ids"], after["subnet_ids"] = sorted(endpoint.subnet_ids), list(subnets)
        sent |= _set_change("subnets", endpoint.subnet_ids, subnets)
    if set(groups.ids) != set(endpoint.security_group_ids) or groups.create:
        before["security_groups"] = sorted(endpoint.security_group_ids)
        after["security_groups"] = _named_groups(site, groups)
        sent |= _set_change("groups", endpoint.security_group_ids, groups.ids)
    if desired.policy.explicit or policy_denies(endpoint.policy, site.area.account_id):
        policy = desired.policy.document(_place(site, endpoint.service_name))
        if not same_policy(endpoint.policy, policy):
            before["policy"], after["policy"] = endpoint.policy, policy
            sent["policy"] = policy
    if after:
        where = (*site.area.area_key, endpoint.endpoint_id)
        yield UpdateEndpoint(*where, before, after, vpc_id=site.vpc_id, new_group=groups.create, **sent)


def _place(site: DesiredSite, service: str) -> Place:
    return Place(*site.area.area_key, site.area.partition, site.vpc_id, service)


def _wanted_subnets(site: DesiredSite, endpoint: Endpoint) -> tuple[str, ...]:
    if "subnets" in site.area.unknown:
        return endpoint.subnet_ids
    named = site.desired.subnet_ids
    if named is not None:
        if not site.subnets and set(endpoint.subnet_ids) <= set(named):
            return endpoint.subnet_ids  # nothing was looked up, because the endpoints have exactly the listed ones
        return chosen_subnets(site)
    if site.uncovered and site.have_subnets():
        return extended_subnets(site, endpoint)
    return endpoint.subnet_ids


def _set_change(what: str, before: tuple[str, ...], after: tuple[str, ...]) -> dict[str, Any]:
    return {
        f"add_{what}": tuple(sorted(set(after) - set(before))),
        f"remove_{what}": tuple(sorted(set(before) - set(after))),
    }


def _named_groups(site: DesiredSite, groups: Groups) -> list[str]:
    """Group ids; the new group's name while it has no id."""
    return [*sorted(groups.ids), *([site.desired.security_group_name] if groups.create else [])]


def _tags(
    site: DesiredSite, changes: tuple[type[WriteTags], type[RemoveTags]], target: str, tags: Mapping[str, str]
) -> Iterator[Change]:
    written, gone = tag_difference(tags, site.desired.tags, site.desired.purge_tags)
    write, remove = changes
    if written:
        before = shown_tags(tags, written)
        yield write(*site.area.area_key, target, before, shown_tags(written), tags=written)
    if gone:
        yield remove(*site.area.area_key, target, shown_tags(gone), {}, keys=tuple(sorted(gone)))


def _absent(site: DesiredSite) -> Iterator[Change]:
    """Endpoints first: a group can be deleted only after the endpoints' network interfaces."""
    desired = site.desired
    doomed = [endpoint for endpoint in site.live if desired.include_guardduty or not endpoint.guardduty_owned]
    for endpoint in doomed:
        before = {
            "service_name": endpoint.service_name,
            "owner": "guardduty" if endpoint.guardduty_owned else "operator",
            "subnet_ids": sorted(endpoint.subnet_ids),
            "security_groups": sorted(endpoint.security_group_ids),
        }
        yield DeleteEndpoint(*site.area.area_key, endpoint.endpoint_id, before, None)
    if not desired.wait and (doomed or site.going):
        return  # a later run finds the group without its endpoint
    if not site.have_group(guardduty=desired.include_guardduty):
        return
    endpoints = tuple(endpoint.endpoint_id for endpoint in doomed)
    for group in site.security_groups:
        if _goes_too(group, site):
            before = {"name": group.name, "vpc_id": site.vpc_id}
            yield DeleteSecurityGroup(*site.area.area_key, group.group_id, before, None, endpoints=endpoints)


def _goes_too(group: SecurityGroup, site: DesiredSite) -> bool:
    """GuardDuty's group has its tag. The collection's group is found by name, unless a remaining endpoint uses it."""
    include_guardduty = site.desired.include_guardduty
    if MANAGED_TAG in group.tags:
        return include_guardduty
    stays = () if include_guardduty else site.guardduty_endpoints
    used = any(group.group_id in endpoint.security_group_ids for endpoint in stays)
    return group.name == site.desired.security_group_name and not used
