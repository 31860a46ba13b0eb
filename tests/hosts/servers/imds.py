# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IMDSv2 for the test hosts, on its real address. Who asks is told by the source address, as on EC2.

What it says of an instance is asked of the (emulated) EC2 at each request, so that the controller and the hosts see the
same instance, its tags and its metadata options:

    imds.py --ec2 http://169.254.169.1:5555 --region eu-west-1 --region eu-central-1

Rules: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html and
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html. It runs in a container
that has Python and nothing else.
"""

from __future__ import annotations

import argparse
import json
import secrets
import time
import urllib.request
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlencode
from xml.etree import ElementTree

LONGEST_TOKEN_SECONDS = 21_600
# The emulated AWS looks at the region and the service of a signature, and at nothing else of it.
SIGNATURE = "AWS4-HMAC-SHA256 Credential=AKIAINSTANCEMETADATA/20260101/{region}/ec2/aws4_request, SignedHeaders=host, Signature=0"


def find_instance(ec2: str, regions: list[str], name: str, value: str) -> dict[str, Any] | None:
    """The running instance that a filter of DescribeInstances finds."""
    query = {
        "Action": "DescribeInstances",
        "Version": "2016-11-15",
        "Filter.1.Name": name,
        "Filter.1.Value.1": value,
        "Filter.2.Name": "instance-state-name",
        "Filter.2.Value.1": "running",
    }
    for region in regions:
        headers = {
            "Authorization": SIGNATURE.format(region=region),
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "Host": f"ec2.{region}.amazonaws.com",
        }
        request = urllib.request.Request(ec2, data=urlencode(query).encode(), headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            root = ElementTree.parse(answer).getroot()
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        for reservation in root.iterfind("reservationSet/item"):
            for instance in reservation.iterfind("instancesSet/item"):
                return _described(reservation, instance, region)
    return None


def _described(reservation: ElementTree.Element, instance: ElementTree.Element, region: str) -> dict[str, Any]:
    options = {each.tag: each.text or "" for each in instance.iterfind("metadataOptions/*")}
    return {
        "document": {
            "accountId": reservation.findtext("ownerId"),
            "architecture": instance.findtext("architecture"),
            "availabilityZone": instance.findtext("placement/availabilityZone"),
            "imageId": instance.findtext("imageId"),
            "instanceId": instance.findtext("instanceId"),
            "instanceType": instance.findtext("instanceType"),
            "privateIp": instance.findtext("privateIpAddress"),
            "region": region,
            "version": "2017-09-30",
        },
        "tags": {each.findtext("key"): each.findtext("value") for each in instance.iterfind("tagSet/item")},
        "tags_shown": options.get("instanceMetadataTags") == "enabled",
        "token_needed": options.get("httpTokens", "required") == "required",
        "on": options.get("httpEndpoint", "enabled") == "enabled",
    }


def tree(instance: dict[str, Any]) -> dict[str, Any]:
    """Everything below /latest, as nested mappings."""
    document = instance["document"]
    metadata: dict[str, Any] = {
        "ami-id": document["imageId"],
        "instance-id": document["instanceId"],
        "instance-type": document["instanceType"],
        "local-ipv4": document["privateIp"],
        "placement": {"availability-zone": document["availabilityZone"], "region": document["region"]},
        "services": {"domain": "amazonaws.com", "partition": "aws"},
    }
    if instance["tags_shown"]:
        metadata["tags"] = {"instance": instance["tags"]}
    return {
        "meta-data": metadata,
        "dynamic": {"instance-identity": {"document": json.dumps(document, indent=2)}},
    }


def look_up(node: Any, path: str) -> str | None:
    """The text at a path: a value, or the names in a folder; None when there is none. A tag's key may hold a slash."""
    parts = [part for part in path.split("/") if part]
    for number, part in enumerate(parts):
        if not isinstance(node, dict):
            return None
        rest = "/".join(parts[number:])
        if rest in node:
            node = node[rest]
            break
        if part not in node:
            return None
        node = node[part]
    if isinstance(node, dict):
        return "\n".join(name + ("/" if isinstance(value, dict) else "") for name, value in node.items())
    return str(node)


class Handler(BaseHTTPRequestHandler):
    """One request; the server holds the tokens."""

    protocol_version = "HTTP/1.1"
    server_version = "EC2ws"
    server: Imds

    def do_PUT(self) -> None:
        instance = self.asking()
        if instance is None:
            return
        seconds = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        if self.path != "/latest/api/token":
            self.answer(HTTPStatus.NOT_FOUND)
        elif self.headers.get("X-Forwarded-For"):
            self.answer(HTTPStatus.FORBIDDEN)
        elif not seconds.isdigit() or not 1 <= int(seconds) <= LONGEST_TOKEN_SECONDS:
            self.answer(HTTPStatus.BAD_REQUEST)
        else:
            token = secrets.token_urlsafe(40)
            self.server.tokens[token] = (self.client_address[0], time.monotonic() + int(seconds))
            self.answer(HTTPStatus.OK, token)

    def do_GET(self) -> None:
        instance = self.asking()
        if instance is None:
            return
        token = self.headers.get("X-aws-ec2-metadata-token")
        if (token is None and instance["token_needed"]) or (token is not None and not self.valid(token)):
            self.answer(HTTPStatus.UNAUTHORIZED)
            return
        path = unquote(self.path.partition("?")[0])
        text = look_up({"latest": tree(instance)}, path)
        if text is None:
            self.answer(HTTPStatus.NOT_FOUND)
        else:
            self.answer(HTTPStatus.OK, text)

    def asking(self) -> dict[str, Any] | None:
        """The instance that asks; None when the answer has been given: nobody's address, or switched off."""
        instance = find_instance(self.server.ec2, self.server.regions, "private-ip-address", self.client_address[0])
        if instance is None or not instance["on"]:
            self.answer(HTTPStatus.FORBIDDEN)
            return None
        return instance

    def valid(self, token: str) -> bool:
        address, until = self.server.tokens.get(token, ("", 0.0))
        return address == self.client_address[0] and time.monotonic() < until

    def answer(self, status: HTTPStatus, text: str = "") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Imds(ThreadingHTTPServer):
    """The service, and the tokens that it gave: token to address and end."""

    daemon_threads = True

    def __init__(self, ec2: str, regions: list[str]) -> None:
        super().__init__(("0.0.0.0", 80), Handler)
        self.ec2, self.regions = ec2, regions
        self.tokens: dict[str, tuple[str, float]] = {}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="IMDSv2 for test hosts.")
    parser.add_argument("--ec2", required=True, metavar="URL", help="where EC2 answers")
    parser.add_argument("--region", action="append", required=True, help="where to look for instances; repeatable")
    options = parser.parse_args()
    Imds(options.ec2, options.region).serve_forever()
