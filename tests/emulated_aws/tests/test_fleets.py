# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two worlds that the repository brings have what they say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from served import ACCOUNT, Served

from emulated_aws import ec2_view, loader
from emulated_aws.fleet import parse_fleet
from emulated_aws.world import WORLD

FLEETS = Path(__file__).resolve().parents[2] / "fleets"


def load(name: str) -> list[tuple[str, str, ec2_view.Ec2Instance]]:
    loader.load(parse_fleet((FLEETS / f"{name}.yml").read_text()))
    regions = ("eu-west-1", "us-east-1", "eu-central-1")
    return [(a, r, i) for a in WORLD.accounts for r in regions for i in ec2_view.instances(a, r)]


def test_every_case_has_every_case():
    found = load("every_case")
    assert 40 <= len(found) <= 60
    instances = [instance for dummy, dummy, instance in found]
    nodes = [WORLD.nodes_in(account, region)[i.instance_id] for account, region, i in found]
    values = {i.tags.get("GuardDutyManaged") for i in instances}
    assert {"true", "false", None} <= values and values - {"true", "false", None}
    assert {i.state for i in instances} == {"pending", "running", "stopping", "stopped", "shutting-down", "terminated"}
    assert {i.platform for i in instances} == {"linux", "windows", "macos"}
    assert {"x86_64", "arm64", "i386", "arm64_mac"} <= {i.architecture for i in instances}
    assert any(i.instance_type.startswith("a1.") for i in instances)
    assert {node.ssm for node in nodes} == {"online", "lost", "absent"}
    assert any(node.cluster_arn for node in nodes)
    assert any(node.agent and not node.agent.running for node in nodes)
    assert any(i.operator_principal for i in instances) and any(not i.imds for i in instances)
    assert any(i.metadata_tags and i.tags.get("GuardDutyManaged") == "false" for i in instances)
    ways = Counter(ec2_view.endpoint_way(account, region, i.vpc_id).state for account, region, i in found if i.vpc_id)
    assert set(ways) == {"usable", "pending", "missing", "misconfigured"}
    assert ways["misconfigured"] >= 5


def test_the_accounts_of_every_case():
    load("every_case")
    assert WORLD.accounts["444444444444"].status == "SUSPENDED"
    assert not WORLD.accounts["333333333333"].roles
    settings = WORLD.detectors
    assert settings[ACCOUNT, "eu-west-1"].ec2_agent_management
    assert not settings[ACCOUNT, "us-east-1"].ec2_agent_management
    assert ("333333333333", "eu-west-1") not in settings
    assert settings["222222222222", "us-east-1"].managed_by_policy


def test_the_demo_is_a_believable_company():
    found = load("demo")
    assert 60 <= len(found) <= 120
    assert WORLD.pace.endpoint and WORLD.pace.association and WORLD.pace.coverage
    assert len(WORLD.accounts) == 3 and len({region for dummy, region, dummy in found}) == 2
    assert any(i.tags.get("GuardDutyManaged") == "True" for dummy, dummy, i in found)


@pytest.mark.parametrize("name", ["every_case", "demo"])
def test_the_server_serves_it(aws: Served, name):
    aws.world((FLEETS / f"{name}.yml").read_text())
    assert aws.client("ec2").describe_instances()["Reservations"]
    aws.client("guardduty").list_detectors()
