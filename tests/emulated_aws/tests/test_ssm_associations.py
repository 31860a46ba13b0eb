# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State Manager associations, expected from botocore's documentation and the Systems Manager user guide."""

from __future__ import annotations

from typing import Any

import pytest
from in_process import ACCOUNT, REGION, Clock, Cloud, code_of

from emulated_aws.world import WORLD

DOCUMENT = "AmazonGuardDuty-ConfigureRuntimeMonitoringSsmPlugin"
INSTALL = {"action": ["Install"], "name": ["AmazonGuardDuty-RuntimeMonitoringSsmPlugin"]}
EVERYONE = [{"Key": "InstanceIds", "Values": ["*"]}]
FLEET = f"""
accounts:
  "{ACCOUNT}":
    name: production
    regions:
      {REGION}:
        vpcs:
          shop:
            cidr: 10.0.0.0/16
            subnets: {{a: eu-west-1a}}
        instances:
          - {{name: web, count: 3, vpc: shop, ssm: online, tags: {{Tier: front}}}}
          - {{name: old, vpc: shop, ssm: online, type: a1.large, architecture: arm64, tags: {{Tier: old}}}}
          - {{name: win, vpc: shop, ssm: online, platform: windows, tags: {{Tier: win}}}}
          - {{name: lost, vpc: shop, ssm: lost, tags: {{Tier: lost}}}}
          - {{name: late, vpc: shop, ssm: absent, tags: {{Tier: late}}}}
"""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def cloud(clock: Clock) -> Cloud:
    return Cloud(FLEET)


@pytest.fixture
def ssm(cloud: Cloud) -> Any:
    return cloud.client("ssm")


def tagged(value: str) -> list[dict[str, Any]]:
    return [{"Key": "tag:Tier", "Values": [value]}]


def create(ssm: Any, **parameters: Any) -> dict[str, Any]:
    wanted = {"Name": DOCUMENT, "Parameters": INSTALL, "Targets": tagged("front"), "AssociationName": "agent"}
    return ssm.create_association(**wanted | parameters)["AssociationDescription"]


def refusal(ssm: Any, **parameters: Any) -> str:
    return code_of(
        ssm.create_association, **{"Name": DOCUMENT, "Parameters": INSTALL, "Targets": EVERYONE} | parameters
    )


def agents() -> dict[str, str]:
    nodes = WORLD.nodes_in(ACCOUNT, REGION).values()
    return {node.instance_id: node.agent.version for node in nodes if node.agent is not None}


def instance_id(cloud: Cloud, name: str) -> str:
    found = cloud.client("ec2").describe_instances(Filters=[{"Name": "tag:Name", "Values": [name]}])
    return str(found["Reservations"][0]["Instances"][0]["InstanceId"])


def overview(ssm: Any, association: dict[str, Any]) -> dict[str, Any]:
    found = ssm.describe_association(AssociationId=association["AssociationId"])
    return dict(found["AssociationDescription"]["Overview"])


def test_created_it_is_pending_and_then_installs(ssm: Any) -> None:
    made = create(ssm)
    assert made["Overview"] == {"Status": "Pending", "DetailedStatus": "Creating"}
    assert (made["AssociationVersion"], made["DocumentVersion"]) == ("1", "$DEFAULT")
    assert overview(ssm, made) == {
        "Status": "Success",
        "DetailedStatus": "Success",
        "AssociationStatusAggregatedCount": {"Success": 3},
    }
    assert set(agents().values()) == {"1.17.1"} and len(agents()) == 3


def test_an_execution_takes_its_time(ssm: Any, clock: Clock) -> None:
    WORLD.pace.association = 1000
    made = create(ssm)
    by_id = {"AssociationId": made["AssociationId"]}

    def status() -> str:
        return str(ssm.describe_association_executions(**by_id)["AssociationExecutions"][0]["Status"])

    assert status() == "Pending" and overview(ssm, made)["Status"] == "Pending" and not agents()
    clock.ahead += 600
    assert status() == "InProgress" and overview(ssm, made)["DetailedStatus"] == "InProgress"
    clock.ahead += 500
    execution = ssm.describe_association_executions(**by_id)["AssociationExecutions"][0]
    assert (execution["Status"], execution["ResourceCountByStatus"]) == ("Success", "{Success=3}")
    assert len(agents()) == 3
    rows = ssm.describe_association_execution_targets(**by_id, ExecutionId=execution["ExecutionId"])
    assert {row["ResourceId"] for row in rows["AssociationExecutionTargets"]} == set(agents())
    node = ssm.describe_instance_information(Filters=[{"Key": "tag:Tier", "Values": ["front"]}])
    assert {row["AssociationStatus"] for row in node["InstanceInformationList"]} == {"Success"}


