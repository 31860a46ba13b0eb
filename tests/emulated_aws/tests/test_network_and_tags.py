# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions, VPCs, subnets, groups and tags, by their pages of the Amazon EC2 API reference."""

from __future__ import annotations

import pytest
from served import ACCOUNT, REGION, Served, code_of, fleet, named

WORLD = fleet(
    """
          - {name: one, vpc: shop, tags: {Team: shop}}
          - {name: two, vpc: shop, metadata_tags: true}
          - {name: three, vpc: shop}
""",
    shop=", extra_cidrs: [10.9.0.0/20]",
)


@pytest.fixture
def ec2(aws: Served):
    aws.world(WORLD)
    return aws.client("ec2")


def tags(ec2, name: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in named(ec2)[name]["Tags"]}


def ids(ec2, *names: str) -> list[str]:
    found = named(ec2)
    return [found[name]["InstanceId"] for name in names]


def test_only_the_files_vpcs_exist(ec2):
    vpc = ec2.describe_vpcs(Filters=[{"Name": "owner-id", "Values": [ACCOUNT]}])["Vpcs"]
    assert [[each["CidrBlock"] for each in v["CidrBlockAssociationSet"]] for v in vpc] == [
        ["10.0.0.0/16", "10.9.0.0/20"]
    ]
    assert ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"] == []
    assert code_of(ec2.describe_vpcs, VpcIds=["vpc-0123456789abcdef0"]) == "InvalidVpcID.NotFound"


def test_subnets_divide_the_vpc_in_order(ec2):
    subnets = ec2.describe_subnets()["Subnets"]
    assert [s["CidrBlock"] for s in subnets] == ["10.0.0.0/18", "10.0.64.0/18", "10.0.128.0/18"]
    assert [s["AvailabilityZone"] for s in subnets] == ["eu-west-1a", "eu-west-1b", "eu-west-1b"]
    assert subnets[0]["AvailableIpAddressCount"] == 2**14 - 5 - 1


def test_dns_attributes_change_one_a_call(ec2):
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    off = {"Value": False}
    assert code_of(ec2.modify_vpc_attribute, VpcId=vpc, EnableDnsSupport=off, EnableDnsHostnames=off) == (
        "InvalidParameterCombination"
    )
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames=off)
    told = ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")
    assert told["EnableDnsHostnames"] == {"Value": False}
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsSupport")["EnableDnsSupport"] == {"Value": True}


def test_tags_go_to_many_resources_in_one_call(ec2):
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    ec2.create_tags(Resources=[*ids(ec2, "one", "three"), vpc], Tags=[{"Key": "Team", "Value": "sec"}])
    assert (tags(ec2, "one")["Team"], tags(ec2, "three")["Team"]) == ("sec", "sec")
    filters = [{"Name": "key", "Values": ["Team"]}, {"Name": "resource-type", "Values": ["instance", "vpc"]}]
    assert len(ec2.describe_tags(Filters=filters)["Tags"]) == 3


def test_one_unknown_resource_refuses_the_whole_call(ec2):
    resources = [*ids(ec2, "one"), "i-0123456789abcdef0"]
    assert code_of(ec2.create_tags, Resources=resources, Tags=[{"Key": "New", "Value": "x"}]) == (
        "InvalidInstanceID.NotFound"
    )
    assert code_of(ec2.delete_tags, Resources=resources, Tags=[{"Key": "Team"}]) == "InvalidInstanceID.NotFound"
    assert tags(ec2, "one") == {"Name": "one", "Team": "shop"}


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        ("vpc-0123456789abcdef0", "InvalidVpcID.NotFound"),
        ("subnet-0123456789abcdef0", "InvalidSubnetID.NotFound"),
        ("sg-0123456789abcdef0", "InvalidGroup.NotFound"),
        ("nonsense", "InvalidID"),
    ],
)
def test_unknown_resources_by_kind(ec2, resource, code):
    assert code_of(ec2.create_tags, Resources=[resource], Tags=[{"Key": "a", "Value": "b"}]) == code


