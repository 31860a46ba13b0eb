# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tags are written, made readable and removed, and that a second plan is empty."""

from __future__ import annotations

from typing import Any

import pytest
import strategies as some
from hypothesis import assume, given
from hypothesis import strategies as st
from worlds import ACCOUNT, ID, REGION, detector, instance, snapshot, tagged

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.tags import (
    DesiredTags,
    TagInstance,
    TagPlan,
    UntagInstance,
    forbidden_keys,
    plan_tags,
    refused_keys,
    repaired,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import Choices, judge_fleet
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import AccountRegion, Instance, Snapshot

METADATA = "instance metadata tags setting"


def planned(subject: Instance, *args: Any, **desired: Any) -> TagPlan:
    return plan_tags(snapshot(subject), DesiredTags(*args, **desired))


def steps(plan: TagPlan) -> list[tuple[str, str]]:
    return [(change.action, change.kind) for change in plan.plan.changes]


def tags_after(plan: TagPlan) -> dict[str, str]:
    (area,) = plan.after.areas
    return dict(area.instances[0].tags)


@pytest.mark.parametrize(
    ("value", "managed", "after"),
    [
        (None, "include", "true"),
        ("false", "include", "true"),
        ("True", "include", "true"),
        ("true", "include", "true"),
        (None, "exclude", "false"),
        ("true", "exclude", "false"),
        ("true", "clear", None),
        ("True", "clear", None),
        (None, "clear", None),
        ("True", "repair", "true"),
        ("FALSE", "repair", "false"),
        (" true ", "repair", "true"),
        ("yes", "repair", "yes"),
        ("", "repair", ""),
        (None, "repair", None),
        ("True", None, "True"),
    ],
)
@pytest.mark.parametrize("metadata", [True, False])
def test_managed(value: str | None, managed: str | None, after: str | None, metadata: bool) -> None:
    plan = planned(tagged(value, metadata_tags=metadata), managed)
    assert tags_after(plan).get("GuardDutyManaged") == after
    writes = [change for change in plan.plan.changes if change.kind == "instance"]
    assert len(writes) == (0 if value == after else 1)
    opened = [change for change in plan.plan.changes if change.kind == METADATA]
    assert bool(opened) is (managed in ("exclude", "repair") and after == "false" and not metadata)


def test_the_change_has_before_and_after_and_nothing_else() -> None:
    plan = planned(instance(tags={"GuardDutyManaged": "True", "Name": "web", "old": "1"}), "repair", remove=("old",))
    assert plan.plan.changes == (
        UntagInstance(ACCOUNT, REGION, ID, {"tag:old": "1"}, {}, keys=("old",)),
        TagInstance(
            ACCOUNT,
            REGION,
            ID,
            {"tag:GuardDutyManaged": "True"},
            {"tag:GuardDutyManaged": "true"},
            tags={"GuardDutyManaged": "true"},
        ),
    )


def test_none_leaves_alone_and_other_tags_stay() -> None:
    subject = instance(tags={"GuardDutyManaged": "yes", "Name": "web"})
    plan = planned(subject, tags={"team": "blue"})
    assert tags_after(plan) == {"GuardDutyManaged": "yes", "Name": "web", "team": "blue"}
    assert not planned(subject).plan.changed


@pytest.mark.parametrize("state", ["terminated", "shutting-down"])
def test_who_is_gone_is_left_alone(state: str) -> None:
    plan = planned(tagged(None, state=state), "exclude", tags={"a": "1"})
    assert (plan.plan.changes, plan.forbidden, tags_after(plan)) == ((), {}, {})


@pytest.mark.parametrize("state", ["pending", "running", "stopping", "stopped"])
def test_every_other_state_is_tagged(state: str) -> None:
    assert steps(planned(tagged(None, state=state), "exclude")) == [("enable", METADATA), ("tag", "instance")]


def test_the_metadata_is_opened_before_the_exclusion_is_written() -> None:
    plan = planned(tagged(None), "exclude")
    assert steps(plan) == [("enable", METADATA), ("tag", "instance")]
    (before, after) = (plan.plan.changes[0].before, plan.plan.changes[0].after)
    assert before == {"instance_metadata_tags": "disabled"} and after == {"instance_metadata_tags": "enabled"}


def test_a_key_that_keeps_the_metadata_shut_is_removed_before_it_is_opened() -> None:
    plan = planned(instance(tags={"cost center": "7"}), "exclude", remove=("cost center",))
    assert steps(plan) == [("untag", "instance"), ("enable", METADATA), ("tag", "instance")]
    assert plan.forbidden == {}


@pytest.mark.parametrize(
    "opened_by", [{"managed": "exclude"}, {"managed": "repair"}, {"tags": {"GuardDutyManaged": "false"}}]
)
def test_an_exclusion_that_is_confirmed_is_opened_too(opened_by: dict[str, Any]) -> None:
    assert steps(planned(tagged("false"), **opened_by)) == [("enable", METADATA)]


def test_nobody_opens_the_metadata_unasked() -> None:
    assert steps(planned(tagged("false"), "include")) == [("tag", "instance")]
    assert steps(planned(tagged("false"), tags={"team": "blue"})) == [("tag", "instance")]
    assert steps(planned(tagged(None), "exclude", metadata_tags=False)) == [("tag", "instance")]
    assert steps(planned(tagged(None, metadata_tags=True), "exclude")) == [("tag", "instance")]


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("Name", True),
        ("aws:autoscaling:groupName", True),
        ("a+b-c=d.e,f_g:h@i0", True),
        ("cost center", False),
        ("kubernetes.io/cluster/platform", False),
        ("Größe", False),
        ("a\n", False),
        (".", False),
        ("..", False),
        ("_index", False),
        ("...", True),
        ("_index2", True),
    ],
)
def test_keys_of_the_instance_metadata(key: str, allowed: bool) -> None:
    assert forbidden_keys({"Name": "web", key: ""}) == (() if allowed else (key,))


