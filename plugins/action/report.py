# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a report on the controller; the module of the same name is its documentation."""

from __future__ import annotations

import os
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase

from ..module_utils.decide.report.document import ReportError, report
from ..plugin_utils.report import MODE, earlier_reports, file_mode, replace_all, texts_of, to_replace

SPEC = {
    "dest": {"type": "path", "required": True},
    "fleet": {"type": "dict", "default": {}},
    "read": {"type": "dict", "default": {}},
    "shards": {"type": "list", "elements": "path", "default": []},
    "title": {"type": "str", "default": "GuardDuty Runtime Monitoring"},
    "time": {"type": "str", "default": ""},
    "rows": {"type": "int", "default": 250},
    "mode": {"type": "str", "default": MODE},
}


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(SPEC)
        folder = os.path.realpath(options["dest"])
        try:
            mode = file_mode(options["mode"])
            earlier = earlier_reports(options["shards"], folder)
            written = report(options["fleet"], earlier, {"time": options["time"], **options["read"]})
            texts = texts_of(written, options["title"], options["time"], options["rows"])
            differing = to_replace(folder, texts, mode)
            changed = bool(differing)
            if changed and not self._task.check_mode:
                replace_all(folder, {name: wanted for name, (dummy, wanted) in differing.items()}, mode)
        except ReportError as error:
            return {**result, "failed": True, "msg": str(error)}
        except OSError as error:
            return {
                **result,
                "failed": True,
                "msg": f"The report could not be written to {folder}: {error}. Give a folder that you may write to.",
            }
        if self._task.diff:
            result["diff"] = [_diff(os.path.join(folder, name), *pair) for name, pair in differing.items()]
        verb = "would be written" if self._task.check_mode else "written"
        msg = f"{', '.join(differing)} {verb} to {folder}." if differing else "Nothing to change."
        return {**result, "changed": changed, "dest": folder, "files": list(differing), "msg": msg}


def _diff(path: str, before: bytes, after: bytes) -> dict[str, Any]:
    """As ansible.builtin.copy shows it, which leaves out what is too large to be read."""
    limit = constants.MAX_FILE_SIZE_FOR_DIFF
    if max(len(before), len(after)) > limit:
        return {"dst_larger" if len(before) > limit else "src_larger": limit}
    return {
        "before_header": path,
        "after_header": path,
        "before": before.decode("utf-8", "replace"),
        "after": after.decode("utf-8"),
    }
