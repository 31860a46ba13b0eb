# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick reader of DescribeInstances gives what botocore's parser gives, or leaves the page to it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

import botocore.session
import pytest
from botocore.parsers import ResponseParserError, create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.instance_pages import PAGE, read_page

XMLNS = "http://ec2.amazonaws.com/doc/2016-11-15/"
TEXTS = ("", "x", "true", "false", " spaced ", "<&>\"'", "é 日本", "]]>", "a\nb", "0", "</item>")


@cache
def answer_shape() -> Any:
    return botocore.session.get_session().get_service_model("ec2").operation_model("DescribeInstances").output_shape


def element(shape: Any, name: str, dice: random.Random, depth: int = 0) -> str:
    """Random data of a shape as EC2 writes it: any member may be missing, any list empty."""
    if shape.type_name == "structure":
        members = [
            element(member, member.serialization.get("name", key), dice, depth + 1)
            for key, member in shape.members.items()
            if dice.random() < (0.9 if depth < 3 else 0.3)
        ]
        dice.shuffle(members)
        inner = "".join(members)
    elif shape.type_name == "list":
        inner = "".join(element(shape.member, "item", dice, depth + 1) for _number in range(dice.choice((0, 1, 3))))
    elif shape.type_name == "timestamp":
        inner = "2026-03-02T08:15:00.000Z"
    elif shape.type_name in ("integer", "long", "float", "double"):
        inner = str(dice.randrange(100))
    elif shape.type_name == "boolean":
        inner = dice.choice(("true", "false"))
    else:
        inner = escape(dice.choice(TEXTS))
    between = dice.choice(("", "\n    "))
    if not inner and dice.random() < 0.5:
        return f"{between}<{name}/>"
    return f"{between}<{name}>{inner}</{name}>"


def page(dice: random.Random) -> bytes:
    inner = element(answer_shape(), "whole", dice).strip().removeprefix("<whole>").removesuffix("</whole>")
    head = dice.choice(('<?xml version="1.0" encoding="UTF-8"?>\n', ""))
    return (
        f'{head}<DescribeInstancesResponse xmlns="{XMLNS}">\n<requestId>r-1</requestId>{inner}\n'
        "</DescribeInstancesResponse>"
    ).encode()


def by_botocore(body: bytes, status: int = 200) -> Any:
    given = {"body": body, "headers": {}, "status_code": status}
    return create_parser("ec2").parse(given, answer_shape())


def by_us(body: bytes, status: int = 200) -> tuple[Any, bool]:
    """The answer as botocore's endpoint.py puts it together with a handler of before-parse; whether we read the page."""
    response, ours = {"body": body, "headers": {}, "status_code": status}, {}
    read_page(response_dict=response, customized_response_dict=ours, operation_model=None)
    answer = create_parser("ec2").parse(response, answer_shape())
    answer.update(ours)
    return answer, response["body"] != body


def kept(answer: Any, members: Mapping[str, Any]) -> Any:
    """Of botocore's answer the members that the quick reader has."""
    if isinstance(answer, list):
        return [kept(item, members) for item in answer]
    if not isinstance(answer, dict):
        return answer
    below = {name: nested(read) for name, read in members.values()}
    return {name: kept(value, below[name]) for name, value in answer.items() if name in below}


def nested(read: Any) -> Mapping[str, Any]:
    cells = getattr(read, "__closure__", None) or ()
    return next((cell.cell_contents for cell in cells if isinstance(cell.cell_contents, dict)), {})


@settings(max_examples=150, deadline=None)
@given(st.integers())
def test_random_pages_read_as_botocore_reads_them(seed: int) -> None:
    body = page(random.Random(seed))
    ours, quick = by_us(body)
    assert quick
    theirs = by_botocore(body)
    assert {key: value for key, value in ours.items() if key != "ResponseMetadata"} == kept(theirs, PAGE)
    assert ours["ResponseMetadata"]["RequestId"] == theirs["ResponseMetadata"]["RequestId"]


@settings(max_examples=150, deadline=None)
@given(st.integers())
def test_pages_that_broke_are_left_to_botocore_or_read_alike(seed: int) -> None:
    dice = random.Random(seed)
    body = page(dice)
    start, end = sorted((dice.randrange(len(body)), dice.randrange(len(body))))
    broken = dice.choice((body[:end], body[:start] + body[end:], body[:end] + body[start:], body + b"x"))
    try:
        theirs = by_botocore(broken)
    except (ResponseParserError, ValueError, AttributeError, TypeError, KeyError):
        # What botocore refuses may only be read when what is broken lies within what nobody reads.
        return
    ours, quick = by_us(broken)
    expected = kept(theirs, PAGE)
    assert not quick or {key: value for key, value in ours.items() if key != "ResponseMetadata"} == expected


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("nothing", b""),
        ("a proxy's page", b"<html><body>Log in</body></html>"),
        ("cut", b'<DescribeInstancesResponse xmlns="x"><reservationSet><item>'),
        ("another answer", b'<DescribeVpcsResponse xmlns="x"><vpcSet/></DescribeVpcsResponse>'),
        (
            "a comment",
            b'<DescribeInstancesResponse xmlns="x"><!-- <groupSet> --><reservationSet/></DescribeInstancesResponse>',
        ),
        (
            "a member twice",
            b'<DescribeInstancesResponse xmlns="x"><nextToken>a</nextToken><nextToken>b</nextToken>'
            b"</DescribeInstancesResponse>",
        ),
        ("a namespace within", b'<DescribeInstancesResponse xmlns="x"><a:b xmlns:a="y"/></DescribeInstancesResponse>'),
    ],
)
def test_what_is_unusual_is_left_as_it_came(name: str, body: bytes) -> None:
    response, ours = {"body": body, "headers": {}, "status_code": 200}, {}
    read_page(response_dict=response, customized_response_dict=ours)
    assert (response["body"], ours) == (body, {}), name


def test_errors_are_left_as_they_came() -> None:
    body = b"<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>"
    ours, quick = by_us(body, 503)
    assert not quick and ours["Error"]["Code"] == "RequestLimitExceeded"
