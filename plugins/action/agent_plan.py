# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the module of the same name look at the host, and plans from what it found."""

from __future__ import annotations

from ansible.plugins.action import ActionBase

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent_host import findings
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent_plan import PlanError, plan, sentence


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        result = self._execute_module(module_name="fleetsec.guardduty.agent_plan", task_vars=task_vars)
        # The task's options as the module has parsed them.
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
            # What stands in the agent's way is no matter of a host that is to be without it.
            return result
        warned = [text(one) for one in found if one["level"] == "warning"]
        result["warnings"] = [*result.get("warnings", ()), *warned, *notes]
        grave = ("error", "warning") if asked["strict"] else ("error",)
        against = [text(one) for one in found if one["level"] in grave]
        if against:
            return {**result, "failed": True, "msg": " ".join(["The agent cannot be brought to this host.", *against])}
        return result


def text(finding):
    return f"{finding['message']} {finding['remedy']}".strip()
