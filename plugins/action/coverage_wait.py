# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name until its gate is open, and prints the progress."""

from __future__ import annotations

import time

from ansible.plugins.action import ActionBase

from ..plugin_utils.screen import show


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        started = time.monotonic()
        said = None
        while True:
            result = self._execute_module(module_name="fleetsec.guardduty.coverage_wait", task_vars=task_vars)
            result["waited"] = int(time.monotonic() - started)
            # The gate's settings, from the task's options as parsed by the module.
            gate = result.pop("gate", None)
            if result.get("failed") or gate is None:
                return result
            if said != (result["healthy"], result["expected"]):
                said = (result["healthy"], result["expected"])
                show([_progress(result)])
            if result["done"] or self._task.check_mode:
                return result
            if result["waited"] >= gate["timeout"]:
                problems = result.get("problems") or []
                text = problems[0] if result["healthy"] == result["expected"] and problems else gate["complaint"]
                return {**result, "failed": True, "msg": f"After {result['waited']} s: {text}"}
            time.sleep(min(gate["interval"], gate["timeout"] - result["waited"]))


def _progress(result):
    style = "good" if result["done"] else "warn"
    return (
        style,
        f"Coverage gate: {result['healthy']} of {result['expected']} instances report healthy"
        f" ({result['healthy_percent']:g} %) after {result['waited']} s",
    )
