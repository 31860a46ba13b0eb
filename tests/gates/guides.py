# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the guides that are written from the collection's own data, so that no fact is stated twice.

    PYTHONPATH=.cache python tests/gates/guides.py      # update them in docs/docsite/rst

A guide marks the position with a comment '.. NAME: written by tests/gates/guides.py' and the end with '.. end'.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.endpoint.need import NEEDS
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.fleet.gate import HARD_BLOCKERS
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.fleet.issues import ISSUES, UNRECOGNIZED
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.catalogue import BLOCKERS, REASONS
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.eligibility import (
    Choices,
    Verdict,
    judge_area,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import AccountRegion, Instance
from tree import ROOT

GUIDES = ROOT / "docs" / "docsite" / "rst"
VERDICTS = "docs/docsite/rst/guide_verdicts.rst"
PERMISSIONS = "docs/docsite/rst/guide_permissions.rst"
POLICIES = ROOT / "docs" / "iam"
PLAYBOOKS = ROOT / "playbooks"
ROLE = ROOT / "roles" / "agent"
ROLE_HEAD = """
# fleetsec.guardduty.agent

Installs, upgrades, verifies and removes the GuardDuty agent by its RPM or DEB package, without Systems Manager.
The guide to packages (docs/docsite/rst/guide_package.rst) says how to use it. This page is written by
tests/gates/guides.py from meta/argument_specs.yml.
"""
RUN = "PYTHONPATH=.cache python tests/gates/guides.py"
BY = ": written by tests/gates/guides.py"
MARK = re.compile(rf"^\.\. (?P<name>[a-z_ ]+){BY}\n(?P<body>.*?)^\.\. end$", re.MULTILINE | re.DOTALL)
TYPES = "list or str|list|str|bool|int|float|dict"
VARIABLE = re.compile(rf"#   (?P<name>\w+) +(?P<type>{TYPES}) +(?P<text>\S.*)")
MORE = re.compile(r"# {10,}(?P<text>\S.*)")

Row = Sequence[str]


def reasons() -> str:
    rows = [
        (code(one.code), "yes" if one.wanted else "no", code(one.route), plain(one.cause)) for one in REASONS.values()
    ]
    return table(("Reason", "Wanted", "Route", "Cause"), (25, 10, 15, 50), rows)


def blockers() -> str:
    rows = [
        (
            code(one.code),
            plain(one.cause),
            plain(one.remedy),
            fixer(one.fix),
            "no" if one.code in HARD_BLOCKERS else "",
            "yes" if one.contradiction else "",
        )
        for one in BLOCKERS.values()
    ]
    heads = ("Blocker", "Cause", "Remedy", "By", "Waiting helps", "Contradiction")
    return table(heads, (18, 27, 27, 12, 8, 8), rows)


def issues() -> str:
    rows = [(code(one.code), said(one.needles), plain(one.cause), plain(one.remedy)) for one in (*ISSUES, UNRECOGNIZED)]
    return table(("Code", "Text of the issue", "Cause", "Remedy"), (18, 22, 27, 33), rows)


def needs() -> str:
    rows = [(code(name), "yes" if needed else "no", plain(text)) for name, (needed, text) in NEEDS.items()]
    return table(("Code", "Needed", "Meaning"), (28, 12, 60), rows)


def policies() -> str:
    rows = []
    for path in sorted(POLICIES.glob("*.json")):
        for statement in json.loads(path.read_text(encoding="utf-8"))["Statement"]:
            allowed = ", ".join(code(action) for action in listed(statement["Action"]))
            where = ", ".join(code(arn) for arn in listed(statement["Resource"]))
            if "Condition" in statement:
                where += f" if {code(json.dumps(statement['Condition']))}"
            rows.append((code(path.name), statement["Sid"], allowed, where))
    return table(("Policy", "Statement", "Actions", "Resources"), (18, 17, 35, 30), rows)


def variables_of(playbook: str) -> str:
    """The variables that a playbook's header documents."""
    rows: list[list[str]] = []
    for line in (PLAYBOOKS / f"{playbook}.yml").read_text(encoding="utf-8").splitlines():
        if line == "---":
            break
        if variable := VARIABLE.fullmatch(line):
            rows.append([code(variable["name"]), variable["type"], plain(variable["text"])])
        elif rows and (more := MORE.fullmatch(line)):
            rows[-1][2] += f" {plain(more['text'])}"
    return table(("Variable", "Type", "Meaning"), (30, 10, 60), rows)


TABLES: dict[str, Callable[[], str]] = {
    "reasons": reasons,
    "blockers": blockers,
    "issues": issues,
    "needs": needs,
    "policies": policies,
    "variables of audit": lambda: variables_of("audit"),
    "variables of awx_setup": lambda: variables_of("awx_setup"),
    "variables of gate": lambda: variables_of("gate"),
    "variables of enrol": lambda: variables_of("enrol"),
    "variables of events_setup": lambda: variables_of("events_setup"),
    "variables of image": lambda: variables_of("image"),
    "variables of offboard": lambda: variables_of("offboard"),
    "variables of report": lambda: variables_of("report"),
    "variables of rollout": lambda: variables_of("rollout"),
    "variables of tag": lambda: variables_of("tag"),
    "variables of upgrade": lambda: variables_of("upgrade"),
}


def role_readme() -> str:
    """The README.md of the role, from its argument specification: each entry point, and each variable once."""
    specs = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    # The licence of this file, which is the page's too
    licence = [line.removeprefix("# ") for line in Path(__file__).read_text(encoding="utf-8").splitlines()[:3]]
    lines = [
        "<!--",
        *licence,
        "-->",
        *ROLE_HEAD.strip().splitlines(),
        "",
        "## Entry points",
        "",
        "| entry point | does | variables |",
        "|---|---|---|",
    ]
    options: dict[str, dict[str, Any]] = {}
    for name, spec in specs.items():
        options |= spec["options"]
        all_of_main = spec["options"] == specs["main"]["options"]
        used = "all" if all_of_main else ", ".join(f"`{option}`" for option in spec["options"]) or "none"
        lines.append(f"| `{name}` | {spec['short_description']} | {used} |")
    lines += ["", "## Variables", "", "| variable | type | default | meaning |", "|---|---|---|---|"]
    for name, option in options.items():
        default = f"`{json.dumps(option['default'])}`" if "default" in option else ""
        choices = f": {', '.join(option['choices'])}" if "choices" in option else ""
        texts = " ".join(listed(option["description"]))
        lines.append(f"| `{name}` | {option['type']}{choices} | {default} | {markdown(texts)} |")
    return "\n".join([*lines, ""])


def markdown(text: str) -> str:
    """Ansible's markup as Markdown."""
    return re.sub(r"[A-Z]\(([^()]*(?:\([^()]*\))?[^()]*)\)", lambda found: f"`{found[1].split('#')[-1]}`", text)


def table(heads: Row, widths: Sequence[int], rows: Sequence[Row]) -> str:
    return "\n".join(["", *_table(heads, widths, rows), "", ""])


def _table(heads: Row, widths: Sequence[int], rows: Sequence[Row]) -> Iterator[str]:
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield f"   :widths: {' '.join(map(str, widths))}"
    yield ""
    for row in (heads, *rows):
        for number, cell in enumerate(row):
            yield f"   {'*' if number == 0 else ' '} - {cell}".rstrip()


def plain(text: str) -> str:
    """Text without meaning in reStructuredText: its special characters are escaped."""
    return re.sub(r"([\\*`|]|_(?=\W|$))", r"\\\1", text)


def code(text: str) -> str:
    return f"``{text}``"


def said(needles: Sequence[str]) -> str:
    return " and ".join(f'"{plain(needle)}"' for needle in needles) or "any other"


def fixer(name: str) -> str:
    """The module or playbook that helps, if it exists."""
    short = name.removeprefix("fleetsec.guardduty.")
    places = (ROOT / "plugins" / "modules" / f"{short}.py", PLAYBOOKS / f"{short}.yml")
    return code(short) if any(place.exists() for place in places) else ""


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def marks(guide: str) -> dict[str, str]:
    """The tables in a guide, by name."""
    return {found["name"]: found["body"] for found in MARK.finditer(guide)}


def written(guide: str) -> str:
    """The guide with its tables updated from the collection's data."""
    return MARK.sub(lambda found: f".. {found['name']}{BY}\n{TABLES[found['name']]()}.. end", guide)


def guides() -> list[Path]:
    return sorted(GUIDES.glob("*.rst"))


def outdated() -> Iterator[str]:
    """Each page that is written from data and differs from it, with the rows that it lacks or has too many."""
    homeless = set(TABLES)
    for path in guides():
        for name, body in marks(path.read_text(encoding="utf-8")).items():
            homeless.discard(name)
            if name not in TABLES:
                yield f"{shown(path)}: marks a table `{name}`, which TABLES in tests/gates/guides.py lacks"
            elif body != (wanted := TABLES[name]()):
                yield f"{shown(path)}: the table `{name}` {difference(body, wanted)}; run: {RUN}"
    for name in sorted(homeless):
        yield f"docs/docsite/rst/: no guide has the table `{name}`; add its marks: .. {name}{BY}"
    if (ROLE / "README.md").read_text(encoding="utf-8") != role_readme():
        yield f"roles/agent/README.md: is not the page of meta/argument_specs.yml; run: {RUN}"


def difference(body: str, wanted: str) -> str:
    """How the rows of a table differ, by their first cell."""
    here, there = rows_of(body), rows_of(wanted)
    lacks, more = [row for row in there if row not in here], [row for row in here if row not in there]
    found = [f"lacks {', '.join(lacks)}"] * bool(lacks) + [f"has {', '.join(more)} too many"] * bool(more)
    changed = [row for row in there if here.get(row, there[row]) != there[row]]
    found += [f"has another text for {', '.join(changed)}"] * bool(changed)
    return " and ".join(found) or "has its rows in another order"


def rows_of(body: str) -> dict[str, str]:
    """The rows of a table by their first cell, the heads included."""
    return {row.partition("\n")[0].replace("``", "`"): row.strip() for row in body.split("   * - ")[1:]}


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def explained(title: str) -> list[str]:
    """The gd_ names in the first column of the table under a title of the verdicts guide."""
    verdicts = (ROOT / VERDICTS).read_text(encoding="utf-8")
    section = re.split(rf"^{title}\n-+\n", verdicts, flags=re.MULTILINE)[1].split("\n---", 1)[0]
    cells = re.findall(r"^   \* - (.*?)\n     - ", section, re.MULTILINE | re.DOTALL)
    return [name for cell in cells for name in re.findall(r"``(gd_\w+)``", cell)]


def verdict() -> Verdict:
    """Any verdict."""
    instance = Instance("i-1", "111111111111", "eu-west-1", "running", "linux", "x86_64", "m6i.large")
    return next(judge_area(AccountRegion("111111111111", "eu-west-1", instances=(instance,)), Choices()))


if __name__ == "__main__":
    for path in guides():
        path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
    (ROLE / "README.md").write_text(role_readme(), encoding="utf-8")
