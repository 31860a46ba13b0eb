# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which calls the policies of docs/iam allow: by action, by the resources in the call, and by tag keys.

Resources of each action: Service Authorization Reference of EC2, Systems Manager, GuardDuty, SQS and EventBridge, read 2026-11.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

KINDS = {"i": "instance", "sg": "security-group", "subnet": "subnet", "vpc": "vpc", "vpce": "vpc-endpoint"}
EC2_ID = re.compile(rf"\b({'|'.join(KINDS)})-[0-9a-f]{{8,17}}\b")
TAG_KEY = re.compile(r"(TagSpecification\.\d+\.)?Tag\.\d+\.Key")
ASSOCIATION_KEYS = ("AssociationId", "AssociationIds", "ResourceId")
# What is asked about the thing that the call makes
NEW = {
    "ec2:CreateSecurityGroup": "arn:aws:ec2:{place}:security-group/new",
    "ec2:CreateVpcEndpoint": "arn:aws:ec2:{place}:vpc-endpoint/new",
    "ssm:CreateAssociation": "arn:aws:ssm:{place}:association/new",
}
# Tags in a call that makes something ask for the right to tag it.
TAGGING = {"sqs:CreateQueue": ("tags", "sqs:TagQueue"), "events:PutRule": ("Tags", "events:TagResource")}
# A batch asks for the right to the one (SQS developer guide, API permissions).
SAME_RIGHT = {"sqs:DeleteMessageBatch": "sqs:DeleteMessage"}
# AWS lets everybody call it (STS API reference)
FREE = frozenset({"sts:GetCallerIdentity"})


@dataclass(frozen=True)
class Question:
    """What IAM asks of a policy: may this action be done to this resource?"""

    action: str
    resource: str
    tag_keys: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Policy:
    """One policy of docs/iam."""

    statements: tuple[dict[str, Any], ...]

    @classmethod
    def read(cls, path: Path) -> Policy:
        return cls(tuple(json.loads(path.read_text(encoding="utf-8"))["Statement"]))

    @property
    def actions(self) -> set[str]:
        return {action for statement in self.statements for action in listed(statement["Action"])}

    def allows(self, question: Question) -> bool:
        return any(_allows(statement, question) for statement in self.statements)


def questions(entry: dict[str, Any]) -> Iterator[Question]:
    """What one entry of the emulated AWS's log asks. As AWS does, it asks of every resource that the call names."""
    called, parameters = f"{entry['service']}:{entry['operation']}", entry["parameters"]
    action = SAME_RIGHT.get(called, called)
    if action in FREE:
        return
    place = f"{entry['region']}:{entry['account']}"
    keys = frozenset(value for name, value in parameters.items() if TAG_KEY.fullmatch(name))
    resources = set(_resources(entry["service"], parameters, place))
    if action in NEW:
        resources.add(NEW[action].format(place=place))
        if keys:
            yield Question("ec2:CreateTags", NEW[action].format(place=place), keys)
    tags, tagging = TAGGING.get(action, ("", ""))
    for resource in resources or {"*"}:
        yield Question(action, resource, keys)
        if parameters.get(tags):
            yield Question(tagging, resource)


def _resources(service: str, parameters: dict[str, Any], place: str) -> Iterator[str]:
    if service in ("ec2", "ssm"):
        for found in EC2_ID.finditer(json.dumps(parameters)):
            yield f"arn:aws:ec2:{place}:{KINDS[found[1]]}/{found[0]}"
    if service == "ssm":
        if "Name" in parameters:
            yield f"arn:aws:ssm:{place.partition(':')[0]}::document/{parameters['Name']}"
        for name in ASSOCIATION_KEYS:
            yield from (f"arn:aws:ssm:{place}:association/{one}" for one in listed(parameters.get(name, [])))
    if service == "guardduty" and "DetectorId" in parameters:
        yield f"arn:aws:guardduty:{place}:detector/{parameters['DetectorId']}"
    if service == "sqs":
        yield from (f"arn:aws:sqs:{place}:{name}" for name in _queue_names(parameters))
    if service == "events":
        yield from (f"arn:aws:events:{place}:rule/{parameters[key]}" for key in ("Name", "Rule") if key in parameters)
        yield from (parameters[key] for key in ("ResourceARN",) if key in parameters)
    if service == "sts":
        yield parameters["RoleArn"]


def _queue_names(parameters: dict[str, Any]) -> Iterator[str]:
    if "QueueName" in parameters:
        yield parameters["QueueName"]
    if "QueueUrl" in parameters:
        yield parameters["QueueUrl"].rpartition("/")[2]


def _allows(statement: dict[str, Any], question: Question) -> bool:
    conditions = statement.get("Condition", {})
    allowed_keys = conditions.get("ForAllValues:StringEquals", {}).get("aws:TagKeys")
    return (
        statement["Effect"] == "Allow"
        and question.action in listed(statement["Action"])
        and any(fnmatchcase(question.resource, pattern) for pattern in listed(statement["Resource"]))
        and (allowed_keys is None or question.tag_keys <= set(allowed_keys))
    )


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
