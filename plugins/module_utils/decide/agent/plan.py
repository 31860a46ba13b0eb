# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the changes to the agent on one host. Changed, diff, check mode and message all derive from the plan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .packages import (
    BUCKET_OWNERS,
    DIRECTORIES,
    KNOWN,
    PACKAGE,
    VERSION,
    numbers,
    package,
    packages,
    refused,
    resolve,
    unknown_sentence,
)
from .preflight import machine_of
from .records import (
    Desired,
    DropInStep,
    EnabledStep,
    Host,
    Installed,
    LeftoversStep,
    Located,
    PackageStep,
    Plan,
    ProcessStep,
    RunningStep,
    Step,
)

# systemd reports the last four for unit files without an [Install] section: there is nothing to enable.
ENABLED = ("enabled", "static", "indirect", "alias", "generated")
SOURCE = re.compile(r"(https?|s3)://[^/]+.*|/.*")
OUTDATED, OF_PACKAGE = "older than its program", "of its program"
# systemd.syntax(7): one directive per line.
DIRECTIVE = re.compile(r"[A-Z][A-Za-z0-9]*")


class PlanError(ValueError):
    """Why the options cannot be satisfied; a sentence for the user."""


def plan(host: Host, desired: Desired) -> tuple[Plan, list[str]]:
    """The plan, and notes for the user. PlanError."""
    there, version = host.package.version, resolve(desired.version)
    empty = Plan(
        state=desired.state,
        action="none",
        installed_version=there,
        version=version,
        format=host.package.format,
        architecture=machine_of(desired),
        limits=desired.limits,
    )
    if desired.state == "absent":
        return _removal(host, replace(empty, version=None)), []
    if desired.wanted is False and not desired.force:
        reason = f"The host should not run the agent: {desired.reason or 'gd_wanted is false'}."
        return replace(empty, action="skip", version=there, reason=reason), []
    _check_options(desired, version)
    action, version, notes = _version(host.package, version, desired)
    moves = action != "none"
    made = replace(empty, action=action, version=version, changes=_changes(host, desired, version, moves))
    if moves:
        made = replace(made, package=_located(made, version, desired))
        # The host states its own version, which becomes part of locations.
        if there and there != version and host.package.whole and VERSION.fullmatch(there):
            made = replace(made, rollback=_located(made, there, desired))
    return made, notes


def _version(package: Installed, wanted: str, desired: Desired) -> tuple[str, str, list[str]]:
    """The action, the resulting version, and notes for the user."""
    there = package.version
    unknown = [] if wanted in KNOWN else [unknown_sentence(wanted)]
    if there is None:
        return "install", wanted, unknown
    version, notes = wanted, unknown
    if _key(there) > _key(wanted):
        version, notes = _of_two(there, wanted, desired)
    if not package.whole:
        return "repair", version, notes
    if there == version:
        return "none", version, notes
    return "upgrade" if _key(there) < _key(version) else "downgrade", version, notes


def _of_two(there: str, wanted: str, desired: Desired) -> tuple[str, list[str]]:
    """If the host has a newer version than the wanted one: the resulting version, and notes for the user."""
    if desired.version_policy == "at_least":
        return there, []
    if desired.allow_downgrade:
        return wanted, []
    newer = f"The host has the agent {there}, which is newer than {wanted}."
    if desired.version_policy == "exact":
        raise PlanError(f"{newer} Allow the downgrade (agent_allow_downgrade), or set agent_version to {there}.")
    return there, [f"{newer} It is kept."]


def _check_options(desired: Desired, version: str) -> None:
    """PlanError for options that cannot lead to a package or a drop-in."""
    # Whether AWS offers packages in the region matters only if a package is needed.
    problem = refused(version, [desired.region or "none"])
    if problem:
        raise PlanError(problem)
    source = desired.source
    if source not in ("bucket", "s3") and not SOURCE.fullmatch(source):
        raise PlanError(
            f"The source '{source}' (agent_source) is not valid. Set it to bucket, s3, a URL (https://, http://, s3://BUCKET)"
            " or the absolute path of a directory."
        )
    for name, value in (desired.limits or {}).items():
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


def _changes(host: Host, desired: Desired, version: str, moves: bool) -> tuple[Step, ...]:
    """The changes in the order in which they are applied."""
    unit, image = host.unit, desired.state == "image"
    there, left = host.package.text, len(host.leftovers)
    active = unit.active_state == "active"
    process = OUTDATED if unit.outdated and active else OF_PACKAGE
    return _differing(
        PackageStep(there, version if moves else there),
        DropInStep(unit.drop_in, unit.drop_in if desired.limits is None else drop_in_text(desired.limits)),
        EnabledStep(unit.unit_file_state in ENABLED, True),
        RunningStep(active, not image),
        # A package change restarts the agent anyway, and in an image it does not run.
        ProcessStep(process, process if moves or image else OF_PACKAGE),
        LeftoversStep(left, 0 if image else left),
    )


def _removal(host: Host, made: Plan) -> Plan:
    changes = _differing(
        PackageStep(host.package.text, None),
        DropInStep(host.unit.drop_in, None),
        LeftoversStep(len(host.leftovers), 0),
    )
    return replace(made, action="remove" if changes else "none", changes=changes)


def _differing(*steps: Step) -> tuple[Step, ...]:
    return tuple(step for step in steps if step.before != step.after)


def drop_in_text(limits: Mapping[str, Any]) -> str | None:
    """The drop-in with these directives; None if there are none, which removes the file."""
    if not limits:
        return None
    lines = [f"{name}={value}" for name, value in sorted(limits.items())]
    return "\n".join(["# Managed by Ansible (fleetsec.guardduty.agent)", "[Service]", *lines, ""])


def _located(made: Plan, version: str, desired: Desired) -> Located | None:
    """A package with the locations of the package, its signature and its key; None for an unsupported host."""
    kind, machine, region, source = made.format or "", made.architecture, desired.region, desired.source
    if machine not in DIRECTORIES.get(kind, ()):
        return None
    if source not in ("bucket", "s3"):
        directory = DIRECTORIES[kind][machine]
        stem = f"{PACKAGE}-{version}.{directory}"
        base = f"{source.rstrip('/')}/{version}"
        places = (f"{base}/{directory}/{stem}.{kind}", f"{base}/{directory}/{stem}.sig", f"{base}/publickey.pem")
        return Located(version, kind, machine, f"{stem}.{kind}", *places)
    if not region:
        raise PlanError("The host's region is not known. Set agent_region (or gd_region), or another agent_source.")
    problems = packages([region], [machine], [kind], version)[1]
    if problems or region not in BUCKET_OWNERS:
        raise PlanError(f"{problems[0] if problems else region} Or set agent_source to your own mirror.")
    row = package(region, machine, kind, version)
    whats = ("package", "signature", "public_key")
    locations = [f"s3://{row['bucket']}/{row[w + '_key']}" if source == "s3" else row[w + "_url"] for w in whats]
    return Located(version, kind, machine, row["package_file"], *locations)


def sentence(made: Plan) -> str:
    """The plan as one sentence."""
    there, version = made.installed_version, made.version
    texts = {
        "install": f"Install {version}.",
        "upgrade": f"Upgrade {there} to {version}.",
        "downgrade": f"Downgrade {there} to {version}.",
        "repair": f"Repair the installation of {there} and install {version}.",
        "remove": f"Remove {there or 'what the agent left behind'}.",
        "skip": made.reason,
    }
    if made.action in texts:
        return texts[made.action]
    if not made.changes:
        return "Nothing to change." if made.state != "absent" else "The agent is not installed."
    return f"Change {made.words}."
