# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name, and fetches for it what is only available through the S3 API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.decide.agent.records import Fetched, Located, NotValid, read, warnings_of
from ..module_utils.host.options import FETCH
from ..module_utils.model.codec import to_plain

MODULE, S3_MODULE = "fleetsec.guardduty.agent_package", "amazon.aws.s3_object"
S3 = "s3://"
FILES = ("public_key", "signature", "package")
# ACCOUNT-REGION-guardduty-agent-FORMAT-artifacts: GuardDuty user guide, "Installing the security agent manually"
AWS_BUCKET = re.compile(r"\d{12}-(?P<region>[a-z0-9-]+)-guardduty-agent-(rpm|deb)-artifacts")

Vars = dict[str, Any] | None
Failures = dict[tuple[str, str, str], str]


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: Vars = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        # Validates the options before anything starts. The module gets the original options and parses them again, because a
        # path that starts with ~ belongs to the machine that fetches.
        dummy, options = self.validate_argument_spec(FETCH)
        try:
            return self._fetched(options, task_vars)
        except NotValid as error:
            text = (
                f"The answer of the machine that fetches is not valid: {error}. Check that machine, or fetch elsewhere."
            )
            return {"failed": True, "msg": text}

    def _fetched(self, options: Mapping[str, Any], task_vars: Vars) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(module_name=MODULE, task_vars=task_vars)
        if result.get("failed"):
            return result
        rows = answered(result, options["packages"])
        names = {row.identity for row in rows if row.s3}
        if not names:
            return {**result, "packages": _plain(rows)}
        wanted = [row for row in options["packages"] if read(Located, row, "packages").identity in names]
        brought, failures = self._bring(wanted, options["s3"], task_vars)
        again: dict[str, Any] = {"packages": []}
        if brought:
            arguments = {**self._task.args, "packages": brought}
            again = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
            if again.get("failed"):
                return again
        merged = _merged(rows, answered(again, options["packages"]), failures)
        fetched = {row.name: row.sha256 for row in merged if row.downloaded}
        warnings = [*warnings_of(result), *warnings_of(again)]
        diff = {"before": dict.fromkeys(fetched), "after": fetched}
        return {**result, "packages": _plain(merged), "changed": bool(fetched), "diff": diff, "warnings": warnings}

    def _bring(
        self, rows: Sequence[dict[str, Any]], s3: Mapping[str, Any], task_vars: Vars
    ) -> tuple[list[dict[str, Any]], Failures]:
        """The rows with paths instead of S3 locations, and the failure of each package that could not be fetched."""
        if self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        # Check mode also fetches and verifies, into a temporary directory; s3_object would skip the download.
        check_mode, self._task.check_mode = self._task.check_mode, False
        brought: list[dict[str, Any]] = []
        failures: Failures = {}
        try:
            for number, row in enumerate(rows):
                here = dict(row)
                for what in (what for what in FILES if row[what].startswith(S3)):
                    target = self._connection._shell.join_path(self._connection._shell.tmpdir, f"{number}-{what}")
                    failure = self._get(row[what], target, s3, task_vars)
                    if failure:
                        failures[read(Located, row, "packages").identity] = failure
                        break
                    here[what] = target
                else:
                    brought.append(here)
        finally:
            self._task.check_mode = check_mode
        return brought, failures

    def _get(self, location: str, target: str, s3: Mapping[str, Any], task_vars: Vars) -> str | None:
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


def answered(result: Mapping[str, Any], asked: Sequence[Mapping[str, Any]]) -> tuple[Fetched, ...]:
    """The rows that the module answers, each for a requested package: their names become paths on the controller. NotValid."""
    rows = read(tuple[Fetched, ...], result.get("packages"), "packages")
    names = {(one["version"], one["format"], one["architecture"], one["name"]) for one in asked}
    for number, row in enumerate(rows):
        if (*row.identity, row.name) not in names:
            raise NotValid(f"packages[{number}] was not requested")
    return rows


def _merged(first: Sequence[Fetched], second: Sequence[Fetched], failures: Failures) -> list[Fetched]:
    retried = {row.identity: row for row in second}
    rows = []
    for row in first:
        found = retried.get(row.identity, row)
        if found.failed and row.identity in failures and row.identity not in retried:
            found = replace(found, msg=f"Fetching {row.name} failed: {failures[row.identity]}")
        rows.append(found)
    return rows


def _plain(rows: Sequence[Fetched]) -> list[dict[str, Any]]:
    """The rows as they are documented."""
    return [{key: value for key, value in to_plain(row).items() if key != "s3"} for row in rows]
