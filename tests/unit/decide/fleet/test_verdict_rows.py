# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows, groups, previews and the lookup of listed instances: the output of verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from worlds import ACCOUNT, ID, OTHER_ACCOUNT, REGION, VPC, detector, instance, judged, node, snapshot, tagged
from worlds import row as coverage_row

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.fleet.selection import missing_instances
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.fleet.verdict_changes import (
    compare,
    transitions,
    verdict_changes,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import Choices
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.rows import GROUPS, groups_of, row
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import AccountRegion, Snapshot

DESIGNED_NAMES = (
    "instance_id account_id region vpc_id subnet_id availability_zone state platform architecture private_ip"
    " private_dns image_id instance_type tags tag wanted route reason blockers ssm endpoint coverage issue"
    " agent_version management_type cluster"
).split()


def test_a_row_has_the_designed_names_and_no_variable_named_tags() -> None:
    assert sorted(row(judged())) == sorted(f"gd_{name}" for name in DESIGNED_NAMES)


def test_a_row_has_the_data_of_aws() -> None:
    subject = instance(
        tags={"Name": "web"},
        subnet_id="subnet-1",
        availability_zone="eu-west-1a",
        private_ip="10.0.0.9",
        private_dns="ip-10-0-0-9.internal",
        image_id="ami-1",
    )
    reported = coverage_row(
        "UNHEALTHY", issue="Agent disconnected", agent_version="1.17.1", management_type="MANUAL", cluster_arn="arn:c"
    )
    assert row(judged(instance=subject, row=reported)) == {
        "gd_instance_id": ID,
        "gd_account_id": ACCOUNT,
        "gd_region": REGION,
        "gd_vpc_id": VPC,
        "gd_subnet_id": "subnet-1",
        "gd_availability_zone": "eu-west-1a",
        "gd_state": "running",
        "gd_platform": "linux",
        "gd_architecture": "x86_64",
        "gd_private_ip": "10.0.0.9",
        "gd_private_dns": "ip-10-0-0-9.internal",
        "gd_image_id": "ami-1",
        "gd_instance_type": "m6i.large",
        "gd_tags": {"Name": "web"},
        "gd_tag": "absent",
        "gd_wanted": True,
        "gd_route": "ssm",
        "gd_reason": "manual_ssm",
        "gd_blockers": ["coverage_unhealthy"],
        "gd_ssm": "online",
        "gd_endpoint": "available",
        "gd_coverage": "unhealthy",
        "gd_issue": "Agent disconnected",
        "gd_agent_version": "1.17.1",
        "gd_management_type": "MANUAL",
        "gd_cluster": "arn:c",
    }


def test_the_groups_are_the_designed_ones() -> None:
    assert (
        *("included", "excluded", "absent", "ineffective"),
        *("route_guardduty", "route_ssm", "route_package", "route_none"),
        *("wanted", "blocked", "healthy", "unhealthy", "uncovered"),
    ) == GROUPS


def test_groups() -> None:
    assert groups_of(judged()) == ["absent", "route_ssm", "wanted", "healthy"]
    assert groups_of(judged(row=None)) == ["absent", "route_ssm", "wanted", "blocked", "uncovered"]
    assert groups_of(judged(row=None, instance=tagged("false"))) == ["excluded", "route_none", "uncovered"]
    unknown = judged(unknown=frozenset({"coverage"}), node=None)
    assert groups_of(unknown) == ["absent", "route_package", "wanted"]


# Previews.
def fleet(*tags: str | None, automated: bool = False) -> Snapshot:
    subjects = [tagged(value, instance_id=f"i-{number}") for number, value in enumerate(tags)]
    nodes = {one.instance_id: node(id=one.instance_id) for one in subjects}
    return snapshot(*subjects, detector=detector(automated=automated), nodes=nodes)


def test_nothing_flips_where_nothing_changes() -> None:
    assert verdict_changes(fleet("true", None), fleet("true", None), Choices()) == []


def test_a_changed_verdict_has_before_and_after() -> None:
    assert verdict_changes(fleet("true", None), fleet("true", "true"), Choices()) == [
        {
            "instance_id": "i-1",
            "account_id": ACCOUNT,
            "region": REGION,
            "before": {"wanted": True, "route": "ssm", "reason": "manual_ssm"},
            "after": {"wanted": True, "route": "guardduty", "reason": "included_by_tag"},
        }
    ]


def test_a_change_of_the_settings_flips_the_fleet() -> None:
    flipped = verdict_changes(
        fleet("true", None, None, "false"), fleet("true", None, None, "false", automated=True), Choices()
    )
    assert transitions(flipped) == [
        {"before": "manual_ssm", "after": "automated_agent", "count": 2},
        {"before": "included_by_tag", "after": "automated_agent", "count": 1},
        {"before": "excluded_by_tag", "after": "exclusion_unreadable", "count": 1},
    ]


def test_choices_flip_as_well() -> None:
    world = fleet(None, "true")
    (flip,) = compare(world, Choices(), world, Choices(scope="selected"))
    assert (flip["instance_id"], flip["before"]["reason"], flip["after"]["reason"]) == (
        "i-0",
        "manual_ssm",
        "out_of_scope",
    )


def test_a_route_alone_flips() -> None:
    area = fleet(None, automated=True).areas[0]
    lost = Snapshot((replace(area, nodes={}),))
    (flip,) = compare(lost, Choices(), lost, Choices(fallback_to_package=True))
    assert (flip["before"]["route"], flip["after"]["route"]) == ("guardduty", "package")
    assert flip["before"]["reason"] == flip["after"]["reason"] == "automated_agent"


def test_an_instance_that_was_not_there_before_is_no_flip() -> None:
    assert verdict_changes(fleet(None), fleet(None, "true"), Choices()) == []
    assert verdict_changes(fleet(None, "true"), fleet(None), Choices()) == []


def test_blockers_alone_are_no_flip() -> None:
    area = fleet(None).areas[0]
    imds_off = tuple(replace(one, imds=False) for one in area.instances)
    assert verdict_changes(Snapshot((area,)), Snapshot((replace(area, instances=imds_off),)), Choices()) == []


def test_no_transitions() -> None:
    assert transitions([]) == []


# Named instances.
def test_a_named_instance_that_nobody_knows_is_a_problem() -> None:
    world = Snapshot((AccountRegion(ACCOUNT, REGION, (instance(),)), AccountRegion(OTHER_ACCOUNT, "us-east-1")))
    (problem,) = missing_instances(world, [ID, "i-gone"])
    assert "i-gone" in str(problem) and ID not in str(problem)
    assert f"{ACCOUNT}/{REGION}, {OTHER_ACCOUNT}/us-east-1" in str(problem) and str(problem).endswith(".")


@pytest.mark.parametrize("ids", [[], [ID]])
def test_no_problem_where_all_are_there(ids: list[str]) -> None:
    assert list(missing_instances(snapshot(instance()), ids)) == []


def test_where_something_was_denied_nobody_is_called_missing() -> None:
    world = Snapshot((AccountRegion(ACCOUNT, REGION, unknown=frozenset({"instances"})), AccountRegion(ACCOUNT, "x")))
    assert list(missing_instances(world, ["i-gone"])) == []
