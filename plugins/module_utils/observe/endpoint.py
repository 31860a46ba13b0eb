# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what endpoint planning needs beyond a snapshot, and reads endpoints again after a change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from ..model.fleet import MANAGED_TAG, AccountRegion, AreaKey, Lookup, Problem, SecurityGroup, Snapshot, Subnet, Vpc
from .client.access import Target
from .client.accounts import WORKERS
from .fleet import ec2
from .fleet.snapshot import ReadScope, observe, try_call

NETWORK = ReadScope(instances=False, ssm=False, detector=False, coverage=False)


def look_up(targets: Iterable[Target], snapshot: Snapshot, lookups: Mapping[AreaKey, Lookup]) -> Snapshot:
    """The snapshot with the data of the lookups. A call that fails adds a problem; it raises no exception."""
    if not lookups:
        return snapshot
    target_of = {target.area_key: target for target in targets}
    with ThreadPoolExecutor(WORKERS) as pool:
        pending = {
            area: [
                (what, pool.submit(try_call, target_of[area], what, operation, read)) for what, operation, read in calls
            ]
            for area, lookup in lookups.items()
            for calls in [_calls(target_of[area], lookup)]
        }
        answers = {area: [asked[1].result() for asked in futures] for area, futures in pending.items()}
    areas = []
    problems: list[Problem] = []
    for area in snapshot.areas:
        key = area.area_key
        reads = answers.get(key, [])
        known = _extended(area, reads)
        areas.append(replace(known, looked_up=area.looked_up | lookups[key]) if key in lookups else known)
        problems += [read.problem for read in reads if read.problem is not None]
    return Snapshot(tuple(areas), (*snapshot.problems, *dict.fromkeys(problems)))


def with_dns(targets: Iterable[Target], snapshot: Snapshot, vpc_ids: Sequence[str] | None) -> Snapshot:
    """The snapshot with the DNS attributes of these VPCs, or of all: two calls for each VPC."""
    lookups = {}
    for area in snapshot.areas:
        ids = frozenset(area.vpcs) if vpc_ids is None else frozenset(area.vpcs).intersection(vpc_ids)
        if ids:
            lookups[area.area_key] = Lookup(dns_of=ids)
    return look_up(targets, snapshot, lookups)


def read_back(targets: Sequence[Target], snapshot: Snapshot) -> Snapshot:
    """The snapshot with the network of these accounts and regions as it is now. Its problems are the new ones only."""
    fresh = observe(targets, NETWORK)
    by_area = {area.area_key: area for area in fresh.areas}
    areas = []
    for old in snapshot.areas:
        new = by_area.get(old.area_key)
        areas.append(old if new is None else replace(new, instances=old.instances))
    return Snapshot(tuple(areas), fresh.problems)


Call = tuple[str, str, Callable[[], Any]]


def _calls(target: Target, lookup: Lookup) -> list[Call]:
    calls: list[Call] = []
    for service in sorted(lookup.services):
        calls.append(("service", "ec2:DescribeVpcEndpointServices", partial(service_zones, target, service)))
    if lookup.subnets_of or lookup.subnet_ids:
        calls.append(("subnets", "ec2:DescribeSubnets", lambda: _subnets(target, lookup)))
    if lookup.instances_of:
        calls.append(("instances", "ec2:DescribeInstances", lambda: _instances(target, sorted(lookup.instances_of))))
    if lookup.group_ids or lookup.named_in or lookup.guardduty_groups_of:
        calls.append(("security_groups", "ec2:DescribeSecurityGroups", lambda: _groups(target, lookup)))
    for vpc_id in sorted(lookup.dns_of):
        calls.append(("dns", "ec2:DescribeVpcAttribute", partial(dns_attributes, target, vpc_id)))
    return calls


def service_zones(target: Target, service: str) -> frozenset[str]:
    """The availability zones in which an endpoint service is offered. Uses a filter, because an unknown name is an error."""
    pages = ec2.pages(target, "describe_vpc_endpoint_services", Filters=ec2.to_filters({"service-name": service}))
    return frozenset(zone for page in pages for item in page["ServiceDetails"] for zone in item["AvailabilityZones"])


def dns_attributes(target: Target, vpc_id: str) -> dict[str, tuple[bool, bool]]:
    client = target.client("ec2")
    support = client.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsSupport")
    hostnames = client.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsHostnames")
    return {vpc_id: (support["EnableDnsSupport"]["Value"], hostnames["EnableDnsHostnames"]["Value"])}


def _subnets(target: Target, lookup: Lookup) -> dict[str, Subnet]:
    found: dict[str, Subnet] = {}
    for name, values in (("vpc-id", sorted(lookup.subnets_of)), ("subnet-id", sorted(lookup.subnet_ids))):
        for chunk in ec2.chunks(values, ec2.FILTER_VALUES):
            found |= ec2.subnets(target, {name: chunk})
    return found


def _instances(target: Target, vpc_ids: Sequence[str]) -> tuple[Any, ...]:
    return tuple(
        instance
        for chunk in ec2.chunks(vpc_ids, ec2.FILTER_VALUES)
        for instance in ec2.instances(target, {"vpc-id": list(chunk)})
    )


def _groups(target: Target, lookup: Lookup) -> dict[str, SecurityGroup]:
    found: dict[str, SecurityGroup] = {}
    for chunk in ec2.chunks(sorted(lookup.group_ids), ec2.FILTER_VALUES):
        found |= ec2.security_groups(target, {"group-id": chunk})
    for chunk in ec2.chunks(sorted(lookup.named_in), ec2.FILTER_VALUES):
        found |= ec2.security_groups(target, {"group-name": lookup.group_name, "vpc-id": chunk})
    for chunk in ec2.chunks(sorted(lookup.guardduty_groups_of), ec2.FILTER_VALUES):
        found |= ec2.security_groups(target, {"tag-key": MANAGED_TAG, "vpc-id": chunk})
    return found


def _extended(area: AccountRegion, reads: Iterable[Any]) -> AccountRegion:
    unknown = set(area.unknown)
    changes: dict[str, Any] = {}
    vpcs: dict[str, Vpc] = dict(area.vpcs)
    for read in reads:
        if read.problem is not None:
            unknown.add(read.what)
        elif read.what == "service":
            changes["service_zones"] = read.value
        elif read.what == "instances":
            changes["instances"] = (*area.instances, *read.value)
        elif read.what == "dns":
            for vpc_id, (support, hostnames) in read.value.items():
                vpcs[vpc_id] = replace(vpcs[vpc_id], dns_support=support, dns_hostnames=hostnames)
        else:
            changes[read.what] = {**getattr(area, read.what), **read.value}
    return replace(area, vpcs=vpcs, unknown=frozenset(unknown), **changes)
