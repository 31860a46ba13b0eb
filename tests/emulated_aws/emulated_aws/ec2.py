# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: moto's operations with ours in front."""

from __future__ import annotations

from moto.ec2 import urls
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.responses import EC2Response as MotoEC2Response

from .ec2_endpoint_operations import EndpointOperations
from .ec2_instances import InstanceOperations
from .ec2_network import NetworkOperations
from .ec2_tags import TagOperations
from .register import swap


class EC2Response(InstanceOperations, NetworkOperations, EndpointOperations, TagOperations, MotoEC2Response):
    pass


def _tags_by_id(resource: TaggedEC2Resource) -> list[dict[str, str]]:
    tags = resource.ec2_backend.tags.get(resource.id) or {}
    return [{"resource_id": resource.id, "key": k, "value": v} for k, v in tags.items()]


def register() -> None:
    swap(urls, EC2Response)
    # moto finds one resource's tags by matching a pattern against every resource's: quadratic over a fleet.
    TaggedEC2Resource.get_tags = _tags_by_id
