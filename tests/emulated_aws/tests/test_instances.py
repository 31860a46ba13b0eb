# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DescribeInstances and ModifyInstanceMetadataOptions, by their pages of the Amazon EC2 API reference."""

from __future__ import annotations

import pytest
from served import ACCOUNT, OTHER, Served, code_of, fleet, named

WORLD = fleet(
    """
          - {name: web, count: 12, vpc: shop, tags: {Team: shop, "a*b": "x?y"}}
          - {name: win, vpc: shop, platform: windows}
          - {name: rhel, vpc: shop, os: [Red Hat Enterprise Linux, "9.4"]}
          - {name: mac, vpc: shop, platform: macos, architecture: arm64}
          - {name: arm, vpc: shop, architecture: arm64, type: m7g.large}
          - {name: terminated, vpc: shop, state: terminated}
          - {name: pending, vpc: shop, state: pending}
          - {name: managed, vpc: shop, operator: eks-auto-mode}
          - {name: tagged, vpc: shop, metadata_tags: true, imds: false}
          - {name: eks, vpc: shop, eks_cluster: platform}
"""
)


@pytest.fixture
def ec2(aws: Served):
    aws.world(WORLD)
    return aws.client("ec2")


def ids(answer) -> list[str]:
    return [i["InstanceId"] for r in answer["Reservations"] for i in r["Instances"]]


def test_pages_hold_instances_and_not_reservations(ec2):
    sizes = [
        len(ids(page)) for page in ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5})
    ]
    assert sizes == [5, 5, 5, 5, 1]


def test_a_token_belongs_to_the_call_that_got_it(ec2):
    token = ec2.describe_instances(MaxResults=5)["NextToken"]
    again = [ids(ec2.describe_instances(MaxResults=5, NextToken=token)) for dummy in range(2)]
    assert again[0] == again[1]
    filters = [{"Name": "architecture", "Values": ["arm64"]}]
    assert code_of(ec2.describe_instances, MaxResults=5, NextToken=token, Filters=filters) == "InvalidNextToken"


@pytest.mark.parametrize("size", [4, 1001])
def test_a_page_has_5_to_1000_instances(ec2, size):
    assert code_of(ec2.describe_instances, MaxResults=size) == "InvalidParameterValue"


def test_ids_and_pages_exclude_each_other(ec2):
    """ "You cannot specify this parameter and the instance IDs parameter in the same request": MaxResults."""
    assert code_of(ec2.describe_instances, InstanceIds=[named(ec2)["win"]["InstanceId"]], MaxResults=5) == (
        "InvalidParameterCombination"
    )


def test_one_unknown_id_refuses_all(ec2):
    known = named(ec2)["win"]["InstanceId"]
    assert code_of(ec2.describe_instances, InstanceIds=[known, "i-0123456789abcdef0"]) == "InvalidInstanceID.NotFound"
    assert code_of(ec2.describe_instances, InstanceIds=["i-nonsense"]) == "InvalidInstanceID.Malformed"
    assert ids(ec2.describe_instances(InstanceIds=[known])) == [known]


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("tag:Name", ["web-0?"], 9),
        ("tag:Name", ["web-0*", "win"], 10),
        ("tag:Name", ["WIN"], 0),
        ("tag-key", ["Team"], 12),
        ("tag-key", ["a\\*b"], 12),
        ("tag-key", ["a\\*c"], 0),
        ("tag:a*b", ["x\\?y"], 12),
        ("instance-state-name", ["pending", "terminated"], 2),
        ("platform", ["windows"], 1),
        ("platform-details", ["Red Hat*"], 1),
        ("architecture", ["arm64*"], 2),
        ("instance-type", ["m7?.large"], 1),
        ("availability-zone", ["eu-west-1a"], 7),
        ("owner-id", [ACCOUNT], 21),
        ("operator.principal", ["eks.amazonaws.com"], 1),
        ("metadata-options.instance-metadata-tags", ["enabled"], 1),
        ("private-ip-address", ["10.0.0.*"], 7),
    ],
)
def test_filters(ec2, name, values, found):
    assert len(ids(ec2.describe_instances(Filters=[{"Name": name, "Values": values}]))) == found


