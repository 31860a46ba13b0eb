# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing Runtime Monitoring: what is stopped, what is removed, what would come back, and what is reported to stay."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.fleet.eligibility_report import AreaSettings
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.offboard.plan import (
    BY_AUTOMATION,
    BY_TAGS,
    LEFT,
    UNSUPPORTED,
    Choice,
    Done,
    Fleet,
    OffboardPlan,
    VpcEndpoint,
    offboard,
    refused,
    vpc_of,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.offboard.text import left_text, steps_text
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.catalogue import REASONS
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import Verdict
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.rows import RowError, row
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import AreaKey, Instance

ONE, TWO = "111111111111/eu-west-1", "222222222222/eu-west-1"
VARIABLES = {"vpc_ids": [], "all_vpcs": True, "stop_by": BY_AUTOMATION, "disable_monitoring": False}
SHOP = Choice(vpc_ids=("vpc-shop",), stop_by=BY_TAGS)
TAG = Choice.__dataclass_fields__["tag"].default


def place(area: str) -> AreaKey:
    return AreaKey(*area.split("/"))


def setting(area: str = ONE, on: bool = True, automated: bool = False, eks: bool = False) -> AreaSettings:
    return AreaSettings(*place(area), on, on and automated, eks, False)


def host(name: str, area: str = ONE, **changes: Any) -> Verdict:
    own = {"state": "running", "platform": "linux", "vpc_id": "vpc-shop", "tags": {}}
    said = {
        "tag": "absent",
        "reason": "automated_agent",
        "ssm": "online",
        "coverage": "healthy",
        "agent_version": "1.17.1",
    }
    own |= {key: value for key, value in changes.items() if key in own}
    said |= {key: value for key, value in changes.items() if key in said}
    assert changes.keys() <= own.keys() | said.keys()
    instance = Instance(f"i-{name}", *place(area), architecture="x86_64", instance_type="m6i.large", **own)
    return Verdict(instance, wanted=True, route="ssm", blockers=(), endpoint="available", **said)


def vpc(vpc_id: str = "vpc-shop", area: str = ONE, **changes: Any) -> VpcEndpoint:
    owned = {"vpc_owner_id": place(area).account_id, "owner": "operator", "endpoint_id": f"vpce-{vpc_id}"}
    return VpcEndpoint(*place(area), vpc_id, **{**owned, **changes})


def fleet(*instances: Verdict, settings: list[AreaSettings] | None = None) -> Fleet:
    return Fleet(instances, {row.area_key: row for row in settings or [setting()]})


def reasons(work: OffboardPlan) -> dict[str, str]:
    return {row.instance_id: row.reason for row in work.left_behind}


def change(target: str, area: str = ONE) -> dict[str, Any]:
    return {**place(area)._asdict(), "target": target}


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, None),
        ({"vpc_ids": ["vpc-1"], "all_vpcs": False, "stop_by": BY_TAGS}, None),
        ({"disable_monitoring": True}, None),
        ({"all_vpcs": False}, "Choose where to remove Runtime Monitoring"),
        ({"vpc_ids": ["vpc-1"]}, "but not both"),
        ({"stop_by": ""}, "set it to"),
        ({"stop_by": BY_TAGS, "disable_monitoring": True}, "requires all_vpcs=true"),
        ({"vpc_ids": ["vpc-1"], "all_vpcs": False, "disable_monitoring": True}, "requires all_vpcs=true"),
    ],
)
def test_refusals(variables: dict[str, Any], sentence: str | None) -> None:
    said = refused({**VARIABLES, **variables})
    assert said is None if sentence is None else sentence in (said or "")


def test_automation_is_turned_off_and_inclusion_tags_are_removed() -> None:
    world = fleet(host("a"), host("b", tag="included"), settings=[setting(automated=True), setting(TWO)])
    work = offboard(world, [vpc()], Choice())
    assert work.automated_areas == (ONE,)
    assert work.clear_ids == ("i-b",)
    assert work.exclude_ids == ()
    assert work.areas == (ONE, TWO)
    assert work.uninstall_ids == ("i-a", "i-b")
    assert work.endpoint_vpc_ids == ("vpc-shop",)


