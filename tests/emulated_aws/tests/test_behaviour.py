# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GuardDuty does by itself, expected from the GuardDuty user guide's EC2, shared VPC, clean-up and coverage pages."""

from __future__ import annotations

from typing import Any

import pytest
from in_process import ACCOUNT, REGION, Clock, Cloud

from emulated_aws.world import WORLD

PARTICIPANT = "222222222222"
ASSOCIATION = "GuardDutyRuntimeMonitoring-do-not-delete"
DOCUMENT = "AmazonGuardDuty-ConfigureRuntimeMonitoringSsmPlugin"
INSTALL = {"action": ["Install"], "name": ["AmazonGuardDuty-RuntimeMonitoringSsmPlugin"]}
ALL = [{"Key": "InstanceIds", "Values": ["*"]}]
INCLUDED = [{"Key": "tag:GuardDutyManaged", "Values": ["true"]}]
FLEET = f"""
organization:
  id: o-fleetsec0001
  management_account: "{ACCOUNT}"
accounts:
  "{ACCOUNT}":
    name: production
    regions:
      {REGION}:
        guardduty: {{runtime_monitoring: false}}
        vpcs:
          shop: {{cidr: 10.0.0.0/16, subnets: {{a: eu-west-1a, b: eu-west-1b}}}}
          nodns: {{cidr: 10.1.0.0/16, subnets: {{a: eu-west-1a}}, dns_hostnames: false}}
          ours: {{cidr: 10.2.0.0/16, subnets: {{a: eu-west-1a}}, endpoint: {{owner: operator}}}}
          windows: {{cidr: 10.3.0.0/16, subnets: {{a: eu-west-1a}}}}
          common: {{cidr: 10.4.0.0/16, subnets: {{a: eu-west-1a}}, shared_with: ["{PARTICIPANT}"]}}
        instances:
          - {{name: web, vpc: shop, ssm: online, metadata_tags: true}}
          - {{name: private, vpc: shop, ssm: online}}
          - {{name: excluded, vpc: shop, ssm: online, tags: {{GuardDutyManaged: "false"}}, metadata_tags: true}}
          - {{name: unreadable, vpc: shop, ssm: online, tags: {{GuardDutyManaged: "false"}}}}
          - {{name: shouting, vpc: shop, ssm: online, tags: {{GuardDutyManaged: "FALSE"}}, metadata_tags: true}}
          - {{name: manual, vpc: shop, ssm: online, agent: {{version: 1.16.0, by: manual}}}}
          - {{name: lost, vpc: shop, ssm: lost}}
          - {{name: deaf, vpc: nodns, ssm: online}}
          - {{name: served, vpc: ours, ssm: online}}
          - {{name: win, vpc: windows, ssm: online, platform: windows}}
          - {{name: ended, vpc: windows, ssm: online, state: terminated}}
  "{PARTICIPANT}":
    name: tenant
    regions:
      {REGION}:
        guardduty: {{runtime_monitoring: false}}
        vpcs: {{}}
        instances:
          - {{name: guest, vpc: {{account: "{ACCOUNT}", vpc: common}}, ssm: online}}
"""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def cloud(clock: Clock) -> Cloud:
    return Cloud(FLEET)


def configure(cloud: Cloud, account: str = ACCOUNT, *, runtime: bool = True, automated: bool = False) -> None:
    guardduty = cloud.client("guardduty", account)
    (detector,) = guardduty.list_detectors()["DetectorIds"]
    status = {True: "ENABLED", False: "DISABLED"}
    extra = [{"Name": "EC2_AGENT_MANAGEMENT", "Status": status[automated]}]
    feature = {"Name": "RUNTIME_MONITORING", "Status": status[runtime], "AdditionalConfiguration": extra}
    guardduty.update_detector(DetectorId=detector, Features=[feature])


def names(cloud: Cloud, account: str = ACCOUNT) -> dict[str, str]:
    found = cloud.client("ec2", account).describe_instances()["Reservations"]
    return {
        tag["Value"]: i["InstanceId"]
        for r in found
        for i in r["Instances"]
        for tag in i["Tags"]
        if tag["Key"] == "Name"
    }


def tag(cloud: Cloud, name: str, value: str | None, key: str = "GuardDutyManaged") -> None:
    ec2, instance = cloud.client("ec2"), names(cloud)[name]
    if value is None:
        ec2.delete_tags(Resources=[instance], Tags=[{"Key": key}])
    else:
        ec2.create_tags(Resources=[instance], Tags=[{"Key": key, "Value": value}])


def agents(cloud: Cloud, account: str = ACCOUNT) -> dict[str, str]:
    """Which instances have an agent now, and who brought it."""
    cloud.client("ssm", account).list_associations()
    nodes = WORLD.nodes_in(account, REGION)
    return {name: nodes[i].agent.by for name, i in names(cloud, account).items() if nodes[i].agent is not None}


