# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This tree keeps the promises, and each rule finds the mistake that it is meant to find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import promises
from told import expect_none
from tree import ROOT

Rule = Callable[[Path], list[str]]
RULES: list[Rule] = [
    promises.headless,
    promises.overlong,
    promises.private,
    promises.action_group,
    promises.grouped,
    promises.undocumented,
    promises.unannounced,
    promises.nameless,
    promises.unpinned,
]
HEADER = "\n".join(promises.HEADER)
RUNTIME = "action_groups: {guardduty: [tags]}"
ATTRIBUTES = "{check_mode: {support: full}, diff_mode: {support: full}, idempotent: {support: full}}"
FRAGMENT = f"""
class ModuleDocFragment:
    DOCUMENTATION = "attributes: {{action_group: {{support: full}}}}"
    WRITES = '''
attributes: {ATTRIBUTES}
'''
"""
MODULE = """
DOCUMENTATION = '''
short_description: a
description: [a]
version_added: 0.1.0
author: a
extends_documentation_fragment: [fleetsec.guardduty.attributes, fleetsec.guardduty.attributes.writes]
'''
EXAMPLES = '''
- fleetsec.guardduty.tags:
'''
RETURN = '''# '''
"""
# A module that runs on hosts, which is in no group.
FOR_HOSTS = MODULE.replace("tags:", "plan:").replace(
    "extends_documentation_fragment: [fleetsec.guardduty.attributes, fleetsec.guardduty.attributes.writes]",
    f"attributes: {ATTRIBUTES}",
)
ALONE = FOR_HOSTS.replace("guardduty.plan:", "guardduty.page:")
FOR_HOSTS += "from ansible_collections.fleetsec.guardduty.plugins.module_utils.host.agent import installed"
GOOD = {
    "Makefile": HEADER,
    "galaxy.yml": f"{HEADER}\nversion: 1.0.0",
    "changelogs/fragments/a.yml": "bugfixes: [b]",
    "meta/runtime.yml": f"{HEADER}\n{RUNTIME}",
    "plugins/doc_fragments/attributes.py": HEADER + FRAGMENT,
    "plugins/modules/plan.py": HEADER + FOR_HOSTS,
    "plugins/modules/tags.py": HEADER + MODULE,
    "plugins/action/page.py": HEADER,
    "plugins/modules/page.py": HEADER + ALONE,
    "tests/requirements/test.txt": "moto[server]==5.2.5\nansible==12.3.0 ; python_full_version < '3.12'",
}
MISTAKES: list[tuple[Rule, str, str]] = [
    (promises.headless, "plugins/modules/tags.py", MODULE),
    (promises.headless, "Makefile", "all:"),
    (promises.headless, "tests/a.sh", "#!/bin/sh\nexit"),
    (promises.overlong, "docs/a.md", "a\n" * 401),
    (promises.private, "docs/a.md", "see /" + "work/notes"),
    (promises.private, "tests/a.py", HEADER + "\nx = '/" + "root/.venv/bin/python'"),
    (promises.action_group, "meta/runtime.yml", RUNTIME.replace("tags", "")),
    (promises.action_group, "meta/runtime.yml", RUNTIME.replace("tags", "tags, gone")),
    (promises.action_group, "meta/runtime.yml", RUNTIME.replace("tags", "tags, plan")),
    (promises.action_group, "plugins/modules/page.py", ALONE + "\nmain()"),
    (promises.grouped, "plugins/modules/plan.py", FOR_HOSTS.replace("{check", "{action_group: {support: full}, check")),
    (promises.grouped, "plugins/modules/tags.py", MODULE.replace("attributes, ", "attributes.writes, ")),
    (promises.undocumented, "plugins/modules/tags.py", MODULE.replace("RETURN", "NOTHING")),
    (promises.undocumented, "plugins/modules/tags.py", MODULE.replace("guardduty.tags:", "guardduty.other:")),
    (promises.undocumented, "plugins/doc_fragments/attributes.py", FRAGMENT.replace("idempotent", "other")),
    (promises.unannounced, "galaxy.yml", "version: 1.1.0"),
    (promises.nameless, "plugins/modules/tags.py", f"{HEADER}{MODULE}for _ in (): pass"),
    (promises.unpinned, "tests/requirements/test.txt", "moto>=5"),
    (promises.unpinned, "tests/requirements/test.txt", "--index-url https://example.com/simple"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_promise(rule: Rule) -> None:
    expect_none(rule(ROOT))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_good_tree_passes(rule: Rule, tmp_path: Path) -> None:
    plant(tmp_path, GOOD)
    assert rule(tmp_path) == []


@pytest.mark.parametrize(("rule", "path", "text"), MISTAKES)
def test_the_rule_sees_the_mistake(rule: Rule, path: str, text: str, tmp_path: Path) -> None:
    plant(tmp_path, GOOD | {path: text})
    if rule is promises.unannounced:
        (tmp_path / "changelogs/fragments/a.yml").unlink()
    assert len(rule(tmp_path)) == 1


def plant(root: Path, texts: dict[str, str]) -> None:
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text + "\n", encoding="utf-8")
