# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides and README.md agree with the code: tables, variables, groups, modules and playbooks."""

from __future__ import annotations

import re

import pytest
import yaml

import guides
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict import catalogue as words
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict import rows
from told import expect_none
from tree import ROOT

VERDICTS = (guides.GUIDES / "guide_verdicts.rst").read_text(encoding="utf-8")
PERMISSIONS = (guides.GUIDES / "guide_permissions.rst").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
PLAYBOOKS = sorted(path.stem for path in guides.PLAYBOOKS.glob("*.yml"))
README_LINES, README_COLUMNS = 150, 100


def test_pages_that_are_written_from_data_are_up_to_date() -> None:
    expect_none(guides.outdated())


def test_defaults_of_the_role_are_those_of_its_specification() -> None:
    specs = yaml.safe_load((guides.ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    defaults = yaml.safe_load((guides.ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
    said = {name: option["default"] for name, option in specs["main"]["options"].items() if "default" in option}
    assert {name: value for name, value in defaults.items() if name in said} == said
    assert set(defaults) <= set(specs["main"]["options"])


def test_a_changed_table_is_seen() -> None:
    assert "GuardDuty installs the agent." in VERDICTS
    changed = VERDICTS.replace("GuardDuty installs the agent.", "Nobody does.", 1)
    assert guides.written(changed) == VERDICTS
    (found, wanted) = (guides.marks(text)["reasons"] for text in (changed, VERDICTS))
    assert guides.difference(found, wanted) == "has another text for `automated_agent`"


def test_a_missing_row_is_named() -> None:
    wanted = guides.blockers()
    short = wanted.replace("   * - ``imds_off``", "   * - ``imds_on``")
    assert guides.difference(short, wanted) == "lacks `imds_off` and has `imds_on` too many"


def test_every_guide_is_on_the_contents_page() -> None:
    contents = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))
    listed = [name for section in contents["sections"] for name in section["toctree"]]
    assert sorted(listed) == [path.stem for path in guides.guides()]


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
    assert sorted(guides.explained("Inventory groups")) == sorted(f"gd_{name}" for name in rows.GROUPS)


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
