# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only contact with moto's tables: our Response classes take the place of moto's."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

# Each has register(); load() is called once a fleet has been loaded into EC2 and the world, behaviour last.
_SERVICES = ("ec2", "sts", "organizations", "ssm", "guardduty", "events", "sqs")


def swap(urls: ModuleType, response: type[Any]) -> None:
    """Let C(response) answer every path of a moto urls module. Works until moto's app of the service is built."""
    for path in urls.url_paths:
        urls.url_paths[path] = response.dispatch


def _module(name: str) -> ModuleType | None:
    full = f"{__package__}.{name}"
    return import_module(full) if find_spec(full) else None


def register() -> None:
    for name in _SERVICES:
        module = _module(name)
        if module is not None:
            module.register()


def after_load() -> None:
    for name in ("ssm", "guardduty", "events", "sqs", "behaviour"):
        load: Callable[[], None] | None = getattr(_module(name), "load", None)
        if load is not None:
            load()


def after_call(service: str, operation: str, account: str, region: str) -> None:
    react = getattr(_module("behaviour"), "after_call", None)
    if react is not None:
        react(service, operation, account, region)
