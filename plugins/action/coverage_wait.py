# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name until its gate is open, and prints the progress."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ..module_utils.options.gate import WAITING
from ..plugin_utils.screen import show


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        options = self._waiting()
        started = time.monotonic()
        said = None
        while True:
            result: dict[str, Any] = self._execute_module(
                module_name="fleetsec.guardduty.coverage_wait", task_vars=task_vars
            )
            result["waited"] = int(time.monotonic() - started)
            complaint = result.pop("complaint", "")
            if result.get("failed"):
                return result
            if said != (result["healthy"], result["expected"]):
                said = (result["healthy"], result["expected"])
                show([_progress(result)])
            if result["done"] or self._task.check_mode:
                return result
            if result["waited"] >= options["timeout"]:
                problems = result.get("problems") or []
                text = problems[0] if result["healthy"] == result["expected"] and problems else complaint
                return {**result, "failed": True, "msg": f"After {result['waited']} s: {text}"}
            time.sleep(min(options["interval"], options["timeout"] - result["waited"]))

    def _waiting(self) -> dict[str, Any]:
        """The options of this plugin; the module validates the others, which are amazon.aws's."""
        given = {name: value for name, value in self._task.args.items() if name in WAITING}
        checked = ArgumentSpecValidator(WAITING).validate(given)
        if checked.error_messages:
            raise AnsibleActionFail(" ".join(checked.error_messages))
        options: dict[str, Any] = checked.validated_parameters
        return options


def _progress(result: dict[str, Any]) -> tuple[str, str]:
    style = "good" if result["done"] else "warn"
    return (
        style,
        f"Coverage gate: {result['healthy']} of {result['expected']} instances report healthy"
        f" ({result['healthy_percent']:g} %) after {result['waited']} s",
    )
