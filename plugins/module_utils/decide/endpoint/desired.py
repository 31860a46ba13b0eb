# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user wants of endpoints, and which VPCs that means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...model.fleet import MANAGED_TAG, AccountRegion, Endpoint, Problem, SecurityGroup, Snapshot
from ..verdict.eligibility import Choices
from ..verdict.endpoint_health import service_name
from .need import NEEDS, Home, homes, linux_instances, missing_vpcs, need, vpcs_of_routes
from .policy import PolicyWish

GROUP_NAME = "fleetsec-guardduty-data"


@dataclass(frozen=True, slots=True)
class EndpointWish:
    """The options of vpc_endpoint. None leaves alone what is there, and lets the module choose for what it makes."""

    state: str = "present"
    select: str = "listed"
    vpc_ids: tuple[str, ...] | None = None
    routes: tuple[str, ...] = ()
    choices: Choices = Choices()
    subnet_ids: tuple[str, ...] | None = None
    security_group_ids: tuple[str, ...] | None = None
    security_group_name: str = GROUP_NAME
    policy: PolicyWish = PolicyWish()
    dns_attributes: bool = False
    fips: bool = False
    tags: Mapping[str, str] | None = None
    purge_tags: bool = True
    include_guardduty: bool = False
    wait: bool = True
    wait_timeout: int = 900

    def service(self, area: AccountRegion) -> str | None:
        return service_name(area.region, area.partition, self.fips)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The VPCs to work on, the ones to show, and what cannot be worked on."""

    work: tuple[Home, ...] = ()
    shown: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = field(default=())


def wish_of(params: Mapping[str, Any]) -> EndpointWish:
    """The wish of a module's options."""
    tags = params["tags"]
    return EndpointWish(
        state=params["state"],
        select=params["select"],
        vpc_ids=_tuple(params["vpc_ids"]),
        routes=tuple(params["routes"]),
        choices=Choices(params["scope"], params["fallback_to_package"]),
        subnet_ids=_tuple(params["subnet_ids"]),
        security_group_ids=_tuple(params["security_group_ids"]),
        security_group_name=params["security_group_name"],
        policy=PolicyWish(
            preset=params["policy"],
            organization_id=params["organization_id"],
            accounts=tuple(params["policy_accounts"]),
            text=params["policy_json"],
            template=params["policy_template"],
            source=params["policy_source"] or "",
        ),
        dns_attributes=params["dns_attributes"],
        fips=params["fips"],
        tags=None if tags is None else {key: str(value) for key, value in tags.items()},
        purge_tags=params["purge_tags"],
        include_guardduty=params["include_guardduty"],
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
    )


def _tuple(values: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def refused(wish: EndpointWish) -> str | None:
    """Why the wish itself cannot be granted, or None."""
    tags = wish.tags or {}
    if any(key.lower() == MANAGED_TAG.lower() for key in tags):
        return (
            f"{MANAGED_TAG} marks what GuardDuty owns, and GuardDuty may change or delete whatever carries it;"
            " leave it out of tags."
        )
    reserved = sorted(key for key in tags if key.lower().startswith("aws:"))
    if reserved:
        return f"Tag keys that start with 'aws:' belong to AWS: {', '.join(reserved)}. Leave them out of tags."
    if wish.security_group_name.startswith("sg-") or not wish.security_group_name:
        return "security_group_name must not be empty or start with 'sg-', which AWS keeps for ids."
    if wish.subnet_ids == () or wish.security_group_ids == ():
        return (
            "An endpoint needs a subnet and a security group: leave subnet_ids and security_group_ids out or fill them."
        )
    if wish.state == "absent" and wish.select != "listed":
        return "state=absent deletes what vpc_ids names; it does not go with select=needed."
    if wish.include_guardduty and wish.state != "absent":
        return "include_guardduty goes with state=absent only: GuardDuty's own endpoint is never changed."
    return wish.policy.refused()


def choose(snapshot: Snapshot, wish: EndpointWish) -> Chosen:
    return _listed(snapshot, wish) if wish.select == "listed" else _needed(snapshot, wish)


def _listed(snapshot: Snapshot, wish: EndpointWish) -> Chosen:
    known = homes(snapshot)
    work, shown, problems = [], [], list(missing_vpcs(snapshot, wish.vpc_ids))
    for vpc_id in dict.fromkeys(wish.vpc_ids or ()):
        home = known.get(vpc_id)
        if home is None:
            continue
        shown.append(vpc_id)
        if not home.owned:
            problems.append(_shared(home))
        elif "endpoints" not in home.area.unknown:
            work.append(home)
    return Chosen(tuple(work), tuple(shown), tuple(problems))


def _needed(snapshot: Snapshot, wish: EndpointWish) -> Chosen:
    instances = linux_instances(snapshot)
    wanted_in = vpcs_of_routes(snapshot, wish.routes, wish.choices)
    work, shown, warnings = [], [], []
    for vpc_id, home in homes(snapshot).items():
        if wish.vpc_ids is not None and vpc_id not in wish.vpc_ids:
            continue
        reason = need(home, instances, wanted_in)
        if instances.get(vpc_id):
            shown.append(vpc_id)
        if reason == "other_owner" and instances.get(vpc_id):
            # Not a failure: the owner may have made the endpoint, which nobody can see from here.
            warnings.append(str(_shared(home)))
        elif NEEDS[reason][0] or (reason == "operator_serves" and is_ours(home, wish)):
            work.append(home)
    return Chosen(tuple(work), tuple(shown), tuple(missing_vpcs(snapshot, wish.vpc_ids)), tuple(warnings))


def _shared(home: Home) -> Problem:
    vpc = home.vpc
    return Problem(
        home.area.account_id,
        home.area.region,
        f"the endpoint of {vpc.vpc_id}",
        "SharedVpc",
        f"account {vpc.owner_id} owns the VPC and shares it with {home.area.account_id}, which cannot see or make its"
        " endpoint",
        "",
        f"Run this in account {vpc.owner_id}, for example with a role of it in assume_role_arns.",
    )


def is_ours(home: Home, wish: EndpointWish) -> bool:
    """Whether an endpoint of the VPC carries the security group of this wish, so that this module keeps it in step."""
    groups = [
        home.area.security_groups.get(group_id) for endpoint in home.live for group_id in endpoint.security_group_ids
    ]
    return any(group is not None and is_our_group(group, home.vpc.vpc_id, wish) for group in groups)


def is_our_group(group: SecurityGroup, vpc_id: str, wish: EndpointWish) -> bool:
    if MANAGED_TAG in group.tags or group.vpc_id != vpc_id:
        return False
    if wish.security_group_ids is not None:
        return group.group_id in wish.security_group_ids
    return group.name == wish.security_group_name


def current(home: Home, wish: EndpointWish) -> Endpoint | None:
    """The operator's endpoint that the wish is about: of the wanted service, the one with private DNS first."""
    service = wish.service(home.area)
    mine = [one for one in home.live if one.service_name == service and not one.guardduty_owned]
    best_first = sorted(mine, key=lambda one: (not one.private_dns, one.state.lower() != "available", one.endpoint_id))
    return best_first[0] if best_first else None
