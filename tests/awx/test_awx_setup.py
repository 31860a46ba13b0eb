# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook awx_setup with awx.awx's own modules against a fake of AWX's API: what it sends, and what it leaves alone."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import standin
import yaml
from awx_objects import Playbook, read
from harness import ROOT, SECRET

GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_awx.rst"
GOLDEN = Path(__file__).with_name("requests.json")
COMMANDS = [
    shlex.split(line)[1:]
    for line in re.findall(r"^   (ansible-playbook fleetsec\.guardduty\.awx_setup.*)$", GUIDE.read_text(), re.MULTILINE)
]
WEBHOOK = ("-e", "awx_notification_url=https://hooks.example.com/fleet")
SETUP = "fleetsec.guardduty.awx_setup"
# Somebody who runs this has AWS keys in the environment; they belong to nobody's request.
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEMULATEDCALLER00", "AWS_SECRET_ACCESS_KEY": SECRET}
# The ansible package may bring awx.awx.
WITHOUT_AWX = {
    "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache"),
    "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
    "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
}
FROM_ENVIRONMENT = "{{ lookup('env', 'AWS_SECRET_ACCESS_KEY') }}"
SMALL: dict[str, Any] = {
    "controller_organizations": [{"name": "mine"}],
    "controller_labels": [{"name": "one", "organization": "mine"}, {"name": "two", "organization": "mine"}],
    "controller_credentials": [{"name": "key", "credential_type": "Machine", "inputs": {"password": FROM_ENVIRONMENT}}],
    "controller_inventories": [{"name": "hosts", "organization": "mine", "kind": "", "description": "new"}],
}


def writes(awx: standin.Awx) -> list[tuple[str, str, Any]]:
    return [one for one in awx.requests if one[0] != "GET"]


def test_the_guides_commands_make_the_objects_once(awx: standin.Awx, run: Playbook) -> None:
    """With a webhook, which the guide offers too."""
    preview, real = ([*command, *WEBHOOK] for command in COMMANDS)
    assert "--check" in preview and "--check" not in real
    predicted = run(*preview, env=KEYS).ok()
    assert writes(awx) == []
    named = {
        result["item"]: result["msg"]
        for play in predicted.document["plays"]
        for task in play["tasks"]
        for result in task["hosts"]["localhost"].get("results", [])
        if result.get("changed")
    }
    assert len(named["job_templates"].split("(new)")) == 8
    assert named["labels"] == "labels: guardduty (new), changes-aws (new), destructive (new)"

    first = run(*real, env=KEYS).ok()
    hold(writes(awx))
    made = {"job_templates": 7, "workflow_job_template_nodes": 7, "schedules": 2}
    assert {kind: first.stats["guardduty_awx"][kind] for kind in made} == made
    assert named.keys() == first.stats["guardduty_awx"].keys()
    assert awx.linked("workflow_job_templates", "GuardDuty roll-out in stages", "notification_templates_approvals") == [
        "GuardDuty webhook"
    ]
    assert [one["inputs"] for one in awx.objects["credentials"].values()] == [{}, {}]
    assert SECRET not in json.dumps(awx.requests) and standin.TOKEN not in first.stdout + first.stderr
    for template, survey in read()["awx_surveys"].items():
        name = {"gate": "coverage gate", "rollout": "roll-out", "hosts": "package hosts"}.get(template, template)
        assert awx.surveys[awx.named("job_templates", f"GuardDuty {name}")["id"]] == survey
    assert awx.linked("job_templates", "GuardDuty roll-out", "credentials") == ["GuardDuty fleet", "GuardDuty hosts"]
    path = ["audit", "approval", "canary", "canary-gate", "rest"]
    for node, following in zip(path, [*path[1:], "hosts"], strict=True):
        assert awx.linked("workflow_job_template_nodes", node, "success_nodes") == [following]
    assert awx.linked("workflow_job_template_nodes", "canary", "failure_nodes") == ["report"]

    fill_in(awx)
    awx.requests.clear()
    again = run(*real, env=KEYS).ok()
    assert writes(awx) == []
    assert again.document["stats"]["localhost"]["changed"] == 0


def fill_in(awx: standin.Awx) -> None:
    """As a person does after the first run."""
    awx.objects["credentials"][awx.named("credentials", "GuardDuty fleet")["id"]]["inputs"] = {
        "access_key": "AKIAEXAMPLE",
        "secret_key": "filled-in-by-hand",
        "regions": "eu-west-1",
    }


def hold(sent: list[tuple[str, str, Any]]) -> None:
    """Every writing request except surveys matches the file. GOLDEN=write writes it."""
    lines = [json.dumps(one) for one in sent if not one[1].endswith("/survey_spec/")]
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    assert [json.loads(line) for line in lines] == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_check_mode_predicts_new_and_changed_objects(awx: standin.Awx, run: Playbook, tmp_path: Path) -> None:
    """With an own file, some of whose objects exist, and a secret in the environment of the caller."""
    (tmp_path / "mine.yml").write_text(yaml.safe_dump(SMALL))
    organization = awx.keep("organizations", {"name": "mine"})
    awx.keep("labels", {"name": "one", "organization": organization})
    awx.keep("inventories", {"name": "hosts", "organization": organization, "description": "old"})
    done = run(SETUP, "-e", "awx_objects=mine.yml", "--check", env=KEYS).ok()
    assert writes(awx) == []
    changed = {
        (task["task"]["name"], result.get("msg") or result["item"]["name"])
        for play in done.document["plays"]
        for task in play["tasks"]
        for result in task["hosts"]["localhost"].get("results", [])
        if result.get("changed")
    }
    told = "Say what would be made or changed"
    assert changed == {(told, "labels: two (new)"), (told, "credentials: key (new)"), ("Create inventories", "hosts")}
    real = run(SETUP, "-e", "awx_objects=mine.yml", "-vvv", env=KEYS).ok()
    assert awx.named("credentials", "key")["inputs"] == {"password": SECRET}
    assert SECRET not in done.stdout + done.stderr + real.stdout + real.stderr


def test_missing_data_is_reported(awx: standin.Awx, run: Playbook) -> None:
    nothing = run(SETUP)
    assert "Set awx_project_url to the git repository" in nothing.stdout
    given = ("-e", "awx_project_url=https://git.example.com/fleet.git", "-e", "awx_image=registry.example.com/ee:1")
    stranger = run(SETUP, *given, env={"CONTROLLER_OAUTH_TOKEN": "no-token-of-anybody-4711"})
    assert "Invalid authentication credentials" in stranger.stdout and "CONTROLLER_OAUTH_TOKEN" in stranger.stdout
    bare = run(SETUP, *given, env=WITHOUT_AWX)
    assert "ansible-galaxy collection install awx.awx" in bare.stdout + bare.stderr
    assert {one.returncode for one in (nothing, stranger, bare)} == {2}
    assert writes(awx) == []