def test_filters_of_vpc_subnet_and_image(ec2):
    win = named(ec2)["win"]
    for name, key in (
        ("vpc-id", "VpcId"),
        ("subnet-id", "SubnetId"),
        ("image-id", "ImageId"),
        ("instance-id", "InstanceId"),
    ):
        filters = [{"Name": name, "Values": [win[key]]}, {"Name": "tag:Name", "Values": ["win", "arm"]}]
        assert win["InstanceId"] in ids(ec2.describe_instances(Filters=filters))


def test_an_unknown_filter_is_refused(ec2):
    assert code_of(ec2.describe_instances, Filters=[{"Name": "colour", "Values": ["red"]}]) == "InvalidParameterValue"


def test_at_most_200_filter_values(ec2):
    values = [f"i-{n:017x}" for n in range(201)]
    assert code_of(ec2.describe_instances, Filters=[{"Name": "instance-id", "Values": values}]) == "FilterLimitExceeded"


def test_platforms_and_architectures_of_ec2(ec2):
    found = named(ec2)
    assert (found["win"]["Platform"], found["win"]["PlatformDetails"]) == ("windows", "Windows")
    assert "Platform" not in found["web-01"]
    assert found["web-01"]["PlatformDetails"] == "Linux/UNIX"
    assert found["mac"]["Architecture"] == "arm64_mac"
    assert found["managed"]["Operator"] == {"Managed": True, "Principal": "eks.amazonaws.com"}
    assert found["web-01"]["Operator"] == {"Managed": False}


def test_a_terminated_instance_has_left_its_network(ec2):
    gone = named(ec2)["terminated"]
    assert gone["State"] == {"Code": 48, "Name": "terminated"}
    assert not {"VpcId", "SubnetId", "PrivateIpAddress"} & gone.keys()
    assert gone["NetworkInterfaces"] == []


def test_metadata_options_are_reported(ec2):
    options = named(ec2)["tagged"]["MetadataOptions"]
    assert (options["InstanceMetadataTags"], options["HttpEndpoint"], options["State"]) == (
        "enabled",
        "disabled",
        "applied",
    )


def test_only_the_named_metadata_options_change(ec2):
    instance = named(ec2)["tagged"]
    ec2.modify_instance_metadata_options(InstanceId=instance["InstanceId"], HttpEndpoint="enabled")
    assert named(ec2)["tagged"]["MetadataOptions"] == {**instance["MetadataOptions"], "HttpEndpoint": "enabled"}


def test_metadata_tags_need_readable_keys(ec2):
    """ "/" cannot be in a key: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html."""
    instance_id = named(ec2)["eks"]["InstanceId"]
    assert code_of(ec2.modify_instance_metadata_options, InstanceId=instance_id, InstanceMetadataTags="enabled") == (
        "InvalidParameterValue"
    )
    assert named(ec2)["eks"]["MetadataOptions"]["InstanceMetadataTags"] == "disabled"


def test_the_same_file_gives_the_same_ids(aws, ec2):
    before = {name: i["InstanceId"] for name, i in named(ec2).items()}
    aws.request("POST", "reset")
    assert {name: i["InstanceId"] for name, i in named(ec2).items()} == before


def test_regions_and_accounts_are_apart(aws, ec2):
    assert named(aws.client("ec2", region="us-east-1")) == {}
    aws.world(fleet("[{name: a, vpc: shop}]", other=f'  "{OTHER}": {{roles: [FleetSec]}}'))
    assert named(aws.client("ec2", account=OTHER)) == {}


def test_instances_that_moto_runs_are_listed_beside_the_fleets(aws, ec2):
    subnet = named(ec2)["win"]["SubnetId"]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "fresh"}]}]
    ec2.run_instances(
        ImageId="ami-12345678",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        InstanceType="m6i.large",
        TagSpecifications=tags,
    )
    fresh = named(ec2)["fresh"]
    assert fresh["SubnetId"] == subnet
    ec2.stop_instances(InstanceIds=[fresh["InstanceId"], named(ec2)["win"]["InstanceId"]])
    assert {named(ec2)[name]["State"]["Name"] for name in ("fresh", "win")} == {"stopped"}


def test_a_page_of_a_thousand_is_fast(aws):
    """Measured 0.05 s without the check of shapes that these tests switch on; moto alone needs 4 s, and then more."""
    aws.world(fleet("[{name: web, count: 2000, vpc: shop}]"))
    aws.request("DELETE", "log")
    assert len(named(aws.client("ec2"))) == 2000
    assert [entry["duration_ms"] < 4000 for entry in aws.log()] == [True, True]