def association(cloud: Cloud, account: str = ACCOUNT) -> dict[str, Any] | None:
    filters = [{"key": "AssociationName", "value": ASSOCIATION}]
    rows = cloud.client("ssm", account).list_associations(AssociationFilterList=filters)["Associations"]
    assert len(rows) <= 1
    return rows[0] if rows else None


def endpoints(cloud: Cloud, account: str = ACCOUNT) -> dict[str, str]:
    """The VPCs, by name, that have a live endpoint of GuardDuty, and whose it is."""
    ec2 = cloud.client("ec2", account)
    vpcs = {v["VpcId"]: tag["Value"] for v in ec2.describe_vpcs()["Vpcs"] for tag in v["Tags"] if tag["Key"] == "Name"}
    rows = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    return {
        vpcs[row["VpcId"]]: (
            "guardduty" if {"Key": "GuardDutyManaged", "Value": "true"} in row.get("Tags", []) else "operator"
        )
        for row in rows
        if row["State"].lower() not in ("deleting", "deleted")
    }


def issues(cloud: Cloud, account: str = ACCOUNT) -> dict[str, str | None]:
    guardduty = cloud.client("guardduty", account)
    (detector,) = guardduty.list_detectors()["DetectorIds"]
    rows = guardduty.list_coverage(DetectorId=detector)["Resources"]
    found = {row["ResourceId"]: row.get("Issue") for row in rows}
    return {name: found[i] for name, i in names(cloud, account).items() if i in found}


def managed(cloud: Cloud) -> set[str]:
    guardduty = cloud.client("guardduty")
    (detector,) = guardduty.list_detectors()["DetectorIds"]
    by_id = {i: name for name, i in names(cloud).items()}
    return {
        by_id[row["ResourceId"]]
        for row in guardduty.list_coverage(DetectorId=detector)["Resources"]
        if row["ResourceDetails"]["Ec2InstanceDetails"]["ManagementType"] == "AUTO_MANAGED"
    }


def test_nothing_happens_while_runtime_monitoring_is_off(cloud: Cloud) -> None:
    configure(cloud, runtime=False, automated=True)
    assert association(cloud) is None and endpoints(cloud) == {"ours": "operator"}
    assert agents(cloud) == {"manual": "manual"} and issues(cloud) == {}


def test_runtime_monitoring_alone_installs_nothing(cloud: Cloud) -> None:
    configure(cloud)
    assert association(cloud) is None and endpoints(cloud) == {"ours": "operator"}
    assert agents(cloud) == {"manual": "manual"}


def test_automated_configuration_reaches_all_that_are_not_excluded(cloud: Cloud) -> None:
    configure(cloud, automated=True)
    made = association(cloud)
    assert made is not None and made["Targets"] == ALL and made["Name"] == DOCUMENT
    resource = {"ResourceType": "Association", "ResourceId": made["AssociationId"]}
    assert cloud.client("ssm").list_tags_for_resource(**resource)["TagList"] == [
        {"Key": "GuardDutyManaged", "Value": "true"}
    ]
    # An exclusion counts only where the host can read its tag, and only exactly as "false".
    assert agents(cloud).keys() == {"web", "private", "unreadable", "shouting", "manual", "deaf", "served"}
    found = issues(cloud)
    assert found["excluded"].endswith("Instances with exclusion tags are excluded from Runtime Monitoring.")
    assert found["lost"].endswith("Waiting for SSM notification")
    assert found["web"] is None and found["served"] is None
    assert managed(cloud) == {"web", "private", "unreadable", "shouting", "manual", "deaf", "served", "lost"}


def test_endpoints_of_every_vpc_with_a_live_linux_instance(cloud: Cloud) -> None:
    configure(cloud, automated=True)
    # "windows" has a Windows instance and a terminated one; "ours" has the operator's; "nodns" cannot have one.
    assert endpoints(cloud) == {"shop": "guardduty", "ours": "operator"}
    issue = issues(cloud)["deaf"]
    assert issue is not None and issue.startswith("VPC Endpoint Creation Failed")
    assert "enableDnsSupport" in issue and "enableDnsHostnames" in issue


def test_fixed_dns_attributes_need_a_poke(cloud: Cloud) -> None:
    configure(cloud, automated=True)
    ec2, deaf = cloud.client("ec2"), names(cloud)["deaf"]
    (shown,) = ec2.describe_instances(InstanceIds=[deaf])["Reservations"][0]["Instances"]
    ec2.modify_vpc_attribute(VpcId=shown["VpcId"], EnableDnsHostnames={"Value": True})
    assert "nodns" not in endpoints(cloud)
    tag(cloud, "deaf", "true")
    assert endpoints(cloud)["nodns"] == "guardduty"
    assert issues(cloud)["deaf"] is None


