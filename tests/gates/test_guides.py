# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides and README.md agree with the code: tables, variables, groups, modules and playbooks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import guides
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict import catalogue as words
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict import rows
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import (
    Choices,
    Verdict,
    judge_area,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import AccountRegion, Instance
from tree import ROOT

VERDICTS = (guides.GUIDES / "guide_verdicts.rst").read_text(encoding="utf-8")
PERMISSIONS = (guides.GUIDES / "guide_permissions.rst").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
PLAYBOOKS = sorted(path.stem for path in guides.PLAYBOOKS.glob("*.yml"))
README_LINES, README_COLUMNS = 150, 100


@pytest.mark.parametrize("guide", guides.guides(), ids=lambda path: path.stem)
def test_tables_are_those_of_the_code(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    assert text == guides.written(text), "run: PYTHONPATH=.cache python tests/gates/guides.py"


def test_the_page_of_the_role_is_its_specification() -> None:
    page = (guides.ROLE / "README.md").read_text(encoding="utf-8")
    assert page == guides.role_readme(), "run: PYTHONPATH=.cache python tests/gates/guides.py"


def test_defaults_of_the_role_are_those_of_its_specification() -> None:
    specs = yaml.safe_load((guides.ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    defaults = yaml.safe_load((guides.ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
    said = {name: option["default"] for name, option in specs["main"]["options"].items() if "default" in option}
    assert {name: value for name, value in defaults.items() if name in said} == said
    assert set(defaults) <= set(specs["main"]["options"])


def test_every_table_stands_in_one_guide() -> None:
    found = [name for guide in guides.guides() for name in guides.marks(guide.read_text(encoding="utf-8"))]
    assert sorted(found) == sorted(guides.TABLES)


def test_a_changed_table_is_seen() -> None:
    assert "GuardDuty installs the agent." in VERDICTS
    changed = VERDICTS.replace("GuardDuty installs the agent.", "Nobody does.", 1)
    assert guides.written(changed) == VERDICTS


def test_every_guide_is_on_the_contents_page() -> None:
    contents = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))
    listed = [name for section in contents["sections"] for name in section["toctree"]]
    assert sorted(listed) == [path.stem for path in guides.guides()]


def test_every_host_variable_is_explained_and_no_other() -> None:
    assert explained("Variables") == list(rows.row(verdict()))


def test_the_values_of_host_variables_are_the_codes() -> None:
    values = {
        "gd_tag": words.TAG_STATES,
        "gd_route": words.ROUTES,
        "gd_ssm": words.SSM_STATES,
        "gd_endpoint": words.ENDPOINT_STATES,
        "gd_coverage": words.COVERAGE_STATES,
    }
    for name, known in values.items():
        assert f"``{name}``\n     - {', '.join(f'``{value}``' for value in known)}\n" in VERDICTS


def test_every_group_is_explained_and_no_other() -> None:
    assert sorted(explained("Inventory groups")) == sorted(f"gd_{name}" for name in rows.GROUPS)


@pytest.mark.parametrize("name", [*MODULES, *PLAYBOOKS])
def test_every_module_and_playbook_is_in_the_readme_and_has_its_permissions(name: str) -> None:
    assert f"| `{name}` |" in README
    assert f"``{name}``" in PERMISSIONS.partition(".. policies:")[0]


def test_every_policy_is_explained() -> None:
    assert re.findall(
        r"^   \* - ``(\w+\.json)``$", PERMISSIONS.partition("Create a policy from a file")[0], re.MULTILINE
    )
    for path in guides.POLICIES.glob("*.json"):
        assert f"   * - ``{path.name}``\n     - " in PERMISSIONS.partition("Create a policy from a file")[0]


def test_the_readme_is_short() -> None:
    lines = README.splitlines()
    assert len(lines) <= README_LINES
    assert [line for line in lines if len(line) > README_COLUMNS] == []


def test_links_of_the_readme_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def explained(title: str) -> list[str]:
    """The gd_ names in the first column of the table under a title of the verdicts guide."""
    section = re.split(rf"^{title}\n-+\n", VERDICTS, flags=re.MULTILINE)[1].split("\n---", 1)[0]
    cells = re.findall(r"^   \* - (.*?)\n     - ", section, re.MULTILINE | re.DOTALL)
    return [name for cell in cells for name in re.findall(r"``(gd_\w+)``", cell)]


def verdict() -> Verdict:
    instance = Instance("i-1", "111111111111", "eu-west-1", "running", "linux", "x86_64", "m6i.large")
    return next(judge_area(AccountRegion("111111111111", "eu-west-1", instances=(instance,)), Choices()))
