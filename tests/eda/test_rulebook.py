# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running rulebook: EC2's, tags' and GuardDuty's events, EventBridge, SQS, ansible-rulebook and the playbook enrol.

Everything is real but AWS. The waiting times alone are shorter than at work.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from ansible_rulebook.collection import has_rulebook
from harness import ROOT, SECRET, Ansible, EmulatedAws
from iam import Policy, questions

ACCOUNT, REGION = "111111111111", "eu-west-1"
RULEBOOKS = ROOT / "extensions" / "eda" / "rulebooks"
BURST = 50
# Seconds of the rulebook's window, and to wait for anything.
WINDOW, PATIENCE = 3, 120
FLEET = f"""
pace: {{registration: 3600}}
accounts:
  "{ACCOUNT}":
    regions:
      {REGION}:
        guardduty: {{runtime_monitoring: true}}
        vpcs: {{shop: {{cidr: 10.0.0.0/16, subnets: {{a: {REGION}a}}, endpoint: {{owner: operator}}}}}}
        instances:
          - {{name: first, count: {BURST}, state: stopped, vpc: shop, ssm: online}}
          - {{name: second, count: {BURST}, state: stopped, vpc: shop, ssm: online}}
          - {{name: steady, vpc: shop, ssm: online, agent: {{by: manual}}}}
"""
VARIABLES = {
    **{"queue_region": REGION, "coverage_timeout": 1, "registration_interval": 1, "use_package": False},
    **{"job_template": "GuardDuty enrol", "job_organization": "Security"},
}
# The calls of the source alone; the others here are the playbook's.
FETCHING = ("GetQueueUrl", "ReceiveMessage", "DeleteMessageBatch")


class Fleet:
    """The fleet as its owner and its hosts move it."""

    def __init__(self, aws: EmulatedAws) -> None:
        self.aws = aws
        reservations = self.client("ec2").describe_instances()["Reservations"]
        self.names = {i["InstanceId"]: i["Tags"][0]["Value"] for r in reservations for i in r["Instances"]}

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.aws.endpoint_url,
            region_name=REGION,
            aws_access_key_id="AKIAEMULATEDCALLER00",
            aws_secret_access_key=SECRET,
        )

    def ids(self, name: str) -> list[str]:
        return sorted(instance_id for instance_id, full in self.names.items() if full.startswith(name))

    def start(self, name: str) -> None:
        self.aws.clear()
        self.client("ec2").start_instances(InstanceIds=self.ids(name))

    def register(self) -> None:
        """Systems Manager gets to know them once the inventory and the wait have looked for them in vain."""
        until = time.monotonic() + PATIENCE
        while self.aws.calls().get("ssm:DescribeInstanceProperties", 0) < 2:
            assert time.monotonic() < until, "nobody looked for the instances"
            time.sleep(0.1)
        self._tell("registrations", "")

    def agent(self, name: str, running: bool) -> None:
        """What the agent of a host does."""
        document = {"accountId": ACCOUNT, "region": REGION, "instanceId": self.ids(name)[0]}
        report = json.dumps({"version": "1.17.1", "running": running, "document": document})
        self._tell("agents", report)

    def _tell(self, what: str, body: str) -> None:
        request = urllib.request.Request(f"{self.aws.endpoint_url}/_world/{what}", body.encode(), method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    def queue(self) -> dict[str, str]:
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName="fleetsec-guardduty-events")["QueueUrl"]
        return dict(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"])

    def healthy(self) -> set[str]:
        guardduty = self.client("guardduty")
        detector = guardduty.list_detectors()["DetectorIds"][0]
        pages = guardduty.get_paginator("list_coverage").paginate(DetectorId=detector)
        rows = [row for page in pages for row in page["Resources"]]
        return {self.names[row["ResourceId"]] for row in rows if row["CoverageStatus"] == "HEALTHY"}


class Rulebook:
    """ansible-rulebook at work, and the runs of its playbook."""

    def __init__(self, ansible: Ansible, name: str, *arguments: str) -> None:
        text = (RULEBOOKS / f"{name}.yml").read_text()
        assert "once_after: 60 seconds" in text
        (ansible.folder / f"{name}.yml").write_text(text.replace("60 seconds", f"{WINDOW} seconds"))
        (ansible.folder / "variables.yml").write_text(json.dumps(VARIABLES))
        (ansible.folder / "fleet.guardduty.yml").write_text(f"plugin: fleetsec.guardduty.ec2\nregions: [{REGION}]\n")
        command = [str(Path(sys.executable).with_name("ansible-rulebook")), "--rulebook", f"{name}.yml"]
        given = ["--vars", "variables.yml", "--verbose"]
        self.log = ansible.folder / "rulebook.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, *given, *arguments],
                cwd=ansible.folder,
                env=ansible.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        """The log. What a failed run printed is there a second time, which is cut out."""
        return re.sub(r"run_playbook - ERROR - \n(?:(?!\d{4}-\d\d-\d\d ).*\n?)*", "", self.log.read_text())

    @property
    def runs(self) -> list[dict[str, Any]]:
        """The data of each run that has ended, and whether it failed."""
        found = []
        for ended in self.text.split("PLAY RECAP")[1:]:
            handed = re.search(r"^\tRUN: (\{.*\})$", ended, re.MULTILINE)
            if handed:
                found.append({**json.loads(handed[1]), "failed": "failed=0" not in ended})
        return found

    def until(self, told: str) -> None:
        self._wait(lambda: told in self.text, f"it never said {told!r}")

    def until_runs(self, count: int) -> dict[str, Any]:
        """The data of the last of so many runs."""
        self._wait(lambda: len(self.runs) >= count, f"{count} runs were expected")
        return self.runs[-1]

    def no_more_than(self, count: int) -> None:
        time.sleep(WINDOW + 2)
        assert self.text.count("PLAY [Wait for Systems Manager]") == count, self.text

    def _wait(self, done: Callable[[], bool], complaint: str) -> None:
        until = time.monotonic() + PATIENCE
        while not done():
            assert self.process.poll() is None and time.monotonic() < until, f"{complaint}:\n{self.text}"
            time.sleep(0.1)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)
            raise