def test_where_the_agent_cannot_run_the_target_fails(ssm: Any) -> None:
    for tier in ("old", "win"):
        made = create(ssm, Targets=tagged(tier))
        assert overview(ssm, made)["Status"] == "Failed"
    assert not agents()


def test_a_lost_node_waits_until_it_is_online(cloud: Cloud, ssm: Any) -> None:
    made = create(ssm, Targets=tagged("lost"))
    assert overview(ssm, made) == {
        "Status": "Pending",
        "DetailedStatus": "Pending",
        "AssociationStatusAggregatedCount": {"Pending": 1},
    }
    WORLD.nodes_in(ACCOUNT, REGION)[instance_id(cloud, "lost")].ssm = "online"
    ssm.start_associations_once(AssociationIds=[made["AssociationId"]])
    assert overview(ssm, made)["Status"] == "Success"


def test_a_node_that_gets_the_tag_later_is_a_target_too(cloud: Cloud, ssm: Any) -> None:
    made = create(ssm, Targets=[{"Key": "tag:Wanted", "Values": ["yes", "very"]}])
    assert overview(ssm, made)["Status"] == "Pending"
    web = instance_id(cloud, "web-01")
    cloud.client("ec2").create_tags(Resources=[web], Tags=[{"Key": "Wanted", "Value": "very"}])
    assert overview(ssm, made)["AssociationStatusAggregatedCount"] == {"Success": 1}
    assert list(agents()) == [web]


def test_all_targets_must_match(cloud: Cloud, ssm: Any) -> None:
    one = instance_id(cloud, "web-02")
    made = create(ssm, Targets=[*tagged("front"), {"Key": "InstanceIds", "Values": [one]}])
    assert overview(ssm, made)["AssociationStatusAggregatedCount"] == {"Success": 1}
    assert list(agents()) == [one]


def test_uninstall_and_a_pinned_version(ssm: Any) -> None:
    create(ssm, Parameters=INSTALL | {"version": ["1.16.0"]})
    assert set(agents().values()) == {"1.16.0"}
    # The SSM package 1.7.2 contains the agent 1.7.1 (release history).
    create(ssm, Parameters=INSTALL | {"version": ["1.7.2"]})
    assert set(agents().values()) == {"1.7.1"}
    made = create(ssm, Parameters=INSTALL | {"version": ["9.9.9"]})
    assert overview(ssm, made)["Status"] == "Failed"
    create(ssm, Parameters=INSTALL | {"action": ["Uninstall"]})
    assert not agents()


def test_max_errors_stops_sending(ssm: Any) -> None:
    made = create(
        ssm, MaxConcurrency="1", MaxErrors="0", Targets=tagged("front"), Parameters=INSTALL | {"version": ["9.9.9"]}
    )
    count = overview(ssm, made)["AssociationStatusAggregatedCount"]
    assert count["Failed"] == 1 and sum(count.values()) == 3


def test_max_concurrency_paces_the_targets(ssm: Any, clock: Clock) -> None:
    WORLD.pace.association = 1000
    create(ssm, MaxConcurrency="1")
    for installed in (0, 1, 2, 3):
        ssm.list_associations()
        assert len(agents()) == installed
        clock.ahead += 1000


def test_a_late_read_shows_all_that_was_due(ssm: Any, clock: Clock) -> None:
    WORLD.pace.association = 1000
    create(ssm, MaxConcurrency="1")
    clock.ahead += 3500
    ssm.list_associations()
    assert len(agents()) == 3


def test_an_update_supersedes_targets_that_still_wait(ssm: Any) -> None:
    made = create(ssm, Targets=tagged("lost"))
    ssm.update_association(
        AssociationId=made["AssociationId"], Name=DOCUMENT, Parameters=INSTALL, Targets=tagged("front")
    )
    assert overview(ssm, made)["Status"] == "Success"
    rows = ssm.describe_association_executions(AssociationId=made["AssociationId"])["AssociationExecutions"]
    assert {row["Status"] for row in rows} == {"Success"}