def test_a_forbidden_key_keeps_the_metadata_shut_and_is_named() -> None:
    plan = planned(instance(tags={"cost center": "7", "a/b": "1", "Name": "web"}), "exclude")
    assert plan.forbidden == {ID: ("cost center", "a/b")}
    assert steps(plan) == [("tag", "instance")]
    (verdict,) = judge_fleet(plan.after, Choices())
    assert (verdict.tag, verdict.instance.metadata_tags) == ("excluded", False)


def test_a_key_that_is_written_in_this_run_counts_as_well() -> None:
    assert planned(tagged(None), "exclude", tags={"cost center": "7"}).forbidden == {ID: ("cost center",)}
    already_open = planned(tagged(None, metadata_tags=True), tags={"cost center": "7"})
    assert steps(already_open) == []
    assert "'cost center'" in str(already_open.problems[0])
    assert planned(instance(tags={"cost center": "7"}), "include").forbidden == {}


def test_the_same_tags_are_written_alike_whatever_the_order_of_the_old_ones() -> None:
    one = instance(instance_id="i-1", tags={"a": "0", "b": "0"})
    other = instance(instance_id="i-2", tags={"b": "0", "a": "0"})
    first, second = plan_tags(snapshot(one, other), DesiredTags(tags={"b": "1", "a": "1"})).plan.changes
    assert repr(first.tags) == repr(second.tags) == repr({"a": "1", "b": "1"})


@pytest.mark.parametrize(("value", "written"), [("True", "true"), ("False", "false"), ("true", "true")])
def test_yaml_booleans_among_the_tags_are_written_as_guardduty_reads_them(value: str, written: str) -> None:
    assert tags_after(planned(tagged(None), tags={"GuardDutyManaged": value})) == {"GuardDutyManaged": written}


@pytest.mark.parametrize(
    ("value", "meaning"),
    [("True", "true"), (" FALSE", "false"), ("true", "true"), ("yes", None), ("", None), ("1", None), ("truee", None)],
)
def test_repaired(value: str, meaning: str | None) -> None:
    assert repaired(value) == meaning