JOB = "/api/v2/jobs/1/"


class Controller(ThreadingHTTPServer):
    """As much of AWX as ansible-rulebook asks for: its configuration, one job template, and jobs that succeed at once."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.launched: list[dict[str, Any]] = []


class Answers(BaseHTTPRequestHandler):
    server: Controller
    template = {
        "id": 7,
        "type": "job_template",
        "name": "GuardDuty enrol",
        "summary_fields": {"organization": {"name": "Security"}},
        "related": {"launch": "/api/v2/job_templates/7/launch/"},
        **{f"ask_{what}_on_launch": False for what in ("limit", "labels", "inventory", "variables")},
    }

    def do_GET(self) -> None:  # noqa: N802
        path = self.path.partition("?")[0]
        job = {"id": 1, "status": "successful", "created": "2026-11-24T12:00:00Z", "artifacts": {}, "url": JOB}
        known = {
            "/api/v2/config/": {"version": "24.6.1"},
            "/api/v2/unified_job_templates/": {"results": [self.template], "next": None},
            "/api/v2/jobs/": {"results": [job], "next": None},
            JOB: job,
        }
        self._send(200 if path in known else 404, known.get(path, {}))

    def do_POST(self) -> None:  # noqa: N802
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.launched.append({"path": self.path, "by": self.headers["Authorization"], **body})
        self._send(201, {"url": JOB})

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *unused: Any) -> None:
        """What was launched is what counts."""


@pytest.fixture
def start(aws: EmulatedAws, ansible: Ansible) -> Iterator[Callable[..., Rulebook]]:
    """Starts a rulebook on a fleet whose events come into a queue."""
    if shutil.which("java") is None:
        message = "LEFT OUT: the rulebooks are not run, since there is no Java on this machine"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    aws.load(FLEET)
    ansible.playbook("fleetsec.guardduty.events_setup", regions=[REGION]).ok()
    running: list[Rulebook] = []

    def started(*arguments: str) -> Rulebook:
        running.append(Rulebook(ansible, *arguments))
        running[0].until("Waiting for events")
        return running[0]

    try:
        yield started
    finally:
        for rulebook in running:
            rulebook.stop()


def test_events_bring_the_agent(aws: EmulatedAws, start: Callable[..., Rulebook]) -> None:
    rulebook, fleet = start("enrol", "--inventory", "fleet.guardduty.yml"), Fleet(aws)
    first, second = ({fleet.names[one] for one in fleet.ids(name)} for name in ("first", "second"))

    beginning = aws.log()
    fleet.start("first")
    fleet.register()
    run = rulebook.until_runs(1)
    assert (run["guardduty_enrol"]["started"], run["guardduty_enrol"]["waiting"], run["failed"]) == (BURST, [], False)
    assert run["guardduty_enrol"]["waited"] > 0
    assert fleet.healthy() == {"steady", *first}

    fleet.client("ec2").create_tags(Resources=fleet.ids("steady"), Tags=[{"Key": "owner", "Value": "somebody"}])
    fleet.client("ec2").create_tags(Resources=fleet.ids("steady"), Tags=[{"Key": "GuardDutyManaged", "Value": "true"}])
    run = rulebook.until_runs(2)
    assert run["guardduty_rollout"]["after"]["healthy"] == BURST + 1 and not run["failed"]

    fleet.agent("steady", running=False)
    run = rulebook.until_runs(3)
    (silent,) = run["guardduty_rollout"]["waiting"]
    assert silent["instance_id"] == fleet.ids("steady")[0] and run["failed"]

    # A run that failed does not keep the rulebook from the next event
    fleet.agent("steady", running=True)
    fleet.start("second")
    fleet.register()
    run = rulebook.until_runs(4)
    assert fleet.healthy() == {"steady", *first, *second} and not run["failed"]
    # Had a burst made two runs, there were five
    rulebook.no_more_than(4)
    asked = {
        question
        for entry in [*beginning, *aws.log()]
        if entry["operation"] in FETCHING
        for question in questions(entry)
    }
    policy = Policy.read(ROOT / "docs" / "iam" / "rulebook.json")
    assert all(policy.allows(question) for question in asked)
    assert {question.action for question in asked} == policy.actions
    attributes = fleet.queue()
    assert {attributes[name] for name in attributes if name.startswith("ApproximateNumber")} == {"0"}


def test_a_burst_launches_one_job(aws: EmulatedAws, start: Callable[..., Rulebook]) -> None:
    controller = Controller()
    thread = threading.Thread(target=controller.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{controller.server_address[1]}"
        rulebook = start("enrol_job", "--controller-url", url, "--controller-token", "a-token-that-is-long-enough")
        Fleet(aws).start("first")
        rulebook.until("Job Launched")
        time.sleep(WINDOW + 2)
    finally:
        controller.shutdown()
        thread.join()
        controller.server_close()
    (launched,) = controller.launched
    assert launched["path"] == "/api/v2/job_templates/7/launch/"
    assert launched["by"] == "Bearer a-token-that-is-long-enough"
    # The template asks for nothing, and AWX passes over what it did not ask for
    assert launched == {"path": launched["path"], "by": launched["by"], "extra_vars": {}, "limit": "all,localhost"}


def test_the_rulebooks_are_found_and_differ_in_what_they_run_only() -> None:
    assert all(has_rulebook("fleetsec.guardduty", name) for name in ("enrol", "enrol_job"))
    here, by_job = (yaml.safe_load((RULEBOOKS / f"{name}.yml").read_text())[0] for name in ("enrol", "enrol_job"))
    (at_once,), (by_template,) = here["rules"][0].pop("actions"), by_job["rules"][0].pop("actions")
    assert (list(at_once), list(by_template)) == (["run_playbook"], ["run_job_template"])
    assert here | {"name": ""} == by_job | {"name": ""}
