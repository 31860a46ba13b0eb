# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handles what another run created after our reading: all slices of a job run its account-level plays."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..decide.verdict.endpoint_health import GONE_STATES, PENDING_STATES
from ..observe.association.associations import described, listed
from ..observe.client.access import Target
from ..observe.client.problems import AWS_ERRORS
from ..observe.client.sdk import ClientError
from ..observe.fleet import ec2

# AWS's error for a second endpoint whose private DNS name is already in use, also while the first is being deleted.
DNS_CONFLICT = "conflicting DNS domain"
T = TypeVar("T")


def create_or_adopt(make: Callable[[], T], exists: Callable[[ClientError], bool], rival: Callable[[], T | None]) -> T:
    """Create a resource of which AWS allows one; if it already C(exists), return the one that another run created."""
    try:
        return make()
    except ClientError as error:
        made = rival() if exists(error) else None
        if made is None:
            raise
        return made


def group_taken(error: ClientError) -> bool:
    """EC2 API reference, error codes: security group names are unique in a VPC."""
    return bool(error.response["Error"]["Code"] == "InvalidGroup.Duplicate")


def dns_taken(error: ClientError) -> bool:
    return DNS_CONFLICT in str(error)


def detector_refused(error: ClientError) -> bool:
    """GuardDuty uses this code for every rejected request; the API reference states that an account has one detector."""
    return bool(error.response["Error"]["Code"] == "BadRequestException")


def group_named(target: Target, vpc_id: str, name: str) -> str | None:
    return next(iter(ec2.security_groups(target, {"vpc-id": [vpc_id], "group-name": [name]})), None)


def endpoint_of(target: Target, vpc_id: str, service: str) -> str | None:
    """The VPC's endpoint for the service that has the agent's DNS name, or soon will."""
    for endpoint in ec2.endpoints(target).get(vpc_id, ()):
        state = endpoint.state.lower()
        named = endpoint.private_dns or state in PENDING_STATES
        if named and endpoint.service_name == service and state not in GONE_STATES:
            return endpoint.endpoint_id
    return None


def older_association(target: Target, name: str, association_id: str) -> str | None:
    """An earlier association of the same name. State Manager allows any number of them, and its lists do not show when
    each was created."""
    try:
        same = [each.association_id for each in listed(target, {"AssociationName": name})]
        if len(same) < 2:
            return None
        everyone = (described(target, each, tags=False) for each in {*same, association_id})
        first = min(everyone, key=lambda each: (each.created or "", each.association_id)).association_id
    except AWS_ERRORS:
        return None  # It is created; the next run reports it if there are two
    return None if first == association_id else first
