# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work as lists that a playbook passes to modules: the instances of each route, and the VPCs that need an endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..verdict.catalogue import ROUTES
from ..verdict.eligibility import Verdict


def worklists(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """The wanted instances by route, and the VPCs in which you create the endpoint.

    Where GuardDuty manages an instance of a VPC, it also creates the VPC's endpoint; AWS rejects a second one with private DNS
    (GuardDuty user guide, "How the security agent connects to GuardDuty").
    """
    wanted = [verdict for verdict in verdicts if verdict.wanted]
    lists: dict[str, Any] = {
        route: _list([verdict for verdict in wanted if verdict.route == route]) for route in ROUTES if route != "none"
    }
    theirs = {verdict.instance.vpc_id for verdict in wanted if verdict.route == "guardduty"}
    yours = {verdict.instance.vpc_id for verdict in wanted if verdict.route in ("ssm", "package")}
    lists["endpoint_vpc_ids"] = sorted(vpc_id for vpc_id in yours - theirs if vpc_id)
    return lists


def _list(verdicts: Sequence[Verdict]) -> dict[str, list[str]]:
    areas = {str(verdict.instance.area_key) for verdict in verdicts}
    return {"instance_ids": [verdict.instance.instance_id for verdict in verdicts], "areas": sorted(areas)}
