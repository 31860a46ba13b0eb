# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory against every case of tests/fleets/every_case.yml.

The expected verdicts come from the design's tables (reasons, blockers), worked out by hand for each case of the fleet.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import FLEETS, Ansible, EmulatedAws, Run, load_json, role_arns

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.capacity import of_size, reads

EVERY_CASE = FLEETS / "every_case.yml"
ACCOUNTS = ["111111111111", "222222222222"]

# name: tag, wanted, route, reason, blockers, ssm, endpoint, coverage. None: AWS documents no answer.
AUTOMATED = {
    "included": ("included", True, "guardduty", "automated_agent", [], "online", "available", "healthy"),
    "untagged-01": ("absent", True, "guardduty", "automated_agent", [], "online", "available", "healthy"),
    "ineffective": (
        *("ineffective", True, "guardduty", "automated_agent", ["tag_ineffective"], "online", "available", "healthy"),
    ),
    "excluded-readable": ("excluded", False, "none", "excluded_by_tag", [], "online", "available", "unhealthy"),
    "excluded-leftover": (
        *("excluded", False, "none", "excluded_by_tag", ["agent_left_behind"], "online", "available", None),
    ),
    "ssm-lost": (
        *("absent", True, "guardduty", "automated_agent", ["ssm_connection_lost", "coverage_unhealthy"]),
        *("lost", "available", "unhealthy"),
    ),
    "ssm-absent": (
        *("absent", True, "guardduty", "automated_agent", ["not_ssm_managed", "coverage_unhealthy"]),
        *("absent", "available", "unhealthy"),
    ),
    "imds-off": (
        *("absent", True, "guardduty", "automated_agent", ["imds_off", "coverage_unhealthy"]),
        *("online", "available", "unhealthy"),
    ),
    "dns-off": (
        *("absent", True, "guardduty", "automated_agent", ["endpoint_missing", "coverage_unhealthy"]),
        *("online", "missing", "unhealthy"),
    ),
    "stopped": ("absent", True, "guardduty", "automated_agent", ["not_running"], "absent", "available", "absent"),
    "pending": ("absent", True, "guardduty", "automated_agent", ["not_running"], "absent", "available", "absent"),
    "terminated": ("absent", False, "none", "instance_gone", [], "absent", None, "absent"),
    "shutting-down": ("absent", False, "none", "instance_gone", [], "absent", None, "absent"),
    "windows": ("absent", False, "none", "platform_unsupported", [], "online", "missing", "absent"),
    "mac": ("absent", False, "none", "platform_unsupported", [], "absent", "available", "absent"),
    "graviton": ("absent", True, "guardduty", "automated_agent", [], "online", "available", "healthy"),
    "graviton-1": ("absent", False, "none", "architecture_unsupported", [], "online", "available", None),
    "old-32-bit": ("absent", False, "none", "architecture_unsupported", [], "online", "available", None),
    "ecs-managed": ("absent", False, "none", "operator_managed", [], "absent", "available", None),
}
BY_HAND = {
    "included": ("included", True, "guardduty", "included_by_tag", [], "online", "available", "healthy"),
    "untagged-ssm": (
        *("absent", True, "ssm", "manual_ssm", ["coverage_unhealthy"], "online", "available", "unhealthy"),
    ),
    "untagged-package": (
        *("absent", True, "package", "manual_package", ["coverage_unhealthy"], "absent", "available", "unhealthy"),
    ),
    "ineffective": (
        *("ineffective", True, "ssm", "manual_ssm", ["coverage_unhealthy", "tag_ineffective"]),
        *("online", "available", "unhealthy"),
    ),
    "excluded": ("excluded", False, "none", "excluded_by_tag", [], "online", "available", "unhealthy"),
    "manual-agent": ("absent", True, "ssm", "manual_ssm", [], "online", "available", "healthy"),
    "agent-stopped": (
        *("absent", True, "ssm", "manual_ssm", ["coverage_unhealthy"], "online", "available", "unhealthy"),
    ),
    "way-missing": (
        *("absent", True, "ssm", "manual_ssm", ["endpoint_missing", "coverage_unhealthy"]),
        *("online", "missing", "unhealthy"),
    ),
    "way-pending": (
        *("absent", True, "ssm", "manual_ssm", ["endpoint_pending", "coverage_unhealthy"]),
        *("online", "pending", "unhealthy"),
    ),
    **{
        f"way-{fault}": (
            *("absent", True, "ssm", "manual_ssm", ["endpoint_misconfigured", "coverage_unhealthy"]),
            *("online", "misconfigured", "unhealthy"),
        )
        for fault in ("no-private-dns", "denied", "closed", "failed", "dns-off")
    },
    "way-open": ("absent", True, "ssm", "manual_ssm", [], "online", "available", "healthy"),
}


