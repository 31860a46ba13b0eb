# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit's report on an emulated fleet: nothing in check mode, the audit's numbers, no change in a second run, and merging."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from harness import FLEETS, role_arns

ACCOUNTS = ("111111111111", "222222222222")
PLACES: dict[str, Any] = {"regions": ["eu-west-1", "us-east-1"], "assume_role_arns": role_arns(ACCOUNTS)}
SSM_READS = ("DescribeInstanceProperties", "DescribeInstanceInformation")
AUDIT, REPORT = "fleetsec.guardduty.audit", "fleetsec.guardduty.report"
FILES = ["report.csv", "report.html", "report.json", "report.md"]


@pytest.fixture
def world(aws: Any) -> Any:
    aws.load(FLEETS / "every_case.yml")
    return aws


def changed(run: Any) -> int:
    return int(run.ok().document["stats"]["localhost"]["changed"])


def loaded(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def test_check_real_again_and_shards(world: Any, ansible: Any, tmp_path: Path) -> None:
    # a call that is denied is said each time with another request id
    world.faults(*({"op": f"ssm:{name}", "region": "us-east-1", "kind": "deny"} for name in SSM_READS))
    home = tmp_path / "reports" / "fleet"
    given = {**PLACES, "report_dir": "reports/fleet"}

    assert changed(ansible.playbook(AUDIT, "--check", "--diff", **given)) == 1
    assert not home.exists()

    real = ansible.playbook(AUDIT, **given)
    assert changed(real) == 1
    assert sorted(path.name for path in home.iterdir()) == FILES
    told = real.stats["guardduty_audit"]
    written = loaded(home)
    assert written["summary"] == told["summary"]
    assert len(written["problems"]) == len(told["problems"]) > 0
    assert written["reads"][0]["regions"] == PLACES["regions"]
    with (home / "report.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == told["summary"]["instances"] == len(written["instances"])
    page = (home / "report.html").read_text(encoding="utf-8")
    assert f"{told['summary']['healthy_percent']:g}<span>%</span>" in page
    assert f"{len(told['problems'])} things could not be read" in page

    assert changed(ansible.playbook(AUDIT, **given)) == 0
    assert not world.writes()


@pytest.mark.parametrize(
    ("playbook", "variables"),
    [
        ("tag", {"filters": {"instance-type": "m6i.large"}, "managed": "clear"}),
        ("offboard", {"all_vpcs": True, "uninstall": False, "delete_endpoints": False}),
    ],
)
def test_tag_and_offboard_report_the_fleet_as_they_leave_it(
    world: Any, ansible: Any, tmp_path: Path, playbook: str, variables: dict[str, Any]
) -> None:
    given = {**PLACES, **variables, "report_dir": "left"}
    ansible.playbook(f"fleetsec.guardduty.{playbook}", "--check", **given)
    assert not (tmp_path / "left").exists()
    run = ansible.playbook(f"fleetsec.guardduty.{playbook}", **given)
    written = loaded(tmp_path / "left")
    assert sorted(path.name for path in (tmp_path / "left").iterdir()) == FILES
    assert written["summary"] == run.stats[f"guardduty_{playbook}"]["after"]
    assert written["reads"][0]["regions"] == PLACES["regions"]
    assert written["reads"][0].get("filters") == variables.get("filters")


@pytest.mark.story
def test_shards_come_to_one_report(world: Any, ansible: Any, tmp_path: Path) -> None:
    for account in ACCOUNTS:
        shard = {**PLACES, "assume_role_arns": role_arns([account]), "report_dir": f"shards/{account}"}
        ansible.playbook(AUDIT, **shard).ok()
    merged = ansible.playbook(REPORT, report_shards="shards", report_dir="shards")
    assert changed(merged) == 1
    ansible.playbook(AUDIT, **PLACES, report_dir="whole").ok()

    one, whole = loaded(tmp_path / "shards"), loaded(tmp_path / "whole")
    assert {area["account_id"] for area in one["summary"]["areas"]} == set(ACCOUNTS)
    assert (one["instances"], one["summary"]) == (whole["instances"], whole["summary"])
    assert [read["assume_role_arns"] for read in one["reads"]] == [role_arns([account]) for account in ACCOUNTS]
    assert changed(ansible.playbook(REPORT, report_shards="shards", report_dir="shards")) == 0

    planned = ansible.playbook("fleetsec.guardduty.capacity", capacity_report="shards/report.json").ok()
    fleet = planned.stats["guardduty_capacity"]["fleet"]
    assert (fleet["instances"], fleet["accounts"]) == (len(one["instances"]), len(ACCOUNTS))
    unknown = ansible.playbook("fleetsec.guardduty.capacity", fleet_size="acounts: 5")
    assert unknown.returncode == 2
    assert "acounts is not known here" in unknown.stdout

    missing = ansible.playbook(REPORT, report_shards=["shards/nowhere.json"], report_dir="x")
    assert missing.returncode == 2
    assert "there is no report.json file at" in missing.stdout
    spoiled = tmp_path / "spoiled.json"
    spoiled.write_text("{", encoding="utf-8")
    broken = ansible.playbook(REPORT, report_shards=["spoiled.json"], report_dir="x")
    assert broken.returncode == 2
    assert "spoiled.json is not valid JSON" in broken.stdout
