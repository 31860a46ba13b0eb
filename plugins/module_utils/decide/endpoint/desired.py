# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user wants of endpoints, and which VPCs that means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...model.fleet import MANAGED_TAG, AccountRegion, Endpoint, Problem, SecurityGroup, Snapshot
from ..tag_rules import as_texts, refused_tags
from ..verdict.eligibility import Choices
from ..verdict.endpoint_health import service_name
from .need import NEEDS, VpcSite, linux_instances, missing_vpcs, need, vpc_sites, vpcs_of_routes
from .policy import DesiredPolicy

GROUP_NAME = "fleetsec-guardduty-data"


@dataclass(frozen=True, slots=True)
class DesiredEndpoint:
    """The options of vpc_endpoint. None leaves alone what is there, and lets the module choose for what it makes."""

    state: str = "present"
    select: str = "listed"
    vpc_ids: tuple[str, ...] | None = None
    routes: tuple[str, ...] = ()
    choices: Choices = Choices()
    subnet_ids: tuple[str, ...] | None = None
    security_group_ids: tuple[str, ...] | None = None
    security_group_name: str = GROUP_NAME
    policy: DesiredPolicy = DesiredPolicy()
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

    work: tuple[VpcSite, ...] = ()
    shown: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = field(default=())


def desired_from(params: Mapping[str, Any]) -> DesiredEndpoint:
    """The wish of a module's options."""
    tags = params["tags"]
    return DesiredEndpoint(
        state=params["state"],
        select=params["select"],
        vpc_ids=_tuple(params["vpc_ids"]),
        routes=tuple(params["routes"]),
        choices=Choices(params["scope"], params["fallback_to_package"]),
        subnet_ids=_tuple(params["subnet_ids"]),
        security_group_ids=_tuple(params["security_group_ids"]),
        security_group_name=params["security_group_name"],
        policy=DesiredPolicy(
            preset=params["policy"],
            organization_id=params["organization_id"],
            accounts=tuple(params["policy_accounts"]),
            text=params["policy_json"],
            template=params["policy_template"],
            source=params["policy_source"] or "",
        ),
        dns_attributes=params["dns_attributes"],
        fips=params["fips"],
        tags=None if tags is None else as_texts(tags),
        purge_tags=params["purge_tags"],
        include_guardduty=params["include_guardduty"],
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
    )


def _tuple(values: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def refused(desired: DesiredEndpoint) -> str | None:
    """Why the wish itself cannot be granted, or None."""
    refused = refused_tags(desired.tags or {})
    if refused:
        return refused
    if desired.security_group_name.startswith("sg-") or not desired.security_group_name:
        return "security_group_name must not be empty or start with 'sg-', which AWS keeps for ids."
    if desired.subnet_ids == () or desired.security_group_ids == ():
        return (
            "An endpoint needs a subnet and a security group: leave subnet_ids and security_group_ids out or fill them."
        )
    if desired.state == "absent" and desired.select != "listed":
        return "state=absent deletes what vpc_ids names; it does not go with select=needed."
    if desired.include_guardduty and desired.state != "absent":
        return "include_guardduty goes with state=absent only: GuardDuty's own endpoint is never changed."
    return desired.policy.refused()


def choose(snapshot: Snapshot, desired: DesiredEndpoint) -> Chosen:
    return _listed(snapshot, desired) if desired.select == "listed" else _needed(snapshot, desired)


def _listed(snapshot: Snapshot, desired: DesiredEndpoint) -> Chosen:
    known = vpc_sites(snapshot)
    work, shown, problems = [], [], list(missing_vpcs(snapshot, desired.vpc_ids))
    for vpc_id in dict.fromkeys(desired.vpc_ids or ()):
        site = known.get(vpc_id)
        if site is None:
            continue
        shown.append(vpc_id)
        if not site.owned:
            problems.append(_shared(site))
        elif "endpoints" not in site.area.unknown:
            work.append(site)
    return Chosen(tuple(work), tuple(shown), tuple(problems))


def _needed(snapshot: Snapshot, desired: DesiredEndpoint) -> Chosen:
    instances = linux_instances(snapshot)
    wanted_in = vpcs_of_routes(snapshot, desired.routes, desired.choices)
    work, shown, warnings = [], [], []
    for vpc_id, site in vpc_sites(snapshot).items():
        if desired.vpc_ids is not None and vpc_id not in desired.vpc_ids:
            continue
        reason = need(site, instances, wanted_in)
        if instances.get(vpc_id):
            shown.append(vpc_id)
        if reason == "other_owner" and instances.get(vpc_id):
            # Not a failure: the owner may have made the endpoint, which nobody can see from here.
            warnings.append(str(_shared(site)))
        elif NEEDS[reason][0] or (reason == "operator_serves" and is_ours(site, desired)):
            work.append(site)
    return Chosen(tuple(work), tuple(shown), tuple(missing_vpcs(snapshot, desired.vpc_ids)), tuple(warnings))


def _shared(site: VpcSite) -> Problem:
    vpc = site.vpc
    return Problem(
        site.area.account_id,
        site.area.region,
        f"the endpoint of {vpc.vpc_id}",
        "SharedVpc",
        f"account {vpc.owner_id} owns the VPC and shares it with {site.area.account_id}, which cannot see or make its"
        " endpoint",
        "",
        f"Run this in account {vpc.owner_id}, for example with a role of it in assume_role_arns.",
    )


def is_ours(site: VpcSite, desired: DesiredEndpoint) -> bool:
    """Whether an endpoint of the VPC carries the security group of this wish, so that this module keeps it in step."""
    groups = [
        site.area.security_groups.get(group_id) for endpoint in site.live for group_id in endpoint.security_group_ids
    ]
    return any(group is not None and is_our_group(group, site.vpc.vpc_id, desired) for group in groups)


def is_our_group(group: SecurityGroup, vpc_id: str, desired: DesiredEndpoint) -> bool:
    if MANAGED_TAG in group.tags or group.vpc_id != vpc_id:
        return False
    if desired.security_group_ids is not None:
        return group.group_id in desired.security_group_ids
    return group.name == desired.security_group_name


def current(site: VpcSite, desired: DesiredEndpoint) -> Endpoint | None:
    """The operator's endpoint that the wish is about: of the wanted service, the one with private DNS first."""
    service = desired.service(site.area)
    mine = [one for one in site.live if one.service_name == service and not one.guardduty_owned]
    best_first = sorted(mine, key=lambda one: (not one.private_dns, one.state.lower() != "available", one.endpoint_id))
    return best_first[0] if best_first else None