def config(*regions: str, **more: object) -> dict[str, object]:
    return {"plugin": "fleetsec.guardduty.ec2", "regions": list(regions), "hostnames": ["tag:Name"], **more}


def said_of(run: Run, name: str) -> tuple[object, ...]:
    host = run.document["_meta"]["hostvars"][name]
    keys = ("tag", "wanted", "route", "reason", "blockers", "ssm", "endpoint", "coverage")
    return tuple(host[f"gd_{key}"] for key in keys)


@pytest.fixture
def every_case(aws: EmulatedAws) -> Iterator[EmulatedAws]:
    aws.load(EVERY_CASE)
    return aws


@pytest.mark.parametrize(("region", "expected"), [("eu-west-1", AUTOMATED), ("us-east-1", BY_HAND)])
def test_every_case_gets_the_verdict_of_the_design(
    every_case: EmulatedAws, ansible: Ansible, region: str, expected: dict[str, tuple[object, ...]]
) -> None:
    run = ansible.inventory(config(region)).ok()
    wrong = {}
    for name, words in expected.items():
        said = said_of(run, name)
        if any(want is not None and got != want for got, want in zip(said, words, strict=True)):
            wrong[name] = (said, words)
    assert not wrong


def test_unreadable_exclusions_are_what_guardduty_installs_on(every_case: EmulatedAws, ansible: Ansible) -> None:
    run = ansible.inventory(config("eu-west-1")).ok()
    for name in ("excluded-unreadable", "excluded-space"):
        assert said_of(run, name)[:4] == ("excluded", False, "guardduty", "exclusion_unreadable")
        assert "exclusion_unreadable" in said_of(run, name)[4]


def test_groups_agree_with_variables_and_clusters_are_named(every_case: EmulatedAws, ansible: Ansible) -> None:
    run = ansible.inventory(config("eu-west-1")).ok()
    hosts, groups = run.document["_meta"]["hostvars"], run.document
    for name, host in hosts.items():
        assert name in groups[f"gd_{host['gd_tag']}"]["hosts"]
        assert name in groups[f"gd_route_{host['gd_route']}"]["hosts"]
        assert (name in groups["gd_wanted"].get("hosts", ())) == host["gd_wanted"]
        assert (name in groups["gd_blocked"].get("hosts", ())) == bool(host["gd_blockers"])
        coverage = {"absent": "uncovered"}.get(host["gd_coverage"], host["gd_coverage"])
        assert name in groups[f"gd_{coverage}"]["hosts"]
        assert "tags" not in host
    assert hosts["eks-node"]["gd_cluster"] == "eks/platform"
    assert hosts["ecs-node"]["gd_cluster"].endswith(":cluster/orders")


