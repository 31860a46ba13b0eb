# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VPC endpoints: the EC2 API reference, and the AWS PrivateLink guide's pages on interface endpoints and quotas."""

from __future__ import annotations

import json
import time

import pytest
from served import ACCOUNT, OTHER, REGION, SERVICE, Served, code_of, fleet

PACE = 0.4
WORLD = fleet(
    "[{name: web, vpc: shop}]",
    head=f"pace: {{endpoint: {PACE}}}",
    shop=f', shared_with: ["{OTHER}"]',
    other=f'  "{OTHER}": {{roles: [FleetSec]}}',
)


class Shop:
    """The VPC of the world above."""

    def __init__(self, aws: Served) -> None:
        aws.world(WORLD)
        self.ec2 = aws.client("ec2")
        self.vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        self.subnets = {s["Tags"][0]["Value"].removeprefix("shop-"): s for s in self.ec2.describe_subnets()["Subnets"]}

    def ask(self, *subnets: str, **others):
        subnet_ids = [self.subnets[name]["SubnetId"] for name in subnets or ("a", "b")]
        return {
            "VpcId": self.vpc,
            "ServiceName": SERVICE,
            "VpcEndpointType": "Interface",
            "SubnetIds": subnet_ids,
            **others,
        }

    def create(self, *subnets: str, **others):
        return self.ec2.create_vpc_endpoint(**self.ask(*subnets, **others))["VpcEndpoint"]

    def describe(self, endpoint_id: str):
        return self.ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])["VpcEndpoints"][0]

    def group(self, name: str = "endpoint") -> str:
        return self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"]


@pytest.fixture
def shop(aws: Served) -> Shop:
    return Shop(aws)


def test_an_endpoint_is_pending_then_available_then_deleting_then_gone(shop):
    endpoint_id = shop.create()["VpcEndpointId"]
    assert shop.describe(endpoint_id)["State"] == "pending"
    time.sleep(PACE)
    assert shop.describe(endpoint_id)["State"] == "available"
    shop.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint_id])
    assert shop.describe(endpoint_id)["State"] == "deleting"
    time.sleep(PACE)
    assert code_of(shop.ec2.describe_vpc_endpoints, VpcEndpointIds=[endpoint_id]) == "InvalidVpcEndpointId.NotFound"
    assert shop.ec2.describe_vpc_endpoints()["VpcEndpoints"] == []


def test_an_endpoint_is_returned_as_requested(shop):
    group = shop.group()
    policy = {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]}
    tags = [{"ResourceType": "vpc-endpoint", "Tags": [{"Key": "Team", "Value": "sec"}]}]
    made = shop.create(SecurityGroupIds=[group], PolicyDocument=json.dumps(policy), TagSpecifications=tags)
    told = shop.describe(made["VpcEndpointId"])
    assert json.loads(told["PolicyDocument"]) == policy
    assert told["Groups"] == [{"GroupId": group, "GroupName": "endpoint"}]
    assert told["Tags"] == [{"Key": "Team", "Value": "sec"}]
    assert told["PrivateDnsEnabled"] and told["OwnerId"] == ACCOUNT
    assert len(told["NetworkInterfaceIds"]) == len(told["SubnetIds"]) == 2


def test_without_a_group_the_vpcs_default_group_is_used(shop):
    assert [group["GroupName"] for group in shop.create()["Groups"]] == ["default"]


def test_a_client_token_makes_one_endpoint(shop):
    first = shop.create(ClientToken="token-1")
    assert shop.create(ClientToken="token-1")["VpcEndpointId"] == first["VpcEndpointId"]
    assert (
        code_of(shop.ec2.create_vpc_endpoint, **shop.ask("a", ClientToken="token-1")) == "IdempotentParameterMismatch"
    )


def test_two_endpoints_cannot_own_one_private_name(shop):
    """https://github.com/hashicorp/terraform-provider-aws/issues/17535 shows EC2's words."""
    shop.create()
    assert code_of(shop.ec2.create_vpc_endpoint, **shop.ask()) == "InvalidParameter"
    second = shop.create(PrivateDnsEnabled=False)["VpcEndpointId"]
    assert code_of(shop.ec2.modify_vpc_endpoint, VpcEndpointId=second, PrivateDnsEnabled=True) == "InvalidParameter"