def test_update_clears_what_it_leaves_out_and_makes_a_version(ssm: Any) -> None:
    made = create(
        ssm, ScheduleExpression="rate(30 minutes)", MaxErrors="10%", MaxConcurrency="50%", ComplianceSeverity="HIGH"
    )
    by_id = {"AssociationId": made["AssociationId"]}
    updated = ssm.update_association(**by_id, Name=DOCUMENT, Parameters=INSTALL, Targets=EVERYONE)
    assert updated["AssociationDescription"]["AssociationVersion"] == "2"
    now = ssm.describe_association(**by_id)["AssociationDescription"]
    gone = {"ScheduleExpression", "MaxErrors", "MaxConcurrency", "ComplianceSeverity", "AssociationName"}
    assert not gone & now.keys() and now["Targets"] == EVERYONE
    before = ssm.describe_association(**by_id, AssociationVersion="1")["AssociationDescription"]
    assert before["ScheduleExpression"] == "rate(30 minutes)" and before["AssociationVersion"] == "1"
    versions = ssm.list_association_versions(**by_id)["AssociationVersions"]
    assert [v["AssociationVersion"] for v in versions] == ["1", "2"]
    update = ssm.update_association
    assert code_of(update, **by_id, Name=DOCUMENT, AssociationVersion="1") == "InvalidAssociationVersion"
    assert code_of(ssm.describe_association, **by_id, AssociationVersion="7") == "InvalidAssociationVersion"


def test_an_update_runs_at_once(ssm: Any) -> None:
    made = create(ssm, Parameters=INSTALL | {"version": ["1.16.0"]})
    parameters = INSTALL | {"version": ["1.17.1"]}
    ssm.update_association(
        AssociationId=made["AssociationId"], Name=DOCUMENT, Parameters=parameters, Targets=tagged("front")
    )
    assert set(agents().values()) == {"1.17.1"}


def test_only_at_cron_interval_waits_for_the_schedule(ssm: Any) -> None:
    cron = {"ScheduleExpression": "cron(0 2 ? * SUN *)", "ApplyOnlyAtCronInterval": True}
    made = create(ssm, **cron)
    assert overview(ssm, made)["Status"] == "Pending" and not agents()
    ssm.start_associations_once(AssociationIds=[made["AssociationId"]])
    assert len(agents()) == 3


def test_the_list_is_a_summary_with_filters(ssm: Any) -> None:
    made = create(ssm)
    create(ssm, AssociationName="other", Targets=tagged("win"))
    rows = ssm.list_associations(AssociationFilterList=[{"key": "AssociationName", "value": "agent"}])["Associations"]
    assert [row["AssociationId"] for row in rows] == [made["AssociationId"]]
    assert not {"Parameters", "MaxErrors", "Date"} & rows[0].keys()
    failed = ssm.list_associations(AssociationFilterList=[{"key": "AssociationStatusName", "value": "Failed"}])
    assert [row["AssociationName"] for row in failed["Associations"]] == ["other"]
    by_document = ssm.list_associations(AssociationFilterList=[{"key": "Name", "value": DOCUMENT}])["Associations"]
    assert len(by_document) == 2
    first = ssm.list_associations(MaxResults=1)
    assert len(first["Associations"]) == 1 and first["NextToken"]
    assert code_of(ssm.list_associations, MaxResults=51) == "ValidationException"


def test_deleting_leaves_the_nodes_as_they_are(ssm: Any) -> None:
    made = create(ssm)
    ssm.delete_association(AssociationId=made["AssociationId"])
    assert len(agents()) == 3
    by_id = {"AssociationId": made["AssociationId"]}
    for call in (ssm.delete_association, ssm.describe_association, ssm.list_association_versions):
        assert code_of(call, **by_id) == "AssociationDoesNotExist"
    assert code_of(ssm.start_associations_once, AssociationIds=[made["AssociationId"]]) == "AssociationDoesNotExist"


def test_an_execution_that_is_none(ssm: Any) -> None:
    made = create(ssm)
    call = ssm.describe_association_execution_targets
    unknown = "11111111-2222-3333-4444-555555555555"
    by_id = {"AssociationId": made["AssociationId"], "ExecutionId": unknown}
    assert code_of(call, **by_id) == "AssociationExecutionDoesNotExist"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"Name": "No-Such-Document"}, "InvalidDocument"),
        ({"DocumentVersion": "99"}, "InvalidDocumentVersion"),
        ({"Parameters": {}}, "InvalidParameters"),
        ({"Parameters": {"action": ["Install"], "colour": ["red"]}}, "InvalidParameters"),
        ({"Parameters": {"action": ["Reinstall"]}}, "InvalidParameters"),
        ({"ScheduleExpression": "every day"}, "InvalidSchedule"),
        ({"ScheduleExpression": "rate(5 minutes)"}, "InvalidSchedule"),
        ({"Targets": [{"Key": "Colour", "Values": ["red"]}]}, "InvalidTarget"),
        ({"Targets": [{"Key": "InstanceIds", "Values": ["web-01"]}]}, "InvalidTarget"),
        ({"Targets": [{"Key": f"tag:{n}", "Values": ["x"]} for n in range(6)]}, "ValidationException"),
        ({"Targets": [{"Key": "tag:a", "Values": [str(n) for n in range(51)]}]}, "ValidationException"),
        ({"MaxConcurrency": "0"}, "ValidationException"),
        ({"MaxConcurrency": "101%"}, "ValidationException"),
        ({"MaxErrors": "-1"}, "ValidationException"),
        ({"AssociationName": "a b"}, "ValidationException"),
        ({"ComplianceSeverity": "SEVERE"}, "ValidationException"),
        ({"Duration": 2}, "ValidationException"),
        ({"TargetMaps": [{"k": ["v"]}]}, "InvalidTargetMaps"),
    ],
)
def test_what_is_refused(ssm: Any, wrong: dict[str, Any], code: str) -> None:
    assert refusal(ssm, **wrong) == code


