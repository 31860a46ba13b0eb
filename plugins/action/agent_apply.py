# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies the package to the host, runs the module of the same name, and rolls back if the agent crashes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

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
from ..module_utils.decide.agent.records import Applied, Crash, Fetched, NotValid, Plan, read
from ..module_utils.host.options import APPLY
from ..module_utils.model.codec import to_plain

MODULE = "fleetsec.guardduty.agent_apply"
Vars = dict[str, Any] | None


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: Vars = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(APPLY)
        try:
            plan = read(Plan, options["plan"], "plan")
            fetched = read(tuple[Fetched, ...], options["packages"], "packages")
            return {**result, **self._apply(plan, fetched, options, task_vars)}
        except NotValid as error:
            text = f"The plan or its packages are not valid: {error}. Create a new plan with agent_plan."
            return {**result, "failed": True, "msg": text}
        except NoPackage as error:
            return {**result, "failed": True, "msg": str(error)}

    def _apply(
        self, plan: Plan, fetched: Sequence[Fetched], options: dict[str, Any], task_vars: Vars
    ) -> dict[str, Any]:
        predicted = {
            "changed": bool(plan.changes),
            "carried_out": plan.action,
            "changes": to_plain(plan.changes),
            "installed_version": version_after(plan),
            "rolled_back": False,
            "diff": diff(plan),
        }
        if plan.action == "skip":
            text = message(plan, made=False)
            return {**predicted, "skipped": True, "skip_reason": text, "msg": text}
        package = artefact(plan.package, fetched) if plan.action in MOVES else None
        if self._task.check_mode or not (plan.changes or options["watch"]):
            return {**predicted, "msg": message(plan, made=not self._task.check_mode)}
        answer, applied = self._on_host(plan, package, options, task_vars)
        if not applied.failed:
            return {**answer, **predicted, "msg": message(plan, made=True)}
        if applied.crash is None:
            return answer
        after = self._after_crash(plan, applied.crash, applied.installed_version, fetched, options, task_vars)
        return {**answer, **predicted, **after}

    def _on_host(
        self, plan: Plan, package: Fetched | None, options: dict[str, Any], task_vars: Vars
    ) -> tuple[dict[str, Any], Applied]:
        """The module's result, also as a record. The copied package is removed with the task's temporary directory."""
        if package is not None and options["packages_on"] == "controller":
            if self._connection._shell.tmpdir is None:
                self._make_tmp_path()
            folder = self._connection._shell.tmpdir
            there = self._connection._shell.join_path(folder, package.name)
            here = options["packages_dir"]
            # Only its owner and root can read it there, which is sufficient: nobody else may change the agent.
            self._transfer_file(os.path.join(here, package.name) if here else package.path, there)
            package = replace(package, path=there)
        arguments = {
            **options,
            "plan": to_plain(plan),
            "packages": [] if package is None else [to_plain(package)],
            "packages_on": "target",
        }
        answer = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
        try:
            return answer, read(Applied, answer, "answer")
        except NotValid as error:
            text = f"The host's answer is not valid: {error}. Check the agent on the host, then run this again."
            return {"failed": True, "msg": text}, Applied(failed=True, msg=text)

    def _after_crash(
        self,
        plan: Plan,
        crash: Crash,
        there: str | None,
        fetched: Sequence[Fetched],
        options: dict[str, Any],
        task_vars: Vars,
    ) -> dict[str, Any]:
        """The result after a crash, once the previous version is restored if possible."""
        back, why = plan.rollback, None
        if back is None or not options["rollback"] or plan.action not in MOVES:
            return {"msg": crash_text(crash, left(there)), "installed_version": there, "rolled_back": False}
        try:
            package = artefact(back, fetched)
            applied = self._on_host(way_back(plan, back), package, options, task_vars)[1]
            if applied.failed:
                there, why = applied.installed_version or there, applied.msg
        except NoPackage as error:
            why = str(error)
        if why is None:
            there = back.version
        then = taken_back(back.version) if why is None else not_taken_back(back.version, there, why)
        return {"msg": crash_text(crash, then), "installed_version": there, "rolled_back": why is None}
