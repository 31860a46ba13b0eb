# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which association matches, and plans: merged settings, refusals, and an empty second plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.association.desired import (
    DesiredAssociation,
    match,
    refused,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.association.plan import plan_associations, row
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.association.settings import from_options, shown
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.associations import (
    Association,
    AssociationArea,
    AssociationNeed,
    Document,
    DocumentParameter,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import GUARDDUTY_ASSOCIATION, SSM_DOCUMENT

WAVE = [{"Key": "tag:wave", "Values": ["1"]}]
PARAMETERS = {
    "action": DocumentParameter(True, ("Install", "Uninstall")),
    "version": DocumentParameter(False),
}


def association(name: str | None = "agent", tags: dict[str, str] | None = None, **settings: Any) -> Association:
    named = {"AssociationName": name} if name else {}
    return Association(
        f"id-{name}", "3", {"Name": SSM_DOCUMENT, "Targets": WAVE, **named, **settings}, status="Success", tags=tags
    )


def area(*found: Association, document: Document | None = None) -> AssociationArea:
    return AssociationArea("111111111111", "eu-west-1", found, document)


def desired(
    state: str = "present", tags: dict[str, str] | None = None, purge: bool = True, **options: Any
) -> DesiredAssociation:
    return DesiredAssociation(state, from_options(options), tags, purge)


def document(kind: str = "Command") -> Document:
    return Document("doc", kind, PARAMETERS)


# Which association is meant


def test_a_name_finds_it_whatever_its_document_and_targets() -> None:
    other = association("agent", Name="Other-Document", Targets=[{"Key": "tag:a", "Values": ["b"]}])
    assert match(desired(association_name="agent", target_tags={"wave": "1"}), [other, association("b")]) == (other,)


def test_without_a_name_document_and_targets_find_it() -> None:
    found = association("agent", Targets=[{"Key": "instanceids", "Values": ["i-2", "i-1"]}])
    near = association("near", Targets=[{"Key": "InstanceIds", "Values": ["i-1"]}])
    assert match(desired(instance_ids=["i-1", "i-2", "i-1"]), [near, found]) == (found,)
    assert match(desired(instance_ids=["i-1", "i-2"], document_name="Other"), [near, found]) == ()


def test_an_association_of_another_name_is_somebody_elses() -> None:
    unnamed, named = association(None), association("theirs")
    assert match(desired(association_name="mine", target_tags={"wave": 1}), [named, unnamed]) == (unnamed,)
    assert match(desired(association_name="mine", target_tags={"wave": 1}), [named]) == ()
    assert match(desired(association_name="mine"), [unnamed]) == ()


def test_two_of_one_name_are_distinguished_by_document_then_targets() -> None:
    one, two = association("agent"), association("agent", Targets=[{"Key": "tag:wave", "Values": ["2"]}])
    three = association("agent", Name="Other")
    assert match(desired(association_name="agent", target_tags={"wave": 2}), [one, two]) == (two,)
    assert match(desired(association_name="agent", document_name="Other"), [one, two, three]) == (three,)
    assert match(desired(association_name="agent"), [one, two]) == (one, two)


def test_several_are_refused_and_named() -> None:
    planned = plan_associations([area(association("a"), association("b"))], desired(association_name="a"))
    assert not planned.plan.changed
    assert "id-a, id-b" in str(planned.problems[0])


# What is changed


def test_creation_has_the_documents_defaults_and_the_desired_settings() -> None:
    planned = plan_associations([area()], desired(association_name="agent", target_tags={"wave": True}, max_errors=""))
    (change,) = planned.plan.changes
    assert change.settings == {
        "AssociationName": "agent",
        "Name": SSM_DOCUMENT,
        "Parameters": {"action": ["Install"], "name": ["AmazonGuardDuty-RuntimeMonitoringSsmPlugin"]},
        "Targets": [{"Key": "tag:wave", "Values": ["true"]}],
    }
    other = plan_associations([area()], desired(document_name="Other-Document", target_tags={"wave": 1}))
    assert "Parameters" not in other.plan.changes[0].settings


@pytest.mark.parametrize(
    ("there", "options"),
    [
        ({}, {"max_concurrency": "100%", "document_version": "$DEFAULT", "sync_compliance": "AUTO"}),
        ({}, {"compliance_severity": "UNSPECIFIED", "apply_only_at_cron_interval": False, "schedule_expression": ""}),
        (
            {},
            {
                "duration": 0,
                "schedule_offset": 0,
                "calendar_names": [],
                "output_location": {},
                "alarm_configuration": {},
            },
        ),
        ({"Targets": [{"Key": "instanceids", "Values": ["i-1", "i-2"]}]}, {"instance_ids": ["i-2", "i-1"]}),
        ({"CalendarNames": ["b", "a"]}, {"calendar_names": ["a", "b"]}),
        ({"Name": f"arn:aws:ssm:eu-west-1::document/{SSM_DOCUMENT}"}, {"document_name": SSM_DOCUMENT}),
        ({"AlarmConfiguration": {"Alarms": [{"Name": "x"}]}}, {"alarm_configuration": {"alarm_name": "x"}}),
        (
            {"TargetLocations": [{"Regions": ["b", "a"], "Accounts": ["1"], "IncludeChildOrganizationUnits": False}]},
            {"target_locations": [{"accounts": ["1"], "regions": ["a", "b"], "targets": None}]},
        ),
    ],
)
def test_what_means_the_same_is_no_change(there: dict[str, Any], options: dict[str, Any]) -> None:
    planned = plan_associations([area(association(**there))], desired(association_name="agent", **options))
    assert planned.plan.changes == ()
    assert planned.settled == {("111111111111", "eu-west-1")}


@pytest.mark.parametrize(
    ("there", "options", "after"),
    [
        ({"MaxConcurrency": "10%"}, {"max_concurrency": ""}, {"max_concurrency": "100%"}),
        (
            {"Duration": 4, "ScheduleExpression": "cron(x)", "ApplyOnlyAtCronInterval": True},
            {"duration": 0},
            {"duration": None},
        ),
        ({"Parameters": {"a": ["1", "2"]}}, {"parameters": {"a": [2, 1]}}, {"parameters": {"a": ["2", "1"]}}),
        ({"TargetMaps": []}, {"sync_compliance": "MANUAL"}, {"sync_compliance": "MANUAL"}),
    ],
)
def test_what_differs_is_the_only_thing_shown(
    there: dict[str, Any], options: dict[str, Any], after: dict[str, Any]
) -> None:
    planned = plan_associations([area(association(**there))], desired(association_name="agent", **options))
    (change,) = planned.plan.changes
    assert change.action == "update"
    assert change.after == after
    assert set(change.before or ()) == set(after)
    assert change.version == "3"


def test_an_update_carries_settings_that_no_option_names() -> None:
    kept = {"AutomationTargetParameterName": "InstanceId", "SomethingNew": {"Of": "AWS"}, "MaxErrors": "3"}
    planned = plan_associations([area(association(**kept))], desired(association_name="agent", max_concurrency="1"))
    sent = planned.plan.changes[0].settings
    assert {**sent, "MaxConcurrency": None} == {**association(**kept).settings, "MaxConcurrency": None}
    assert sent["MaxConcurrency"] == "1"


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "document_version": st.sampled_from(["", "$DEFAULT", "$LATEST", "2"]),
        "parameters": st.dictionaries(st.sampled_from(["action", "version"]), st.sampled_from(["1", "", ["a", "b"]])),
        "target_tags": st.dictionaries(st.sampled_from("ab"), st.lists(st.sampled_from("xyz"), min_size=1), min_size=1),
        "schedule_expression": st.sampled_from(["", "rate(1 day)"]),
        "max_concurrency": st.sampled_from(["", "100%", "5"]),
        "max_errors": st.sampled_from(["", "0", "5%"]),
        "compliance_severity": st.sampled_from(["HIGH", "UNSPECIFIED"]),
        "output_location": st.sampled_from([{}, {"s3_bucket_name": "logs"}, {"s3_bucket_name": "b", "s3_region": "r"}]),
        "calendar_names": st.lists(st.sampled_from("mn")),
        "target_locations": st.sampled_from([[], [{"accounts": ["1"]}], [{"accounts": ["1"], "regions": ["b", "a"]}]]),
        "alarm_configuration": st.sampled_from(
            [{}, {"alarm_name": "x"}, {"alarm_name": "x", "ignore_poll_alarm_failure": True}]
        ),
    },
)


