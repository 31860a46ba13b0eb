# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applying a plan: order, batches, failures, check mode, accounts and regions in parallel."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from wire import ACCOUNT, REGION, Wire

from ansible_collections.fleetsec.guardduty.plugins.module_utils.converge.run import (
    AreaRun,
    Handler,
    Handlers,
    converge,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.plan import Change, Plan
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.client.access import Target

OTHER = "222222222222"


@cache
def class_of(action: str, kind: str) -> type[Change]:
    return type(f"{action} {kind}", (Change,), {"__slots__": (), "action": action, "kind": kind})


def change(action: str, target: str, kind: str = "instance", account: str = ACCOUNT, region: str = REGION) -> Change:
    return class_of(action, kind)(account, region, target, {}, {"x": 1})


def targets(*places: tuple[str, str]) -> list[Target]:
    wire = Wire()
    return [wire.target(account, region) for account, region in places or ((ACCOUNT, REGION),)]


def refusal(code: str = "Unsupported") -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"RequestId": "r-1"}}
    return ClientError(answer, "CreateTags")


class Recorder:
    """A handler that records its batches and rejects the given targets."""

    def __init__(self, *bad: str) -> None:
        self.bad, self.batches = bad, []  # type: tuple[str, ...], list[list[str]]

    def __call__(self, run: AreaRun, changes: Sequence[Change]) -> None:
        self.batches.append([f"{one.action} {one.target}" for one in changes])
        for one in changes:
            if one.target in self.bad:
                run.fail([one], "ec2:CreateTags", refusal())
            else:
                run.succeed([one])


def handlers(handler: Handler) -> Handlers:
    kinds = ("instance", "VPC endpoint")
    return {class_of(action, kind): handler for action in ("enable", "tag", "untag") for kind in kinds}


def test_check_mode_does_nothing_and_predicts_the_changes() -> None:
    plan = Plan.of([change("tag", "i-1"), change("untag", "i-1")])
    outcome = converge(plan, [], {}, check_mode=True)
    assert (outcome.done, outcome.failed) == (plan.changes, ())


def test_the_words_of_a_change_do_not_decide_who_makes_it() -> None:
    recorder, reworded = Recorder(), class_of("tag", "instance")
    twin = type("Twin", (Change,), {"__slots__": (), "action": "tag", "kind": "instance"})
    plan = Plan.of([change("tag", "i-1"), twin(ACCOUNT, REGION, "i-2", {}, {})])
    assert converge(plan, targets(), {reworded: recorder, twin: recorder}, check_mode=False).done == plan.changes
    assert recorder.batches == [["tag i-1"], ["tag i-2"]]


def test_an_empty_plan_needs_no_target() -> None:
    outcome = converge(Plan(), [], {}, check_mode=False)
    assert (outcome.done, outcome.failed) == ((), ())


def test_runs_of_one_class_are_one_batch_in_the_plans_order() -> None:
    recorder = Recorder()
    plan = Plan.of(
        [
            change("enable", "i-1"),
            change("enable", "i-2"),
            change("tag", "i-1"),
            change("tag", "v-1", "VPC endpoint"),
            change("tag", "i-2"),
            change("tag", "i-3"),
        ]
    )
    outcome = converge(plan, targets(), handlers(recorder), check_mode=False)
    assert recorder.batches == [["enable i-1", "enable i-2"], ["tag i-1"], ["tag v-1"], ["tag i-2", "tag i-3"]]
    assert outcome.done == plan.changes and outcome.failed == ()


def test_a_target_that_failed_is_not_touched_again_and_the_others_go_on() -> None:
    recorder = Recorder("i-1")
    plan = Plan.of([change(action, target) for action in ("enable", "tag", "untag") for target in ("i-1", "i-2")])
    outcome = converge(plan, targets(), handlers(recorder), check_mode=False)
    assert recorder.batches == [["enable i-1", "enable i-2"], ["tag i-2"], ["untag i-2"]]
    assert [(one.action, one.target) for one in outcome.done] == [("enable", "i-2"), ("tag", "i-2"), ("untag", "i-2")]
    assert [(one.change.action, one.change.target) for one in outcome.failed] == [
        ("enable", "i-1"),
        ("tag", "i-1"),
        ("untag", "i-1"),
    ]
    assert len({one.problem for one in outcome.failed}) == 1