def test_all_groups_exist_when_empty_and_take_another_prefix(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load("accounts: {'111111111111': {name: empty, regions: {eu-west-1: {}}}}")
    run = ansible.inventory(config("eu-west-1", group_prefix="rm_"), "--graph").ok()
    expected = [
        "included",
        "excluded",
        "absent",
        "ineffective",
        "wanted",
        "blocked",
        "healthy",
        "unhealthy",
        "uncovered",
    ]
    expected += [f"route_{route}" for route in ("guardduty", "ssm", "package", "none")]
    assert all(f"@rm_{name}:" in run.stdout for name in expected)


def test_api_calls_are_the_floor(every_case: EmulatedAws, ansible: Ansible) -> None:
    """Per account and region: one call each, the largest pages; security groups only for endpoints of an operator."""
    every_case.clear()
    ansible.inventory(config("eu-west-1", assume_role_arns=role_arns(ACCOUNTS))).ok()
    assert every_case.calls() == {
        "ec2:DescribeInstances": 2,
        "ec2:DescribeVpcs": 2,
        "ec2:DescribeVpcEndpoints": 2,
        "ssm:DescribeInstanceProperties": 2,
        "guardduty:ListDetectors": 2,
        "guardduty:GetDetector": 2,
        "guardduty:ListCoverage": 2,
    }


def test_api_calls_at_scale_follow_aws_page_sizes(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(
        """
        accounts:
          "111111111111":
            name: large
            regions:
              eu-west-1:
                guardduty: {runtime_monitoring: true}
                vpcs: {one: {subnets: {a: eu-west-1a}}}
                instances: [{name: node, count: 2001, vpc: one, ssm: online}]
        """
    )
    run = ansible.inventory(config("eu-west-1"), "--graph").ok()
    assert run.stdout.count("--node-") == 2001 * len(["absent", "route_ssm", "wanted", "blocked", "unhealthy"])
    calls = aws.calls()
    assert calls["ec2:DescribeInstances"] == 3
    assert calls["ssm:DescribeInstanceProperties"] == 3
    assert calls["guardduty:ListCoverage"] == 41
    assert calls["ec2:DescribeVpcs"] == calls["ec2:DescribeVpcEndpoints"] == 1
    (planned,) = of_size({"instances": 2001, "ssm_percent": 100, "package_percent": 0})
    assert calls == reads(planned)


def test_a_role_that_cannot_be_assumed_is_a_warning_and_the_rest_is_served(
    every_case: EmulatedAws, ansible: Ansible
) -> None:
    run = ansible.inventory(config("eu-west-1", assume_role_arns=role_arns(["333333333333", "111111111111"]))).ok()
    assert "sts:AssumeRole in 333333333333 failed: AccessDenied" in run.stderr.replace("\n", " ")
    assert "included" in run.document["_meta"]["hostvars"]


def test_what_is_denied_is_unknown_never_missing(every_case: EmulatedAws, ansible: Ansible) -> None:
    every_case.faults(
        {"op": "ssm:Describe*", "kind": "deny"},
        {"op": "guardduty:ListCoverage", "kind": "deny"},
        {"op": "ec2:DescribeVpcEndpoints", "kind": "deny"},
    )
    run = ansible.inventory(config("eu-west-1")).ok()
    assert "Allow ssm:DescribeInstance" in run.stderr.replace("\n", " ")
    assert said_of(run, "ssm-absent") == (
        *("absent", True, "guardduty", "automated_agent", [], "unknown", "unknown", "unknown"),
    )
    quiet = ansible.inventory(config("eu-west-1", strict_permissions=False)).ok()
    assert "failed" not in quiet.stderr
    assert said_of(quiet, "ssm-absent") == said_of(run, "ssm-absent")


def test_denied_settings_are_no_verdict(every_case: EmulatedAws, ansible: Ansible) -> None:
    every_case.faults({"op": "guardduty:GetDetector", "kind": "deny"})
    run = ansible.inventory(config("eu-west-1")).ok()
    assert said_of(run, "included")[1:4] == (False, "none", "monitoring_unknown")


def test_an_old_policy_falls_back_to_smaller_pages(every_case: EmulatedAws, ansible: Ansible) -> None:
    every_case.faults({"op": "ssm:DescribeInstanceProperties", "kind": "deny"})
    run = ansible.inventory(config("eu-west-1")).ok()
    assert said_of(run, "untagged-01")[5] == "online"
    assert every_case.calls()["ssm:DescribeInstanceInformation"] == 1


def test_nothing_readable_is_an_error_in_one_sentence(every_case: EmulatedAws, ansible: Ansible) -> None:
    unparsed = {"ANSIBLE_INVENTORY_UNPARSED_FAILED": "true"}  # as AWX sets it
    every_case.faults({"op": "ec2:DescribeInstances", "kind": "deny"})
    run = ansible.inventory(config("eu-west-1"), env=unparsed)
    assert run.returncode != 0
    assert "Allow ec2:DescribeInstances" in run.stderr.replace("\n", " ")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"regions": ["eu-wset-1"]}, "Did you mean eu-west-1?"),
        ({"regions": ["eu-west-1"], "scope": "some"}, "scope"),
        ({"regions": ["eu-west-1"], "hostnames": ["privat-ip"]}, "is not a source of host names"),
        ({"regions": ["eu-west-1"], "assume_role_arns": ["FleetSec"]}, "is not the ARN of an IAM role"),
        ({"regions": ["ap-east-1"]}, "region is enabled in this account"),
    ],
)
def test_bad_input_is_an_error_in_one_sentence(
    every_case: EmulatedAws, ansible: Ansible, settings: dict[str, object], sentence: str
) -> None:
    unparsed = {"ANSIBLE_INVENTORY_UNPARSED_FAILED": "true"}
    run = ansible.inventory({"plugin": "fleetsec.guardduty.ec2", **settings}, env=unparsed)
    assert run.returncode != 0
    assert sentence in run.stderr.replace("\n", " ")