@given(OPTIONS, OPTIONS, st.none() | st.dictionaries(st.sampled_from("kl"), st.sampled_from("12")), st.booleans())
def test_a_plan_applied_twice_is_empty_and_touches_nothing_else(
    before: dict[str, Any], options: dict[str, Any], tags: dict[str, str] | None, purge: bool
) -> None:
    there = association("agent", {"old": "1"}, **from_options(before))
    wanted = desired(tags=tags, purge=purge, association_name="agent", **options)
    first = plan_associations([area(there)], wanted)
    after = first.after["111111111111", "eu-west-1"]
    assert plan_associations([area(after)], wanted).plan.changes == ()
    unnamed = set(there.settings) - set(wanted.settings)
    assert {key: after.settings.get(key) for key in unnamed if there.settings[key] not in ("", [], {})} == {
        key: there.settings[key] for key in unnamed if there.settings[key] not in ("", [], {})
    }


@given(OPTIONS)
def test_what_is_shown_can_be_given_as_options_again(options: dict[str, Any]) -> None:
    settings = {key: value for key, value in from_options(options).items() if value not in ("", [], {})}
    assert from_options(shown(settings)) == settings


def test_tags_replace_or_add_and_leave_those_of_aws() -> None:
    there = association("agent", {"team": "a", "old": "1", "aws:cloudformation:stack": "s"})
    replaced = plan_associations([area(there)], desired(tags={"team": "b"}, association_name="agent"))
    assert [(one.action, one.before, one.after) for one in replaced.plan.changes] == [
        ("tag", {"tag:team": "a"}, {"tag:team": "b"}),
        ("untag", {"tag:old": "1"}, {}),
    ]
    added = plan_associations([area(there)], desired(tags={"team": "b"}, purge=False, association_name="agent"))
    assert [one.action for one in added.plan.changes] == ["tag"]


