# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies the package to the host, runs the module of the same name, and rolls back if the agent crashes."""

from __future__ import annotations

import os

from ansible.plugins.action import ActionBase

from ..module_utils.decide.agent.outcome import (
    MOVES,
    NoPackage,
    artefact,
    crash_text,
    diff,
    left,
    message,
    not_taken_back,
    taken_back,
    version_after,
    way_back,
)
from ..module_utils.host.options import APPLY

MODULE = "fleetsec.guardduty.agent_apply"


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(APPLY)
        plan = options["plan"]
        predicted = {
            **result,
            "changed": bool(plan["changes"]),
            "carried_out": plan["action"],
            "changes": plan["changes"],
            "installed_version": version_after(plan),
            "rolled_back": False,
            "diff": diff(plan),
        }
        if plan["action"] == "skip":
            return {
                **predicted,
                "skipped": True,
                "skip_reason": message(plan, made=False),
                "msg": message(plan, made=False),
            }
        try:
            package = artefact(plan["package"], options["packages"]) if plan["action"] in MOVES else None
        except NoPackage as error:
            return {**result, "failed": True, "msg": str(error)}
        if self._task.check_mode or not (plan["changes"] or options["watch"]):
            return {**predicted, "msg": message(plan, made=not self._task.check_mode)}
        answer = self._on_host(plan, package, options, task_vars)
        if not answer.get("failed"):
            return {**answer, **predicted, "msg": message(plan, made=True)}
        if "crash" not in answer:
            return answer
        return {**answer, **predicted, **self._after_crash(plan, answer, options, task_vars)}

    def _on_host(self, plan, package, options, task_vars):
        """The module's result. The copied package is always removed with the task's temporary directory."""
        if package is not None and options["packages_on"] == "controller":
            if self._connection._shell.tmpdir is None:
                self._make_tmp_path()
            folder = self._connection._shell.tmpdir
            there = self._connection._shell.join_path(folder, package["name"])
            here = options["packages_dir"]
            # Only its owner and root can read it there, which is sufficient: nobody else may change the agent.
            self._transfer_file(os.path.join(here, package["name"]) if here else package["path"], there)
            package = {**package, "path": there}
        arguments = {
            **options,
            "plan": plan,
            "packages": [] if package is None else [package],
            "packages_on": "target",
        }
        return self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)

    def _after_crash(self, plan, answer, options, task_vars):
        """The result after a crash, once the previous version is restored if possible."""
        there, back = answer["installed_version"], plan["rollback"]
        taken = False
        if back is None or not options["rollback"] or plan["action"] not in MOVES:
            then = left(there)
        else:
            there, why = self._go_back(plan, there, options, task_vars)
            taken = why is None
            then = taken_back(there) if taken else not_taken_back(back["version"], there, why)
        told = crash_text(answer["crash"]["version"], answer["crash"], then)
        return {"msg": told, "installed_version": there, "rolled_back": taken}

    def _go_back(self, plan, there, options, task_vars):
        """The resulting version, and why it is not the previous one (None if it is)."""
        try:
            package = artefact(plan["rollback"], options["packages"])
        except NoPackage as error:
            return there, str(error)
        answer = self._on_host(way_back(plan), package, options, task_vars)
        if answer.get("failed"):
            return answer.get("installed_version", there), answer["msg"]
        return plan["rollback"]["version"], None