def test_a_restart_is_a_poke_too(cloud: Cloud) -> None:
    configure(cloud, automated=True)
    ec2, deaf = cloud.client("ec2"), names(cloud)["deaf"]
    (shown,) = ec2.describe_instances(InstanceIds=[deaf])["Reservations"][0]["Instances"]
    ec2.modify_vpc_attribute(VpcId=shown["VpcId"], EnableDnsHostnames={"Value": True})
    ec2.stop_instances(InstanceIds=[deaf])
    assert endpoints(cloud)["nodns"] == "guardduty"


def test_inclusion_tags_alone(cloud: Cloud) -> None:
    configure(cloud)
    tag(cloud, "served", "True")
    assert association(cloud) is None
    tag(cloud, "web", "true")
    made = association(cloud)
    assert made is not None and made["Targets"] == INCLUDED
    assert agents(cloud) == {"manual": "manual", "web": "guardduty"}
    assert endpoints(cloud) == {"shop": "guardduty", "ours": "operator"}
    assert managed(cloud) == {"web"}
    tag(cloud, "private", "true")
    assert agents(cloud).keys() == {"manual", "web", "private"}
    tag(cloud, "web", None)
    tag(cloud, "private", None)
    # Management stops; what is installed stays.
    assert association(cloud) is None and agents(cloud).keys() == {"manual", "web", "private"}
    assert managed(cloud) == set()


def test_automated_configuration_widens_the_targets(cloud: Cloud) -> None:
    configure(cloud)
    tag(cloud, "web", "true")
    before = association(cloud)
    configure(cloud, automated=True)
    after = association(cloud)
    assert before is not None and after is not None
    assert after["AssociationId"] == before["AssociationId"] and after["Targets"] == ALL
    assert "private" in agents(cloud)


def test_an_exclusion_that_comes_late_leaves_the_agent(cloud: Cloud) -> None:
    configure(cloud, automated=True)
    tag(cloud, "web", "false")
    assert "web" in agents(cloud) and "web" not in managed(cloud)
    assert issues(cloud)["web"] is None


def test_a_node_that_comes_online_later_gets_the_agent(cloud: Cloud) -> None:
    configure(cloud, automated=True)
    assert "lost" not in agents(cloud)
    WORLD.nodes_in(ACCOUNT, REGION)[names(cloud)["lost"]].ssm = "online"
    tag(cloud, "lost", "x", key="Touched")
    assert agents(cloud)["lost"] == "guardduty" and issues(cloud)["lost"] is None


def test_a_stopped_instance_gets_the_agent_when_it_starts(cloud: Cloud) -> None:
    ec2, web = cloud.client("ec2"), names(cloud)["web"]
    ec2.stop_instances(InstanceIds=[web])
    configure(cloud, automated=True)
    assert "web" not in agents(cloud) and "web" not in issues(cloud)
    ec2.start_instances(InstanceIds=[web])
    assert agents(cloud)["web"] == "guardduty" and issues(cloud)["web"] is None


def test_a_new_instance_has_a_row_and_waits_for_ssm(cloud: Cloud) -> None:
    configure(cloud, automated=True)
    ec2 = cloud.client("ec2")
    subnet = ec2.describe_subnets(Filters=[{"Name": "tag:Name", "Values": ["shop-a"]}])["Subnets"][0]["SubnetId"]
    name = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "new"}]}]
    image = "ami-12c6146b"
    ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet, TagSpecifications=name)
    assert "Waiting for SSM" in str(issues(cloud)["new"])
    ec2.terminate_instances(InstanceIds=[names(cloud)["new"]])
    assert "new" not in issues(cloud)


def test_automated_configuration_off_leaves_everything(cloud: Cloud) -> None:
    configure(cloud, automated=True)
    before = agents(cloud)
    configure(cloud, automated=False)
    assert agents(cloud) == before and endpoints(cloud)["shop"] == "guardduty"
    assert association(cloud) is None and managed(cloud) == set()
    assert issues(cloud)["web"] is None


def test_runtime_monitoring_off_cleans_up_what_it_can(cloud: Cloud) -> None:
    configure(cloud, automated=True)
    configure(cloud, runtime=False)
    # Uninstalled only where instance metadata tags are allowed and the tag is not "false".
    assert agents(cloud).keys() == {"private", "unreadable", "manual", "deaf", "served"}
    assert association(cloud) is None and endpoints(cloud) == {"ours": "operator"} and issues(cloud) == {}
    groups = cloud.client("ec2").describe_security_groups()["SecurityGroups"]
    assert not [g for g in groups if {"Key": "GuardDutyManaged", "Value": "true"} in g.get("Tags", [])]