def test_absent_and_run() -> None:
    there = association("agent", {"team": "a"})
    gone = plan_associations([area(there)], desired("absent", association_name="agent"))
    assert gone.plan.changes[0].action == "delete" and gone.after == {}
    assert gone.plan.changes[0].before["tags"] == {"team": "a"}  # type: ignore[index]
    assert not plan_associations([area()], desired("absent", association_name="agent")).plan.changed
    assert plan_associations([area(there)], desired("run", association_name="agent")).plan.changes[0].action == "start"
    missing = plan_associations([area()], desired("run", association_name="agent"))
    assert "Create it with state=present" in str(missing.problems[0])


# What is refused


@pytest.mark.parametrize("state", ["present", "absent", "run"])
@pytest.mark.parametrize("there", [association(GUARDDUTY_ASSOCIATION), association("x", {"GuardDutyManaged": "true"})])
def test_guarddutys_own_is_left_alone(state: str, there: Association) -> None:
    planned = plan_associations([area(there)], desired(state, association_name=there.name, max_errors="1"))
    assert planned.plan.changes == ()
    assert "GuardDutyOwned" in str(planned.problems[0])
    assert planned.after["111111111111", "eu-west-1"] == there
    assert row("1", "r", there)["owner"] == "guardduty"


def test_guarddutys_name_is_not_taken_and_its_association_is_read() -> None:
    created = plan_associations([area()], desired(association_name=GUARDDUTY_ASSOCIATION, target_tags={"a": "b"}))
    assert not created.plan.changed and created.problems
    read = plan_associations(
        [area(association(GUARDDUTY_ASSOCIATION))], desired(association_name=GUARDDUTY_ASSOCIATION)
    )
    assert read.problems == ()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"instance_ids": [f"i-{n:017x}" for n in range(51)]}, "51 instance ids"),
        ({"instance_ids": []}, "no instance ids"),
        ({"instance_ids": ["web-1"]}, "'web-1' is not a valid instance ID"),
        ({"instance_ids": ["*", "i-12345678"]}, "'*' is not a valid instance ID"),
        ({"target_tags": {"a": [str(n) for n in range(51)]}}, "51 values for tag:a"),
        ({"target_tags": {str(n): "x" for n in range(6)}}, "6 targets"),
        ({"target_tags": {}}, "requires targets"),
        ({"target_tags": {"a": []}}, "no values for tag:a"),
        ({"targets": [{"key": "Name", "values": ["x"]}]}, "'Name' is not a valid target"),
        ({"association_name": "with space"}, "'with space' is not"),
        ({"association_name": "ab"}, "'ab' is not"),
        ({"document_name": ""}, "requires a document"),
        ({"document_version": "0"}, "'0' is not"),
        ({"max_concurrency": "0"}, "max_concurrency"),
        ({"max_concurrency": "101%"}, "max_concurrency"),
        ({"max_concurrency": "12345678"}, "max_concurrency"),
        ({"max_errors": "-1"}, "max_errors"),
        ({"max_errors": "05%"}, "max_errors"),
        ({"schedule_expression": "rate(29 minutes)"}, "30 minutes"),
        ({"schedule_expression": "rate(0 days)"}, "30 minutes"),
        ({"schedule_expression": "daily"}, "not a valid schedule"),
        ({"schedule_expression": "rate(1 week)"}, "not a valid schedule"),
        ({"schedule_offset": 7}, "schedule_offset"),
        ({"duration": 25}, "duration"),
        ({"duration": -1}, "duration"),
        ({"output_location": {"s3_key_prefix": "x"}}, "s3_bucket_name"),
        ({"target_locations": [{"accounts": ["1"] * 51}]}, "51 accounts"),
        ({"target_locations": [{"targets_max_errors": "x"}]}, "max_errors"),
        ({"dispatch_assume_role_arn": "FleetSec"}, "ARN of an IAM role"),
    ],
)
def test_refused_before_any_call(options: dict[str, Any], words: str) -> None:
    assert words in (refused(desired(**options)) or "")


