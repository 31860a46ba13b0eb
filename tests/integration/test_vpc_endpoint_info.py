# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vpc_endpoint_info by real ansible-playbook: the connectivity of each VPC, and whether an endpoint is needed and why."""

from __future__ import annotations

from endpoint_world import FIRST_LOOK, ONE, TWO, vpc
from harness import Ansible, EmulatedAws, role_arns

__all__ = ["vpc"]  # a fixture


def test_each_vpc_states_whether_an_endpoint_is_needed(aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str]) -> None:
    one = ansible.playbook(
        """
        - name: one
          fleetsec.guardduty.vpc_endpoint_info:
        """
    ).ok()
    found = {row["vpc_id"]: row for row in one.tasks["one"]["vpcs"]}
    assert {
        name: (found[vpc_id]["connectivity"], found[vpc_id]["needed"], found[vpc_id]["reason"])
        for name, vpc_id in vpc.items()
    } == {
        "bare": ("missing", True, "endpoint_missing"),
        "nodns": ("missing", True, "endpoint_missing"),
        "served": ("available", False, "guardduty_serves"),
        "theirs": ("available", False, "operator_serves"),
        "broken": ("misconfigured", True, "endpoint_misconfigured"),
        "empty": ("missing", False, "no_linux_instance"),
        "far": ("missing", True, "endpoint_missing"),
        "shared": ("missing", False, "no_linux_instance"),
    }
    broken = found[vpc["broken"]]
    assert broken["faults"] == [
        "private DNS is off",
        f"the endpoint policy denies account {ONE}",
        "its security group does not allow 10.4.0.0/16 on port 443",
    ]
    assert (found[vpc["bare"]]["linux_instances"], found[vpc["bare"]]["dns_support"]) == (3, None)
    assert one.tasks["one"]["summary"] == {
        "vpcs": 8,
        "needed": 4,
        "connectivity": {"available": 2, "misconfigured": 1, "missing": 5},
    }
    assert aws.calls() == {**FIRST_LOOK, "ec2:DescribeInstances": 1}


def test_counts_guests_of_a_shared_vpc_and_reads_dns(aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str]) -> None:
    run = ansible.playbook(
        """
        - name: guest
          fleetsec.guardduty.vpc_endpoint_info: {vpc_ids: ["{{ shared }}"], assume_role_arns: "{{ [roles[1]] }}"}
        - name: both
          fleetsec.guardduty.vpc_endpoint_info: {vpc_ids: ["{{ shared }}"], assume_role_arns: "{{ roles }}"}
        - name: dns
          fleetsec.guardduty.vpc_endpoint_info: {vpc_ids: ["{{ nodns }}", vpc-00000000000000000], dns_attributes: true}
        - name: routes
          fleetsec.guardduty.vpc_endpoint_info: {vpc_ids: ["{{ bare }}"], routes: [ssm]}
        """,
        roles=role_arns([ONE, TWO]),
        **vpc,
    ).ok()
    (guest,), (both,), (dns,), (routes,) = (run.tasks[name]["vpcs"] for name in ("guest", "both", "dns", "routes"))
    assert (guest["connectivity"], guest["needed"], guest["reason"], guest["vpc_owner_id"]) == (
        "unknown",
        False,
        "other_owner",
        ONE,
    )
    assert (both["connectivity"], both["needed"], both["linux_instances"], both["account_id"]) == (
        "missing",
        True,
        1,
        ONE,
    )
    assert (dns["dns_support"], dns["dns_hostnames"]) == (True, False)
    assert "there is no VPC vpc-00000000000000000" in run.tasks["dns"]["problems"][0]
    assert routes["reason"] == "no_wanted_instance"  # none is online in SSM
