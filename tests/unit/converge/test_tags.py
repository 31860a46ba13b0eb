# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing tags and the metadata setting: the calls, their order and their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.stub import Stubber
from wire import ACCOUNT, REGION, Refusal, Wire

from ansible_collections.fleetsec.guardduty.plugins.module_utils.converge.run import Outcome, converge
from ansible_collections.fleetsec.guardduty.plugins.module_utils.converge.tags import HANDLERS
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.plan import Plan
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.tags import DesiredTags, TagInstance, plan_tags
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import AccountRegion, Instance, Snapshot
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client.access import (
    Access,
    Connection,
    Credentials,
    Target,
)

EXCLUDED = [{"Key": "GuardDutyManaged", "Value": "false"}]
GONE = "InvalidInstanceID.NotFound"


def instance(instance_id: str, tags: Mapping[str, str] | None = None, metadata_tags: bool = False) -> Instance:
    return Instance(
        instance_id,
        ACCOUNT,
        REGION,
        "running",
        "linux",
        "x86_64",
        "t3.nano",
        tags=tags or {},
        metadata_tags=metadata_tags,
    )


def plan(desired: DesiredTags, *instances: Instance) -> Plan:
    return plan_tags(Snapshot((AccountRegion(ACCOUNT, REGION, instances),)), desired).plan


def tagged(*ids: str, **tags: str) -> Plan:
    written = tags or {"team": "blue"}
    return Plan.of(TagInstance(ACCOUNT, REGION, one, {}, {"t": "x"}, tags=written) for one in ids)


def run(wire: Wire, changes: Plan) -> Outcome:
    return converge(changes, [wire.target()], HANDLERS, check_mode=False)


def ids(count: int) -> list[str]:
    return [f"i-{number:05d}" for number in range(count)]


def refusing(code: str, *bad: str) -> Any:
    """Like AWS: one bad id fails the whole call."""
    return lambda params: Refusal(code) if set(bad) & set(params["Resources"]) else {}


# The exact sequence, as botocore's own stubber demands it.
@pytest.fixture
def stubbed() -> Any:
    access = Access(Connection(credentials=Credentials("AKIDUNITTESTONLY", "unit-secret-7f3a", None)))
    target = Target(ACCOUNT, REGION, "aws", access)
    with Stubber(target.client("ec2")) as stubber:
        yield target, stubber
        stubber.assert_no_pending_responses()


def test_removal_then_opening_then_tags(stubbed: Any) -> None:
    target, stubber = stubbed
    options = {"InstanceId": "i-1", "InstanceMetadataTags": "enabled"}
    stubber.add_response("delete_tags", {}, {"Resources": ["i-1", "i-2"], "Tags": [{"Key": "old"}]})
    stubber.add_response("modify_instance_metadata_options", {"InstanceId": options["InstanceId"]}, options)
    stubber.add_response("create_tags", {}, {"Resources": ["i-1", "i-2"], "Tags": EXCLUDED})
    changes = plan(
        DesiredTags("exclude", {}, ("old",)),
        instance("i-1", {"old": "1"}),
        instance("i-2", {"old": "2"}, metadata_tags=True),
    )
    outcome = converge(changes, [target], HANDLERS, check_mode=False)
    assert outcome.done == changes.changes and outcome.failed == ()


def test_where_the_metadata_cannot_be_opened_the_exclusion_is_not_written(stubbed: Any) -> None:
    target, stubber = stubbed
    stubber.add_client_error("modify_instance_metadata_options", "UnsupportedOperation")
    stubber.add_response(
        "modify_instance_metadata_options",
        {"InstanceId": "i-2"},
        {"InstanceId": "i-2", "InstanceMetadataTags": "enabled"},
    )
    stubber.add_response("create_tags", {}, {"Resources": ["i-2"], "Tags": EXCLUDED})
    outcome = converge(
        plan(DesiredTags("exclude"), instance("i-1"), instance("i-2")), [target], HANDLERS, check_mode=False
    )
    assert [(one.action, one.target) for one in outcome.done] == [("enable", "i-2"), ("tag", "i-2")]
    assert [(one.change.action, one.change.target) for one in outcome.failed] == [("enable", "i-1"), ("tag", "i-1")]
    assert all("ec2:ModifyInstanceMetadataOptions" in str(one.problem) for one in outcome.failed)


def test_halving_step_by_step(stubbed: Any) -> None:
    target, stubber = stubbed
    blue = [{"Key": "team", "Value": "blue"}]
    for resources, code in (
        (["i-0", "i-1", "i-2", "i-3"], GONE),
        (["i-0", "i-1"], None),
        (["i-2", "i-3"], GONE),
        (["i-2"], GONE),
        (["i-3"], None),
    ):
        params = {"Resources": resources, "Tags": blue}
        if code:
            stubber.add_client_error("create_tags", code, expected_params=params)
        else:
            stubber.add_response("create_tags", {}, params)
    outcome = converge(tagged("i-0", "i-1", "i-2", "i-3"), [target], HANDLERS, check_mode=False)
    assert [one.target for one in outcome.done] == ["i-0", "i-1", "i-3"]
    assert [one.change.target for one in outcome.failed] == ["i-2"]


