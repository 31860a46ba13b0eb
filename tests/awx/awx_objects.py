# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of extensions/awx/controller, without Ansible: unchanged, including templates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml
from harness import ROOT, Run

CONTROLLER = ROOT / "extensions" / "awx" / "controller"
PROJECT = ROOT / "extensions" / "awx" / "project"
Playbook = Callable[..., Run]


class Loader(yaml.SafeLoader):
    """Reads Ansible's tag for text that is not a template as text."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def read() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted(CONTROLLER.glob("*.yml")):
        found |= yaml.load(path.read_text(encoding="utf-8"), Loader)
    return found