@pytest.mark.parametrize(
    ("desired", "says"),
    [
        (DesiredTags("include", {"team": "blue"}, ("old",)), None),
        (DesiredTags(None, {"GuardDutyManaged": "true"}), None),
        (DesiredTags(None, {"GuardDutyManaged": "False"}), None),
        (DesiredTags(None, {}, ("GuardDutyManaged",)), None),
        (DesiredTags(None, {"aws:x": "1"}), "aws:x"),
        (DesiredTags(None, {}, ("AWS:x",)), "AWS:x"),
        (DesiredTags(None, {"a": "1"}, ("a",)), "tags a"),
        (DesiredTags("include", {"GuardDutyManaged": "true"}), "use managed for it"),
        (DesiredTags("repair", {}, ("GuardDutyManaged",)), "use managed for it"),
        (DesiredTags(None, {"GuardDutyManaged": "yes"}), "not 'yes'"),
        (DesiredTags(None, {"GuardDutyManaged": ""}), "not ''"),
    ],
)
def test_refused_keys(desired: DesiredTags, says: str | None) -> None:
    refused = refused_keys(desired)
    if says is None:
        assert refused is None
    else:
        assert refused is not None and says in refused and refused.endswith(".")


def test_each_account_and_region_keeps_its_own() -> None:
    near, far = instance(instance_id="i-1"), instance(instance_id="i-2", account_id="222222222222", region="us-east-1")
    fleet = Snapshot((AccountRegion(ACCOUNT, REGION, (near,)), AccountRegion("222222222222", "us-east-1", (far,))))
    plan = plan_tags(fleet, DesiredTags("include"))
    assert [(c.account_id, c.region, c.target) for c in plan.plan.changes] == [
        (ACCOUNT, REGION, "i-1"),
        ("222222222222", "us-east-1", "i-2"),
    ]
    assert [area.instances[0].tags for area in plan.after.areas] == [{"GuardDutyManaged": "true"}] * 2


keys = st.sampled_from(("Name", "team", "cost center", "GuardDutyManaged", "guarddutymanaged"))
desired_by_area = st.builds(
    DesiredTags,
    managed=st.sampled_from((None, "include", "exclude", "clear", "repair")),
    tags=st.dictionaries(keys, st.sampled_from(("true", "False", "blue")), max_size=2),
    remove=st.lists(keys, unique=True, max_size=2).map(tuple),
    metadata_tags=st.booleans(),
)


@given(some.areas(denials=False), desired_by_area)
def test_a_plan_that_was_made_is_empty_the_second_time(area: AccountRegion, desired: DesiredTags) -> None:
    assume(refused_keys(desired) is None)
    first = plan_tags(Snapshot((area,)), desired)
    second = plan_tags(first.after, desired)
    assert second.plan.changes == ()
    assert second.after == first.after


@given(some.areas(denials=False), desired_by_area)
def test_the_changes_lead_to_the_fleet_that_is_promised(area: AccountRegion, desired: DesiredTags) -> None:
    """Applies changes one by one, with AWS's rule: instance metadata tags can be enabled only without forbidden keys."""
    assume(refused_keys(desired) is None)
    plan = plan_tags(Snapshot((area,)), desired)
    tags = {one.instance_id: dict(one.tags) for one in area.instances}
    opened = {one.instance_id: one.metadata_tags for one in area.instances}
    for change in plan.plan.changes:
        if change.action == "enable":
            assert forbidden_keys(tags[change.target]) == ()
            opened[change.target] = True
        elif change.action == "tag":
            tags[change.target] |= change.tags
        else:
            for key in change.keys:
                del tags[change.target][key]
    for one in plan.after.areas[0].instances:
        assert (tags[one.instance_id], opened[one.instance_id]) == (dict(one.tags), one.metadata_tags)


@given(some.areas(denials=False), st.sampled_from(("include", "exclude")))
def test_what_is_meant_is_what_is_judged(area: AccountRegion, managed: str) -> None:
    plan = plan_tags(Snapshot((area,)), DesiredTags(managed))
    for verdict in judge_fleet(plan.after, Choices()):
        if verdict.instance.state not in ("terminated", "shutting-down"):
            assert verdict.tag == {"include": "included", "exclude": "excluded"}[managed]
            if managed == "exclude":
                assert verdict.reason != "exclusion_unreadable" or verdict.instance.instance_id in plan.forbidden


def test_the_detector_and_coverage_of_the_fleet_are_carried_over() -> None:
    before = snapshot(instance(), detector=detector(automated=True), unknown=frozenset({"coverage"}))
    after = plan_tags(before, DesiredTags("include")).after
    assert (after.areas[0].detector, after.areas[0].unknown) == (before.areas[0].detector, {"coverage"})