# Sizes and groups.
@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (1000, [1000]), (1001, [1000, 1]), (2500, [1000, 1000, 500])])
def test_at_most_1000_in_a_call(count: int, sizes: list[int]) -> None:
    wire = Wire(CreateTags={})
    outcome = run(wire, tagged(*ids(count)))
    assert [len(params["Resources"]) for params in wire.params("CreateTags")] == sizes
    assert [one.target for one in outcome.done] == ids(count)


def test_one_vanished_id_among_a_thousand_is_isolated_and_the_others_are_written() -> None:
    wire = Wire(CreateTags=refusing(GONE, "i-00617"))
    outcome = run(wire, tagged(*ids(1000)))
    assert [one.change.target for one in outcome.failed] == ["i-00617"]
    assert [one.target for one in outcome.done] == [one for one in ids(1000) if one != "i-00617"]
    assert len(wire.params("CreateTags")) <= 21  # both halves at each of ten levels


def test_several_vanished_ids() -> None:
    bad = ("i-00000", "i-00063", "i-00031")
    outcome = run(Wire(CreateTags=refusing(GONE, *bad)), tagged(*ids(64)))
    assert sorted(one.change.target for one in outcome.failed) == sorted(bad)
    assert len(outcome.done) == 61


@pytest.mark.parametrize(
    "code", ["InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed", "InvalidID", "TagLimitExceeded"]
)
def test_what_one_instance_spoils_for_all(code: str) -> None:
    outcome = run(Wire(CreateTags=refusing(code, "i-00001")), tagged(*ids(4)))
    assert ([one.change.target for one in outcome.failed], len(outcome.done)) == (["i-00001"], 3)


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "InvalidParameterValue", "RequestLimitExceeded"])
def test_what_smaller_calls_do_not_cure_is_not_tried_in_halves(code: str) -> None:
    wire = Wire(CreateTags=Refusal(code))
    outcome = run(wire, tagged(*ids(4)))
    assert len(wire.params("CreateTags")) == 1
    assert [one.change.target for one in outcome.failed] == ids(4) and outcome.done == ()
    assert all(code in str(one.problem) for one in outcome.failed)


def test_different_tags_are_different_calls() -> None:
    wire = Wire(CreateTags={})
    both = Plan((*tagged("i-1", "i-2").changes, *tagged("i-3", team="red").changes, *tagged("i-4").changes))
    assert len(run(wire, both).done) == 4
    assert wire.params("CreateTags") == [
        {"Resources": ["i-1", "i-2", "i-4"], "Tags": [{"Key": "team", "Value": "blue"}]},
        {"Resources": ["i-3"], "Tags": [{"Key": "team", "Value": "red"}]},
    ]


def test_instances_with_their_tags_in_another_order_share_one_call() -> None:
    wire = Wire(CreateTags={})
    changes = plan(
        DesiredTags(tags={"b": "1", "a": "1"}), instance("i-1", {"a": "0", "b": "0"}), instance("i-2", {"b": "0"})
    )
    run(wire, changes)
    assert [params["Resources"] for params in wire.params("CreateTags")] == [["i-1", "i-2"]]


def test_removed_keys_are_sent_without_values_so_that_any_value_goes() -> None:
    wire = Wire(DeleteTags={})
    changes = plan(DesiredTags("clear", {}, ("old",)), instance("i-1", {"GuardDutyManaged": "no", "old": "1"}))
    run(wire, changes)
    assert wire.params("DeleteTags") == [{"Resources": ["i-1"], "Tags": [{"Key": "GuardDutyManaged"}, {"Key": "old"}]}]


def test_a_refused_removal_is_halved_too() -> None:
    changes = plan(DesiredTags("clear"), *(instance(one, {"GuardDutyManaged": "true"}) for one in ids(4)))
    outcome = run(Wire(DeleteTags=refusing(GONE, "i-00003")), changes)
    assert ([one.change.target for one in outcome.failed], len(outcome.done)) == (["i-00003"], 3)


def test_the_metadata_option_is_the_only_one_that_is_sent() -> None:
    wire = Wire(ModifyInstanceMetadataOptions={}, CreateTags={})
    run(wire, plan(DesiredTags("exclude"), instance("i-1")))
    assert wire.params("ModifyInstanceMetadataOptions") == [{"InstanceId": "i-1", "InstanceMetadataTags": "enabled"}]


def test_check_mode_reaches_nobody() -> None:
    wire = Wire()
    changes = plan(DesiredTags("exclude"), instance("i-1"))
    outcome = converge(changes, [wire.target()], HANDLERS, check_mode=True)
    assert (outcome.done, wire.calls) == (changes.changes, [])