@pytest.mark.parametrize("attribute", ["EnableDnsHostnames", "EnableDnsSupport"])
def test_private_dns_needs_both_attributes_of_the_vpc(shop, attribute):
    shop.ec2.modify_vpc_attribute(VpcId=shop.vpc, **{attribute: {"Value": False}})
    assert code_of(shop.ec2.create_vpc_endpoint, **shop.ask()) == "InvalidParameter"
    shop.create(PrivateDnsEnabled=False)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ServiceName": f"com.amazonaws.{REGION}.nothing"}, "InvalidServiceName"),
        ({"VpcEndpointType": "Gateway", "SubnetIds": []}, "InvalidParameter"),
        ({"VpcId": "vpc-0123456789abcdef0"}, "InvalidVpcId.NotFound"),
        ({"SubnetIds": ["subnet-0123456789abcdef0"]}, "InvalidSubnetId.NotFound"),
        ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidSecurityGroupID.NotFound"),
        ({"PolicyDocument": "{"}, "InvalidPolicyDocument"),
        ({"PolicyDocument": json.dumps({"Statement": [], "Id": "x" * 20480})}, "InvalidPolicyDocument"),
    ],
)
def test_refusals(shop, change, code):
    assert code_of(shop.ec2.create_vpc_endpoint, **shop.ask(**change)) == code
    assert shop.ec2.describe_vpc_endpoints()["VpcEndpoints"] == []


def test_one_subnet_a_zone(shop):
    assert code_of(shop.ec2.create_vpc_endpoint, **shop.ask("b", "b2")) == "DuplicateSubnetsInSameZone"
    endpoint_id = shop.create("b")["VpcEndpointId"]
    more = [shop.subnets["b2"]["SubnetId"]]
    assert (
        code_of(shop.ec2.modify_vpc_endpoint, VpcEndpointId=endpoint_id, AddSubnetIds=more)
        == "DuplicateSubnetsInSameZone"
    )


def test_only_zones_that_the_service_has(aws, shop):
    aws.world(WORLD.replace("        vpcs:", "        guardduty_zones: [eu-west-1a]\n        vpcs:"))
    details = shop.ec2.describe_vpc_endpoint_services(ServiceNames=[SERVICE])["ServiceDetails"]
    assert details[0]["AvailabilityZones"] == ["eu-west-1a"]
    assert code_of(shop.ec2.create_vpc_endpoint, **shop.ask("b")) == "InvalidParameter"
    shop.create("a")


def test_the_service_is_returned(shop):
    filters = [{"Name": "service-name", "Values": [SERVICE]}]
    told = shop.ec2.describe_vpc_endpoint_services(Filters=filters)
    assert told["ServiceNames"] == [SERVICE]
    assert told["ServiceDetails"][0]["PrivateDnsName"] == f"guardduty-data.{REGION}.amazonaws.com"
    wrong = [f"com.amazonaws.{REGION}.nothing"]
    assert code_of(shop.ec2.describe_vpc_endpoint_services, ServiceNames=wrong) == "InvalidServiceName"


def test_modify_changes_what_it_names(shop):
    first, second = shop.group("one"), shop.group("two")
    made = shop.create("a", SecurityGroupIds=[first])["VpcEndpointId"]
    time.sleep(PACE)
    policy = {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]}
    shop.ec2.modify_vpc_endpoint(VpcEndpointId=made, PolicyDocument=json.dumps(policy))
    assert shop.describe(made)["State"] == "available"
    shop.ec2.modify_vpc_endpoint(
        VpcEndpointId=made,
        AddSubnetIds=[shop.subnets["b"]["SubnetId"]],
        AddSecurityGroupIds=[second],
        RemoveSecurityGroupIds=[first],
        PrivateDnsEnabled=False,
    )
    told = shop.describe(made)
    assert (len(told["SubnetIds"]), told["PrivateDnsEnabled"], told["State"]) == (2, False, "pending")
    assert [group["GroupId"] for group in told["Groups"]] == [second]
    assert json.loads(told["PolicyDocument"]) == policy
    shop.ec2.modify_vpc_endpoint(VpcEndpointId=made, ResetPolicy=True, RemoveSubnetIds=[shop.subnets["a"]["SubnetId"]])
    told = shop.describe(made)
    assert json.loads(told["PolicyDocument"])["Statement"][0]["Effect"] == "Allow"
    assert told["SubnetIds"] == [shop.subnets["b"]["SubnetId"]]
    assert (
        code_of(shop.ec2.modify_vpc_endpoint, VpcEndpointId=made, RemoveSecurityGroupIds=[second]) == "InvalidParameter"
    )


