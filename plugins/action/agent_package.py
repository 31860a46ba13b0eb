# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name, and fetches for it what is only available through the S3 API."""

from __future__ import annotations

import re

from ansible.plugins.action import ActionBase

from ..module_utils.host.options import FETCH

MODULE, S3_MODULE = "fleetsec.guardduty.agent_package", "amazon.aws.s3_object"
S3 = "s3://"
FILES = ("public_key", "signature", "package")
# ACCOUNT-REGION-guardduty-agent-FORMAT-artifacts: GuardDuty user guide, "Installing the security agent manually"
AWS_BUCKET = re.compile(r"\d{12}-(?P<region>[a-z0-9-]+)-guardduty-agent-(rpm|deb)-artifacts")


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        # Validates the options before anything starts. The module gets the original options and parses them again, because a
        # path that starts with ~ belongs to the machine that fetches.
        dummy, options = self.validate_argument_spec(FETCH)
        result = self._execute_module(module_name=MODULE, task_vars=task_vars)
        lacking = [row for row in result.get("packages", ()) if row.pop("s3", False)]
        if result.get("failed") or not lacking:
            return result
        names = {_identity(row) for row in lacking}
        wanted = [row for row in options["packages"] if _identity(row) in names]
        brought, failures = self._bring(wanted, options["s3"], task_vars)
        again = {"packages": []}
        if brought:
            again = self._execute_module(
                module_name=MODULE, module_args={**self._task.args, "packages": brought}, task_vars=task_vars
            )
            if again.get("failed"):
                return again
        return _merged(result, again, failures)

    def _bring(self, rows, s3, task_vars):
        """The rows with paths instead of S3 locations, and the failure of each package that could not be fetched."""
        if self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        # Check mode also fetches and verifies, into a temporary directory; s3_object would skip the download.
        check_mode, self._task.check_mode = self._task.check_mode, False
        brought, failures = [], {}
        try:
            for number, row in enumerate(rows):
                here = dict(row)
                for what in (what for what in FILES if row[what].startswith(S3)):
                    target = self._connection._shell.join_path(self._connection._shell.tmpdir, f"{number}-{what}")
                    failure = self._get(row[what], target, s3, task_vars)
                    if failure:
                        failures[_identity(row)] = failure
                        break
                    here[what] = target
                else:
                    brought.append(here)
        finally:
            self._task.check_mode = check_mode
        return brought, failures

    def _get(self, location, target, s3, task_vars):
        """Why it could not be fetched, or None."""
        bucket, dummy, key = location[len(S3) :].partition("/")
        known = AWS_BUCKET.fullmatch(bucket)
        arguments = {
            "mode": "get",
            "bucket": bucket,
            "object": key,
            "dest": target,
            # Permission to read an object does not imply permission to list its bucket.
            "ignore_nonexistent_bucket": True,
            **({"region": known["region"]} if known else {}),
            **s3,
        }
        answer = self._execute_module(module_name=S3_MODULE, module_args=arguments, task_vars=task_vars)
        if not answer.get("failed"):
            return None
        text = str(answer.get("msg", "")).strip().rstrip(".")
        return (
            f"{location} could not be read through the S3 API: {text}. Check the version, architecture and region, that boto3 is"
            " installed on this machine, and that its credentials allow s3:GetObject; or use another source."
        )


def _merged(first, second, failures):
    retried = {_identity(row): row for row in second["packages"]}
    rows = []
    for row in first["packages"]:
        found = retried.get(_identity(row), row)
        found.pop("s3", None)
        if found["failed"] and _identity(row) in failures and _identity(row) not in retried:
            found["msg"] = f"Fetching {row['name']} failed: {failures[_identity(row)]}"
        rows.append(found)
    fetched = {row["name"]: row["sha256"] for row in rows if row["downloaded"]}
    warnings = [*first.get("warnings", ()), *second.get("warnings", ())]
    diff = {"before": dict.fromkeys(fetched), "after": fetched}
    return {**first, "packages": rows, "changed": bool(fetched), "diff": diff, "warnings": warnings}


def _identity(row):
    return row["version"], row["format"], row["architecture"]