def test_limits_of_tags(ec2):
    """50 tags, keys of 128, values of 256 characters, no aws: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html."""
    one = ids(ec2, "one")
    ec2.create_tags(Resources=one, Tags=[{"Key": f"k{n}", "Value": "v"} for n in range(48)])
    assert code_of(ec2.create_tags, Resources=one, Tags=[{"Key": "more", "Value": "v"}]) == "TagLimitExceeded"
    ec2.create_tags(Resources=one, Tags=[{"Key": "k1", "Value": "changed"}])
    for key, value in (("aws:mine", "v"), ("k" * 129, "v"), ("k", "v" * 257)):
        assert code_of(ec2.create_tags, Resources=ids(ec2, "three"), Tags=[{"Key": key, "Value": value}]) == (
            "InvalidParameterValue"
        )
    many = [f"i-{number:017x}" for number in range(1001)]
    assert code_of(ec2.create_tags, Resources=many, Tags=[{"Key": "a", "Value": "b"}]) == "InvalidParameterValue"


def test_metadata_tags_refuse_keys_with_space_or_slash(ec2):
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html."""
    for key in ("Cost Center", "kubernetes.io/cluster/x", "_index"):
        pair = [{"Key": key, "Value": "1"}]
        assert code_of(ec2.create_tags, Resources=ids(ec2, "one", "two"), Tags=pair) == "InvalidParameterValue"
        ec2.create_tags(Resources=ids(ec2, "one"), Tags=pair)
    ec2.create_tags(Resources=ids(ec2, "two"), Tags=[{"Key": "a+b-c=d.e,f_g:h@i", "Value": "1"}])


def test_delete_tags_looks_at_values(ec2):
    """With a value: only that value. Without: any. An empty one: only an empty one. DeleteTags, parameter Tags."""
    one = ids(ec2, "one")
    ec2.delete_tags(Resources=one, Tags=[{"Key": "Team", "Value": "other"}])
    ec2.delete_tags(Resources=one, Tags=[{"Key": "Team", "Value": ""}])
    assert tags(ec2, "one")["Team"] == "shop"
    ec2.delete_tags(Resources=one, Tags=[{"Key": "Team", "Value": "shop"}, {"Key": "never there"}])
    assert tags(ec2, "one") == {"Name": "one"}
    three = ids(ec2, "three")
    ec2.delete_tags(Resources=three)
    assert ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": three}])["Tags"] == []


def test_tags_of_one_thousand_instances_in_one_call(aws):
    aws.world(fleet("[{name: web, count: 1000, vpc: shop}]"))
    ec2 = aws.client("ec2")
    every = [i["InstanceId"] for i in named(ec2).values()]
    ec2.create_tags(Resources=every, Tags=[{"Key": "GuardDutyManaged", "Value": "true"}])
    pages = ec2.get_paginator("describe_tags").paginate(
        Filters=[{"Name": "key", "Values": ["GuardDutyManaged"]}], PaginationConfig={"PageSize": 400}
    )
    assert [len(page["Tags"]) for page in pages] == [400, 400, 200]


def test_security_groups_of_moto_work_in_the_files_vpcs(ec2):
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[https])
    told = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert told["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "10.0.0.0/16"}]
    default = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])["SecurityGroups"][0]
    assert code_of(ec2.delete_security_group, GroupId=default["GroupId"]) == "DependencyViolation"
    ec2.delete_security_group(GroupId=group)


def test_dry_runs_change_nothing(ec2):
    assert code_of(ec2.create_tags, Resources=ids(ec2, "one"), Tags=[{"Key": "a", "Value": "b"}], DryRun=True) == (
        "DryRunOperation"
    )
    assert "a" not in tags(ec2, "one")


def test_regions(aws, ec2):
    aws.world(fleet("").replace("roles:", "opted_out_regions: [ap-east-1]\n    roles:"))
    shown = {each["RegionName"] for each in ec2.describe_regions()["Regions"]}
    assert REGION in shown and "ap-east-1" not in shown
    every = {each["RegionName"]: each["OptInStatus"] for each in ec2.describe_regions(AllRegions=True)["Regions"]}
    assert every["ap-east-1"] == "not-opted-in"
