# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name to inspect the host, and creates a plan from the result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.decide.agent.plan import PlanError, plan, sentence
from ..module_utils.decide.agent.preflight import findings
from ..module_utils.decide.agent.records import Desired, Host, NotValid, read, warnings_of
from ..module_utils.host.options import FACTS, PLAN
from ..module_utils.model.codec import to_plain


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(PLAN)
        result = self._look(max(0, options["connect_timeout"]), task_vars)
        facts = result.pop("facts", None)
        if result.get("failed"):
            return result
        try:
            host = read(Host, result.get("host"), "host")
            desired = desired_from(options, facts, host)
        except NotValid as error:
            return {
                "failed": True,
                "msg": f"The host's answer is not valid: {error}. Check the host's Python and Ansible.",
            }
        found = findings(host, desired)
        result["findings"] = to_plain(found)
        try:
            made, notes = plan(host, desired)
        except PlanError as error:
            also = [one.text for one in found if one.level == "error"]
            return {**result, "failed": True, "msg": " ".join([str(error), *also])}
        result.update(plan=to_plain(made), msg=sentence(made))
        if made.action == "skip" or desired.state == "absent":
            # Unmet requirements do not matter on a host that should not have the agent.
            return result
        warned = [one.text for one in found if one.level == "warning"]
        result["warnings"] = [*warnings_of(result), *warned, *notes]
        grave = ("error", "warning") if options["strict"] else ("error",)
        against = [one.text for one in found if one.level in grave]
        if against:
            return {**result, "failed": True, "msg": " ".join(["This host cannot run the agent.", *against])}
        return result

    def _look(self, patience: int, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """The module's result, once the host can be reached. A separate wait task would cost another process per host.

        C(patience): seconds.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                result: dict[str, Any] = self._execute_module(
                    module_name="fleetsec.guardduty.agent_plan", task_vars=task_vars
                )
                return result
            except Exception as error:  # each connection plugin raises its own exceptions
                if not patience:
                    raise
                left = deadline - time.monotonic()
                if left <= 0:
                    return {"failed": True, "msg": unreached(patience, error)}
            time.sleep(min(1, left))
            self._forget_connection()

    def _forget_connection(self) -> None:
        """Close a persistent connection, so that the next attempt opens a new one."""
        try:
            self._connection.reset()
        except Exception as error:  # the next attempt reports it
            self._display.vvv(f"Resetting the connection failed: {error}")


def desired_from(options: Mapping[str, Any], facts: Any, host: Host) -> Desired:
    """The task's options, completed by what the host says about itself. NotValid."""
    said = facts if isinstance(facts, dict) else {}
    known = {name: options[name] or said.get(name) for name in FACTS}
    return read(Desired, {**options, **known, "region": options["region"] or host.region}, "facts")


def unreached(patience: int, error: Exception) -> str:
    reason = str(error).strip().rstrip(".")
    return (
        f"The host was unreachable for {patience} s: {reason}. Fix the connection, or set a longer timeout for a host that has"
        " just started, then run this again."
    )