def test_missing_and_bad_credentials_are_an_error_in_one_sentence(every_case: EmulatedAws, ansible: Ansible) -> None:
    unparsed = {"ANSIBLE_INVENTORY_UNPARSED_FAILED": "true"}
    missing = {**unparsed, "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    run = ansible.inventory(config("eu-west-1"), env=missing)
    assert run.returncode != 0
    assert "Provide credentials by environment, profile, option or instance role." in run.stderr.replace("\n", " ")
    run = ansible.inventory(config("eu-west-1"), env={**unparsed, "AWS_ACCESS_KEY_ID": "AKIAINVALIDINVALID00"})
    assert run.returncode != 0
    assert "Check that the credentials are valid" in run.stderr.replace("\n", " ")


def test_throttling_resets_and_cut_answers_are_survived(every_case: EmulatedAws, ansible: Ansible) -> None:
    every_case.faults(
        {"op": "ec2:DescribeInstances", "kind": "throttle", "times": 2},
        {"op": "ssm:DescribeInstanceProperties", "kind": "throttle", "times": 2},
        {"op": "guardduty:ListCoverage", "kind": "throttle", "times": 1},
        {"op": "ec2:DescribeVpcs", "kind": "reset", "times": 1},
        {"op": "ec2:DescribeVpcEndpoints", "kind": "cut", "times": 1},
    )
    run = ansible.inventory(config("eu-west-1")).ok()
    assert said_of(run, "untagged-01") == AUTOMATED["untagged-01"]


def test_the_cache_answers_without_a_call_and_knows_whose_it_is(every_case: EmulatedAws, ansible: Ansible) -> None:
    caching = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(ansible.folder / "c")}
    first = ansible.inventory(config("eu-west-1", **caching)).ok()
    every_case.clear()
    again = ansible.inventory(config("eu-west-1", **caching)).ok()
    assert again.document == first.document
    assert every_case.log() == []
    selected = ansible.inventory(config("eu-west-1", scope="selected", routes=["guardduty"], **caching)).ok()
    assert "beyond_scope" in said_of(selected, "untagged-01")[4]
    assert {host["gd_route"] for host in selected.document["_meta"]["hostvars"].values()} == {"guardduty"}
    assert every_case.log() == [], "the operator's choices are applied to what is cached"
    ansible.inventory(config("eu-west-1", **caching), env={"AWS_ACCESS_KEY_ID": "AKIASOMEONEELSE00000"}).ok()
    assert every_case.calls()["ec2:DescribeInstances"] == 1
    ansible.inventory(config("us-east-1", **caching)).ok()
    assert every_case.calls()["ec2:DescribeInstances"] == 2


