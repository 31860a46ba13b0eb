# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides and README.md agree with the code: tables, variables, groups, modules and playbooks."""

from __future__ import annotations

import re

import yaml

import guides
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict import catalogue as words
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict import rows
from told import expect_none
from tree import ROOT

VERDICTS = (ROOT / guides.VERDICTS).read_text(encoding="utf-8")
PERMISSIONS = (ROOT / guides.PERMISSIONS).read_text(encoding="utf-8")
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
    page = "docs/docsite/extra-docs.yml"
    contents = yaml.safe_load((ROOT / page).read_text(encoding="utf-8"))
    listed = {name for section in contents["sections"] for name in section["toctree"]}
    there = {path.stem for path in guides.guides()}
    expect_none(f"{page}: lacks the guide {name}; add it to a toctree" for name in sorted(there - listed))
    expect_none(f"{page}: lists {name}, and there is no docs/docsite/rst/{name}.rst" for name in sorted(listed - there))


def test_the_values_of_host_variables_are_the_codes() -> None:
    values = {
        "gd_tag": words.TAG_STATES,
        "gd_route": words.ROUTES,
        "gd_ssm": words.SSM_STATES,
        "gd_endpoint": words.ENDPOINT_STATES,
        "gd_coverage": words.COVERAGE_STATES,
    }
    cells = {name: ", ".join(f"``{value}``" for value in known) for name, known in values.items()}
    expect_none(
        f"{guides.VERDICTS}: the values of ``{name}`` are not those of decide/verdict/catalogue.py: {cell}"
        for name, cell in cells.items()
        if f"``{name}``\n     - {cell}\n" not in VERDICTS
    )


def test_every_group_is_explained_and_no_other() -> None:
    here, there = set(guides.explained("Inventory groups")), {f"gd_{name}" for name in rows.GROUPS}
    expect_none(f"{guides.VERDICTS}: the table of groups lacks ``{name}``" for name in sorted(there - here))
    expect_none(f"decide/verdict/rows.py: GROUPS lacks {name}, which the guide has" for name in sorted(here - there))


def test_every_module_and_playbook_is_in_the_readme_and_has_its_permissions() -> None:
    assert MODULES and PLAYBOOKS
    names = [*MODULES, *PLAYBOOKS]
    permissions = PERMISSIONS.partition(".. policies:")[0]
    expect_none(
        [
            f"README.md: lacks a table row that starts with | `{name}` |"
            for name in names
            if f"| `{name}` |" not in README
        ]
        + [
            f"{guides.PERMISSIONS}: lacks ``{name}`` in the table that names the policy of each module and playbook"
            for name in names
            if f"``{name}``" not in permissions
        ]
    )


def test_every_policy_is_explained() -> None:
    explained = PERMISSIONS.partition("Create a policy from a file")[0]
    assert re.findall(r"^   \* - ``(\w+\.json)``$", explained, re.MULTILINE)
    expect_none(
        f"{guides.PERMISSIONS}: lacks a table row of ``{path.name}``, which is in docs/iam"
        for path in guides.POLICIES.glob("*.json")
        if f"   * - ``{path.name}``\n     - " not in explained
    )


def test_the_readme_is_short() -> None:
    lines = README.splitlines()
    assert len(lines) <= README_LINES
    assert [line for line in lines if len(line) > README_COLUMNS] == []


def test_links_of_the_readme_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    expect_none(f"README.md: links to {link}, which does not exist" for link in links if not (ROOT / link).exists())
