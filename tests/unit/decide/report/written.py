# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of synthetic fleets, written by the real tasks with ansible-playbook: in check mode, for real, and again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from page import Element, Page
from varied_fleet import REGIONS, fleet

ROOT = Path(__file__).resolve().parents[4]
HOSTILE = (
    "<script>alert(1)</script>",
    "{{ 7*7 }}{% if true %}executed{% endif %}",
    "\"'><img src=x onerror=alert(2)>",
    "</style></title></details>",
    "`|@everyone|` [x](javascript:alert(3)) **x**",
    '=HYPERLINK("http://evil.example","x")',
    "\u202e&lt;b&gt; &amp; \u00e9",
)
PLAY = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.command: cat {{ item.rows }}
      loop: "{{ cases }}"
      loop_control: {label: "{{ item.name }}"}
      register: texts
      check_mode: false
      changed_when: false
    - ansible.builtin.include_tasks: "{{ report_tasks }}"
      vars:
        report_dir: "{{ case.item.dir }}"
        report_fleet: "{{ case.stdout | from_json }}"
        report_read: {regions: [eu-west-1], assume_role_arns: [], scope: all}
        report_time: "{{ case.item.time }}"
        report_rows: 100
      loop: "{{ texts.results }}"
      loop_control: {loop_var: case, label: "{{ case.item.name }}"}
"""


def on_hosts(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Three hosts of the package route: one healthy, one with a finding, one failed."""
    low = {"check": "memory", "level": "warning", "message": texts[0], "remedy": texts[-1]}
    row = {"version_before": None, "version": "1.17.1", "message": texts[-1], "findings": []}
    return [
        {"host": "web", "instance_id": "i-1", "outcome": "changed", **row},
        {"host": texts[0], "instance_id": "i-2", "outcome": "unchanged", **row, "findings": [low]},
        {"host": "db", "instance_id": "i-3", "outcome": "not_reporting", **row, "findings": [low]},
    ]


def hostile() -> dict[str, Any]:
    """Every text that AWS or a user writes, replaced by each of the hostile ones in turn."""
    made = fleet(140, problems=HOSTILE, accounts=2)
    free = ("gd_vpc_id", "gd_private_dns", "gd_image_id", "gd_agent_version", "gd_management_type", "gd_cluster")
    for index, one in enumerate(made["instances"]):
        text = HOSTILE[index % len(HOSTILE)]
        one |= dict.fromkeys(free, text)
        one["gd_tags"] = {"Name": text, text: text}
        if one["gd_coverage"] == "unhealthy":
            one["gd_issue"] = text
    return {**made, "hosts": [row for text in HOSTILE for row in on_hosts([text])]}


def all_healthy() -> dict[str, Any]:
    made = fleet(200, accounts=1, regions=1)
    rows = [one for one in made["instances"] if one["gd_wanted"] and one["gd_coverage"] == "healthy"]
    for one in rows:
        one["gd_blockers"] = []
    return {**made, "instances": rows}


def switched_off() -> dict[str, Any]:
    made = fleet(30, accounts=1, regions=1)
    rows = [one for one in made["instances"] if one["gd_platform"] == "linux"]
    for one in rows:
        one |= {"gd_wanted": False, "gd_route": "none", "gd_reason": "monitoring_off", "gd_blockers": []}
        one |= {"gd_coverage": "absent", "gd_issue": None}
    return {**made, "instances": rows}


FLEETS: dict[str, Callable[[], dict[str, Any]]] = {
    "varied": lambda: {
        **fleet(400, problems=("ssm:X in 1/eu failed: Denied: no (request id 4711). Allow it.",)),
        "hosts": on_hosts(["Little memory.", "Use a larger instance."]),
    },
    "hostile": hostile,
    "empty": lambda: fleet(0),
    "healthy": all_healthy,
    "off": switched_off,
    "large": lambda: fleet(
        1500, accounts=30, regions=len(REGIONS), problems=tuple(f"p{n} failed." for n in range(130))
    ),
}
RERUN = ("varied", "empty")  # enough for check mode and the second run, which cost as much as the first


@dataclass(frozen=True)
class Written:
    """A report on disk, with its fleet."""

    fleet: dict[str, Any]
    folder: Path

    def text(self, kind: str) -> str:
        return (self.folder / f"report.{kind}").read_text(encoding="utf-8")

    @property
    def page(self) -> Element:
        return Page(self.text("html")).root

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.text("json"))


@dataclass(frozen=True)
class Runs:
    """Each run's changed tasks, and the files after the check mode."""

    reports: dict[str, Written]
    changed: dict[str, int]
    after_check: list[str]


def write_all(home: Path) -> Runs:
    """The report of every fleet, below C(home)."""
    reports, cases = {}, []
    for name, make in FLEETS.items():
        made = make()
        (home / f"{name}.json").write_text(json.dumps(made), encoding="utf-8")
        reports[name] = Written(made, home / "out" / name)
        time = "2026-11-24 06:00" if name == "varied" else ""
        cases.append({"name": name, "rows": f"{home}/{name}.json", "dir": f"{home}/out/{name}", "time": time})
    (home / "play.yml").write_text(PLAY, encoding="utf-8")
    (home / "templates").symlink_to(ROOT / "playbooks" / "templates")
    tasks = str(ROOT / "playbooks" / "tasks" / "report.yml")
    changed, after_check = {}, []
    for name, more in (("check", ["--check", "--diff"]), ("real", []), ("again", [])):
        these = cases if name == "real" else [case for case in cases if case["name"] in RERUN]
        changed[name] = played(home, ["-e", json.dumps({"cases": these, "report_tasks": tasks}), *more])
        if name == "check":
            after_check = sorted(str(path) for path in home.glob("out/*"))
    return Runs(reports, changed, after_check)


def played(home: Path, arguments: list[str]) -> int:
    """Run the play; returns the number of changed tasks."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "play.yml", *arguments],
        cwd=home,
        env={
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".cache")),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_HOME": str(home / "ansible"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
    assert "Traceback" not in done.stdout + done.stderr
    return int(json.loads(done.stdout)["stats"]["localhost"]["changed"])
