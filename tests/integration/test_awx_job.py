# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection run as AWX runs it: inventory updates, jobs with surveys, slices, workflows."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jinja2
import pytest
from awx import Awx, installed_collections
from awx_objects import PROJECT, read
from harness import SECRET, Ansible, EmulatedAws, load_json, role_arns

ONE, TWO = "111111111111", "222222222222"
AREA = """
        guardduty: {}
        vpcs: {shop: {cidr: 10.0.0.0/16, subnets: {a: %sa}}}
        instances:
          - {name: web, count: 3, vpc: shop, ssm: online, tags: {role: web}}
          - {name: db, count: 4, vpc: shop, tags: {role: db}, agent: {version: 1.7.0, by: manual}}
"""
FLEET = "accounts:\n" + "".join(
    f"  '{account}':\n    roles: [FleetSec]\n    regions:\n"
    + "".join(f"      {region}:{AREA % region}" for region in ("eu-west-1", "us-east-1"))
    for account in (ONE, TWO)
)
# Nobody listens there: a test must never bring the agent to this machine.
SOURCE = """
plugin: fleetsec.guardduty.ec2
regions: [eu-west-1]
compose: {ansible_host: "'127.0.0.1'", ansible_port: "9"}
"""
PLAYBOOKS = ("audit", "offboard", "report", "rollout", "tag", "upgrade")
SOURCES_PATH = "[defaults]\ncollections_path = ../requirements_collections:~/.ansible/collections\n"
GATE = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.assert:
        that: guardduty_rollout.after.wanted == 14
- import_playbook: fleetsec.guardduty.tag
  vars:
    instance_ids: "{{ guardduty_rollout.package_instance_ids }}"
"""


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project_update")
    spec = find_spec("ansible_collections.amazon")
    assert spec is not None and spec.submodule_search_locations is not None
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    return installed_collections(environment, folder, Path(next(iter(spec.submodule_search_locations))))


@pytest.fixture
def awx(aws: EmulatedAws, ansible: Ansible, collections: Path) -> Awx:
    aws.load(FLEET)
    project = ansible.folder / "project"
    (project / "inventories").mkdir(parents=True)
    (project / "inventories" / "fleet.guardduty.yml").write_text(SOURCE)
    for name in PLAYBOOKS:
        (project / f"{name}.yml").write_text(f"- import_playbook: fleetsec.guardduty.{name}\n")
    return Awx(ansible, project, collections)


def test_an_inventory_update_needs_the_path_in_the_project(aws: EmulatedAws, awx: Awx) -> None:
    """AWX 24.6.1 names the project's collections by a variable that ansible-core 2.19 and later do not read."""
    source = "inventories/fleet.guardduty.yml"
    failed, nothing = awx.inventory_update(source)
    assert (failed.status, nothing) == ("failed", {})
    (awx.project / "ansible.cfg").write_text(SOURCES_PATH)
    done, found = awx.inventory_update(source)
    assert done.ok()
    assert len(found["_meta"]["hostvars"]) == 7
    assert {"gd_absent", "gd_route_none", "gd_uncovered"} <= set(found)
    # A source that cannot be read fails the update: AWX would empty the inventory otherwise.
    aws.faults({"op": "ec2:DescribeInstances", "kind": "deny"})
    denied, _dummy = awx.inventory_update(source)
    assert denied.status == "failed"
    assert "Allow ec2:DescribeInstances" in denied.stdout


SURVEYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "audit": (
        {"regions": ["eu-west-1", "us-east-1"], "assume_role_arns": role_arns([ONE, TWO]), "scope": "selected"}
        | {"fallback_to_package": True, "filters": {"tag:role": "db"}},
        {
            "regions": "eu-west-1\nus-east-1\n",
            "assume_role_arns": json.dumps(role_arns([ONE, TWO])),
            "scope": "selected",
        }
        | {"fallback_to_package": "true", "filters": "tag:role: db", "organization_role_name": ""},
    ),
    "tag": (
        {"regions": ["us-east-1", "eu-west-1"], "managed": "exclude", "filters": {"tag:role": ["web", "db"]}},
        {"regions": "us-east-1, eu-west-1", "managed": "exclude", "filters": '{"tag:role": ["web", "db"]}'}
        | {"instance_ids": "", "select_groups": "", "all_instances": "false", "assume_role_arns": ""},
    ),
    "rollout": (
        {"regions": ["eu-west-1"], "create_detectors": True, "use_package": False, "make_endpoints": False}
        | {"ssm_route_tag": {"key": "route", "value": "7"}, "max_errors": "2", "ec2_agent_management": False},
        {"regions": "eu-west-1", "create_detectors": "true", "use_package": "false", "make_endpoints": "no"}
        | {"ssm_route_tag": "key: route\nvalue: '7'", "max_errors": 2, "ec2_agent_management": "false", "filters": "{}"}
        | {"package_waves": "1, 100%", "coverage_percent": "100", "coverage_timeout": "1", "coverage_interval": "1"},
    ),
    "upgrade": (
        {"regions": ["eu-west-1"], "agent_version": "1.17.1"},
        {"regions": "- eu-west-1", "agent_version": "1.17.1", "package_waves": "[1, 100%]", "filters": ""}
        | {"package_gate": "false", "package_connect_timeout": "1", "coverage_timeout": "1", "assume_role_arns": "[]"},
    ),
    "offboard": (
        {"regions": ["eu-west-1"], "all_vpcs": True, "disable_monitoring": True, "include_guardduty": True},
        {"regions": '["eu-west-1"]', "all_vpcs": "true", "disable_monitoring": "true", "include_guardduty": "true"}
        | {"vpc_ids": "", "uninstall": "true", "uninstall_timeout": "1", "remove_traces": "false", "stop_by": ""}
        | {"ssm_route_tag": '{"key": "fleetsec-guardduty-route", "value": "ssm"}', "migrate_eks": "false"},
    ),
}


@pytest.mark.parametrize("name", SURVEYS)
def test_survey_answers_mean_the_same_as_values(aws: EmulatedAws, ansible: Ansible, awx: Awx, name: str) -> None:
    """Text for a list, a dictionary, a number or a switch; a check-mode job, which predicts and writes nothing."""
    values, answers = SURVEYS[name]
    expected = ansible.playbook(f"fleetsec.guardduty.{name}", "--check", "--diff", **values).ok()
    aws.clear()
    job = awx.job(f"{name}.yml", "--check", "--diff", **answers).ok()
    assert job.artifacts == expected.stats
    assert aws.writes() == {}
    changed = {task: result["diff"] for task, result in expected.tasks.items() if result.get("changes")}
    shown = {one["task"]: load_json(json.dumps(one["diff"])) for one in job.of("runner_on_file_diff")}
    assert {task: shown.get(task) for task in changed} == changed
    assert bool(changed) == (name in ("tag", "rollout", "offboard"))


def test_an_answer_that_is_no_dictionary_is_refused_in_a_sentence(awx: Awx) -> None:
    job = awx.job("audit.yml", regions="eu-west-1", filters="role web {{ 7 * 6 }}")
    assert job.status == "failed"
    assert "is not a dictionary; write it in the form" in job.stdout
    assert "{{ 7 * 6 }}" in job.stdout


def test_reports_of_shards_are_merged(awx: Awx) -> None:
    """Two jobs that audit a region each, and one that merges their reports."""
    folder = awx.ansible.folder / "reports"
    for region in ("eu-west-1", "us-east-1"):
        awx.job("audit.yml", regions=region, report_dir=str(folder / region)).ok()
    shards = f"{folder}/eu-west-1\n{folder}/us-east-1/report.json\n"
    awx.job("report.yml", report_shards=shards, report_dir=str(folder / "all"), report_rows="5").ok()
    assert len(json.loads((folder / "all" / "report.json").read_text())["instances"]) == 14