def test_a_group_stays_as_long_as_an_endpoint_uses_it(shop):
    group = shop.group()
    made = shop.create(SecurityGroupIds=[group])["VpcEndpointId"]
    interfaces = shop.ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group]}])
    assert {each["InterfaceType"] for each in interfaces["NetworkInterfaces"]} == {"vpc_endpoint"}
    shop.ec2.delete_vpc_endpoints(VpcEndpointIds=[made])
    assert code_of(shop.ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    time.sleep(PACE)
    answer = shop.ec2.delete_security_group(GroupId=group)
    assert (answer["Return"], answer["GroupId"]) == (True, group)


def test_a_vpc_stays_as_long_as_anything_is_in_it(shop):
    """An endpoint's interfaces, a group that is not the default one, an instance, a subnet: EC2 API reference, DeleteVpc."""
    group = shop.group()
    made = shop.create(SecurityGroupIds=[group])["VpcEndpointId"]
    (instance,) = shop.ec2.describe_instances()["Reservations"][0]["Instances"]
    shop.ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    shop.ec2.delete_vpc_endpoints(VpcEndpointIds=[made])
    (first, *rest) = [subnet["SubnetId"] for subnet in shop.ec2.describe_subnets()["Subnets"]]
    assert code_of(shop.ec2.delete_subnet, SubnetId=first) == "DependencyViolation"
    time.sleep(PACE)
    for subnet in (first, *rest):
        shop.ec2.delete_subnet(SubnetId=subnet)
    assert code_of(shop.ec2.delete_vpc, VpcId=shop.vpc) == "DependencyViolation"
    shop.ec2.delete_security_group(GroupId=group)
    shop.ec2.delete_vpc(VpcId=shop.vpc)
    assert shop.ec2.describe_vpcs()["Vpcs"] == []


def test_a_person_who_deletes_guarddutys_endpoint_leaves_its_group(aws):
    aws.world(fleet("", shop=", endpoint: {owner: guardduty}"))
    ec2 = aws.client("ec2")
    managed = [{"Name": "tag:GuardDutyManaged", "Values": ["true"]}]
    (endpoint,) = ec2.describe_vpc_endpoints(Filters=managed)["VpcEndpoints"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])
    (group,) = ec2.describe_security_groups(Filters=managed)["SecurityGroups"]
    assert group["GroupName"] == f"GuardDutyManagedSecurityGroup-{endpoint['VpcId']}"
    ec2.delete_security_group(GroupId=group["GroupId"])


def test_deleting_reports_what_it_could_not_delete(shop):
    made = shop.create()["VpcEndpointId"]
    refused = shop.ec2.delete_vpc_endpoints(VpcEndpointIds=["vpce-0123456789abcdef0", made])["Unsuccessful"]
    assert [(each["ResourceId"], each["Error"]["Code"]) for each in refused] == [
        ("vpce-0123456789abcdef0", "InvalidVpcEndpoint.NotFound")
    ]
    assert shop.describe(made)["State"] == "deleting"


def test_filters_and_pages(shop):
    made = {shop.create(PrivateDnsEnabled=False)["VpcEndpointId"] for dummy in range(3)}
    pages = shop.ec2.get_paginator("describe_vpc_endpoints").paginate(
        Filters=[{"Name": "vpc-id", "Values": [shop.vpc]}, {"Name": "service-name", "Values": ["*guardduty*"]}],
        PaginationConfig={"PageSize": 2},
    )
    sizes = [[each["VpcEndpointId"] for each in page["VpcEndpoints"]] for page in pages]
    assert [len(page) for page in sizes] == [2, 1]
    assert {each for page in sizes for each in page} == made
    available = [{"Name": "vpc-endpoint-state", "Values": ["available"]}]
    assert shop.ec2.describe_vpc_endpoints(Filters=available)["VpcEndpoints"] == []


def test_fifty_endpoints_a_vpc(shop):
    for _dummy in range(50):
        shop.create("a", PrivateDnsEnabled=False)
    assert code_of(shop.ec2.create_vpc_endpoint, **shop.ask("a", PrivateDnsEnabled=False)) == "VpcEndpointLimitExceeded"


def test_participants_see_the_vpc_and_not_its_endpoints(aws, shop):
    """https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing.html."""
    shop.create()
    guest = aws.client("ec2", account=OTHER)
    assert [(each["VpcId"], each["OwnerId"]) for each in guest.describe_vpcs()["Vpcs"]] == [(shop.vpc, ACCOUNT)]
    assert {each["OwnerId"] for each in guest.describe_subnets()["Subnets"]} == {ACCOUNT}
    assert guest.describe_vpc_endpoints()["VpcEndpoints"] == []
    assert code_of(guest.create_vpc_endpoint, **shop.ask()) == "OperationNotPermitted"
    assert (
        code_of(guest.modify_vpc_attribute, VpcId=shop.vpc, EnableDnsSupport={"Value": False})
        == "InvalidVpcID.NotFound"
    )


def test_a_participants_instances_are_its_own(aws):
    guest = f'[{{name: guest, vpc: {{account: "{ACCOUNT}", vpc: shop}}}}]'
    other = f'  "{OTHER}": {{roles: [FleetSec], regions: {{{REGION}: {{instances: {guest}}}}}}}'
    aws.world(fleet("", shop=f', shared_with: ["{OTHER}"]', other=other))
    assert aws.client("ec2").describe_instances()["Reservations"] == []
    (reservation,) = aws.client("ec2", account=OTHER).describe_instances()["Reservations"]
    assert reservation["OwnerId"] == OTHER
    assert reservation["Instances"][0]["VpcId"] == aws.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]


def test_a_state_of_the_fleet_file_stays(aws):
    aws.world(fleet("", shop=", endpoint: {owner: operator, state: pending}"))
    told = aws.client("ec2").describe_vpc_endpoints()["VpcEndpoints"][0]
    assert told["State"] == "pending"