def test_constructed_features_and_filters_work(every_case: EmulatedAws, ansible: Ansible) -> None:
    run = ansible.inventory(
        config(
            "us-east-1",
            filters={"tag:Name": "way-*"},
            exclude_filters=[{"tag:Name": ["way-open", "way-missing"]}],
            include_filters=[{"tag:Name": "excluded"}],
            compose={"ansible_host": "gd_private_ip", "both": "gd_region ~ '/' ~ gd_route"},
            groups={"broken": "gd_endpoint == 'misconfigured'"},
            keyed_groups=[{"key": "gd_region", "prefix": "region"}],
        )
    ).ok()
    hosts = run.document["_meta"]["hostvars"]
    assert sorted(hosts) == sorted(
        [
            "excluded",
            *(f"way-{fault}" for fault in ("closed", "denied", "dns-off", "failed", "no-private-dns", "pending")),
        ]
    )
    assert hosts["excluded"]["both"] == "us-east-1/none"
    assert hosts["excluded"]["ansible_host"] == hosts["excluded"]["gd_private_ip"]
    assert len(run.document["broken"]["hosts"]) == 5
    assert sorted(run.document["region_us_east_1"]["hosts"]) == sorted(hosts)


def test_two_instances_with_one_name_are_named_by_their_ids(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(
        """
        accounts:
          "111111111111":
            name: twins
            regions:
              eu-west-1:
                vpcs: {one: {subnets: {a: eu-west-1a}}}
                instances:
                  - {name: a, vpc: one, tags: {Role: web}}
                  - {name: b, vpc: one, tags: {Role: web}}
        """
    )
    run = ansible.inventory({"plugin": "fleetsec.guardduty.ec2", "hostnames": ["tag:Role"]}).ok()
    ids = sorted(run.document["_meta"]["hostvars"])
    assert len(ids) == 2 and all(name.startswith("i-") for name in ids)
    assert "share a host name with another instance" in run.stderr.replace("\n", " ")

    # What another inventory says of a host is kept beside what this one says.
    static, fleet = ansible.folder / "static.ini", ansible.folder / "fleet.guardduty.yml"
    static.write_text(f"{ids[0]} site=here\nfirst site=there gd_instance_id={ids[1]}\n", encoding="utf-8")
    merged = ansible.run("ansible-inventory", "-i", str(static), "-i", str(fleet), "--list").ok()
    hosts = merged.document["_meta"]["hostvars"]
    assert hosts[ids[0]]["site"] == "here" and hosts[ids[0]]["gd_instance_id"] == ids[0]


def test_text_from_aws_is_never_a_template(aws: EmulatedAws, ansible: Ansible) -> None:
    aws.load(
        """
        accounts:
          "111111111111":
            name: hostile
            regions:
              eu-west-1:
                vpcs: {one: {subnets: {a: eu-west-1a}}}
                instances: [{name: a, count: 3, vpc: one, tags: {Owner: "{{ 7 * 6 }}"}}]
        """
    )
    inventory = ansible.folder / "hostile.guardduty.yml"
    inventory.write_text("plugin: fleetsec.guardduty.ec2\n")
    play = ansible.folder / "hostile.yml"
    play.write_text(
        "- hosts: all\n  gather_facts: false\n  connection: local\n"
        "  tasks: [{name: show, ansible.builtin.debug: {msg: '{{ gd_tags.Owner }}'}}]\n"
    )
    run = ansible.playbook(str(play), "-i", str(inventory)).ok()
    (task,) = run.document["plays"][0]["tasks"]
    # The first host is made by another way than the others.
    assert [result["msg"] for result in task["hosts"].values()] == ["{{ 7 * 6 }}"] * 3


def test_it_runs_as_an_awx_inventory_source(every_case: EmulatedAws, ansible: Ansible) -> None:
    output = ansible.folder / "output.json"
    ansible.inventory(config("eu-west-1"), "--list", "--export", "--output", str(output)).ok()
    assert load_json(output.read_text())["_meta"]["hostvars"]["included"]["gd_reason"] == "automated_agent"
