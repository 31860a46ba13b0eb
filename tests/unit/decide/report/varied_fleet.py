# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of any size with every case, judged by the real rule; the same arguments give the same fleet."""

from __future__ import annotations

import random
from typing import Any

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.fleet.summary import summarize
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import (
    Choices,
    Verdict,
    judge_fleet,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.rows import row
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import (
    AccountRegion,
    CoverageRow,
    Detector,
    Endpoint,
    Feature,
    Instance,
    Node,
    Snapshot,
    Vpc,
)

REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "ap-southeast-2")
ISSUES = (
    "No Agent Reporting",
    "Agent disconnected",
    "SSM Plugin Deployment: Instance association execution failed",
    "A text that nobody has seen",
)
ROLES = ("web", "orders", "cache", "batch", "search", "billing")


def varied(count: int, accounts: int = 3, regions: int = 3, seed: int = 1) -> list[Verdict]:
    dice = random.Random(seed)
    places = [(f"{number:012d}", region) for number in range(1, accounts + 1) for region in REGIONS[:regions]]
    share = [dice.random() + 0.1 for dummy in places]
    owners = dice.choices(range(len(places)), share, k=count)
    areas = [_area(*place, owners.count(index), dice) for index, place in enumerate(places) if index in owners]
    return list(judge_fleet(Snapshot(tuple(areas)), Choices()))


def fleet(count: int, problems: tuple[str, ...] = (), **options: Any) -> dict[str, Any]:
    """As eligibility_info returns it."""
    verdicts = varied(count, **options)
    return {
        "changed": False,
        "instances": [row(verdict) for verdict in verdicts],
        "summary": summarize(verdicts),
        "problems": list(problems),
    }


def _area(account_id: str, region: str, count: int, dice: random.Random) -> AccountRegion:
    health = dice.choice((0.0, 0.5, 0.8, 0.95, 1.0))
    automated = dice.random() < 0.5
    instances = tuple(_instance(account_id, region, dice) for dummy in range(count))
    coverage, nodes = {}, {}
    for one in instances:
        if dice.random() < 0.85:
            system = dice.choice((("Amazon Linux", "2023"), ("Ubuntu", "22.04"), ("Debian GNU/Linux", "8")))
            ping = "ConnectionLost" if dice.random() < 0.1 else "Online"
            nodes[one.instance_id] = Node(one.instance_id, ping, "3.3.0.0", *system)
        if one.state == "running" and dice.random() < health:
            coverage[one.instance_id] = CoverageRow(one.instance_id, "HEALTHY", None, "1.17.1", "AUTO_MANAGED")
        elif dice.random() < 0.3:
            coverage[one.instance_id] = CoverageRow(one.instance_id, "UNHEALTHY", dice.choice(ISSUES))
    vpc = f"vpc-{account_id[-4:]}"
    return AccountRegion(
        account_id,
        region,
        instances,
        nodes,
        coverage,
        Detector("d1", "ENABLED", {"RUNTIME_MONITORING": Feature(True, {"EC2_AGENT_MANAGEMENT": automated})}),
        {vpc: Vpc(vpc, account_id, ("10.0.0.0/16",), True, dice.random() < 0.8)},
        {vpc: (Endpoint("vpce-1", vpc, "guardduty-data", "available", True),)} if dice.random() < 0.6 else {},
    )


def _instance(account_id: str, region: str, dice: random.Random) -> Instance:
    tags = {"Name": f"{dice.choice(ROLES)}-{dice.randrange(100):02d}", "team": dice.choice(ROLES)}
    value = dice.choice((None, None, None, None, None, "true", "false", "True"))
    return Instance(
        instance_id=f"i-{dice.getrandbits(68):017x}",
        account_id=account_id,
        region=region,
        state="stopped" if dice.random() < 0.06 else "running",
        platform="windows" if dice.random() < 0.08 else "linux",
        architecture=dice.choice(("x86_64", "arm64")),
        instance_type="m6i.large",
        vpc_id=f"vpc-{account_id[-4:]}",
        subnet_id="subnet-0a",
        availability_zone=f"{region}a",
        private_ip="10.0.0.7",
        private_dns="ip-10-0-0-7.internal",
        image_id="ami-0a",
        tags=tags if value is None else {**tags, "GuardDutyManaged": value},
        metadata_tags=dice.random() < 0.5,
    )
