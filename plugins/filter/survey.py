# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists and dictionaries from the answers of a survey, which are text. Each filter is documented in a file of its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from ansible.errors import AnsibleFilterError

YAML_LIST = re.compile(r"\s*(\[|-\s)")


def as_list(value: Any) -> list[Any]:
    found = from_yaml(value) if isinstance(value, str) and YAML_LIST.match(value) else value
    if found is None:
        return []
    if isinstance(found, (list, tuple)):
        return list(found)
    if isinstance(found, Mapping) or found is not value:
        raise AnsibleFilterError(f"{value!r} is not a list; write one value per line, or a list such as [a, b].")
    return [part.strip() for part in re.split(r"[\n,]", str(value)) if part.strip()]


def as_dict(value: Any) -> dict[str, Any]:
    found = from_yaml(value) if isinstance(value, str) else value
    if found is None:
        return {}
    if isinstance(found, Mapping):
        return dict(found)
    raise AnsibleFilterError(f'{value!r} is not a dictionary; write it in the form {{"tag:role": "web"}}.')


def from_yaml(text: str) -> Any:
    """The value of text as YAML, which includes JSON. False, neither a list nor a dictionary, if the text is not valid YAML."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return False


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"as_dict": as_dict, "as_list": as_list}
