# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading DescribeInstances, DescribeVpcs and similar calls, and their parameters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from wire import ACCOUNT, Wire, in_turn

from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import Endpoint, Ingress, Instance, Vpc
from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.fleet import ec2


def item(**changes: Any) -> dict[str, Any]:
    return {
        "InstanceId": "i-1",
        "State": {"Name": "running"},
        "Architecture": "x86_64",
        "InstanceType": "m6i.large",
        **changes,
    }


def answer(*items: dict[str, Any], owner: str | None = ACCOUNT, **more: Any) -> dict[str, Any]:
    reservation = {"Instances": list(items), **({"OwnerId": owner} if owner else {})}
    return {"Reservations": [reservation], **more}


def read(**changes: Any) -> Instance:
    (found,) = ec2.instances(Wire(DescribeInstances=answer(item(**changes))).target())
    return found


def test_an_instance_as_aws_gives_it() -> None:
    found = read(
        VpcId="vpc-1",
        SubnetId="subnet-1",
        Placement={"AvailabilityZone": "eu-west-1a"},
        PrivateIpAddress="10.0.0.9",
        PrivateDnsName="ip-10-0-0-9.internal",
        PublicIpAddress="198.51.100.7",
        PublicDnsName="ec2.example",
        ImageId="ami-1",
        Tags=[{"Key": "GuardDutyManaged", "Value": "true"}, {"Key": "Name", "Value": ""}],
        MetadataOptions={"HttpEndpoint": "enabled", "InstanceMetadataTags": "enabled"},
        LaunchTime=datetime(2026, 3, 2, 8, 15, tzinfo=UTC),
    )
    assert found == Instance(
        instance_id="i-1",
        account_id=ACCOUNT,
        region="eu-west-1",
        state="running",
        platform="linux",
        architecture="x86_64",
        instance_type="m6i.large",
        vpc_id="vpc-1",
        subnet_id="subnet-1",
        availability_zone="eu-west-1a",
        private_ip="10.0.0.9",
        private_dns="ip-10-0-0-9.internal",
        public_ip="198.51.100.7",
        public_dns="ec2.example",
        image_id="ami-1",
        tags={"GuardDutyManaged": "true", "Name": ""},
        metadata_tags=True,
        imds=True,
        launched=1772439300.0,
    )


def test_a_terminated_instance_has_lost_most_of_it() -> None:
    found = read(State={"Name": "terminated"}, PrivateDnsName="", PublicDnsName="")
    assert (found.vpc_id, found.private_ip, found.private_dns, found.public_dns) == (None, None, None, None)
    assert found.tags == {}


@pytest.mark.parametrize(
    ("changes", "platform"),
    [
        ({}, "linux"),
        ({"PlatformDetails": "Linux/UNIX"}, "linux"),
        ({"PlatformDetails": "Red Hat Enterprise Linux with SQL Server Standard"}, "linux"),
        ({"Platform": "windows"}, "windows"),
        ({"Platform": "Windows"}, "windows"),
        ({"PlatformDetails": "Windows with SQL Server Web"}, "windows"),
        ({"Architecture": "x86_64_mac", "InstanceType": "mac1.metal"}, "macos"),
        ({"Architecture": "arm64_mac"}, "macos"),
        ({"InstanceType": "mac2-m2.metal"}, "macos"),
    ],
)
def test_platform(changes: dict[str, Any], platform: str) -> None:
    assert read(**changes).platform == platform


@pytest.mark.parametrize(
    ("options", "tags", "imds"),
    [
        (None, False, True),
        ({}, False, True),
        ({"HttpEndpoint": "disabled"}, False, False),
        ({"HttpEndpoint": "enabled", "InstanceMetadataTags": "disabled"}, False, True),
        ({"HttpEndpoint": "enabled", "InstanceMetadataTags": "enabled"}, True, True),
        ({"State": "pending", "InstanceMetadataTags": "enabled"}, True, True),
    ],
)
def test_metadata(options: dict[str, str] | None, tags: bool, imds: bool) -> None:
    found = read(**({} if options is None else {"MetadataOptions": options}))
    assert (found.metadata_tags, found.imds) == (tags, imds)


