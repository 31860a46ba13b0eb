# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surveys ask for the playbooks' variables, with the playbooks' defaults; and the objects refer to what exists."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from awx_objects import CONTROLLER, PROJECT, read
from awx_rules import survey_refusal
from harness import ROOT

from ansible_collections.fleetsec.guardduty.plugins.filter.survey import as_dict, as_list
from guides import VARIABLE

PLAYBOOKS = ROOT / "playbooks"
ROLE = ROOT / "roles" / "agent"
OBJECTS = read()
SURVEYS = OBJECTS["awx_surveys"]
# The credential says where, and a survey's empty answer would win over it.
OF_CREDENTIAL = {"regions", "assume_role_arns", "organization_role_name"}
# The time would be that of the question, and files of earlier jobs are in no execution environment.
LEFT_OUT = {"report_time", "report_shards"}
# Tested for what they ask of a playbook; hosts is the roll-out with less to ask.
WHOLE = ("audit", "gate", "tag", "rollout", "upgrade", "offboard")
# What the report, which several playbooks can write, takes as its own default.
EMPTY = {"report_dir": ""}


def documented(playbook: str) -> dict[str, str]:
    """The variables of a playbook's head, with their types."""
    head = (PLAYBOOKS / f"{playbook}.yml").read_text(encoding="utf-8").partition("\n---\n")[0]
    found = {one["name"]: one["type"] for line in head.splitlines() if (one := VARIABLE.fullmatch(line))}
    return documented("audit") | found if "in addition to those of the audit playbook" in head else found


def defaults(playbook: str) -> dict[str, Any]:
    plays = yaml.safe_load((PLAYBOOKS / f"{playbook}.yml").read_text(encoding="utf-8"))
    play = next(play for play in plays if "hosts" in play)
    found = dict(EMPTY)
    for path in play.get("vars_files", []):
        found |= yaml.safe_load((PLAYBOOKS / path).read_text(encoding="utf-8"))
    return found | play.get("vars", {})


def role() -> tuple[dict[str, str], dict[str, Any]]:
    specs = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    types = {name: one["type"] for name, one in specs["argument_specs"]["main"]["options"].items()}
    return types, yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))


def meant(answer: Any, kind: str) -> Any:
    """The value of an answer in a playbook."""
    if kind == "list":
        return [str(one) for one in as_list(answer)]
    return as_dict(answer) if kind == "dict" else str(answer).lower()


@pytest.mark.parametrize("name", SURVEYS)
def test_each_question_is_a_variable_with_its_default(name: str) -> None:
    playbook = "rollout" if name == "hosts" else name
    role_types, role_defaults = role()
    types, values = role_types | documented(playbook), role_defaults | defaults(playbook)
    assert survey_refusal(SURVEYS[name]) is None
    for question in SURVEYS[name]["spec"]:
        variable = question["variable"]
        assert question["question_description"]
        if "default" in question:
            default = values[variable]
            expected = [str(one) for one in default] if types[variable] == "list" else default
            expected = expected if isinstance(expected, list | dict) else str(expected).lower()
            assert meant(question["default"], types[variable]) == expected, variable
        elif not question["required"]:
            assert values[variable] in ("", [], {}), variable
        if types[variable] == "bool":
            assert question["choices"] == ["true", "false"], variable


@pytest.mark.parametrize("name", WHOLE)
def test_each_variable_is_asked_for(name: str) -> None:
    asked = {question["variable"] for question in SURVEYS[name]["spec"]} - set(role()[0])
    expected = set(documented(name)) - OF_CREDENTIAL - LEFT_OUT
    missing, unknown = sorted(expected - asked), sorted(asked - expected)
    assert not missing, f"extensions/awx/controller/surveys.yml: {name} does not ask for {', '.join(missing)}"
    assert not unknown, f"playbooks/{name}.yml: the header lacks {', '.join(unknown)}, which surveys.yml asks for"


def test_the_credential_states_where() -> None:
    (kind,) = OBJECTS["controller_credential_types"]
    assert set(kind["injectors"]["extra_vars"]) == OF_CREDENTIAL
    assert {one["id"] for one in kind["inputs"]["fields"] if one.get("secret")} == {"secret_key", "session_token"}
    assert all("inputs" not in one and one["update_secrets"] is False for one in OBJECTS["controller_credentials"])


def test_the_project_has_what_the_objects_name() -> None:
    for template in OBJECTS["controller_templates"]:
        (play,) = yaml.safe_load((PROJECT / template["playbook"]).read_text(encoding="utf-8"))
        namespace, name = play["ansible.builtin.import_playbook"].rsplit(".", 1)
        assert namespace == "fleetsec.guardduty" and (PLAYBOOKS / f"{name}.yml").exists()
    for source in OBJECTS["controller_inventory_sources"]:
        assert (PROJECT / source["source_path"]).exists()


def test_what_works_on_accounts_is_never_sliced_and_what_destroys_asks() -> None:
    templates = {one["name"].removeprefix("{{ awx_prefix }}"): one for one in OBJECTS["controller_templates"]}
    assert {name for name, one in templates.items() if one["job_slice_count"] != 1} == {"package hosts", "upgrade"}
    for name, one in templates.items():
        # A limit would leave localhost out
        assert one.get("ask_limit_on_launch", False) == (name in ("package hosts", "upgrade"))
        assert one.get("ask_job_type_on_launch", False) == ("changes-aws" in one["labels"])
        assert ("DESTRUCTIVE" in one["description"]) == ("destructive" in one["labels"]) == (name == "offboard")
    assert templates["offboard"]["job_type"] == "check"


def test_every_file_of_the_folder_is_read() -> None:
    assert {path.suffix for path in CONTROLLER.iterdir()} == {".yml"}
