# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reads of eligibility_info with nothing around them: what any module on amazon.aws pays for the same clients and calls."""

from __future__ import annotations

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

DOCUMENTATION = r"""
module: bare_reads
short_description: Reads what eligibility_info reads, and does nothing with it
description: For measuring what a module costs that makes the same clients and calls.
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""


def main() -> None:
    module = AnsibleAWSModule(argument_spec={}, supports_check_mode=True)
    module.client("sts").get_caller_identity()
    ec2, ssm, guardduty = module.client("ec2"), module.client("ssm"), module.client("guardduty")
    full = {"PaginationConfig": {"PageSize": 1000}}
    instances = ec2.get_paginator("describe_instances").paginate(**full).build_full_result()
    ec2.get_paginator("describe_vpcs").paginate(**full).build_full_result()
    endpoints = ec2.get_paginator("describe_vpc_endpoints").paginate(**full).build_full_result()["VpcEndpoints"]
    groups = [group["GroupId"] for endpoint in endpoints for group in endpoint["Groups"]]
    by_group = [{"Name": "group-id", "Values": groups}]
    ec2.get_paginator("describe_security_groups").paginate(Filters=by_group, **full).build_full_result()
    ssm.get_paginator("describe_instance_properties").paginate(**full).build_full_result()
    detector = guardduty.list_detectors()["DetectorIds"][0]
    guardduty.get_detector(DetectorId=detector)
    pages = guardduty.get_paginator("list_coverage").paginate(DetectorId=detector, PaginationConfig={"PageSize": 50})
    pages.build_full_result()
    module.exit_json(changed=False, count=len(instances["Reservations"]))


if __name__ == "__main__":
    main()
