# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of answers against botocore's shapes must be able to fail."""

from __future__ import annotations

import json

import pytest

from emulated_aws import validate
from emulated_aws.wire import Call, Reply


def problems(service: str, operation: str, protocol: str, body: str) -> list[str]:
    call = Call(service, operation, "eu-west-1", "AKIAFLEETSECTESTS001", None, protocol)
    return validate.problems(call, Reply(200, {}, body.encode()))


def vpcs(inner: str) -> str:
    head = '<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId>'
    return f"{head}{inner}</DescribeVpcsResponse>"


@pytest.mark.parametrize(
    ("inner", "problem"),
    [
        ("<vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet>", None),
        ("<vpcSet><item><vpc>vpc-1</vpc></item></vpcSet>", ".Vpcs[0].vpc: not in Vpc"),
        ("<vpcSet><member/></vpcSet>", ".Vpcs[0]: <member> instead of <item>"),
        ("<vpcSet><item><isDefault>yes</isDefault></item></vpcSet>", ".Vpcs[0].IsDefault: no boolean: 'yes'"),
        ("<vpcSet><item><state>gone</state></item></vpcSet>", ".Vpcs[0].State: 'gone' is none of VpcState"),
        ("<vpcSet/><vpcSet/>", ".Vpcs: 2 times"),
    ],
)
def test_xml(inner, problem):
    assert problems("ec2", "DescribeVpcs", "ec2", vpcs(inner)) == ([problem] if problem else [])


@pytest.mark.parametrize(
    ("service", "operation", "protocol", "body", "problem"),
    [
        ("guardduty", "ListDetectors", "rest-json", {"detectorIds": ["a"]}, None),
        ("guardduty", "ListDetectors", "rest-json", {"DetectorIds": []}, ".DetectorIds: not in ListDetectorsResponse"),
        ("guardduty", "ListDetectors", "rest-json", {"detectorIds": "a"}, ".detectorIds: no list: 'a'"),
        ("guardduty", "GetDetector", "rest-json", {"status": "ENABLED"}, "required by GetDetectorResponse, missing"),
        (
            "organizations",
            "ListAccounts",
            "json",
            {"Accounts": [{"Status": "FINE"}]},
            "'FINE' is none of AccountStatus",
        ),
        ("organizations", "ListAccounts", "json", {"Accounts": [{"JoinedTimestamp": True}]}, "no timestamp: True"),
    ],
)
def test_json(service, operation, protocol, body, problem):
    found = problems(service, operation, protocol, json.dumps(body))
    assert (not found) if problem is None else any(problem in each for each in found)
