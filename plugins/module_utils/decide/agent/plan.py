# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the changes to the agent on one host. Changed, diff, check mode and message all derive from the plan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .packages import (
    BUCKET_OWNERS,
    DIRECTORIES,
    KNOWN,
    PACKAGE,
    numbers,
    package,
    packages,
    refused,
    resolve,
    unknown_sentence,
)
from .preflight import machine_of

# systemd reports the last four for unit files without an [Install] section: there is nothing to enable.
ENABLED = ("enabled", "static", "indirect", "alias", "generated")
SOURCE = re.compile(r"(https?|s3)://[^/]+.*|/.*")
OUTDATED, OF_PACKAGE = "older than its program", "of its program"
# systemd.syntax(7): one directive per line.
DIRECTIVE = re.compile(r"[A-Z][A-Za-z0-9]*")


class PlanError(ValueError):
    """Why the options cannot be satisfied; a sentence for the user."""


def plan(host: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """C(host): what agent_plan read on it. C(asked): the task's options, with the region filled in from the host.

    C(package) is None if there is nothing to install, or if AWS has no package for the host, which is a finding.
    """
    there = host["package"]["version"]
    version = resolve(asked["version"])
    empty = {
        "state": asked["state"],
        "action": "none",
        "installed_version": there,
        "version": version,
        "format": host["package"]["format"],
        "architecture": machine_of(asked),
        "changes": [],
        "package": None,
        "rollback": None,
        "limits": asked["limits"],
        "reason": "",
        "notes": [],
    }
    if asked["state"] == "absent":
        return _removal(host, {**empty, "version": None})
    if asked["wanted"] is False and not asked["force"]:
        reason = asked["reason"] or "gd_wanted is false"
        return {**empty, "action": "skip", "version": there, "reason": f"The host should not run the agent: {reason}."}
    _check_options(asked, version)
    action, version, notes = _version(host["package"], version, asked)
    moves = action != "none"
    made = {**empty, "action": action, "version": version, "notes": notes}
    made["changes"] = _changes(host, asked, version, moves)
    if moves:
        made["package"] = _row(made, version, asked["region"], asked["source"])
        if there and there != version and _is_whole(host["package"]):
            made["rollback"] = _row(made, there, asked["region"], asked["source"])
    return made


def _version(package: Mapping[str, Any], wanted: str, asked: Mapping[str, Any]) -> tuple[str, str, list[str]]:
    """The action, the resulting version, and notes for the user."""
    there = package["version"]
    unknown = [] if wanted in KNOWN else [unknown_sentence(wanted)]
    if there is None:
        return "install", wanted, unknown
    version, notes = wanted, unknown
    if _key(there) > _key(wanted):
        version, notes = _of_two(there, wanted, asked)
    if not _is_whole(package):
        return "repair", version, notes
    if there == version:
        return "none", version, notes
    return "upgrade" if _key(there) < _key(version) else "downgrade", version, notes


def _of_two(there: str, wanted: str, asked: Mapping[str, Any]) -> tuple[str, list[str]]:
    """If the host has a newer version than the wanted one: the resulting version, and notes for the user."""
    if asked["version_policy"] == "at_least":
        return there, []
    if asked["allow_downgrade"]:
        return wanted, []
    newer = f"The host has the agent {there}, which is newer than {wanted}."
    if asked["version_policy"] == "exact":
        raise PlanError(f"{newer} Allow the downgrade (agent_allow_downgrade), or set agent_version to {there}.")
    return there, [f"{newer} It is kept."]


def _is_whole(package: Mapping[str, Any]) -> bool:
    """dpkg(1), package states: 'hold ok installed' is as complete as 'install ok installed'; 'half-configured' is not."""
    return str(package["status"]).endswith(" ok installed")


def _check_options(asked: Mapping[str, Any], version: str) -> None:
    """PlanError for options that cannot lead to a package or a drop-in."""
    # Whether AWS offers packages in the region matters only if a package is needed.
    problem = refused(version, [asked["region"] or "none"])
    if problem:
        raise PlanError(problem)
    source = asked["source"]
    if source not in ("bucket", "s3") and not SOURCE.fullmatch(source):
        raise PlanError(
            f"The source '{source}' (agent_source) is not valid. Set it to bucket, s3, a URL (https://, http://, s3://BUCKET)"
            " or the absolute path of a directory."
        )
    for name, value in (asked["limits"] or {}).items():
        if not DIRECTIVE.fullmatch(str(name)):
            raise PlanError(f"'{name}' in agent_limits is not a systemd directive. Use a directive such as MemoryMax.")
        if not isinstance(value, str | int | float) or "\n" in str(value):
            raise PlanError(
                f"The value of {name} in agent_limits is not valid. Set it to a number or a single line of text, such as 512M."
            )


def _key(version: str) -> tuple[int, ...]:
    """A version that does not consist of numbers counts as the oldest, so that it is replaced."""
    try:
        return numbers(version)
    except ValueError:
        return ()


def _changes(host: Mapping[str, Any], asked: Mapping[str, Any], version: str, moves: bool) -> list[dict[str, Any]]:
    """The changes in the order in which they are applied."""
    unit = host["unit"]
    image = asked["state"] == "image"
    drop_in = unit["drop_in"] if asked["limits"] is None else drop_in_text(asked["limits"])
    before = {
        "package": _package_text(host["package"]),
        "drop_in": unit["drop_in"],
        "enabled": unit["unit_file_state"] in ENABLED,
        "running": unit["active_state"] == "active",
        "process": OUTDATED if unit["outdated"] and unit["active_state"] == "active" else OF_PACKAGE,
        "leftovers": len(host["leftovers"]),
    }
    after = {
        "package": version if moves else before["package"],
        "drop_in": drop_in,
        "enabled": True,
        "running": not image,
        # A package change restarts the agent anyway, and in an image it does not run.
        "process": before["process"] if moves or image else OF_PACKAGE,
        "leftovers": 0 if image else before["leftovers"],
    }
    return [
        {"what": what, "before": before[what], "after": after[what]} for what in after if before[what] != after[what]
    ]


def _removal(host: Mapping[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    unit, there = host["unit"], _package_text(host["package"])
    changes: list[dict[str, Any]] = []
    if there is not None:
        changes.append({"what": "package", "before": there, "after": None})
    if unit["drop_in"] is not None:
        changes.append({"what": "drop_in", "before": unit["drop_in"], "after": None})
    if host["leftovers"]:
        changes.append({"what": "leftovers", "before": len(host["leftovers"]), "after": 0})
    return {**made, "action": "remove" if changes else "none", "changes": changes}


def _package_text(package: Mapping[str, Any]) -> str | None:
    """A package that was removed and not purged has a status, and no version."""
    version: str | None = package["version"]
    if package["status"] is None or _is_whole(package):
        return version
    return f"{version or 'removed'} ({package['status']})"


def drop_in_text(limits: Mapping[str, Any]) -> str | None:
    """The drop-in with these directives; None if there are none, which removes the file."""
    if not limits:
        return None
    lines = [f"{name}={value}" for name, value in sorted(limits.items())]
    return "\n".join(["# Managed by Ansible (fleetsec.guardduty.agent)", "[Service]", *lines, ""])


def _row(made: Mapping[str, Any], version: str, region: str, source: str) -> dict[str, Any] | None:
    """A package with the locations of the package, its signature and its key; None for an unsupported host."""
    kind, machine = made["format"], made["architecture"]
    if machine not in DIRECTORIES.get(kind, ()):
        return None
    own = {"version": version, "format": kind, "architecture": machine}
    if source not in ("bucket", "s3"):
        directory = DIRECTORIES[kind][machine]
        stem = f"{PACKAGE}-{version}.{directory}"
        base = f"{source.rstrip('/')}/{version}"
        places = {
            "package": f"{base}/{directory}/{stem}.{kind}",
            "signature": f"{base}/{directory}/{stem}.sig",
            "public_key": f"{base}/publickey.pem",
        }
        return {**own, "name": f"{stem}.{kind}", **places}
    if not region:
        raise PlanError("The host's region is not known. Set agent_region (or gd_region), or another agent_source.")
    problems = packages([region], [machine], [kind], version)[1]
    if problems or region not in BUCKET_OWNERS:
        raise PlanError(f"{problems[0] if problems else region} Or set agent_source to your own mirror.")
    row = package(region, machine, kind, version)
    whats = ("package", "signature", "public_key")
    if source == "s3":
        return {**own, "name": row["package_file"], **{w: f"s3://{row['bucket']}/{row[w + '_key']}" for w in whats}}
    return {**own, "name": row["package_file"], **{w: row[w + "_url"] for w in whats}}


def sentence(made: Mapping[str, Any]) -> str:
    """The plan as one sentence."""
    there, version = made["installed_version"], made["version"]
    texts = {
        "install": f"Install {version}.",
        "upgrade": f"Upgrade {there} to {version}.",
        "downgrade": f"Downgrade {there} to {version}.",
        "repair": f"Repair the installation of {there} and install {version}.",
        "remove": f"Remove {there or 'what the agent left behind'}.",
        "skip": str(made["reason"]),
    }
    if made["action"] in texts:
        return texts[made["action"]]
    if not made["changes"]:
        return "Nothing to change." if made["state"] != "absent" else "The agent is not installed."
    return f"Change {', '.join(change['what'].replace('_', '-') for change in made['changes'])}."
