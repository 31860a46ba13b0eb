# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be read beyond the first look before endpoints can be planned: nothing at all where they are right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...model.fleet import Instance, Lookup, Snapshot
from .desired import DesiredEndpoint, choose, current, is_ours
from .need import VpcSite, linux_instances
from .placement import lets_nobody_in, open_zones

Area = tuple[str, str]


def lookups(snapshot: Snapshot, desired: DesiredEndpoint) -> dict[Area, Lookup]:
    """What to look up in each account and region; areas where nothing is missing are left out."""
    work = choose(snapshot, desired).work
    by_area: dict[Area, list[VpcSite]] = {}
    for site in work:
        by_area.setdefault((site.area.account_id, site.area.region), []).append(site)
    if desired.state == "absent":
        return {area: _for_removal(some, desired) for area, some in by_area.items()}
    instances = linux_instances(snapshot)
    unseen = Lookup(subnet_ids=_unseen_subnets(work, desired), group_ids=_unseen_groups(work, desired))
    found = {area: _for_making(some, desired, instances, unseen) for area, some in by_area.items()}
    return {area: lookup for area, lookup in found.items() if lookup != Lookup()}


def _for_removal(some: Iterable[VpcSite], desired: DesiredEndpoint) -> Lookup:
    ids = tuple(site.vpc.vpc_id for site in some)
    guardduty_endpoints = ids if desired.include_guardduty else ()
    return Lookup(group_name=desired.security_group_name, named_in=ids, guardduty_groups_of=guardduty_endpoints)


def _for_making(
    work: list[VpcSite], desired: DesiredEndpoint, instances: Mapping[str, list[Instance]], unseen: Lookup
) -> Lookup:
    service = desired.service(work[0].area)
    if service is None:
        return Lookup()
    some = [site for site in work if not site.guardduty_endpoints]
    new = [site for site in some if current(site, desired) is None]
    wider = [site for site in some if _wider(site, desired, instances)]
    named_in = _vpc_ids(site for site in some if _wants_our_group(site, desired))
    blind = _vpc_ids(new) if desired.select == "listed" and desired.subnet_ids is None else ()
    return Lookup(
        service=service if new or wider or unseen.subnet_ids else "",
        subnets_of=_vpc_ids([*new, *wider]) if desired.subnet_ids is None else (),
        subnet_ids=unseen.subnet_ids,
        instances_of=blind,
        dns_of=_vpc_ids(site for site in some if wants_private_dns(site, desired)),
        group_ids=unseen.group_ids,
        group_name=desired.security_group_name if named_in else "",
        named_in=named_in,
    )


def wants_private_dns(site: VpcSite, desired: DesiredEndpoint) -> bool:
    """Whether private DNS will be turned on, which AWS allows only in a VPC with both DNS attributes on."""
    endpoint = current(site, desired)
    return endpoint is None or not endpoint.private_dns


def _wider(site: VpcSite, desired: DesiredEndpoint, instances: Mapping[str, list[Instance]]) -> bool:
    endpoint = current(site, desired)
    if endpoint is None or desired.subnet_ids is not None:
        return False
    return open_zones(site, endpoint, instances.get(site.vpc.vpc_id, ()))


def _wants_our_group(site: VpcSite, desired: DesiredEndpoint) -> bool:
    endpoint = current(site, desired)
    if desired.security_group_ids is not None:
        return False
    return endpoint is None or (lets_nobody_in(site, endpoint) and not is_ours(site, desired))


def _unseen_subnets(some: Iterable[VpcSite], desired: DesiredEndpoint) -> tuple[str, ...]:
    """The named subnets, unless the endpoints together hold exactly these: then nothing is left to learn about them."""
    held = {subnet_id for site in some if (endpoint := current(site, desired)) for subnet_id in endpoint.subnet_ids}
    named = desired.subnet_ids or ()
    return () if held == set(named) or not named else tuple(named)


def _unseen_groups(some: Iterable[VpcSite], desired: DesiredEndpoint) -> tuple[str, ...]:
    seen = {group_id for site in some for group_id in site.area.security_groups}
    return tuple(group_id for group_id in desired.security_group_ids or () if group_id not in seen)


def _vpc_ids(some: Iterable[VpcSite]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(site.vpc.vpc_id for site in some))
