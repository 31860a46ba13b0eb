# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vpc_endpoint on existing endpoints: repairs, exact options, removal, and errors of one VPC of several."""

from __future__ import annotations

import json

from endpoint_world import ONE, SERVICE, TWO, ec2, endpoints_of, groups_of, inbound, names, vpc
from harness import Ansible, EmulatedAws, role_arns

__all__ = ["vpc"]  # a fixture


def test_repairs_an_endpoint_and_follows_the_options(aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str]) -> None:
    subnets = names(ec2(aws).describe_subnets()["Subnets"], "SubnetId")
    (old_group,) = endpoints_of(aws, vpc["broken"])[0]["Groups"]
    own = ec2(aws).create_security_group(GroupName="own", Description="own", VpcId=vpc["theirs"])["GroupId"]
    aws.clear()
    run = ansible.playbook(
        """
        - name: repair
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ broken }}"]}
        - name: options
          fleetsec.guardduty.vpc_endpoint: &exact
            vpc_ids: ["{{ theirs }}"]
            subnet_ids: ["{{ b }}"]
            security_group_ids: ["{{ own }}"]
            policy: organization
            organization_id: o-fleetsec0001
            policy_accounts: ["333333333333"]
            tags: {Name: ours}
          check_mode: true
        - name: options made
          fleetsec.guardduty.vpc_endpoint: *exact
        - name: options again
          fleetsec.guardduty.vpc_endpoint: *exact
        - name: none leaves alone
          fleetsec.guardduty.vpc_endpoint:
            vpc_ids: ["{{ theirs }}"]
            security_group_ids: ["{{ own }}"]
            tags: {}
            purge_tags: false
        - name: empty makes empty
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ theirs }}"], security_group_ids: ["{{ own }}"], tags: {}}
        """,
        b=subnets["theirs-b"],
        own=own,
        **vpc,
    ).ok()
    tasks = run.tasks
    assert [(change["action"], change["kind"]) for change in tasks["repair"]["changes"]] == [
        ("create", "security group"),
        ("update", "VPC endpoint"),
    ]
    (repaired,) = endpoints_of(aws, vpc["broken"])
    (ours,) = groups_of(aws, vpc["broken"])
    assert {group["GroupId"] for group in repaired["Groups"]} == {old_group["GroupId"], ours["GroupId"]}
    assert repaired["PrivateDnsEnabled"] and ONE in repaired["PolicyDocument"]
    assert tasks["repair"]["endpoints"][0]["connectivity"] == "available"

    assert tasks["options"]["changes"] == tasks["options made"]["changes"] != []
    (exact,) = endpoints_of(aws, vpc["theirs"])
    assert exact["SubnetIds"] == [subnets["theirs-b"]]
    assert [group["GroupId"] for group in exact["Groups"]] == [own]
    assert json.loads(exact["PolicyDocument"])["Statement"][1]["Condition"] == {
        "StringNotEquals": {"aws:PrincipalOrgID": "o-fleetsec0001", "aws:PrincipalAccount": "333333333333"}
    }
    assert not tasks["options again"]["changed"]
    assert any("do not allow inbound traffic on port 443" in warning for warning in tasks["options again"]["warnings"])
    assert tasks["options again"]["endpoints"][0]["connectivity"] == "misconfigured"  # the user's group is closed
    assert not tasks["none leaves alone"]["changed"]
    untags = [(change["action"], change["before"]) for change in tasks["empty makes empty"]["changes"]]
    assert untags == [("untag", {"tag:Name": "ours"})]
    assert endpoints_of(aws, vpc["theirs"])[0]["Tags"] == []


