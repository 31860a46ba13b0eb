# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin API: faults in the form of each service, the log, and answers that prove nothing."""

from __future__ import annotations

import time
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError
from served import ACCOUNT, OTHER, REGION, Served, code_of, fleet, retrying_client


@pytest.fixture
def ec2(aws: Served):
    aws.world(fleet("[{name: web, vpc: shop}]", other=f'  "{OTHER}": {{roles: [FleetSec]}}'))
    return aws.client("ec2")


CALLS = {
    "ec2": "describe_vpcs",
    "ssm": "describe_instance_information",
    "guardduty": "list_detectors",
    "sts": "get_caller_identity",
    "organizations": "describe_organization",
}


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        ("ec2", "RequestLimitExceeded", 503),
        ("ssm", "ThrottlingException", 400),
        ("guardduty", "TooManyRequestsException", 429),
        ("sts", "Throttling", 400),
        ("organizations", "TooManyRequestsException", 400),
    ],
)
def test_throttling(aws, ec2, service, code, status):
    aws.faults({"op": f"{service}:*", "kind": "throttle"})
    with pytest.raises(ClientError) as refused:
        getattr(aws.client(service), CALLS[service])()
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        ("ec2", "UnauthorizedOperation", 403),
        ("ssm", "AccessDeniedException", 400),
        ("guardduty", "AccessDeniedException", 403),
        ("sts", "AccessDenied", 403),
    ],
)
def test_denial_says_who_may_not_do_what(aws, ec2, service, code, status):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html."""
    aws.faults({"op": f"{service}:*", "kind": "deny"})
    with pytest.raises(ClientError) as refused:
        getattr(aws.client(service), CALLS[service])()
    error = refused.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert f"User: arn:aws:iam::{ACCOUNT}:user/operator is not authorized to perform: {service}:" in str(refused.value)


def test_rules_choose_by_operation_account_region_and_turn(aws, ec2):
    aws.faults(
        {"op": "ec2:Describe*", "account": OTHER, "kind": "error", "code": "Theirs"},
        {"op": "ec2:DescribeVpcs", "region": "us-east-1", "kind": "error", "code": "There"},
        {"op": "ec2:DescribeVpcs", "kind": "error", "code": "Third", "status": 400, "skip": 2, "times": 1},
    )
    assert code_of(aws.client("ec2", account=OTHER).describe_subnets) == "Theirs"
    assert code_of(aws.client("ec2", region="us-east-1").describe_vpcs) == "There"
    ec2.describe_subnets()
    ec2.describe_vpcs()
    ec2.describe_vpcs()
    assert code_of(ec2.describe_vpcs) == "Third"
    ec2.describe_vpcs()


def test_chance_repeats_with_its_seed(aws, ec2):
    def pattern() -> list[bool]:
        aws.request("DELETE", "faults")
        aws.faults({"op": "ec2:DescribeVpcs", "kind": "throttle", "p": 0.5, "seed": 7})
        aws.request("DELETE", "log")
        for _dummy in range(20):
            with suppress(ClientError):
                ec2.describe_vpcs()
        return [entry["fault"] is not None for entry in aws.log()]

    first = pattern()
    assert pattern() == first
    assert 4 <= sum(first) <= 16


def test_broken_connections(aws, ec2):
    aws.faults(
        {"op": "ec2:DescribeVpcs", "kind": "reset", "times": 1}, {"op": "ec2:DescribeVpcs", "kind": "cut", "times": 1}
    )
    with pytest.raises(ConnectionClosedError):
        ec2.describe_vpcs()
    with pytest.raises(HTTPClientError):
        ec2.describe_vpcs()
    ec2.describe_vpcs()


def test_slow_and_silent_answers(aws, ec2):
    aws.faults({"op": "ec2:DescribeVpcs", "kind": "latency", "seconds": 0.3, "times": 1})
    began = time.monotonic()
    ec2.describe_vpcs()
    assert time.monotonic() - began >= 0.3
    aws.faults({"op": "ec2:DescribeVpcs", "kind": "hang", "seconds": 2, "times": 1})
    with pytest.raises(ConnectionClosedError):
        ec2.describe_vpcs()


def test_a_wrong_rule_is_refused(aws, ec2):
    for rule in ({"kind": "flood"}, {"op": "ec2:*"}, {"kind": "deny", "operation": "ec2:*"}):
        with pytest.raises(urllib.error.HTTPError) as refused:
            aws.faults(rule)
        assert refused.value.code == 400
    ec2.describe_vpcs()


def test_the_log_has_each_call(aws, ec2):
    aws.request("DELETE", "log")
    ec2.describe_vpcs(MaxResults=5)
    code_of(ec2.describe_instances, InstanceIds=["i-0123456789abcdef0"])
    aws.client("guardduty", region="us-east-1").list_detectors()
    first, second, third = aws.log()
    assert (first["service"], first["operation"], first["account"], first["region"]) == (
        "ec2",
        "DescribeVpcs",
        ACCOUNT,
        REGION,
    )
    assert first["parameters"] == {"MaxResults": "5"} and first["status"] == 200 and first["duration_ms"] > 0
    assert (second["status"], second["error"]) == (400, "InvalidInstanceID.NotFound")
    assert (third["operation"], third["region"]) == ("ListDetectors", "us-east-1")
    assert aws.get("calls") == {"ec2:DescribeVpcs": 1, "ec2:DescribeInstances": 1, "guardduty:ListDetectors": 1}


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("ec2", "describe_ipam_pools", {}),
        ("ssm", "get_inventory_schema", {}),
        ("guardduty", "list_publishing_destinations", {"DetectorId": "x" * 32}),
    ],
)
def test_calls_that_are_not_emulated_are_rejected_and_recorded(aws, ec2, service, operation, parameters):
    retrying = retrying_client(aws, service)
    with pytest.raises(ClientError, match="the emulated AWS has no") as refused:
        getattr(retrying, operation)(**parameters)
    assert refused.value.response["Error"]["Code"] == "NotImplemented"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    # boto3 would try a 500 again, and a 501 not.
    assert list(aws.get("calls").values()) == [1]
    aws.expected_violations = aws.get("violations")
    assert len(aws.expected_violations) == 1


def test_a_wrong_fleet_leaves_the_world_alone(aws, ec2):
    with pytest.raises(urllib.error.HTTPError) as refused:
        aws.world('accounts: {"1": {}}')
    assert b"accounts.1: an account id has 12 digits" in refused.value.read()
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1


def test_a_reset_undoes_changes_and_drops_faults(aws, ec2):
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "new", "Value": "1"}])
    aws.faults({"kind": "throttle"})
    aws.request("POST", "reset")
    assert ec2.describe_tags(Filters=[{"Name": "key", "Values": ["new"]}])["Tags"] == []


def test_many_calls_at_once(aws, ec2):
    """moto alone fails under such load: dictionaries change while it walks them."""
    aws.world(fleet("[{name: web, count: 80, vpc: shop}]"))
    ids = [i["InstanceId"] for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]]

    def work(number: int) -> int:
        for turn in range(5):
            ec2.create_tags(Resources=ids[number::8], Tags=[{"Key": f"k{turn}", "Value": str(number)}])
            ec2.describe_tags(Filters=[{"Name": "key", "Values": ["k*"]}])
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == list(range(8))
    assert len(ec2.describe_tags(Filters=[{"Name": "key", "Values": ["k4"]}])["Tags"]) == 80