@pytest.mark.parametrize(
    ("operator", "known"),
    [
        (None, None),
        ({"Managed": False}, None),
        ({"Managed": False, "Principal": "ecs.amazonaws.com"}, None),
        ({"Managed": True, "Principal": "ecs.amazonaws.com"}, "ecs.amazonaws.com"),
        ({"Managed": True}, "AWS"),
    ],
)
def test_operator(operator: dict[str, Any] | None, known: str | None) -> None:
    assert read(**({} if operator is None else {"Operator": operator})).operator == known


def test_the_account_is_the_reservations_owner() -> None:
    for owner, known in (("222222222222", "222222222222"), (None, ACCOUNT)):
        (found,) = ec2.instances(Wire(DescribeInstances=answer(item(), owner=owner)).target())
        assert found.account_id == known


# How instances are asked for.
def test_without_filters_everything_in_the_largest_pages() -> None:
    wire = Wire(
        DescribeInstances=in_turn(
            answer(item(), NextToken="next"), answer(item(InstanceId="i-2"), owner="222222222222")
        )
    )
    assert [one.instance_id for one in ec2.instances(wire.target())] == ["i-1", "i-2"]
    assert wire.params("DescribeInstances") == [{"MaxResults": 1000}, {"MaxResults": 1000, "NextToken": "next"}]


def test_filters_become_strings() -> None:
    wire = Wire(DescribeInstances=answer())
    ec2.instances(wire.target(), {"instance-state-name": ["running", "stopped"], "tag:n": 1, "tag:on": True})
    (params,) = wire.params("DescribeInstances")
    assert params["Filters"] == [
        {"Name": "instance-state-name", "Values": ["running", "stopped"]},
        {"Name": "tag:n", "Values": ["1"]},
        {"Name": "tag:on", "Values": ["true"]},
    ]


def ids(count: int) -> list[str]:
    return [f"i-{number:05d}" for number in range(count)]


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (200, [200]), (201, [200, 1]), (1000, [200] * 5)])
def test_ids_are_a_filter_of_at_most_200_values(count: int, sizes: list[int]) -> None:
    wire = Wire(DescribeInstances=answer())
    ec2.instances(wire.target(), {"tag:team": "blue"}, ids(count))
    sent = [params["Filters"] for params in wire.params("DescribeInstances")]
    assert [len(filters[1]["Values"]) for filters in sent] == sizes
    assert [value for filters in sent for value in filters[1]["Values"]] == ids(count)
    assert {(filters[0]["Name"], filters[1]["Name"]) for filters in sent} == {("tag:team", "instance-id")}
    assert all("InstanceIds" not in params for params in wire.params("DescribeInstances"))


def test_very_many_ids_are_picked_from_everything() -> None:
    wire = Wire(DescribeInstances=answer(item(InstanceId="i-00007"), item(InstanceId="i-elsewhere")))
    found = ec2.instances(wire.target(), ids=ids(1001))
    assert [one.instance_id for one in found] == ["i-00007"]
    assert wire.params("DescribeInstances") == [{"MaxResults": 1000}]


def test_an_empty_list_of_ids_is_no_instance_and_no_call() -> None:
    wire = Wire()
    assert (ec2.instances(wire.target(), ids=[]), wire.calls) == ((), [])


# VPCs, endpoints, security groups, subnets.
def ipv4(cidr: str, state: str) -> dict[str, Any]:
    return {"CidrBlock": cidr, "CidrBlockState": {"State": state}}


def ipv6(cidr: str, state: str) -> dict[str, Any]:
    return {"Ipv6CidrBlock": cidr, "Ipv6CidrBlockState": {"State": state}}