def test_follows_the_cidrs_of_the_vpc_and_its_new_zones(
    aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str]
) -> None:
    client = ec2(aws)
    make = """
        - name: make
          fleetsec.guardduty.vpc_endpoint: {select: needed, vpc_ids: ["{{ theirs }}", "{{ bare }}"]}
        """
    ansible.playbook(make, **vpc).ok()
    associations = client.describe_vpcs(VpcIds=[vpc["bare"]])["Vpcs"][0]["CidrBlockAssociationSet"]
    extra = next(each["AssociationId"] for each in associations if each["CidrBlock"] == "10.64.0.0/20")
    client.disassociate_vpc_cidr_block(AssociationId=extra)
    client.associate_vpc_cidr_block(VpcId=vpc["bare"], CidrBlock="10.80.0.0/20")
    (endpoint,) = endpoints_of(aws, vpc["bare"])
    subnets = names(client.describe_subnets()["Subnets"], "SubnetId")
    client.modify_vpc_endpoint(VpcEndpointId=endpoint["VpcEndpointId"], RemoveSubnetIds=[subnets["bare-b"]])
    again = ansible.playbook(make, **vpc).ok().tasks["make"]
    assert [(change["action"], change["kind"]) for change in again["changes"]] == [
        ("update", "security group"),
        ("update", "VPC endpoint"),
    ]
    assert {rule[3] for rule in inbound(groups_of(aws, vpc["bare"])[0])} == {"10.0.0.0/16", "10.80.0.0/20"}
    assert set(endpoints_of(aws, vpc["bare"])[0]["SubnetIds"]) == {subnets["bare-a2"], subnets["bare-b"]}


def test_removes_in_order_and_guarddutys_only_on_request(
    aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str]
) -> None:
    run = ansible.playbook(
        """
        - name: make
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ bare }}"]}
        - name: preview
          fleetsec.guardduty.vpc_endpoint: &away {vpc_ids: ["{{ bare }}", "{{ served }}"], state: absent}
          check_mode: true
        - name: remove
          fleetsec.guardduty.vpc_endpoint: *away
        - name: again
          fleetsec.guardduty.vpc_endpoint: *away
        - name: guarddutys
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ served }}"], state: absent, include_guardduty: true}
        """,
        **vpc,
    ).ok()
    tasks = run.tasks
    assert tasks["preview"]["changes"] == tasks["remove"]["changes"]
    assert [(change["action"], change["kind"]) for change in tasks["remove"]["changes"]] == [
        ("delete", "VPC endpoint"),
        ("delete", "security group"),
    ]
    assert endpoints_of(aws, vpc["bare"]) == [] and groups_of(aws, vpc["bare"]) == []
    rows = {row["vpc_id"]: row for row in tasks["remove"]["endpoints"]}
    assert (rows[vpc["bare"]]["connectivity"], rows[vpc["served"]]["owner"]) == ("missing", "guardduty")
    assert not tasks["again"]["changed"]
    assert [change["kind"] for change in tasks["guarddutys"]["changes"]] == ["VPC endpoint", "security group"]
    assert endpoints_of(aws, vpc["served"]) == []
    assert groups_of(aws, vpc["served"], f"GuardDutyManagedSecurityGroup-{vpc['served']}") == []


