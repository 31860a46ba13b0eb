# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VPCs the desired state covers: the listed ones, or those that need an endpoint."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ...model.fleet import Problem, Snapshot
from .desired import DesiredEndpoint
from .need import NEEDS, need, vpcs_of_routes
from .site import DesiredSite, Reads, VpcSite, missing_vpcs, vpc_sites


@dataclass(frozen=True, slots=True)
class Chosen:
    """The VPCs to plan, the ones to show, and the problems of the others."""

    work: tuple[DesiredSite, ...] = ()
    shown: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()


def choose(snapshot: Snapshot, desired: DesiredEndpoint, reads: Reads) -> Chosen:
    """C(reads): collects what each site's plan has to read first."""
    sites = {
        vpc_id: DesiredSite(site.area, site.vpc, site.instances, desired=desired, reads=reads)
        for vpc_id, site in vpc_sites(snapshot).items()
    }
    missing = tuple(missing_vpcs(snapshot, desired.vpc_ids))
    if desired.select == "listed":
        return _listed(sites, desired, missing)
    return _needed(sites, desired, missing, vpcs_of_routes(snapshot, desired.routes, desired.choices))


def _listed(sites: Mapping[str, DesiredSite], desired: DesiredEndpoint, missing: tuple[Problem, ...]) -> Chosen:
    work, shown, problems = [], [], list(missing)
    for vpc_id in dict.fromkeys(desired.vpc_ids or ()):
        site = sites.get(vpc_id)
        if site is None:
            continue
        shown.append(vpc_id)
        if not site.owned:
            problems.append(_shared(site))
        elif "endpoints" not in site.area.unknown:
            work.append(site)
    return Chosen(tuple(work), tuple(shown), tuple(problems))


def _needed(
    sites: Mapping[str, DesiredSite],
    desired: DesiredEndpoint,
    missing: tuple[Problem, ...],
    wanted_in: Collection[str] | None,
) -> Chosen:
    work, shown, warnings = [], [], []
    for vpc_id, site in sites.items():
        if desired.vpc_ids is not None and vpc_id not in desired.vpc_ids:
            continue
        reason = need(site, wanted_in)
        if site.instances:
            shown.append(vpc_id)
        if reason == "other_owner" and site.instances:
            # Not a failure: the owner may have created the endpoint, which is not visible from here.
            warnings.append(str(_shared(site)))
        elif NEEDS[reason][0] or (reason == "operator_serves" and site.maintained):
            work.append(site)
    return Chosen(tuple(work), tuple(shown), missing, tuple(warnings))


def _shared(site: VpcSite) -> Problem:
    vpc = site.vpc
    return Problem(
        *site.area.area_key,
        f"the endpoint of {vpc.vpc_id}",
        "SharedVpc",
        f"account {vpc.owner_id} owns the VPC and shares it with {site.area.account_id}, which cannot see or create its"
        " endpoint",
        "",
        f"Run this in account {vpc.owner_id}, for example with a role of it in assume_role_arns.",
    )