@pytest.mark.parametrize("right", [{"MaxErrors": "0"}, {"MaxErrors": "0%"}, {"MaxConcurrency": "1%"}])
def test_the_ends_of_the_ranges_are_accepted(ssm: Any, right: dict[str, Any]) -> None:
    assert create(ssm, **right)["AssociationId"]


def test_two_thousand_associations_are_the_limit(ssm: Any) -> None:
    from emulated_aws import ssm_state

    state = ssm_state.state(ACCOUNT, REGION)
    for _dummy in range(1_999):
        state.create({"Name": DOCUMENT, "Parameters": INSTALL, "Targets": tagged("nobody")})
    create(ssm, Targets=tagged("nobody"))
    assert refusal(ssm) == "AssociationLimitExceeded"


def test_a_node_is_targeted_by_twenty_at_most(ssm: Any) -> None:
    """SSM user guide, "Understanding targets and rate controls in State Manager associations"."""
    older = [create(ssm, AssociationName=f"older-{n}") for n in range(20)]
    late = create(ssm, Targets=EVERYONE)
    assert overview(ssm, late)["AssociationStatusAggregatedCount"] == {"Failed": 2, "Pending": 1}  # none of the three
    ssm.start_associations_once(AssociationIds=[late["AssociationId"]])
    assert "Success" not in overview(ssm, late)["AssociationStatusAggregatedCount"]
    ssm.delete_association(AssociationId=older[0]["AssociationId"])
    assert overview(ssm, late)["AssociationStatusAggregatedCount"]["Success"] == 3


def test_tags_of_an_association(ssm: Any) -> None:
    made = create(ssm, Tags=[{"Key": "Owner", "Value": "security"}])
    resource = {"ResourceType": "Association", "ResourceId": made["AssociationId"]}
    ssm.add_tags_to_resource(**resource, Tags=[{"Key": "Stage", "Value": "one"}])
    ssm.remove_tags_from_resource(**resource, TagKeys=["Owner"])
    assert ssm.list_tags_for_resource(**resource)["TagList"] == [{"Key": "Stage", "Value": "one"}]
    unknown = resource | {"ResourceId": "11111111-2222-3333-4444-555555555555"}
    assert code_of(ssm.list_tags_for_resource, **unknown) == "InvalidResourceId"


def test_the_documents_that_amazon_owns(ssm: Any) -> None:
    document = ssm.describe_document(Name=DOCUMENT)["Document"]
    assert (document["Owner"], document["DocumentType"], document["Status"]) == ("Amazon", "Command", "Active")
    assert {"action", "name"} <= {p["Name"] for p in document["Parameters"]}
    arn = f"arn:aws:ssm:{REGION}::document/{DOCUMENT}"
    assert ssm.describe_document(Name=arn)["Document"]["Name"] == DOCUMENT
    assert '"action"' in ssm.get_document(Name=DOCUMENT)["Content"]
    owned = ssm.list_documents(Filters=[{"Key": "Owner", "Values": ["Amazon"]}])["DocumentIdentifiers"]
    assert DOCUMENT in [row["Name"] for row in owned]
    assert code_of(ssm.describe_document, Name="No-Such-Document") == "InvalidDocument"


def test_a_document_of_ones_own_can_be_associated(ssm: Any) -> None:
    content = '{"schemaVersion": "2.2", "description": "x", "mainSteps": []}'
    ssm.create_document(Name="Mine", Content=content, DocumentType="Command")
    made = create(ssm, Name="Mine", Parameters={})
    assert overview(ssm, made)["Status"] == "Success" and not agents()
