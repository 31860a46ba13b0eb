# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be read beyond the first look before endpoints can be planned: nothing at all where they are right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...model.fleet import Instance, Lookup, Snapshot
from .desired import EndpointWish, choose, current, is_ours
from .need import Home, linux_instances
from .placement import lets_nobody_in, open_zones

Area = tuple[str, str]


def lookups(snapshot: Snapshot, wish: EndpointWish) -> dict[Area, Lookup]:
    """What to look up in each account and region; areas where nothing is missing are left out."""
    work = choose(snapshot, wish).work
    by_area: dict[Area, list[Home]] = {}
    for home in work:
        by_area.setdefault((home.area.account_id, home.area.region), []).append(home)
    if wish.state == "absent":
        return {area: _for_removal(some, wish) for area, some in by_area.items()}
    instances = linux_instances(snapshot)
    unseen = Lookup(subnet_ids=_unseen_subnets(work, wish), group_ids=_unseen_groups(work, wish))
    found = {area: _for_making(some, wish, instances, unseen) for area, some in by_area.items()}
    return {area: lookup for area, lookup in found.items() if lookup != Lookup()}


def _for_removal(some: Iterable[Home], wish: EndpointWish) -> Lookup:
    ids = tuple(home.vpc.vpc_id for home in some)
    guarddutys = ids if wish.include_guardduty else ()
    return Lookup(group_name=wish.security_group_name, named_in=ids, guardduty_groups_of=guarddutys)


def _for_making(
    work: list[Home], wish: EndpointWish, instances: Mapping[str, list[Instance]], unseen: Lookup
) -> Lookup:
    service = wish.service(work[0].area)
    if service is None:
        return Lookup()
    some = [home for home in work if not home.guarddutys]
    new = [home for home in some if current(home, wish) is None]
    wider = [home for home in some if _wider(home, wish, instances)]
    named_in = _vpc_ids(home for home in some if _wants_our_group(home, wish))
    blind = _vpc_ids(new) if wish.select == "listed" and wish.subnet_ids is None else ()
    return Lookup(
        service=service if new or wider or unseen.subnet_ids else "",
        subnets_of=_vpc_ids([*new, *wider]) if wish.subnet_ids is None else (),
        subnet_ids=unseen.subnet_ids,
        instances_of=blind,
        dns_of=_vpc_ids(home for home in some if wants_private_dns(home, wish)),
        group_ids=unseen.group_ids,
        group_name=wish.security_group_name if named_in else "",
        named_in=named_in,
    )


def wants_private_dns(home: Home, wish: EndpointWish) -> bool:
    """Whether private DNS will be turned on, which AWS allows only in a VPC with both DNS attributes on."""
    endpoint = current(home, wish)
    return endpoint is None or not endpoint.private_dns


def _wider(home: Home, wish: EndpointWish, instances: Mapping[str, list[Instance]]) -> bool:
    endpoint = current(home, wish)
    if endpoint is None or wish.subnet_ids is not None:
        return False
    return open_zones(home, endpoint, instances.get(home.vpc.vpc_id, ()))


def _wants_our_group(home: Home, wish: EndpointWish) -> bool:
    endpoint = current(home, wish)
    if wish.security_group_ids is not None:
        return False
    return endpoint is None or (lets_nobody_in(home, endpoint) and not is_ours(home, wish))


def _unseen_subnets(some: Iterable[Home], wish: EndpointWish) -> tuple[str, ...]:
    """The named subnets, unless the endpoints together hold exactly these: then nothing is left to learn about them."""
    held = {subnet_id for home in some if (endpoint := current(home, wish)) for subnet_id in endpoint.subnet_ids}
    named = wish.subnet_ids or ()
    return () if held == set(named) or not named else tuple(named)


def _unseen_groups(some: Iterable[Home], wish: EndpointWish) -> tuple[str, ...]:
    seen = {group_id for home in some for group_id in home.area.security_groups}
    return tuple(group_id for group_id in wish.security_group_ids or () if group_id not in seen)


def _vpc_ids(some: Iterable[Home]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(home.vpc.vpc_id for home in some))
