# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick reader of DescribeInstances returns the same as botocore's parser, or leaves the page to it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

import botocore.session
import pytest
from botocore.parsers import ResponseParserError, create_parser
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client import instance_pages
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client.instance_pages import PAGE, read_page

XMLNS = "http://ec2.amazonaws.com/doc/2016-11-15/"
TEXTS = ("", "x", "true", "false", " spaced ", "<&>\"'", "é 日本", "]]>", "a\nb", "0", "</item>")


@cache
def answer_shape() -> Any:
    return botocore.session.get_session().get_service_model("ec2").operation_model("DescribeInstances").output_shape


def element(shape: Any, name: str, dice: random.Random, depth: int = 0, texts: Sequence[str] = TEXTS) -> str:
    """Random data of a shape as EC2 writes it: any member may be missing, any list empty."""
    if shape.type_name == "structure":
        members = [
            element(member, member.serialization.get("name", key), dice, depth + 1, texts)
            for key, member in shape.members.items()
            if dice.random() < (0.9 if depth < 3 else 0.3)
        ]
        dice.shuffle(members)
        inner = "".join(members)
    elif shape.type_name == "list":
        count = dice.choice((0, 1, 3))
        inner = "".join(element(shape.member, "item", dice, depth + 1, texts) for _number in range(count))
    elif shape.type_name == "timestamp":
        inner = "2026-03-02T08:15:00.000Z"
    elif shape.type_name in ("integer", "long", "float", "double"):
        inner = str(dice.randrange(100))
    elif shape.type_name == "boolean":
        inner = dice.choice(("true", "false"))
    else:
        inner = escape(dice.choice(texts))
        if "]]" not in inner and dice.random() < 0.5:
            inner = inner.replace("&gt;", ">")
    between = dice.choice(("", "\n    "))
    if not inner and dice.random() < 0.5:
        return f"{between}<{name}/>"
    return f"{between}<{name}>{inner}</{name}>"


def page(dice: random.Random) -> bytes:
    inner = element(answer_shape(), "whole", dice).strip().removeprefix("<whole>").removesuffix("</whole>")
    return enveloped(inner, dice)


def fleet(dice: random.Random) -> bytes:
    """A page as fleets have it: most reservations have one of a few markups, and differ in their texts."""
    shape = answer_shape().members["Reservations"].member
    seeds = [dice.random() for _number in range(3)]
    items = []
    for _number in range(12):
        texts = (*TEXTS, "<a>") if dice.random() < 0.1 else ("x", "y z", "")
        made = element(shape, "item", random.Random(dice.choice(seeds)), 0, texts)
        made = re.sub(r">(x|y z)</", lambda _found: f">{dice.choice(('a', 'false', 'true', '', ' '))}</", made)
        made = re.sub(r"\s*<reservationId(/>|>[^<]*</reservationId>)", "", made)
        items.append(made.replace("<item>", f"<item>\n<reservationId>r-{dice.random()}</reservationId>", 1))
    return enveloped(f"<reservationSet>{''.join(items)}</reservationSet><nextToken>t</nextToken>", dice)


def enveloped(inner: str, dice: random.Random) -> bytes:
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
    below = {name: kind[0] if isinstance(kind, list) else kind for name, kind in members.values()}
    return {name: kept(value, below[name]) for name, value in answer.items() if name in below}


@pytest.mark.parametrize("made", [page, fleet])
@given(seed=st.integers())
def test_random_pages_read_as_botocore_reads_them(made: Callable[[random.Random], bytes], seed: int) -> None:
    body = made(random.Random(seed))
    ours, quick = by_us(body)
    assert quick
    theirs = by_botocore(body)
    assert {key: value for key, value in ours.items() if key != "ResponseMetadata"} == kept(theirs, PAGE)
    assert ours["ResponseMetadata"]["RequestId"] == theirs["ResponseMetadata"]["RequestId"]


def test_a_markup_is_learned_once() -> None:
    item = (
        "<item><reservationId>r</reservationId><instancesSet><item><instanceId>i-%d</instanceId><dnsName/>"
        "<launchTime>2026-03-02T08:15:0%d.000Z</launchTime><operator><managed>%s</managed></operator></item>"
        "</instancesSet></item>"
    )
    items = "".join(item % (number, number, "true" if number % 2 else "false") for number in range(9))
    body = enveloped(f"<reservationSet>{items}</reservationSet>", random.Random(0))
    instance_pages._learned.clear()
    ours, quick = by_us(body)
    assert quick and len(instance_pages._learned) == 1
    assert ours["Reservations"] == kept(by_botocore(body), PAGE)["Reservations"]


@pytest.mark.parametrize("made", [page, fleet])
@given(seed=st.integers())
def test_pages_that_broke_are_left_to_botocore_or_read_alike(made: Callable[[random.Random], bytes], seed: int) -> None:
    dice = random.Random(seed)
    body = made(dice)
    start, end = sorted((dice.randrange(len(body)), dice.randrange(len(body))))
    broken = dice.choice((body[:end], body[:start] + body[end:], body[:end] + body[start:], body + b"x"))
    try:
        theirs = by_botocore(broken)
    except (ResponseParserError, ValueError, AttributeError, TypeError, KeyError):
        # A page that botocore rejects may be read only if the broken part is never read.
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
        ("a reservation in another list", b'<DescribeInstancesResponse xmlns="x"><a><reservationId>1</b></a>'),
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