@pytest.mark.parametrize(
    "options",
    [
        {"instance_ids": ["*"]},
        {"instance_ids": [f"i-{n:017x}" for n in range(50)] * 2},
        {"target_tags": {str(n): [str(v) for v in range(50)] for n in range(5)}},
        {"targets": [{"key": "resource-groups:Name", "values": ["fleet"]}]},
        {"max_concurrency": "1%", "max_errors": "0%"},
        {"max_concurrency": "9999999", "max_errors": "100%"},
        {"schedule_expression": "rate(30 minutes)"},
        {"schedule_expression": "cron(0 2 ? * SUN *)"},
        {"schedule_expression": "", "max_errors": "", "schedule_offset": 0, "duration": 24},
    ],
)
def test_limits_themselves_are_allowed(options: dict[str, Any]) -> None:
    assert refused(desired(**options)) is None


def test_tags_that_are_refused() -> None:
    assert "GuardDuty owns" in (refused(desired(tags={"GuardDutyManaged": "true"})) or "")
    assert "reserved for AWS" in (refused(desired(tags={"AWS:x": "1"})) or "")
    assert "at most 50" in (refused(desired(tags={str(n): "" for n in range(51)})) or "")
    assert refused(desired(tags={})) is None


@pytest.mark.parametrize(
    ("there", "options", "words"),
    [
        ({"ScheduleExpression": "rate(1 day)"}, {"apply_only_at_cron_interval": True}, "use a cron expression"),
        ({}, {"apply_only_at_cron_interval": True}, "needs a schedule_expression"),
        ({"ScheduleExpression": "cron(x)"}, {"schedule_offset": 2}, "schedule_offset needs"),
        ({"ScheduleExpression": "cron(x)"}, {"duration": 2}, "duration only has an effect"),
        ({"Targets": [], "TargetMaps": [{"a": ["b"]}]}, {"target_tags": {"a": "b"}}, "target maps"),
    ],
)
def test_settings_that_conflict_with_existing_ones(there: dict[str, Any], options: dict[str, Any], words: str) -> None:
    planned = plan_associations([area(association(**there))], desired(association_name="agent", **options))
    assert planned.plan.changes == ()
    assert words in str(planned.problems[0])


def test_creation_needs_targets() -> None:
    planned = plan_associations([area()], desired(association_name="agent"))
    assert "no targets" in str(planned.problems[0])


@pytest.mark.parametrize(
    ("parameters", "kind", "words"),
    [
        ({"action": "install"}, "Command", "allowed are 'Install', 'Uninstall'"),
        ({"action": "Install", "versoin": "1"}, "Command", "did you mean version"),
        ({"action": "Install", "x": "1"}, "Command", "it has action, version"),
        ({"version": "1"}, "Command", "needs the parameter action"),
        ({"action": "Install"}, "Package", "cannot run"),
    ],
)
def test_the_document_says_no(parameters: dict[str, Any], kind: str, words: str) -> None:
    wanted = desired(association_name="agent", target_tags={"a": "b"}, parameters=parameters)
    planned = plan_associations([area(document=document(kind))], wanted)
    assert planned.plan.changes == ()
    assert words in str(planned.problems[0])


def test_the_document_is_asked_for_only_where_it_matters() -> None:
    where = ("111111111111", "eu-west-1")
    there = association("agent", Parameters={"action": ["Install"]})
    cases = {
        "parameters": ({"parameters": {"action": "Uninstall"}}, (SSM_DOCUMENT, "$DEFAULT")),
        "version": ({"document_version": "2"}, (SSM_DOCUMENT, "2")),
        "schedule": ({"schedule_expression": "rate(1 day)"}, None),
    }
    for options, asked in cases.values():
        planned = plan_associations([area(there)], desired(association_name="agent", **options))
        assert planned.needs.get(where, AssociationNeed()).document == asked
        read = replace(area(there), asked=frozenset({"document"}))
        further = plan_associations([read], desired(association_name="agent", **options)).needs
        assert further == {where: AssociationNeed(tags=True)}
    assert plan_associations([area(there)], desired(association_name="agent")).needs == {}
