# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that awx_setup sets are those of the shipped objects, and no other option is ignored silently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import standin
import yaml
from awx_objects import Playbook, read
from harness import ROOT

TASKS = ROOT / "playbooks" / "tasks"
KINDS = yaml.safe_load((ROOT / "playbooks" / "vars" / "awx.yml").read_text(encoding="utf-8"))["awx_kinds"]
LISTS = {
    "notification_templates": "awx_webhooks",
    "job_templates": "controller_templates",
    "workflow_job_templates": "controller_workflows",
}
# What the shipped objects leave out and their users need: secrets, and the keys of a private registry or repository
MORE = {"credentials": {"inputs"}, "execution_environments": {"credential"}, "projects": {"credential"}}


def options_of_tasks() -> dict[str, set[str]]:
    """By kind of object. A workflow's nodes are created by one task and linked by another."""
    found: dict[str, set[str]] = {}
    for name in ("awx_content.yml", "awx_jobs.yml"):
        for task in yaml.safe_load((TASKS / name).read_text(encoding="utf-8")):
            module = next((key for key in task if key.startswith("awx.awx.")), None)
            if module:
                kind = module.removeprefix("awx.awx.").replace("inventory", "inventorie") + "s"
                kind = "inventory_sources" if kind == "inventorie_sources" else kind
                found.setdefault(kind, set()).update(task[module])
    found["workflow_job_template_nodes"] -= {"workflow_job_template", "organization"}  # those of its workflow
    found["workflow_job_templates"].add("simplified_workflow_nodes")  # objects of their own
    return found


def test_the_list_of_options_is_that_of_the_tasks() -> None:
    assert {kind: set(rule["options"]) for kind, rule in KINDS.items()} == options_of_tasks()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "workflow_job_template_nodes"])
def test_every_option_is_used_by_a_shipped_object(kind: str) -> None:
    objects: list[dict[str, Any]] = read()[LISTS.get(kind, f"controller_{kind}")]
    used = {option for one in objects for option in one}
    assert set(KINDS[kind]["options"]) == used | MORE.get(kind, set())


def test_an_option_that_is_not_known_is_refused_by_name(awx: standin.Awx, run: Playbook, tmp_path: Path) -> None:
    mine = {"controller_labels": [{"name": "one", "organization": "mine", "colour": "blue"}]}
    (tmp_path / "mine.yml").write_text(yaml.safe_dump(mine))
    done = run("fleetsec.guardduty.awx_setup", "-e", "awx_objects=mine.yml")
    assert done.returncode == 2 and "does not know the options colour" in done.stdout
    assert [request for request in awx.requests if request[0] != "GET"] == []
