# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A synthetic AWS for measuring clients: prerendered pages over HTTP on 127.0.0.1, as fast as one process can.

It keeps no state and checks nothing, so that what is measured is the client. The emulated AWS of the tests is the one that
behaves like AWS. Prints {"port": N} when it listens, and ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from urllib.parse import parse_qsl

from answers import Fleet, answer, ec2_filters, envelope, xml

CALLER = "111111111111"
CREDENTIAL = re.compile(rb"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
TARGET = re.compile(rb"\r\nx-amz-target: *[^.\r\n]*\.(\w+)", re.IGNORECASE)
EC2_PAGE = 1000
# Lists of EC2, from the API reference: the element that holds them and the filter or parameter that names one.
LISTS = {
    "DescribeInstances": ("reservationSet", "instance-id", "InstanceId", "instance"),
    "DescribeVpcs": ("vpcSet", "vpc-id", "VpcId", "vpc_item"),
    "DescribeVpcEndpoints": ("vpcEndpointSet", "vpc-id", "VpcEndpointId", "endpoint"),
    "DescribeSecurityGroups": ("securityGroupInfo", "group-id", "GroupId", "group"),
    "DescribeSubnets": ("subnetSet", "subnet-id", "SubnetId", "subnet"),
}


class World:
    """The answers. One fleet for each account and region that somebody asks for."""

    def __init__(self, instances: int, vpcs: int) -> None:
        self.calls: Counter[str] = Counter()

        @cache
        def fleet(account: str, region: str) -> Fleet:
            return Fleet(account, region, instances, vpcs)

        @cache
        def page(account: str, region: str, kind: str, start: int, stop: int) -> tuple[str, ...]:
            make: Callable[[int], str | None] = getattr(fleet(account, region), kind)
            return tuple(item for item in map(make, range(start, stop)) if item is not None)

        @cache
        def rendered(account: str, region: str, action: str, start: int, stop: int, token: str) -> bytes:
            name, *_ids, kind = LISTS[action]
            return answer(action, name, page(account, region, kind, start, stop), token)

        self.fleet, self.page, self.rendered = fleet, page, rendered

    def ec2(self, fleet: Fleet, form: dict[str, str]) -> bytes:
        action = form["Action"]
        if action in LISTS:
            return self._ec2_list(fleet, action, form)
        if action == "DescribeTags":
            return self._tags(fleet, form)
        if action == "DescribeVpcEndpointServices":
            service = f"com.amazonaws.{fleet.region}.guardduty-data"
            zones = [f"{fleet.region}{letter}" for letter in "abc"]
            detail = {"serviceName": service, "availabilityZoneSet": zones, "privateDnsName": "x"}
            return envelope(action, xml({"serviceDetailSet": [detail], "serviceNameSet": [service]}))
        if action == "DescribeVpcAttribute":
            name = form["Attribute"]
            return envelope(action, xml({"vpcId": form["VpcId"], name: {"value": "true"}}))
        if action == "DescribeRegions":
            return envelope(action, xml({"regionInfo": [{"regionName": fleet.region, "regionEndpoint": "x"}]}))
        return envelope(action, xml({"return": "true"}))

    def _ec2_list(self, fleet: Fleet, action: str, form: dict[str, str]) -> bytes:
        name, by_filter, by_id, kind = LISTS[action]
        chosen = [ids for filtered, ids in ec2_filters(form) if filtered == by_filter]
        chosen += [[form[f"{by_id}.1"]]] if f"{by_id}.1" in form else []
        if chosen:
            indexes = [fleet.index(one) for one in chosen[0]]
            make = getattr(fleet, kind)
            return answer(action, name, [make(index) for index in indexes if index is not None])
        count = {"instance": fleet.instances, "subnet": 2 * fleet.vpcs}.get(kind, fleet.vpcs)
        start = int(form.get("NextToken") or 0)
        stop = min(start + int(form.get("MaxResults") or EC2_PAGE), count)
        return self.rendered(fleet.account, fleet.region, action, start, stop, str(stop) if stop < count else "")

    def _tags(self, fleet: Fleet, form: dict[str, str]) -> bytes:
        ids = [one for name, values in ec2_filters(form) if name == "resource-id" for one in values]
        tags = [
            {"resourceId": one, "resourceType": "instance", "key": key, "value": value}
            for one in ids
            for key, value in fleet.tags(fleet.index(one) or 0).items()
        ]
        return envelope("DescribeTags", xml({"tagSet": tags}))

    def ssm(self, fleet: Fleet, action: str, asked: dict[str, object]) -> bytes:
        keys = {"DescribeInstanceProperties": "InstanceProperties"}
        key = keys.get(action, "InstanceInformationList")
        return self._json_page(fleet, "node", key, "NextToken", asked.get("NextToken"), asked.get("MaxResults", 10))

    def guardduty(self, fleet: Fleet, method: str, path: str, asked: dict[str, object]) -> tuple[str, bytes]:
        if path == "/detector":
            return "ListDetectors", json.dumps({"detectorIds": [fleet.detector]}).encode()
        if path.endswith("/coverage"):
            more, size = asked.get("nextToken"), asked.get("maxResults", 50)
            return "ListCoverage", self._json_page(fleet, "covered", "resources", "nextToken", more, size)
        automated = {"name": "EC2_AGENT_MANAGEMENT", "status": "DISABLED"}
        feature = {"name": "RUNTIME_MONITORING", "status": "ENABLED", "additionalConfiguration": [automated]}
        answered = {"status": "ENABLED", "serviceRole": "arn:aws:iam::1:role/x", "features": [feature]}
        return "GetDetector", json.dumps(answered).encode()

    def _json_page(self, fleet: Fleet, kind: str, key: str, token: str, more: object, size: object) -> bytes:
        start = int(str(more or 0))
        stop = min(start + int(str(size)), fleet.instances)
        items = ",".join(self.page(fleet.account, fleet.region, kind, start, stop))
        following = f', "{token}": "{stop}"' if stop < fleet.instances else ""
        return f'{{"{key}": [{items}]{following}}}'.encode()

    def sts(self, account: str, form: dict[str, str]) -> bytes:
        action = form["Action"]
        if action == "AssumeRole":
            other = form["RoleArn"].split(":")[4]
            keys = {
                "AccessKeyId": f"ASIA{other}0000",
                "SecretAccessKey": "secret",
                "SessionToken": "token",
                "Expiration": "2036-01-01T00:00:00Z",
            }
            result = {"Credentials": keys}
        else:
            result = {"Account": account, "Arn": f"arn:aws:iam::{account}:user/bench", "UserId": "AIDA"}
        xmlns = "https://sts.amazonaws.com/doc/2011-06-15/"
        inner = xml({f"{action}Result": result, "ResponseMetadata": {"RequestId": "0"}})
        return f'<{action}Response xmlns="{xmlns}">\n{inner}</{action}Response>'.encode()


class Bucket:
    """A token bucket, as EC2 keeps one for each action, account and region (EC2 developer guide, request throttling)."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst, self.tokens, self.seen = rate, burst, burst, time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self.tokens, self.seen = min(self.burst, self.tokens + (now - self.seen) * self.rate), now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Connection(asyncio.Protocol):
    """HTTP/1.1 as botocore speaks it: one request at a time, kept alive."""

    def __init__(self, world: World, latency: float, rate: float, burst: float, buckets: dict[str, Bucket]) -> None:
        self.world, self.latency, self.rate, self.burst, self.buckets = world, latency, rate, burst, buckets
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, blank, body = self.received.partition(b"\r\n\r\n")
        if not blank:
            return
        length = LENGTH.search(head)
        size = int(length[1]) if length else 0
        if b"100-continue" in head and len(body) < size:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if len(body) < size:
            return
        self.received = body[size:]
        status, kind, content, wait = self.reply(head, body[:size])
        answered = b"HTTP/1.1 %d OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (status, kind, len(content))
        if wait:
            asyncio.get_running_loop().call_later(wait, self.transport.write, answered + content)
        else:
            self.transport.write(answered + content)

    def reply(self, head: bytes, body: bytes) -> tuple[int, bytes, bytes, float]:
        method, path, _version = head.split(b"\r\n", 1)[0].decode().split(" ")
        if path == "/_calls":
            counted = json.dumps(self.world.calls).encode()
            self.world.calls.clear()
            return 200, b"application/json", counted, 0
        signed = CREDENTIAL.search(head)
        if not signed:
            return 403, b"text/plain", b"not signed", 0
        key, region, service = (part.decode() for part in signed.groups())
        account = key[4:16] if key.startswith("ASIA") else CALLER
        fleet = self.world.fleet(account, region)
        kind = b"text/xml;charset=UTF-8"
        if service in ("ec2", "sts"):
            form = dict(parse_qsl(body.decode()))
            action = form["Action"]
            content = self.world.ec2(fleet, form) if service == "ec2" else self.world.sts(account, form)
        elif service == "ssm":
            kind, action = b"application/x-amz-json-1.1", TARGET.search(head)[1].decode()
            content = self.world.ssm(fleet, action, json.loads(body))
        else:
            kind = b"application/json"
            action, content = self.world.guardduty(fleet, method, path.partition("?")[0], json.loads(body or b"{}"))
        self.world.calls[f"{service}:{action}"] += 1
        if self.rate and not self._allowed(f"{account}/{region}/{service}:{action}"):
            return 503, b"text/xml", _throttled(service), self.latency
        return 200, kind, content, self.latency

    def _allowed(self, name: str) -> bool:
        return self.buckets.setdefault(name, Bucket(self.rate, self.burst)).take()


def _throttled(service: str) -> bytes:
    if service in ("ec2", "sts"):
        error = {"Errors": {"Error": {"Code": "RequestLimitExceeded", "Message": "Request limit exceeded."}}}
        return f"<Response>\n{xml(error)}<RequestID>0</RequestID></Response>".encode()
    return b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="endpoint.py", description="A synthetic AWS for measuring clients.")
    parser.add_argument("--instances", type=int, default=1000, help="in each account and region")
    parser.add_argument("--vpcs", type=int, default=20, help="in each account and region")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--rate", type=float, default=0.0, help="calls a second for each action, account and region")
    parser.add_argument("--burst", type=float, default=100.0, help="calls at once before the rate counts")
    return parser.parse_args(argv)


async def serve(options: argparse.Namespace) -> None:
    world, buckets = World(options.instances, options.vpcs), {}
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(
        lambda: Connection(world, options.latency, options.rate, options.burst, buckets), "127.0.0.1", 0, backlog=512
    )

    def wait_for_the_end() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    threading.Thread(target=wait_for_the_end, daemon=True).start()
    await ended.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(parse(sys.argv[1:])))
