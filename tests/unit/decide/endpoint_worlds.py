# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots with VPCs and endpoints, and their state after a plan in which every call succeeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from worlds import ACCOUNT, REGION, VPC, endpoint, group, instance

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.endpoint.desired import DesiredEndpoint
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.endpoint.plan import (
    EndpointPlan,
    plan_endpoints,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.endpoint.policy import DesiredPolicy
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.plan import Change
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import (
    AccountRegion,
    AreaKey,
    Endpoint,
    Ingress,
    Instance,
    Lookup,
    SecurityGroup,
    Snapshot,
    Subnet,
    Vpc,
)

PRESETS = (Path(__file__).parents[3] / "playbooks" / "templates" / "endpoint_policy.json.j2").read_text(
    encoding="utf-8"
)
ZONES = frozenset({"eu-west-1a", "eu-west-1b"})
CIDR = "10.0.0.0/16"
VPC_RECORD = Vpc(VPC, ACCOUNT, (CIDR,), True, True)
SUBNETS = (Subnet("subnet-a1", VPC, "eu-west-1a"), Subnet("subnet-b1", VPC, "eu-west-1b"))


def subnet(name: str, zone: str = "a", vpc_id: str = VPC) -> Subnet:
    return Subnet(f"subnet-{name}", vpc_id, f"eu-west-1{zone}")


def machine(subnet_id: str, number: int = 0, zone: str = "a", **changes: Any) -> Instance:
    changes = {"instance_id": f"i-{subnet_id}-{number}", "availability_zone": f"eu-west-1{zone}", **changes}
    return instance(subnet_id=f"subnet-{subnet_id}", **changes)


def ours(*cidrs: str, vpc_id: str = VPC, id: str = "sg-ours", **changes: Any) -> SecurityGroup:
    return replace(group(*cidrs, id=id), name="fleetsec-guardduty-data", vpc_id=vpc_id, **changes)


def area(
    *endpoints: Endpoint,
    groups: Iterable[SecurityGroup] = (),
    subnets: Iterable[Subnet] = SUBNETS,
    vpc: Vpc = VPC_RECORD,
    **changes: Any,
) -> AccountRegion:
    """One account and region with one VPC, and everything looked up."""
    found = AccountRegion(
        ACCOUNT,
        REGION,
        vpcs={vpc.vpc_id: vpc},
        endpoints={vpc.vpc_id: endpoints} if endpoints else {},
        security_groups={one.group_id: one for one in groups},
        subnets={one.subnet_id: one for one in subnets},
        service_zones=ZONES,
    )
    return replace(found, **changes)


def desired_policy(preset: str | None = None, *more: Any, **said: Any) -> DesiredPolicy:
    """With the collection's own template, as the action plugin passes it."""
    return DesiredPolicy(preset, *more, **{"source": PRESETS, **said})


def planned(*areas: AccountRegion, **desired: Any) -> EndpointPlan:
    """The final plan, for areas in which everything was looked up."""
    wanted = DesiredEndpoint(**{"vpc_ids": (VPC,), "policy": desired_policy(), **desired})
    return settled(Snapshot(areas), wanted, everything_known)


Reader = Callable[[Snapshot, Mapping[AreaKey, Lookup]], Snapshot]


def settled(snapshot: Snapshot, desired: DesiredEndpoint, read: Reader) -> EndpointPlan:
    """Plan, read what the plan needs, and plan again. A plan that needs the same data twice is an error."""
    for _round in range(4):
        plan = plan_endpoints(snapshot, desired)
        if not plan.needs:
            return plan
        snapshot = read(snapshot, plan.needs)
    raise AssertionError(f"It still needs {plan.needs}")


def everything_known(snapshot: Snapshot, needs: Mapping[AreaKey, Lookup]) -> Snapshot:
    areas = (replace(area, looked_up=area.looked_up | needs.get(area.area_key, Lookup())) for area in snapshot.areas)
    return Snapshot(tuple(areas))


def first_look(area: AccountRegion) -> AccountRegion:
    """An area before any lookup: no subnets, no DNS, and the groups of endpoints only."""
    attached = {name for some in area.endpoints.values() for one in some for name in one.security_group_ids}
    return replace(
        area,
        subnets={},
        service_zones=None,
        vpcs={key: replace(vpc, dns_support=None, dns_hostnames=None) for key, vpc in area.vpcs.items()},
        security_groups={key: one for key, one in area.security_groups.items() if key in attached},
    )


def reader_of(truth: AccountRegion) -> Reader:
    """Adds exactly the requested data to an area."""

    def read(snapshot: Snapshot, needs: Mapping[AreaKey, Lookup]) -> Snapshot:
        (area,), lookup = snapshot.areas, needs[truth.area_key]
        assert not any(getattr(lookup, name) & getattr(area.looked_up, name) for name in ("subnets_of", "dns_of"))
        groups = {
            key: one
            for key, one in truth.security_groups.items()
            if key in lookup.group_ids
            or (one.vpc_id in lookup.named_in and one.name == lookup.group_name)
            or (one.vpc_id in lookup.guardduty_groups_of and "GuardDutyManaged" in one.tags)
        }
        subnets = {
            key: one
            for key, one in truth.subnets.items()
            if one.vpc_id in lookup.subnets_of or key in lookup.subnet_ids
        }
        seen = replace(
            area,
            security_groups={**area.security_groups, **groups},
            subnets={**area.subnets, **subnets},
            vpcs={key: truth.vpcs[key] if key in lookup.dns_of else vpc for key, vpc in area.vpcs.items()},
            service_zones=truth.service_zones if lookup.services else area.service_zones,
        )
        return everything_known(Snapshot((seen,)), needs)

    return read


def steps(plan: EndpointPlan) -> list[tuple[str, str, str]]:
    return [(change.action, change.kind, change.target) for change in plan.plan.changes]


def right(**changes: Any) -> Endpoint:
    return endpoint(**{"subnet_ids": ("subnet-a1", "subnet-b1"), **changes})


def applied(snapshot: Snapshot, changes: Iterable[Change]) -> Snapshot:
    """The snapshot after the changes, computed from the plan and not from how it was made."""
    areas = {(one.account_id, one.region): one for one in snapshot.areas}
    for change in changes:
        key = (change.account_id, change.region)
        areas[key] = _APPLY[change.action, change.kind](areas[key], change)
    return Snapshot(tuple(areas.values()))


def _dns(area: AccountRegion, change: Change) -> AccountRegion:
    return replace(area, vpcs={**area.vpcs, change.target: replace(area.vpcs[change.target], **change.after or {})})


def _new_group_id(vpc_id: str) -> str:
    return f"sg-new-{vpc_id}"


def _group(area: AccountRegion, change: Change) -> AccountRegion:
    after = change.after or {}
    cidrs = tuple(after["inbound_443"])
    if change.action == "create":
        new = SecurityGroup(_new_group_id(change.target), after["name"], change.target, tags=_tags(after))
    else:
        new = area.security_groups[change.target]
    other = tuple(rule for rule in new.ingress if (rule.from_port, rule.to_port) != (443, 443))
    new = replace(new, ingress=(Ingress("tcp", 443, 443, cidrs), *other))
    return replace(area, security_groups={**area.security_groups, new.group_id: new})


def _endpoint(area: AccountRegion, change: Change) -> AccountRegion:
    after: Mapping[str, Any] = change.after or {}
    vpc_id = change.target if change.action == "create" else change.vpc_id
    old = Endpoint(f"vpce-{vpc_id}", vpc_id, after.get("service_name", ""), "available", tags=_tags(after))
    others = [one for one in area.endpoints.get(vpc_id, ()) if one.endpoint_id != change.target]
    if change.action == "update":
        (old,) = [one for one in area.endpoints[vpc_id] if one.endpoint_id == change.target]
    names = after.get("security_groups", old.security_group_ids)
    new = replace(
        old,
        private_dns=after.get("private_dns", old.private_dns),
        subnet_ids=tuple(after.get("subnet_ids", old.subnet_ids)),
        security_group_ids=tuple(one if one.startswith("sg-") else _new_group_id(vpc_id) for one in names),
        policy=after.get("policy", old.policy),
    )
    return replace(area, endpoints={**area.endpoints, vpc_id: (*others, new)})


def _tags(after: Mapping[str, Any]) -> dict[str, str]:
    return {key.removeprefix("tag:"): value for key, value in after.items() if key.startswith("tag:")}


def _retag(area: AccountRegion, change: Change) -> AccountRegion:
    def new(tags: Mapping[str, str]) -> dict[str, str]:
        gone = getattr(change, "keys", ())
        return {**{key: value for key, value in tags.items() if key not in gone}, **_tags(change.after or {})}

    groups = {
        key: replace(one, tags=new(one.tags)) if key == change.target else one
        for key, one in area.security_groups.items()
    }
    endpoints = {
        vpc_id: tuple(replace(one, tags=new(one.tags)) if one.endpoint_id == change.target else one for one in some)
        for vpc_id, some in area.endpoints.items()
    }
    return replace(area, security_groups=groups, endpoints=endpoints)


def _delete(area: AccountRegion, change: Change) -> AccountRegion:
    groups = {key: one for key, one in area.security_groups.items() if key != change.target}
    endpoints = {
        vpc_id: tuple(one for one in some if one.endpoint_id != change.target)
        for vpc_id, some in area.endpoints.items()
    }
    return replace(area, security_groups=groups, endpoints=endpoints)


_APPLY = {
    ("enable", "VPC DNS setting"): _dns,
    ("create", "security group"): _group,
    ("update", "security group"): _group,
    ("create", "VPC endpoint"): _endpoint,
    ("update", "VPC endpoint"): _endpoint,
    ("delete", "VPC endpoint"): _delete,
    ("delete", "security group"): _delete,
    **{(action, kind): _retag for action in ("tag", "untag") for kind in ("VPC endpoint", "security group")},
}
