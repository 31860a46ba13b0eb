# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name, and says on the screen how far it is while it waits."""

from __future__ import annotations

from contextlib import nullcontext

from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.fleetsec.guardduty.plugins.plugin_utils.progress import shown_progress


class ActionModule(NormalAction):
    def run(self, tmp=None, task_vars=None):
        given = dict(self._task.args)
        with shown_progress("VPC endpoints") if self._is_watched() else nullcontext() as path:
            self._task.args = {**given, **({"progress_file": path} if path else {})}
            result = super().run(tmp, task_vars)
        # What is said of the task is what the user wrote.
        said = result.get("invocation", {}).get("module_args", {})
        said["progress_file"] = given.get("progress_file")
        return result

    def _is_watched(self):
        """The module's file can be read here only where it runs on this machine, and in the foreground."""
        here = self._connection.transport == "local"
        return (
            here and not self._task.async_val and not self._task.check_mode and "progress_file" not in self._task.args
        )
