# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick readers of the JSON services return the same as botocore's parsers, or leave the page to them."""

from __future__ import annotations

import json
import random
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client.json_pages import HANDLERS

LISTS = {
    "guardduty": ("ListCoverage", ("Resources", "NextToken")),
    "ssm": ("DescribeInstanceProperties", ("InstanceProperties", "NextToken")),
}
EVENTS = {service: f"before-parse.{service}.{operation}" for service, (operation, _keys) in LISTS.items()}


@cache
def operation(service: str) -> Any:
    name = LISTS[service][0]
    return botocore.session.get_session().get_service_model(service).operation_model(name)


def value(shape: Any, dice: random.Random, odd: float) -> Any:
    """Random data of a shape; with the probability C(odd) something that the model does not have."""
    if dice.random() < odd:
        return dice.choice((None, 1, "x", [], {}, [None], {"a": 1}, True, -1e300))
    if shape.type_name == "structure":
        return {
            member.serialization.get("name", key): value(member, dice, odd)
            for key, member in shape.members.items()
            if dice.random() < 0.85
        }
    if shape.type_name == "list":
        return [value(shape.member, dice, odd) for _number in range(dice.randrange(4))]
    if shape.type_name == "map":
        return {dice.choice("ab"): value(shape.value, dice, odd) for _number in range(dice.randrange(3))}
    if shape.type_name == "timestamp":
        return dice.choice((1772439300.25, 0, 1772439300, -1.5))
    if shape.type_name in ("integer", "long"):
        return dice.randrange(9)
    if shape.type_name == "boolean":
        return dice.random() < 0.5
    return dice.choice(("", "x", "é 日本", "\u0000", '"\\'))


def parsed(service: str, body: bytes, status: int, quickly: bool) -> tuple[Any, bool]:
    """The answer as botocore's endpoint.py puts it together, or the error's class; whether a handler read the page."""
    response: dict[str, Any] = {"body": body, "headers": {}, "status_code": status}
    ours: dict[str, Any] = {}
    if quickly:
        HANDLERS[EVENTS[service]](response_dict=response, customized_response_dict=ours, operation_model=None)
    model = operation(service)
    answer = create_parser(model.service_model.resolved_protocol).parse(response, model.output_shape)
    return {**answer, **ours}, response["body"] != body


def kept(theirs: Any, ours: Any) -> Any:
    """Of botocore's answer the members that the quick reader knows: the members that it leaves out must not be used."""
    if isinstance(theirs, list):
        return [kept(*pair) for pair in zip(theirs, ours, strict=True)]
    if isinstance(theirs, dict):
        return {key: kept(found, ours[key]) for key, found in theirs.items() if key in WANTED and key in ours}
    return theirs


WANTED = {
    *("Resources", "NextToken", "ResourceDetails", "Ec2InstanceDetails", "InstanceId", "AgentDetails", "Version"),
    *("ManagementType", "ClusterArn", "CoverageStatus", "Issue", "UpdatedAt", "InstanceProperties", "PingStatus"),
    *("AgentVersion", "PlatformName", "PlatformVersion", "ResponseMetadata", "HTTPStatusCode", "HTTPHeaders"),
}


def wanted(theirs: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """The paths of the members to read from an answer."""
    if isinstance(theirs, list):
        return set().union(*(wanted(item, path) for item in theirs))
    if not isinstance(theirs, dict):
        return {path}
    below = [wanted(found, (*path, key)) for key, found in theirs.items() if key in WANTED]
    return set().union(*below) - {()}


@pytest.mark.parametrize("service", LISTS)
@given(seed=st.integers(), odd=st.sampled_from((0.0, 0.0, 0.02)))
def test_random_pages_read_as_botocore_reads_them(service: str, seed: int, odd: float) -> None:
    body = json.dumps(value(operation(service).output_shape, random.Random(seed), odd)).encode()
    try:
        theirs, _quick = parsed(service, body, 200, False)
    except Exception:  # noqa: BLE001 botocore's parser stumbles over what is not as its model in many ways
        theirs = None
    if theirs is None:
        assert odd
        return
    ours, quick = parsed(service, body, 200, True)
    assert quick or odd or not theirs.keys() & set(LISTS[service][1])
    if quick:
        assert ours == kept(theirs, ours)
        ec2 = {path for path in wanted(theirs) if path[:2] != ("Resources", "ResourceDetails") or READ.issuperset(path)}
        assert ec2 == wanted(ours)


# ResourceDetails has the same names in the details of EKS and ECS, which are not read.
READ = {
    *("Resources", "ResourceDetails", "Ec2InstanceDetails", "InstanceId", "AgentDetails", "Version", "ManagementType"),
    "ClusterArn",
}


@pytest.mark.parametrize("service", LISTS)
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<html>Log in</html>", b'{"message": "x"}', b'{"Resources"', b"[]", b"\xff"]
)
def test_what_is_unusual_is_left_as_it_came(service: str, body: bytes) -> None:
    response, ours = {"body": body, "headers": {}, "status_code": 200}, {}
    HANDLERS[EVENTS[service]](response_dict=response, customized_response_dict=ours)
    assert (response["body"], ours) == (body, {})


@pytest.mark.parametrize("service", LISTS)
def test_errors_are_left_as_they_came(service: str) -> None:
    answer, quick = parsed(service, b'{"__type": "ThrottlingException", "message": "Rate exceeded"}', 400, True)
    assert not quick and answer["Error"]["Code"] == "ThrottlingException"