def test_where_automation_stays_on_nothing_is_removed() -> None:
    world = fleet(
        host("a"), host("b", TWO, vpc_id="vpc-two"), settings=[setting(automated=True), setting(TWO, automated=True)]
    )
    done = Done.of(automation={"changes": [change("detector", TWO)]}, tags={"changes": []})
    work = offboard(world, [vpc(), vpc("vpc-two", TWO)], Choice(), done)
    assert work.uninstall_ids == ("i-b",)
    assert reasons(work) == {"i-a": "still_managed"}
    assert work.endpoint_vpc_ids == ("vpc-two",)
    assert [row.vpc_id for row in work.kept_vpcs] == ["vpc-shop"]
    # The same where the module ended before it had a plan.
    crashed = offboard(world, [vpc()], Choice(), Done.of(automation={"msg": "no", "changed": False}))
    assert crashed.uninstall_ids == ()


def test_an_inclusion_tag_that_stays_keeps_agent_and_endpoint() -> None:
    world = fleet(host("a", tag="included", reason="included_by_tag"), host("b", reason="manual_ssm"))
    tags = {"changes": [], "failed_changes": [change("i-a")]}
    work = offboard(world, [vpc()], Choice(), Done.of(tags=tags))
    assert reasons(work) == {"i-a": "still_managed"}
    assert work.uninstall_ids == ("i-b",)
    assert work.endpoint_vpc_ids == ()
    assert offboard(world, [vpc()], Choice(), Done.of(tags={"changes": []})).endpoint_vpc_ids == ("vpc-shop",)
    assert offboard(world, [vpc()], Choice(), Done.of(tags={"msg": "no"})).endpoint_vpc_ids == ()
    assert offboard(world, [vpc()], Choice(), Done.of(tags={"skipped": True})).endpoint_vpc_ids == ("vpc-shop",)


def test_an_exclusion_that_cannot_be_read_does_not_stop_automation() -> None:
    hosts = [host("a"), host("b"), host("c", tag="excluded", reason="excluded_by_tag")]
    tags = {"changes": [], "forbidden_keys": {"i-b": ["cost center"]}}
    automated = fleet(*hosts, settings=[setting(automated=True)])
    work = offboard(automated, [vpc()], SHOP, Done.of(tags=tags))
    assert work.exclude_ids == ("i-a", "i-b", "i-c")
    assert reasons(work) == {"i-b": "still_managed"}
    assert work.uninstall_ids == ("i-a", "i-c")
    # Without automation nobody needs to read it.
    assert offboard(fleet(*hosts), [vpc()], SHOP, Done.of(tags=tags)).uninstall_ids == ("i-a", "i-b", "i-c")


def test_with_automation_excluded_instances_bring_the_endpoint_back_too() -> None:
    world = fleet(host("a", tag="excluded", reason="excluded_by_tag"), settings=[setting(automated=True)])
    work = offboard(world, [vpc()], SHOP)
    assert work.endpoint_vpc_ids == ()
    assert "terminate the instances" in work.kept_vpcs[0].why
    gone = fleet(host("a", state="terminated", reason="instance_gone"), settings=[setting(automated=True)])
    assert offboard(gone, [vpc()], SHOP).endpoint_vpc_ids == ("vpc-shop",)
    windows = fleet(host("a", platform="windows", reason="platform_unsupported"), settings=[setting(automated=True)])
    assert offboard(windows, [vpc()], SHOP).endpoint_vpc_ids == ("vpc-shop",)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ssm": "absent"}, "ssm_absent"),
        ({"ssm": "lost"}, "ssm_lost"),
        ({"ssm": "unknown"}, "ssm_unknown"),
        ({"ssm": "absent", "coverage": "unhealthy", "agent_version": None}, None),
        ({"ssm": "absent", "coverage": "absent", "agent_version": None}, None),
        ({"ssm": "absent", "coverage": "unknown", "agent_version": None}, "ssm_absent"),
    ],
)
def test_who_is_out_of_reach_is_named_if_an_agent_may_be_there(changes: dict[str, Any], reason: str | None) -> None:
    work = offboard(fleet(host("a", **changes)), [vpc()], Choice())
    assert work.uninstall_ids == ()
    assert reasons(work) == ({"i-a": reason} if reason else {})


def test_without_monitoring_nobody_knows_who_has_an_agent() -> None:
    bare = host("a", ssm="absent", coverage="absent", agent_version=None)
    work = offboard(fleet(bare, settings=[setting(on=False)]), [vpc()], Choice())
    assert [row.agent_seen for row in work.left_behind] == [False]
    assert left_text(work)[0].startswith("It is unknown whether an agent remains on i-a")


