# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet needs, and how it is divided into jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.capacity import (
    CapacityError,
    lines,
    of_size,
    of_verdicts,
    plan,
    reads,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import Verdict
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import Instance

WAVES = yaml.safe_load((Path(__file__).parents[3] / "playbooks" / "vars" / "package.yml").read_text())["package_waves"]
MILLION = {"accounts": 500, "regions": 4, "instances": 1_000_000}


def test_a_million_instances() -> None:
    planned = plan(of_size(MILLION), {}, WAVES)
    # 500 instances an area: one page of each list, and ten of coverage.
    assert planned["calls_of_largest_area"] == 6 + 10
    assert sum(planned["calls"].values()) == 2000 * 16
    assert all(shard["memory_mib"] <= 2048 for shard in planned["shards"])
    assert sum(shard["package_hosts"] for shard in planned["shards"]) == 100_000
    assert any("1,000,000 instances in 2,000 pairs" in line for line in lines(planned))


@given(
    st.integers(1, 40),
    st.integers(1, 5),
    st.integers(0, 50_000),
    st.integers(0, 12),
    st.sampled_from([256, 1024, 4096]),
)
def test_shards_hold_every_account_once_and_fit(
    accounts: int, regions: int, instances: int, shards: int, memory: int
) -> None:
    areas = of_size({"accounts": accounts, "regions": regions, "instances": instances})
    assert sum(area.instances for area in areas) == instances
    planned = plan(areas, {"shards": shards, "memory_mib": memory}, WAVES)
    parts = planned["shards"]
    assert sum(part["accounts"] for part in parts) == accounts
    assert sum(part["instances"] for part in parts) == instances
    assert len(parts) == (min(shards, accounts) if shards else len(parts))
    assert sum(part["calls_of_a_look"] for part in parts) == sum(planned["calls"].values())
    # Evenly: no shard has more than another by more than one account.
    sizes = [part["instances"] for part in parts]
    assert max(sizes) - min(sizes) <= -(-instances // accounts) + regions


def verdict(region: str, route: str, vpc_id: str | None = "vpc-1", **more: Any) -> Verdict:
    instance = Instance("i-1", "111111111111", region, "running", "linux", "x86_64", "m6i.large", vpc_id)
    usual = {"ssm": "absent", "coverage": "absent", "tag": "absent", "reason": "manual_ssm", "blockers": ()}
    return Verdict(instance, route=route, wanted=route != "none", **{**usual, "endpoint": "unknown", **more})


def test_a_report_is_counted_as_it_will_be() -> None:
    verdicts = [
        *[verdict("eu-west-1", "package")] * 30,
        *[verdict("eu-west-1", "ssm", ssm="online", vpc_id="vpc-2")] * 1001,
        verdict("eu-west-1", "none", coverage="healthy"),
        verdict("us-east-1", "none", vpc_id=None),
    ]
    east, west = sorted(of_verdicts(verdicts), key=lambda area: area.instances)
    assert (west.instances, west.nodes, west.covered, west.vpcs) == (1032, 1001, 1032, 2)
    assert (west.guardduty, west.ssm, west.package) == (0, 1001, 30)
    assert reads(west)["guardduty:ListCoverage"] == 21
    assert reads(west)["ssm:DescribeInstanceProperties"] == 2
    assert set(reads(east).values()) == {1}
    assert (east.vpcs, east.covered) == (0, 0)


def test_waves_take_the_longer_of_the_hosts_and_of_ansible_itself() -> None:
    def minutes(**means: Any) -> Any:
        areas = of_size({"instances": 100, "package_percent": 100, "ssm_percent": 0})
        return plan(areas, {"gate_minutes": 0, "host_seconds": 10, **means}, WAVES)["shards"][0]["minutes_of_a_slice"]

    # Waves of 1, 10, 25 and 64 hosts: with 50 forks 1, 1, 1 and 2 rounds of 10 s, and ansible-core's own 0.32 s for each host.
    assert minutes() == round((10 + 10 + 10 + 64 * 0.32) / 60, 1)
    assert minutes(forks=1) == round(100 * 10 / 60, 1)
    assert minutes(gate_minutes=5, forks=1) == round(100 * 10 / 60 + 4 * 5, 1)


@pytest.mark.parametrize(
    ("size", "means", "words"),
    [
        ({"acounts": 5}, {}, "acounts is not a known variable. Use accounts, regions"),
        ({"accounts": "many"}, {}, "accounts is 'many'; set it to a number."),
        ({"accounts": 0}, {}, "at least one account"),
        ({"instances": -1}, {}, "at least 0"),
        ({"package_percent": 60, "ssm_percent": 60}, {}, "add up to 120"),
        ({}, {"memory_mib": 100}, "a job needs 110 MiB"),
        ({}, {"forks": 0}, "forks is 0"),
    ],
)
def test_invalid_input_is_reported(size: dict[str, Any], means: dict[str, Any], words: str) -> None:
    with pytest.raises(CapacityError, match=words):
        plan(of_size(size), means, WAVES)


def test_an_empty_report_has_nothing_to_plan() -> None:
    with pytest.raises(CapacityError, match="no instances"):
        plan(of_verdicts([]), {}, WAVES)


def test_survey_text_counts_as_numbers() -> None:
    assert plan(of_size({name: str(value) for name, value in MILLION.items()}), {"shards": "7"}, WAVES) == plan(
        of_size(MILLION), {"shards": 7}, WAVES
    )
