# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a blocker, a coverage issue, an operating system and a field of AWS need, and which file lacks what.

    PYTHONPATH=.cache python tests/gates/completeness.py      # one line per missing piece

The pages in docs/contributing/ go through these files in order.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from types import ModuleType

import guides
import records
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.fleet.issues import (
    ISSUES,
    UNRECOGNIZED,
    decode_issue,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.catalogue import BLOCKERS
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.os_support import (
    ALIASES,
    VERIFIED_KERNELS,
    VERIFIED_OS,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.verdict.rows import row
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model import fleet
from tree import ROOT, parse

UTILS = "plugins/module_utils"
TESTS = "tests/unit/decide/verdict"
CATALOGUE, ELIGIBILITY = f"{UTILS}/decide/verdict/catalogue.py", f"{UTILS}/decide/verdict/eligibility.py"
BLOCKER_TESTS = {
    f"{TESTS}/test_blockers_table.py": "no test expects the blocker; add a world that has it",
    f"{TESTS}/test_eligibility_properties.py": "the second reading lacks the blocker; add it to IN_THE_WAY or CONTRADICTIONS",
}
ISSUE_TABLE, ISSUE_TESTS = f"{UTILS}/decide/fleet/issues.py", "tests/unit/decide/fleet/test_issues.py"
EMULATED_ISSUES = "tests/emulated_aws/emulated_aws/coverage.py"
OS_TABLE, OS_TESTS = f"{UTILS}/decide/verdict/os_support.py", f"{TESTS}/test_os_support.py"
FLEET = f"{UTILS}/model/fleet.py"
# Record, and the file that reads it
READERS: tuple[tuple[type, str], ...] = (
    (fleet.Instance, f"{UTILS}/observe/fleet/ec2.py"),
    (fleet.Node, f"{UTILS}/observe/fleet/ssm.py"),
    (fleet.CoverageRow, f"{UTILS}/observe/fleet/guardduty.py"),
)
# The tests of the other two give AWS's members in the order of the fields
INSTANCE_TESTS = "tests/unit/observe/fleet/test_ec2.py"
QUICK_READERS = "tests/unit/observe/client/test_quick_readers.py"
GUIDE, ROW_TESTS = guides.VERDICTS, "tests/unit/decide/fleet/test_verdict_rows.py"


def everything() -> list[str]:
    return [*blockers(), *issues(), *systems(), *aws_fields(), *variables(), *guides.outdated()]


def blockers() -> Iterator[str]:
    """Each blocker has its words, a condition, a test, and a second reading."""
    for code, blocker in BLOCKERS.items():
        for name in ("cause", "remedy"):
            if not getattr(blocker, name).strip():
                yield f"{CATALOGUE}: blocker `{code}` has no {name}"
        if blocker.fix and not guides.fixer(blocker.fix):
            yield f"{CATALOGUE}: the fix of blocker `{code}`, {blocker.fix}, is neither a module nor a playbook"
        if code not in texts(ELIGIBILITY):
            yield f"{ELIGIBILITY}: no condition yields the blocker `{code}`; add it to _wanted_blockers() or _contradictions()"
        for path, what in BLOCKER_TESTS.items():
            if code not in texts(path):
                yield f"{path}: {what}: `{code}`"
    for found in ast.walk(parse(ROOT / ELIGIBILITY)):
        if isinstance(found, ast.Yield) and isinstance(found.value, ast.Constant) and found.value.value not in BLOCKERS:
            yield (
                f"{CATALOGUE}: lacks the blocker `{found.value.value}`, which {ELIGIBILITY}:{found.lineno} yields; add its"
                " cause and remedy to BLOCKERS"
            )


def issues() -> Iterator[str]:
    """Each issue has its words and AWS's text in a test; the emulated AWS gives texts that are known."""
    documented = {code for dummy, dummy, code in loaded(ISSUE_TESTS).DOCUMENTED}
    for issue in ISSUES:
        for name in ("cause", "remedy"):
            if not getattr(issue, name).strip():
                yield f"{ISSUE_TABLE}: issue `{issue.code}` has no {name}"
        if issue.code not in documented:
            yield f"{ISSUE_TESTS}: DOCUMENTED lacks AWS's text of the issue `{issue.code}`; add (type, message, code)"
    for code in sorted(documented - {issue.code for issue in ISSUES}):
        yield f"{ISSUE_TABLE}: ISSUES lacks `{code}`, which {ISSUE_TESTS} expects; add its text, cause and remedy"
    for call in ast.walk(parse(ROOT / EMULATED_ISSUES)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "issue":
            text = ": ".join(str(part.value) for part in call.args if isinstance(part, ast.Constant))
            if decode_issue(text) is UNRECOGNIZED:
                yield f"{ISSUE_TABLE}: ISSUES lacks {text!r}, which {EMULATED_ISSUES}:{call.lineno} returns; add an Issue"


def systems() -> Iterator[str]:
    """Each operating system has its kernels, and a test of its versions and of a kernel."""
    tests = loaded(OS_TESTS)
    versions = {(canonical(name), version) for name, version in tests.TABLE}
    kernels = {canonical(name) for name, dummy in tests.KERNELS}
    for name in sorted(VERIFIED_OS.keys() | VERIFIED_KERNELS.keys()):
        for table, words in (("VERIFIED_OS", VERIFIED_OS), ("VERIFIED_KERNELS", VERIFIED_KERNELS)):
            if name not in words:
                yield f"{OS_TABLE}: {table} lacks `{name}`; add it from AWS's table"
        for version in VERIFIED_OS.get(name, ()):
            if not any(n == name and (v == version or v.startswith(f"{version}.")) for n, v in versions):
                yield f"{OS_TESTS}: TABLE lacks `{name}` {version}; add it as AWS's page has it"
        if name not in kernels:
            yield f"{OS_TESTS}: KERNELS lacks a kernel of `{name}`; add the release of one, as `uname -r` prints it"
    for alias, name in ALIASES.items():
        if name not in VERIFIED_OS:
            yield f"{OS_TABLE}: ALIASES leads `{alias}` to `{name}`, which VERIFIED_OS lacks"


def aws_fields() -> Iterator[str]:
    """Each field of a record has its readers, a test, and a cache format that changed with it."""
    for record, reader in READERS:
        read = arguments(reader, record.__name__)
        for one in fields(record):
            if one.name not in read:
                yield f"{reader}: does not read the field `{one.name}` of {record.__name__} ({FLEET}); set it from AWS's answer"
            elif record is fleet.Instance and one.name not in words_of(INSTANCE_TESTS):
                yield f"{INSTANCE_TESTS}: no test expects the field `{one.name}`; add AWS's member to an answer, and its value"
    yield from loaded(QUICK_READERS).missing_members()
    yield from records.outdated()


def variables() -> Iterator[str]:
    """Each host variable is explained and tested."""
    names, explained = list(row(guides.verdict())), guides.explained("Variables")
    designed = [f"gd_{name}" for name in loaded(ROW_TESTS).DESIGNED_NAMES]
    for name in names:
        if name not in explained:
            yield f"{GUIDE}: the table Variables lacks ``{name}``; add its values and its meaning"
        if name not in designed:
            yield f"{ROW_TESTS}: DESIGNED_NAMES lacks `{name.removeprefix('gd_')}`; add it"
        if name not in texts(ROW_TESTS):
            yield f"{ROW_TESTS}: test_a_row_says_what_aws_says lacks `{name}`; add its value"
    for name in sorted({*explained, *designed} - set(names)):
        yield f"{UTILS}/decide/verdict/rows.py: the row lacks `{name}`, which {GUIDE} or {ROW_TESTS} has"


def canonical(name: str) -> str:
    return ALIASES.get(name.lower(), name.lower())


@cache
def texts(path: str) -> frozenset[object]:
    """The strings of a file, without its documentation."""
    return frozenset(node.value for node in ast.walk(parse(ROOT / path)) if isinstance(node, ast.Constant))


@cache
def words_of(path: str) -> frozenset[str]:
    """What a test names: keyword arguments, attributes, and strings."""
    nodes = list(ast.walk(parse(ROOT / path)))
    names = {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return frozenset(names | {text for text in texts(path) if isinstance(text, str)})


def arguments(path: str, record: str) -> set[str]:
    """The keyword arguments with which a file builds a record."""
    calls = (node for node in ast.walk(parse(ROOT / path)) if isinstance(node, ast.Call))
    built = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == record]
    return {keyword.arg for call in built for keyword in call.keywords if keyword.arg}


@cache
def loaded(path: str) -> ModuleType:
    """A test file as a module, for its tables. What it imports is in a folder that pytest knows (pyproject.toml)."""
    if (shared := str(ROOT / "tests" / "unit" / "decide")) not in sys.path:
        sys.path.append(shared)
    spec = importlib.util.spec_from_file_location(f"tables_of_{path.rpartition('/')[2][:-3]}", ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    missing = everything()
    print("\n".join(missing) or "Nothing is missing.")
    raise SystemExit(bool(missing))
