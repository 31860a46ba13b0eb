# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The desired state of endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...model.fleet import AccountRegion
from ..tag_rules import as_texts, refused_tags
from ..verdict.eligibility import Choices
from ..verdict.endpoint_health import service_name
from .policy import DesiredPolicy

GROUP_NAME = "fleetsec-guardduty-data"


@dataclass(frozen=True, slots=True)
class DesiredEndpoint:
    """The options of vpc_endpoint. None leaves existing endpoints alone, and lets the module choose for new ones."""

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


def desired_from(params: Mapping[str, Any]) -> DesiredEndpoint:
    """The desired state from a module's options."""
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
    """Why the desired state itself is invalid, or None."""
    refused = refused_tags(desired.tags or {})
    if refused:
        return refused
    if desired.security_group_name.startswith("sg-") or not desired.security_group_name:
        return "security_group_name must not be empty or start with 'sg-', which AWS reserves for ids."
    if desired.subnet_ids == () or desired.security_group_ids == ():
        return "An endpoint needs a subnet and a security group: fill subnet_ids and security_group_ids, or leave them out."
    if desired.state == "absent" and desired.select != "listed":
        return "state=absent deletes the endpoints of vpc_ids; it cannot be combined with select=needed."
    if desired.include_guardduty and desired.state != "absent":
        return "include_guardduty requires state=absent: GuardDuty's own endpoint is never changed."
    return desired.policy.refused()
