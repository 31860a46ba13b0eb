# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name to inspect the host, and creates a plan from the result."""

from __future__ import annotations

import time

from ansible.module_utils.common.validation import check_type_int
from ansible.plugins.action import ActionBase

from ..module_utils.decide.agent.plan import PlanError, plan, sentence
from ..module_utils.decide.agent.preflight import findings


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        result = self._look(task_vars)
        # The task's options as parsed by the module.
        asked = result.pop("asked", None)
        if result.get("failed") or asked is None:
            return result
        host = result["host"]
        result["findings"] = found = findings(host, asked)
        region = asked["region"] or ((host["imds"] or {}).get("document") or {}).get("region") or ""
        try:
            result["plan"] = made = plan(host, {**asked, "region": region})
        except PlanError as error:
            also = [text(one) for one in found if one["level"] == "error"]
            return {**result, "failed": True, "msg": " ".join([str(error), *also])}
        result["msg"] = sentence(made)
        notes = made.pop("notes")
        if made["action"] == "skip" or asked["state"] == "absent":
            # Unmet requirements do not matter on a host that should not have the agent.
            return result
        warned = [text(one) for one in found if one["level"] == "warning"]
        result["warnings"] = [*result.get("warnings", ()), *warned, *notes]
        grave = ("error", "warning") if asked["strict"] else ("error",)
        against = [text(one) for one in found if one["level"] in grave]
        if against:
            return {**result, "failed": True, "msg": " ".join(["This host cannot run the agent.", *against])}
        return result

    def _look(self, task_vars):
        """The module's result, once the host can be reached. A separate wait task would cost another process per host."""
        patience = seconds(self._task.args.get("connect_timeout"))
        deadline = time.monotonic() + patience
        while True:
            try:
                return self._execute_module(module_name="fleetsec.guardduty.agent_plan", task_vars=task_vars)
            except Exception as error:  # each connection plugin raises its own exceptions
                if not patience:
                    raise
                left = deadline - time.monotonic()
                if left <= 0:
                    return {"failed": True, "msg": unreached(patience, error)}
            time.sleep(min(1, left))
            self._forget_connection()

    def _forget_connection(self):
        """Close a persistent connection, so that the next attempt opens a new one."""
        try:
            self._connection.reset()
        except Exception as error:  # the next attempt reports it
            self._display.vvv(f"Resetting the connection failed: {error}")


def seconds(given):
    """The option as a number; 0 for an invalid value, which the module rejects."""
    try:
        return max(0, check_type_int(given))
    except TypeError:
        return 0


def unreached(patience, error):
    reason = str(error).strip().rstrip(".")
    return (
        f"The host was unreachable for {patience} s: {reason}. Fix the connection, or set a longer timeout for a host that has"
        " just started, then run this again."
    )


def text(finding):
    return f"{finding['message']} {finding['remedy']}".strip()