def test_runtime_monitoring_off_leaves_agents_that_others_installed(cloud: Cloud) -> None:
    configure(cloud)
    install = {"Parameters": INSTALL, "Targets": [{"Key": "InstanceIds", "Values": [names(cloud)["web"]]}]}
    cloud.client("ssm").create_association(Name=DOCUMENT, **install)
    assert agents(cloud)["web"] == "manual"
    configure(cloud, runtime=False)
    assert "web" in agents(cloud)


def test_a_deleted_endpoint_comes_back(cloud: Cloud) -> None:
    configure(cloud, automated=True)
    ec2 = cloud.client("ec2")
    ours = [{"Name": "tag:GuardDutyManaged", "Values": ["true"]}]
    (first,) = ec2.describe_vpc_endpoints(Filters=ours)["VpcEndpoints"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[first["VpcEndpointId"]])
    assert endpoints(cloud)["shop"] == "guardduty"
    ids = {
        e["VpcEndpointId"]
        for e in ec2.describe_vpc_endpoints(Filters=ours)["VpcEndpoints"]
        if e["State"] == "available"
    }
    assert ids and first["VpcEndpointId"] not in ids


def test_an_operators_endpoint_that_is_there_first_is_used(cloud: Cloud) -> None:
    configure(cloud, automated=True)
    assert endpoints(cloud)["ours"] == "operator" and issues(cloud)["served"] is None


def test_a_conflicting_association(cloud: Cloud) -> None:
    ssm = cloud.client("ssm")
    foreign = ssm.create_association(
        Name=DOCUMENT, AssociationName=ASSOCIATION, Parameters=INSTALL, Targets=[{"Key": "tag:None", "Values": ["x"]}]
    )["AssociationDescription"]["AssociationId"]
    configure(cloud, automated=True)
    assert "SSM Association Creation Failed" in str(issues(cloud)["web"])
    assert "GuardDuty SSM association already exists in your account" in str(issues(cloud)["web"])
    assert agents(cloud) == {"manual": "manual"}
    ssm.delete_association(AssociationId=foreign)
    assert "already exists" in str(issues(cloud)["web"])
    configure(cloud, automated=False)
    configure(cloud, automated=True)
    assert issues(cloud)["web"] is None and "web" in agents(cloud)


def test_a_deleted_association_wants_runtime_monitoring_off_and_on(cloud: Cloud) -> None:
    configure(cloud, automated=True)
    made = association(cloud)
    assert made is not None
    cloud.client("ssm").delete_association(AssociationId=made["AssociationId"])
    assert association(cloud) is None
    assert "SSM Association Updation Failed" in str(issues(cloud)["lost"])
    assert issues(cloud)["web"] is None
    configure(cloud, automated=False)
    configure(cloud, automated=True)
    assert association(cloud) is None
    configure(cloud, runtime=False)
    configure(cloud, automated=True)
    assert association(cloud) is not None


def test_a_shared_vpc_needs_both_accounts(cloud: Cloud) -> None:
    configure(cloud, PARTICIPANT, automated=True)
    assert "common" not in endpoints(cloud)
    issue = issues(cloud, PARTICIPANT)["guest"]
    assert issue is not None and issue.startswith("VPC Endpoint Creation Failed")
    assert f"Owner account ID {ACCOUNT} for shared VPC vpc-" in issue
    configure(cloud, automated=True)
    assert endpoints(cloud)["common"] == "guardduty"
    assert issues(cloud, PARTICIPANT)["guest"] is None


def test_the_owner_alone_makes_no_endpoint_for_a_participant(cloud: Cloud) -> None:
    configure(cloud, automated=True)
    assert "common" not in endpoints(cloud)


def test_the_endpoint_of_a_shared_vpc_stays_while_a_participant_uses_it(cloud: Cloud) -> None:
    configure(cloud, automated=True)
    configure(cloud, PARTICIPANT, automated=True)
    configure(cloud, runtime=False)
    assert endpoints(cloud)["common"] == "guardduty" and "shop" not in endpoints(cloud)


def test_installation_and_coverage_take_their_time(cloud: Cloud, clock: Clock) -> None:
    WORLD.pace.association, WORLD.pace.coverage = 1000, 500
    configure(cloud, automated=True)
    assert issues(cloud) == {}
    clock.ahead += 600
    assert "web" not in agents(cloud) and "Waiting" in str(issues(cloud)["web"])
    clock.ahead += 500
    assert "web" in agents(cloud)
    clock.ahead += 500
    assert issues(cloud)["web"] is None


def test_the_data_of_a_fleet_is_shown_before_guardduty_acts() -> None:
    fleet = FLEET.replace(
        "guardduty: {runtime_monitoring: false}", "guardduty: {runtime_monitoring: true, ec2_agent_management: true}", 1
    )
    cloud = Cloud("pace: {association: 1000, coverage: 1000}\n" + fleet)
    assert "Waiting" in str(issues(cloud)["web"]) and association(cloud) is not None