def test_one_vpc_that_fails_does_not_stop_the_others(aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str]) -> None:
    """Throttling is retried, with botocore's own retries switched off; every other error is a sentence."""
    aws.faults(
        {"op": "ec2:CreateVpcEndpoint", "kind": "throttle", "times": 2},
        {
            "op": "ec2:CreateVpcEndpoint",
            "kind": "error",
            "status": 400,
            "code": "InvalidParameter",
            "message": "private-dns-enabled cannot be set because there is already a conflicting DNS domain",
            "times": 1,
        },
    )
    run = ansible.playbook(
        """
        - name: several
          fleetsec.guardduty.vpc_endpoint:
            vpc_ids: [vpc-00000000000000000, "{{ bare }}", "{{ empty }}"]
            aws_config: {retries: {max_attempts: 0}}
          ignore_errors: true
        - name: foreign subnet
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ bare }}"], subnet_ids: ["{{ theirs_b }}"]}
          ignore_errors: true
        - name: guest
          fleetsec.guardduty.vpc_endpoint:
            vpc_ids: ["{{ shared }}"]
            assume_role_arns: "{{ [roles[1]] }}"
          ignore_errors: true
        - name: owner and guest
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ shared }}"], assume_role_arns: "{{ roles }}"}
        """,
        theirs_b=names(ec2(aws).describe_subnets()["Subnets"], "SubnetId")["theirs-b"],
        roles=role_arns([ONE, TWO]),
        **vpc,
    ).ok()
    several = run.tasks["several"]
    assert several["failed"]
    assert several["problems"][:1] == [
        f"the lookup of VPCs failed: VpcNotFound: there is no VPC vpc-00000000000000000 in {ONE}/eu-west-1."
        " Check its id, account and region."
    ]
    (failed,) = several["failed_changes"]
    assert failed["target"] == vpc["bare"] and failed["kind"] == "VPC endpoint"
    assert failed["error"].startswith(
        f"ec2:CreateVpcEndpoint for {vpc['bare']} in {ONE}/eu-west-1 failed: InvalidParameter"
    )
    assert "Another endpoint or hosted zone" in failed["error"]
    assert endpoints_of(aws, vpc["bare"]) == [] and len(endpoints_of(aws, vpc["empty"])) == 1
    assert {row["vpc_id"]: row["connectivity"] for row in several["endpoints"]}[vpc["empty"]] == "available"

    foreign = run.tasks["foreign subnet"]
    assert foreign["failed"] and foreign["changes"] == []
    assert any(f"subnet_ids has no subnet of {vpc['bare']}" in problem for problem in foreign["problems"])
    assert any(f"belongs to {vpc['theirs']}" in problem for problem in foreign["problems"])

    assert (
        f"account {ONE} owns the VPC" in run.tasks["guest"]["msg"]
        and run.tasks["guest"]["endpoints"][0]["connectivity"] == "unknown"
    )
    assert run.tasks["owner and guest"]["changed"]
    assert len(endpoints_of(aws, vpc["shared"])) == 1


def test_denials_and_refusals_are_sentences(aws: EmulatedAws, ansible: Ansible, vpc: dict[str, str]) -> None:
    aws.faults({"op": "ec2:CreateSecurityGroup", "kind": "deny", "times": 1})
    run = ansible.playbook(
        """
        - name: denied
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ bare }}", "{{ empty }}"]}
          ignore_errors: true
        - name: fips
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ bare }}"], fips: true}
        - name: tag
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ bare }}"], tags: {GuardDutyManaged: "true"}}
          ignore_errors: true
        - name: policy
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ bare }}"], policy_json: "{'a': 1"}
          ignore_errors: true
        - name: china
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: ["{{ bare }}"], regions: [cn-north-1]}
          ignore_errors: true
        - name: nothing
          fleetsec.guardduty.vpc_endpoint: {vpc_ids: []}
        - name: unwilling
          fleetsec.guardduty.vpc_endpoint: {select: needed, state: absent}
          ignore_errors: true
        """,
        **vpc,
    ).ok()
    tasks = run.tasks
    denied = tasks["denied"]
    assert "Allow ec2:CreateSecurityGroup for the caller." in denied["msg"] and "2 of 4 changes" in denied["msg"]
    assert {failed["target"] for failed in denied["failed_changes"]} == {vpc["bare"]}
    assert len(endpoints_of(aws, vpc["empty"])) == 1
    assert tasks["fips"]["changes"][-1]["after"]["service_name"] == f"{SERVICE}-fips"
    assert "leave it out of tags" in tasks["tag"]["msg"]
    assert "policy_json" in tasks["policy"]["msg"]
    assert "cn-north-1" in tasks["china"]["msg"]
    assert not tasks["nothing"]["changed"] and tasks["nothing"]["endpoints"] == []
    assert "vpc_ids" in tasks["unwilling"]["msg"]
