# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags of EC2 resources: all or nothing, within EC2's limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix

from . import ec2_endpoints, ec2_state
from .ec2_base import Answer, Ec2Operations, not_found
from .ec2_filters import select
from .ec2_instances import refuse_unreadable_keys
from .wire import AwsError

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions and the CreateTags API reference.
_MOST_RESOURCES = 1000
_MOST_TAGS = 50
_LONGEST_KEY = 128
_LONGEST_VALUE = 256
_RESERVED = "aws:"

_Known = Callable[[str, str, str], Any]
_RESOURCES: dict[str, tuple[str, str, _Known]] = {
    "i": ("instance", "InvalidInstanceID.NotFound", lambda a, r, i: i in ec2_state.instances_by_id(a, r)),
    "vpc": ("vpc", "InvalidVpcID.NotFound", lambda a, r, i: i in ec2_state.own_vpcs(a, r)),
    "subnet": ("subnet", "InvalidSubnetID.NotFound", lambda a, r, i: i in _own_subnets(a, r)),
    "sg": ("security group", "InvalidGroup.NotFound", ec2_state.group),
    "vpce": ("vpcEndpoint", "InvalidVpcEndpointId.NotFound", lambda a, r, i: i in ec2_endpoints.live(a, r)),
}


def _own_subnets(account: str, region: str) -> set[str]:
    return {s.id for vpc in ec2_state.own_vpcs(account, region).values() for s in ec2_state.subnets_of(vpc)}


class TagOperations(Ec2Operations):
    def create_tags(self) -> Answer:
        asked = self.asked
        resources, tags = asked.get("Resources") or [], asked.get("Tags") or []
        if not tags:
            raise AwsError("MissingParameter", "The request must contain the parameter TagSet")
        wanted = _checked_tags(tags)
        self._check_resources(resources)
        index = ec2_state.instances_by_id(self.current_account, self.region)
        store = self.ec2_backend.tags
        for each in resources:
            users = [key for key in {**(store.get(each) or {}), **wanted} if not key.startswith(_RESERVED)]
            if len(users) > _MOST_TAGS:
                raise AwsError("TagLimitExceeded", f"The maximum number of tags ({_MOST_TAGS}) for {each} is exceeded")
            if each in index and index[each].metadata_options.instance_metadata_tags == "enabled":
                refuse_unreadable_keys(wanted)
        for each in resources:
            store[each].update(wanted)
        return self.answer({})

    def delete_tags(self) -> Answer:
        """A tag without a value goes whatever its value is; one with a value goes only if it has that value."""
        asked = self.asked
        resources, tags = asked.get("Resources") or [], asked.get("Tags") or []
        for tag in tags:
            _check_key(tag.get("Key") or "")
        self._check_resources(resources)
        for each in resources:
            present = self.ec2_backend.tags.get(each) or {}
            unwanted = tags or [{"Key": key} for key in present if not key.startswith(_RESERVED)]
            for tag in unwanted:
                value = tag.get("Value")
                if tag["Key"] in present and value in (None, present[tag["Key"]]):
                    del present[tag["Key"]]
        return self.answer({})

    def _check_resources(self, resources: Sequence[str]) -> None:
        if not resources:
            raise AwsError("MissingParameter", "The request must contain the parameter resourceIdSet")
        if len(resources) > _MOST_RESOURCES:
            raise AwsError("InvalidParameterValue", f"At most {_MOST_RESOURCES} resources can be tagged in a request.")
        missing: dict[str, list[str]] = {}
        for each in resources:
            prefix, dummy, number = each.partition("-")
            if prefix in _RESOURCES:
                if not _RESOURCES[prefix][2](self.current_account, self.region, each):
                    missing.setdefault(prefix, []).append(each)
            elif not number or each not in self.ec2_backend.tags:
                self._check_other(each)
        for prefix, ids in missing.items():
            kind, code, dummy = _RESOURCES[prefix]
            raise not_found(kind, code, ids)

    def _check_other(self, resource_id: str) -> None:
        """Resources that only moto knows."""
        if get_prefix(resource_id) not in EC2_PREFIX_TO_RESOURCE:
            raise AwsError("InvalidID", f"The ID '{resource_id}' is not valid")
        self.ec2_backend.do_resources_exist([resource_id])

    def describe_tags(self) -> Answer:
        asked = self.asked
        rows, token = self.page(asked, lambda: self._selected_tags(asked.get("Filters")))
        return self.answer({"Tags": list(rows), "NextToken": token})

    def _selected_tags(self, filters: list[dict[str, Any]] | None) -> list[dict[str, str]]:
        ec2_endpoints.live(self.current_account, self.region)
        every = [
            {"ResourceId": each, "ResourceType": _kind(each), "Key": key, "Value": value}
            for each, tags in self.ec2_backend.tags.items()
            for key, value in tags.items()
        ]
        getters = {
            "key": lambda t: t["Key"],
            "value": lambda t: t["Value"],
            "resource-id": lambda t: t["ResourceId"],
            "resource-type": lambda t: t["ResourceType"],
        }
        return select(every, filters, getters, lambda t: {t["Key"]: t["Value"]})


def _kind(resource_id: str) -> str:
    prefix = get_prefix(resource_id)
    return "vpc-endpoint" if prefix == "vpce" else EC2_PREFIX_TO_RESOURCE.get(prefix, prefix)


def _checked_tags(tags: Sequence[dict[str, str]]) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for tag in tags:
        key, value = tag.get("Key") or "", tag.get("Value") or ""
        _check_key(key)
        if len(value) > _LONGEST_VALUE:
            raise AwsError(
                "InvalidParameterValue", f"Tag value exceeds the maximum length of {_LONGEST_VALUE} characters"
            )
        if key in wanted:
            raise AwsError("InvalidParameterValue", f"Duplicate tag key '{key}' specified.")
        wanted[key] = value
    return wanted


def _check_key(key: str) -> None:
    if not key:
        raise AwsError("InvalidParameterValue", "Tag key cannot be null or empty")
    if len(key) > _LONGEST_KEY:
        raise AwsError("InvalidParameterValue", f"Tag key exceeds the maximum length of {_LONGEST_KEY} characters")
    if key.lower().startswith(_RESERVED):
        raise AwsError("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