def test_a_host_that_does_not_run_is_tagged_and_reported() -> None:
    work = offboard(fleet(host("a", state="stopped", ssm="absent", coverage="absent")), [vpc()], Choice())
    assert work.uninstall_ids == work.not_running_ids == ("i-a",)
    assert work.left_behind == ()


def test_a_run_that_failed_leaves_its_agent() -> None:
    run = {"changes": [], "failed_targets": [{"instance_id": "i-a"}], "unfinished_targets": [{"instance_id": "i-b"}]}
    work = offboard(fleet(host("a"), host("b"), host("c")), [vpc()], Choice(), Done.of(uninstall=run))
    assert reasons(work) == {"i-a": "uninstall_failed", "i-b": "uninstall_failed"}


def test_what_other_vpcs_need_stays() -> None:
    inside = host("a", tags={TAG: "ssm"}), host("b", tags={TAG: "ssm"}, ssm="lost"), host("c", tags={TAG: "uninstall"})
    outside = host("d", vpc_id="vpc-side", tags={TAG: "ssm"}), host("e", vpc_id="vpc-side", tags={TAG: "uninstall"})
    work = offboard(fleet(*inside, *outside), [vpc(), vpc("vpc-side")], SHOP)
    assert work.uninstall_ids == ("i-a", "i-c")
    assert work.unmark_ids == ("i-b",), "the install association must not reach it when it comes back"
    assert work.install_association_areas == work.trace_areas == ()
    assert work.trace_ids == ("i-c",)
    assert work.endpoint_vpc_ids == ("vpc-shop",)
    alone = offboard(fleet(*inside), [vpc(), vpc("vpc-side")], SHOP)
    assert alone.install_association_areas == alone.trace_areas == (ONE,)


def test_accounts_without_a_selected_vpc_are_left_alone() -> None:
    world = fleet(host("a"), host("b", TWO, vpc_id="vpc-two"), settings=[setting(), setting(TWO, automated=True)])
    assert offboard(world, [vpc(), vpc("vpc-two", TWO)], SHOP).areas == (ONE,)
    empty = fleet(settings=[setting(), setting(TWO)])
    assert offboard(empty, [vpc(), vpc("vpc-two", TWO)], SHOP).areas == (ONE,), "a VPC without instances counts"


def test_what_was_not_read_is_not_touched() -> None:
    """Without the instances of an account, it is unknown whether its association is needed."""
    rows = [asdict(setting()), asdict(setting(TWO, automated=True))]
    world = Fleet.of({"instances": [row(host("a"))], "settings": rows, "areas_read": [ONE]})
    assert world.verdicts == (host("a"),)
    work = offboard(world, [vpc("vpc-two", TWO)], Choice())
    assert (work.areas, work.automated_areas, work.endpoint_vpc_ids) == ((ONE,), (), ())


def test_what_is_not_a_result_is_named() -> None:
    rows = {"instances": [{}], "settings": [{"account_id": "1"}], "areas_read": []}
    with pytest.raises(RowError, match=r"settings\[0\] is not a row of settings \('region'\)"):
        Fleet.of(rows)
    with pytest.raises(RowError, match=r"instances\[0\] lacks gd_instance_id"):
        Fleet.of({**rows, "settings": []})
    with pytest.raises(RowError, match="is not a row of vpc_endpoint_info"):
        vpc_of({"vpc_id": "vpc-1"})


def test_shared_and_unknown_vpcs() -> None:
    shared = vpc(vpc_owner_id="999999999999", owner=None, endpoint_id=None)
    assert offboard(fleet(), [shared], Choice()).endpoint_vpc_ids == (), "it is only its owner can delete the endpoint"
    assert offboard(fleet(), [shared], SHOP).endpoint_vpc_ids == ("vpc-shop",), "named, the module says why not"
    assert offboard(fleet(), [], SHOP).endpoint_vpc_ids == ("vpc-shop",), "named, the module says that it is not there"


def test_a_participants_automation_brings_the_owners_endpoint_back() -> None:
    world = fleet(host("guest", TWO), settings=[setting(), setting(TWO, automated=True)])
    kept = offboard(world, [vpc()], SHOP)
    assert (kept.endpoint_vpc_ids, [row.vpc_id for row in kept.kept_vpcs]) == ((), ["vpc-shop"])