@pytest.mark.parametrize(
    ("vpc", "cidrs"),
    [
        ({"CidrBlock": "10.0.0.0/16"}, ("10.0.0.0/16",)),
        (
            {
                "CidrBlock": "10.0.0.0/16",
                "CidrBlockAssociationSet": [
                    ipv4("10.0.0.0/16", "associated"),
                    ipv4("10.1.0.0/16", "associating"),
                    ipv4("10.2.0.0/16", "disassociated"),
                    ipv4("10.3.0.0/16", "disassociating"),
                    ipv4("10.4.0.0/16", "failed"),
                ],
            },
            ("10.0.0.0/16", "10.1.0.0/16"),
        ),
        (
            {
                "CidrBlockAssociationSet": [ipv4("10.0.0.0/16", "associated")],
                "Ipv6CidrBlockAssociationSet": [
                    ipv6("2001:db8::/56", "associated"),
                    ipv6("2001:db8:1::/56", "disassociated"),
                ],
            },
            ("10.0.0.0/16", "2001:db8::/56"),
        ),
        ({}, ()),
    ],
)
def test_only_associated_cidrs_of_a_vpc_count(vpc: dict[str, Any], cidrs: tuple[str, ...]) -> None:
    wire = Wire(DescribeVpcs={"Vpcs": [{"VpcId": "vpc-1", "OwnerId": "222222222222", **vpc}]})
    assert ec2.vpcs(wire.target()) == {"vpc-1": Vpc("vpc-1", "222222222222", cidrs)}


def test_endpoints_of_the_agents_service_by_vpc() -> None:
    service = "com.amazonaws.eu-west-1.guardduty-data"
    first = {
        "VpcEndpointId": "vpce-1",
        "VpcId": "vpc-1",
        "ServiceName": service,
        "State": "available",
        "PrivateDnsEnabled": True,
        "SubnetIds": ["subnet-1"],
        "Groups": [{"GroupId": "sg-1", "GroupName": "x"}],
        "PolicyDocument": "{}",
        "Tags": [{"Key": "GuardDutyManaged", "Value": "true"}],
    }
    second = {"VpcEndpointId": "vpce-2", "VpcId": "vpc-1", "ServiceName": service, "State": "deleting"}
    wire = Wire(DescribeVpcEndpoints={"VpcEndpoints": [first, second]})
    found = ec2.endpoints(wire.target())
    assert found == {
        "vpc-1": (
            Endpoint(
                endpoint_id="vpce-1",
                vpc_id="vpc-1",
                service_name=service,
                state="available",
                private_dns=True,
                subnet_ids=("subnet-1",),
                security_group_ids=("sg-1",),
                policy="{}",
                tags={"GuardDutyManaged": "true"},
            ),
            Endpoint("vpce-2", "vpc-1", service, "deleting"),
        )
    }
    assert [one.guardduty_owned for one in found["vpc-1"]] == [True, False]
    (params,) = wire.params("DescribeVpcEndpoints")
    assert params["Filters"] == [{"Name": "service-name", "Values": [service, f"{service}-fips"]}]


def test_security_group_rules() -> None:
    permissions = [
        {
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "IpRanges": [{"CidrIp": "10.0.0.0/16"}],
            "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/56"}],
        },
        {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-2"}]},
        {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 1, "PrefixListIds": [{"PrefixListId": "pl-1"}]},
    ]
    group = {"GroupId": "sg-1", "GroupName": "agents", "VpcId": "vpc-1", "IpPermissions": permissions}
    wire = Wire(DescribeSecurityGroups={"SecurityGroups": [group]})
    (found,) = ec2.security_groups(wire.target(), {"group-id": ["sg-1"]}).values()
    assert (found.name, found.vpc_id) == ("agents", "vpc-1")
    assert found.ingress == (
        Ingress("tcp", 443, 443, ("10.0.0.0/16", "2001:db8::/56")),
        Ingress("-1", -1, -1, (), other_sources=True),
        Ingress("tcp", 0, 1, (), other_sources=True),
    )
