# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name: passes it the policy template, and prints the progress while it waits."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action.normal import ActionModule as NormalAction

from ..plugin_utils.progress import shown_progress

# The module may run on a machine without the collection.
PRESETS = Path(__file__).parents[2] / "playbooks" / "templates" / "endpoint_policy.json.j2"
FILLED_IN = ("policy_source", "progress_file")


class ActionModule(NormalAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        given = dict(self._task.args)
        source = {} if given.get("policy_source") else {"policy_source": self._template(given.get("policy_template"))}
        with shown_progress("VPC endpoints") if self._is_watched() else nullcontext() as path:
            self._task.args = {**given, **source, **({"progress_file": path} if path else {})}
            result: dict[str, Any] = super().run(tmp, task_vars)
        # The result shows the task's options as the user wrote them.
        said = result.get("invocation", {}).get("module_args", {})
        said.update({name: given.get(name) for name in FILLED_IN if name in said})
        return result

    def _template(self, path: str | None) -> str:
        try:
            found = Path(self._find_needle("templates", path)) if path else PRESETS
            return found.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise AnsibleActionFail(f"Cannot read policy_template {path}: {error}. Check the path.") from error

    def _is_watched(self) -> bool:
        """Whether the module's progress file can be read: only if it runs on this machine, in the foreground."""
        in_front = not self._task.async_val and not self._task.check_mode
        return in_front and self._connection.transport == "local" and "progress_file" not in self._task.args