def test_a_handler_is_not_called_for_a_batch_with_nothing_left() -> None:
    recorder = Recorder("i-1")
    converge(Plan.of([change("enable", "i-1"), change("tag", "i-1")]), targets(), handlers(recorder), check_mode=False)
    assert recorder.batches == [["enable i-1"]]


def test_a_failure_in_one_account_does_not_reach_the_same_target_in_another() -> None:
    refused = []

    def handler(run: AreaRun, changes: Sequence[Change]) -> None:
        if run.target.account_id == OTHER:
            refused.append(run.target)
            run.fail(changes, "ec2:CreateTags", refusal())
        else:
            run.succeed(changes)

    plan = Plan.of(
        [change(action, "sg-1", account=account) for action in ("tag", "untag") for account in (ACCOUNT, OTHER)]
    )
    outcome = converge(plan, targets((ACCOUNT, REGION), (OTHER, REGION)), handlers(handler), check_mode=False)
    assert {one.account_id for one in outcome.done} == {ACCOUNT} and len(outcome.done) == 2
    assert {one.change.account_id for one in outcome.failed} == {OTHER} and len(outcome.failed) == 2
    assert len(refused) == 1


def test_accounts_and_regions_run_side_by_side_each_with_its_own_target() -> None:
    places = ((ACCOUNT, REGION), (ACCOUNT, "us-east-1"), (OTHER, REGION))
    together = threading.Barrier(len(places), timeout=20)

    def handler(run: AreaRun, changes: Sequence[Change]) -> None:
        together.wait()
        assert all((one.account_id, one.region) == (run.target.account_id, run.target.region) for one in changes)
        run.succeed(changes)

    plan = Plan.of([change("tag", f"i-{number}", "instance", *place) for number, place in enumerate(places)])
    outcome = converge(plan, targets(*reversed(places)), handlers(handler), check_mode=False)
    assert outcome.done == plan.changes


def test_a_failure_says_the_change_and_the_error() -> None:
    outcome = converge(Plan.of([change("tag", "i-1")]), targets(), handlers(Recorder("i-1")), check_mode=False)
    (failure,) = outcome.failed
    assert failure.describe() == {
        **change("tag", "i-1").describe(),
        "error": f"ec2:CreateTags in {ACCOUNT}/{REGION} failed: Unsupported: no (request id r-1).",
    }


@pytest.mark.parametrize("error", [refusal(), EndpointConnectionError(endpoint_url="https://x")])
def test_each_continues_after_errors_of_aws(error: Exception) -> None:
    (target,) = targets()
    run = AreaRun(target)

    def make(one: Change) -> None:
        if one.target == "i-1":
            raise error

    run.each([change("tag", "i-1"), change("tag", "i-2")], "ec2:CreateTags", make)
    assert [one.target for one in run.done] == ["i-2"]
    assert [one.change.target for one in run.failed] == ["i-1"]


def test_a_mistake_of_ours_is_not_taken_for_a_refusal() -> None:
    (target,) = targets()

    def make(one: Change) -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        AreaRun(target).each([change("tag", "i-1")], "ec2:CreateTags", make)


def test_what_one_step_made_is_there_for_the_next() -> None:
    def make(run: AreaRun, changes: Sequence[Change]) -> None:
        run.made["vpc-1"] = "sg-new"
        run.succeed(changes)

    def use(run: AreaRun, changes: Sequence[Change]) -> None:
        assert run.made == {"vpc-1": "sg-new"}
        run.succeed(changes)

    plan = Plan.of([change("create", "vpc-1", "security group"), change("create", "vpc-1", "VPC endpoint")])
    steps = {class_of("create", "security group"): make, class_of("create", "VPC endpoint"): use}
    assert converge(plan, targets(), steps, check_mode=False).done == plan.changes