def test_a_workflow_hands_artifacts_on(aws: EmulatedAws, awx: Awx) -> None:
    (awx.project / "next.yml").write_text(GATE)
    answers = {"regions": "eu-west-1\nus-east-1", "use_package": "false", "make_endpoints": "false"}
    first = awx.job("rollout.yml", coverage_timeout="1", coverage_interval="1", **answers)
    handed = first.artifacts
    assert len(handed["guardduty_rollout"]["package_instance_ids"]) == 8
    aws.clear()
    awx.job("next.yml", regions="eu-west-1\nus-east-1", managed="include", **handed).ok()
    assert aws.writes() == {"ec2:CreateTags": 2}


def test_each_slice_takes_its_own_hosts(aws: EmulatedAws, awx: Awx) -> None:
    """Slices run at the same time, and each runs the plays on localhost."""
    (awx.project / "ansible.cfg").write_text(SOURCES_PATH)
    _job, inventory = awx.inventory_update("inventories/fleet.guardduty.yml")
    tags = {host: load_json(json.dumps(found["gd_tags"])) for host, found in inventory["_meta"]["hostvars"].items()}
    hosts = sorted(tags)
    answers = {"regions": "eu-west-1"}
    package = {"package_waves": "100%", "package_gate": "false", "package_connect_timeout": "1"}
    jobs: dict[int, Any] = {}

    def run(number: int) -> Callable[[], None]:
        def one() -> None:
            gate = {"coverage_timeout": "1", "coverage_interval": "1"}
            jobs[number] = awx.job("rollout.yml", inventory=inventory, part=(number, 3), **answers, **package, **gate)

        return one

    threads = [threading.Thread(target=run(number)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results = {number: job.artifacts["guardduty_rollout"] for number, job in jobs.items()}
    of_package = {host for host in hosts if tags[host]["role"] == "db"}
    for number, result in results.items():
        assert set(result["package_instance_ids"]) == of_package
        assert {one["host"] for one in result["package_hosts"]} == of_package & set(hosts[number - 1 :: 3])
    # What accounts need is there once, whichever slice was the first to make it.
    associations = [one for one in aws.log() if one["operation"] == "CreateAssociation" and one["error"] is None]
    removed = [one for one in aws.log() if one["operation"] == "DeleteAssociation" and one["error"] is None]
    assert len(associations) - len(removed) == 1
    endpoints = [one for one in aws.log() if one["operation"] == "CreateVpcEndpoint" and one["error"] is None]
    assert len(endpoints) == 1


def test_the_example_project_runs_by_its_credential_and_its_surveys(awx: Awx) -> None:
    """extensions/awx: the project, with what its type of credential injects and what unanswered questions give."""
    shutil.copytree(PROJECT, awx.project, dirs_exist_ok=True)
    objects = read()
    filled_in = {
        "region": "eu-west-1",
        "regions": "eu-west-1\nus-east-1\n",
        "assume_role_arns": role_arns([ONE, TWO])[1],
    }
    filled_in |= {"access_key": "AKIAEMULATEDCALLER00", "secret_key": SECRET}
    injected = {
        section: {name: jinja2.Template(text).render(filled_in) for name, text in entries.items()}
        for section, entries in objects["controller_credential_types"][0]["injectors"].items()
    }
    update, inventory = awx.inventory_update("inventories/fleet.guardduty.yml", **injected["env"])
    assert update.ok()
    assert len(inventory["_meta"]["hostvars"]) == 7
    answers = {
        name: {one["variable"]: one["default"] for one in objects["awx_surveys"][name]["spec"] if "default" in one}
        for name in ("audit", "rollout")
    }
    audit = awx.job("playbooks/audit.yml", **injected["extra_vars"], **answers["audit"]).ok()
    assert audit.artifacts["guardduty_audit"]["problems"] == []
    check = awx.job("playbooks/rollout.yml", "--check", "--diff", **injected["extra_vars"], **answers["rollout"]).ok()
    # Of the second account's two regions, and no other's
    assert len(check.artifacts["guardduty_rollout"]["package_instance_ids"]) == 8
    assert check.artifacts["guardduty_rollout"]["before"]["wanted"] == 0
