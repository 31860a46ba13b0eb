# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import and call what: the rooms of CONTRIBUTING.md as rules over a root folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import botocore.session
from botocore import xform_name

from tree import files, imports, parse, place

UTILS = "plugins.module_utils"
ANSIBLE = ("ansible", "ansible_collections")
AWS = ("boto3", "botocore")
WORLD = ("time", "os", "socket", "pathlib", "random", "secrets", "subprocess", "tempfile", "urllib", "http", "requests")
MODULE_LINES = 60
READS = ("batch_get_", "describe_", "get_", "list_", "search_", "assume_role", "can_paginate", "decode_")
SERVICES = ("ec2", "ssm", "guardduty", "organizations", "iam", "s3", "sts", "sqs", "events")


@dataclass(frozen=True)
class Room:
    """A part of the collection: what it may not import, and which of our own parts it may."""

    pattern: str
    forbidden: tuple[str, ...]
    own: tuple[str, ...]


ROOMS = (
    Room("plugins/module_utils/model/*.py", (*ANSIBLE, *AWS, *WORLD), ("model",)),
    Room("plugins/module_utils/decide/*.py", (*ANSIBLE, *AWS, *WORLD), ("decide", "model")),
    Room("plugins/module_utils/options/*.py", (*ANSIBLE, *AWS, *WORLD), ("decide", "model", "options")),
    Room("plugins/module_utils/observe/*.py", ANSIBLE, ("observe", "model")),
    Room("plugins/module_utils/converge/*.py", ANSIBLE, ("converge", "decide", "observe", "model")),
    # It runs on managed hosts: what Ansible sends along with a module, and nothing that a host may not have.
    Room("plugins/module_utils/host/*.py", (*AWS, "ansible.plugins", "ansible.errors", "jinja2", "yaml"), ("host",)),
)
# ansible-core 2.19, the oldest that is supported, runs modules on Python 3.8 and later.
HOST_PYTHON = (3, 8)
AMAZON_IMPORTERS = ("plugins/module_utils/aws.py", "plugins/inventory/*.py")


def is_below(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def wrong_imports(root: Path) -> list[str]:
    """Imports that a room forbids."""
    found = []
    for room in ROOMS:
        own = tuple(f"{UTILS}.{part}" for part in room.own)
        for path in files(root, room.pattern):
            for one in imports(path, root):
                if is_below(one.name, ("plugins",)):
                    wrong = not is_below(one.name, own)
                else:
                    wrong = is_below(one.name, room.forbidden)
                if wrong:
                    found.append(f"{place(path, root, one.line)}: {room.pattern} must not import {one.name}")
    return found


def host_modules(root: Path) -> list[Path]:
    """The modules that run on managed hosts: those that use the room of that name."""
    return [
        path
        for path in files(root, "plugins/modules/*.py")
        if any(is_below(one.name, (f"{UTILS}.host",)) for one in imports(path, root))
    ]


def too_new_for_hosts(root: Path) -> list[str]:
    """Code for managed hosts that needs a newer Python than 3.8, or imports code that does."""
    found = []
    for path in [*files(root, "plugins/module_utils/host/*.py"), *host_modules(root)]:
        try:
            ast.parse(path.read_text(encoding="utf-8"), feature_version=HOST_PYTHON)
        except SyntaxError as error:
            found.append(f"{path.relative_to(root)}:{error.lineno}: managed hosts may have Python 3.8: {error.msg}")
        found += [
            f"{place(path, root, one.line)}: managed hosts may have Python 3.8, and {one.name} needs more"
            for one in imports(path, root)
            if is_below(one.name, ("plugins",)) and not is_below(one.name, (f"{UTILS}.host",))
        ]
    return found


def amazon_elsewhere(root: Path) -> list[str]:
    """Imports of amazon.aws outside the one file that adapts it and the inventory's base."""
    allowed = set(files(root, *AMAZON_IMPORTERS))
    return [
        f"{place(path, root, one.line)}: only {' and '.join(AMAZON_IMPORTERS)} import amazon.aws"
        for path in files(root, "plugins/*.py")
        if path not in allowed
        for one in imports(path, root)
        if is_below(one.name, ("ansible_collections.amazon",))
    ]


def clocks_and_files(root: Path) -> list[str]:
    """Calls in decide/ and model/ that read a clock or a file: importing datetime's types is allowed."""
    found = []
    for path in files(root, "plugins/module_utils/decide/*.py", "plugins/module_utils/model/*.py"):
        for call in calls(path):
            name = called(call)
            if name in ("now", "utcnow", "today") and isinstance(call.func, ast.Attribute):
                found.append(
                    f"{place(path, root, call.lineno)}: {name}() reads the clock; take the time as an argument"
                )
            if name in ("open", "input") and isinstance(call.func, ast.Name):
                found.append(f"{place(path, root, call.lineno)}: {name}() reads a file")
    return found


@cache
def write_operations() -> frozenset[str]:
    """The client methods that change something in AWS, from botocore's own models."""
    session = botocore.session.get_session()
    names = {xform_name(name) for service in SERVICES for name in session.get_service_model(service).operation_names}
    return frozenset(name for name in names if not name.startswith(READS))


def writes_elsewhere(root: Path) -> list[str]:
    """Write operations called outside converge/, as a method or by name."""
    # decide/ may name an operation in a plan; it has no client to call it with
    rest = ("converge", "decide", "doc_fragments")
    paths = [
        path for path in files(root, "plugins/*.py") if not any(part in rest for part in path.relative_to(root).parts)
    ]
    return [
        f"{place(path, root, call.lineno)}: {operation} changes AWS; only plugins/module_utils/converge/ may"
        for path in paths
        for call in calls(path)
        for operation in operations_of(call)
    ]


def operations_of(call: ast.Call) -> Iterator[str]:
    # Python's sockets have a method of the name of EventBridge's CreateConnection
    ours = isinstance(call.func, ast.Attribute) and ast.unparse(call.func) != "socket.create_connection"
    method = called(call) if ours else ""
    names = [method, *(arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str))]
    return (name for name in names if name in write_operations())


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(parse(path)) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def long_modules(root: Path) -> list[str]:
    """Modules with more code than a spec, a main() and one call."""
    lines = {path: code_lines(path) for path in files(root, "plugins/modules/*.py")}
    return [
        f"{path.relative_to(root)}: {count} lines of code (limit {MODULE_LINES}); move logic to module_utils"
        for path, count in lines.items()
        if count > MODULE_LINES
    ]


def code_lines(path: Path) -> int:
    """Lines that hold code: no documentation, no docstring, no comment, no blank line."""
    documentation: set[int] = set()
    for node in ast.walk(parse(path)):
        is_text = (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
        is_docs = isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id in ("DOCUMENTATION", "EXAMPLES", "RETURN") for t in node.targets
        )
        if (is_text or is_docs) and node.end_lineno:
            documentation.update(range(node.lineno, node.end_lineno + 1))
    lines = path.read_text(encoding="utf-8").splitlines()
    return sum(
        1
        for number, line in enumerate(lines, 1)
        if number not in documentation and line.strip() and not line.lstrip().startswith("#")
    )