def test_guarddutys_own_endpoint_stays_unless_asked_for() -> None:
    theirs = vpc(owner="guardduty")
    kept = offboard(fleet(), [theirs], Choice()).kept_vpcs
    assert "set include_guardduty" in kept[0].why
    assert offboard(fleet(), [theirs], Choice(include_guardduty=True)).kept_vpcs == ()
    assert offboard(fleet(), [theirs], Choice(disable_monitoring=True)).kept_vpcs == ()


def test_the_plan_in_sentences() -> None:
    hosts = [host(name) for name in "abcd"]
    world = fleet(*hosts, host("e", ssm="lost"), settings=[setting(automated=True, eks=True)])
    work = offboard(world, [vpc()], Choice())
    steps = steps_text(work, world, Choice())
    assert steps[0] == f"Turn off automated agent configuration in {ONE}."
    assert "Uninstall the agent through Systems Manager from i-a, i-b, i-c and 1 more." in steps
    assert "EKS add-on management stays on" in steps[-1]
    assert any("is charged for" in sentence and "i-e" in sentence for sentence in left_text(work))
    off = Choice(disable_monitoring=True)
    assert steps_text(offboard(world, [vpc()], off), world, off)[-1] == f"Turn off Runtime Monitoring in {ONE}."


def test_unsupported_reasons_are_reasons() -> None:
    assert set(REASONS) >= UNSUPPORTED


instances = st.builds(
    host,
    name=st.sampled_from("abcdef"),
    area=st.sampled_from((ONE, TWO)),
    vpc_id=st.sampled_from(("vpc-shop", "vpc-side", None)),
    state=st.sampled_from(("running", "running", "running", "stopped", "terminated")),
    platform=st.sampled_from(("linux", "linux", "windows")),
    tags=st.sampled_from(({}, {TAG: "ssm"}, {TAG: "uninstall"})),
    tag=st.sampled_from(("absent", "included", "excluded", "ineffective")),
    reason=st.sampled_from(("automated_agent", "excluded_by_tag", "included_by_tag", "platform_unsupported")),
    ssm=st.sampled_from(("online", "lost", "absent", "unknown")),
    coverage=st.sampled_from(("healthy", "unhealthy", "absent", "unknown")),
    agent_version=st.sampled_from((None, "1.17.1")),
)
worlds = st.builds(
    lambda rows, settings: fleet(*{row.instance.instance_id: row for row in rows}.values(), settings=settings),
    st.lists(instances, max_size=6),
    st.tuples(
        st.builds(setting, st.just(ONE), st.booleans(), st.booleans()),
        st.builds(setting, st.just(TWO), st.booleans(), st.booleans()),
    ).map(list),
)
choices = st.sampled_from(
    [Choice(), SHOP, Choice(include_guardduty=True), Choice(disable_monitoring=True), Choice(stop_by=BY_TAGS)]
)


@given(worlds, choices, st.booleans())
def test_nobody_is_forgotten_and_nobody_else_is_touched(world: Fleet, choice: Choice, fails: bool) -> None:
    nothing = {"changes": []}
    done = Done.of(automation=nothing, tags={"msg": "crashed"}) if fails else Done()
    work = offboard(world, [vpc(), vpc("vpc-side")], choice, done)
    verdicts = {one.instance.instance_id: one for one in world.verdicts}
    written = {*work.clear_ids, *work.exclude_ids, *work.uninstall_ids, *work.unmark_ids, *work.trace_ids}
    for one in written:
        assert choice.selects(verdicts[one].instance.vpc_id) and verdicts[one].instance.state != "terminated"
    assert not set(work.unmark_ids) & set(work.uninstall_ids)
    named = set(reasons(work)) | set(work.uninstall_ids)
    seen = {
        one
        for one, verdict in verdicts.items()
        if verdict.agent_version
        and choice.selects(verdict.instance.vpc_id)
        and verdict.instance.state != "terminated"
        and verdict.reason not in UNSUPPORTED
    }
    assert seen <= named, "an agent that GuardDuty sees is uninstalled or named"
    assert set(reasons(work).values()) <= set(LEFT)
    # No VPC is torn down in which GuardDuty would create an endpoint, as far as the steps went.
    for verdict in verdicts.values():
        instance = verdict.instance
        kept_on = fails and world.settings[instance.area_key].ec2_agent_management
        if kept_on and instance.platform == "linux" and instance.state != "terminated":
            assert instance.vpc_id not in work.endpoint_vpc_ids
