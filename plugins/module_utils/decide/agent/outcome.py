# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package, diff and message of a plan for the agent on a host, and what follows if the agent crashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .packages import PACKAGE
from .records import Crash, Fetched, Located, PackageStep, Plan

MOVES = ("install", "upgrade", "downgrade", "repair")
DONE = {
    "install": "The agent {version} was installed.",
    "upgrade": "The agent was upgraded from {there} to {version}.",
    "downgrade": "The agent was downgraded from {there} to {version}.",
    "repair": "The agent {version} was repaired.",
    "remove": "The agent was removed.",
}
JOURNAL_SAID = 5
OF_SYSTEMD = (f"{PACKAGE}.service: ", f"Started {PACKAGE}", f"Stopped {PACKAGE}", f"Starting {PACKAGE}")


class NoPackage(ValueError):
    """Why the package that a plan needs cannot be used; whole sentences."""


def artefact(wanted: Located | None, fetched: Sequence[Fetched]) -> Fetched:
    """The verified package that a plan needs. NoPackage if there is none or it failed."""
    if wanted is None:
        raise NoPackage("The plan names no package. Create a new plan with agent_plan.")
    found = next((one for one in fetched if one.identity == wanted.identity), None)
    if found is None:
        raise NoPackage(f"{wanted.name} is not among the packages. Fetch it with agent_package first.")
    if found.failed:
        raise NoPackage(f"{found.msg} The host was not touched.")
    return found


def diff(plan: Plan) -> dict[str, str]:
    """Before and after as text: the lines of a drop-in, and one line for each other change."""
    return {
        "before": "".join(_line(step.what, step.before) for step in plan.changes),
        "after": "".join(_line(step.what, step.after) for step in plan.changes),
    }


def _line(what: str, value: str | int | None) -> str:
    if what == "drop_in" and value:
        return "drop_in:\n" + "".join(f"  {line}\n" for line in str(value).splitlines())
    said = {True: "yes", False: "no", None: "absent"}
    return f"{what}: {said[value] if isinstance(value, bool | None) else value}\n"


def version_after(plan: Plan) -> str | None:
    """The version on the host after the plan was applied; None if there is none."""
    if plan.state == "absent":
        return None
    moved = any(isinstance(step, PackageStep) for step in plan.changes)
    return plan.version if moved else plan.installed_version


def message(plan: Plan, made: bool) -> str:
    """What was done, or would be."""
    if not plan.changes:
        return plan.reason if plan.action == "skip" else "Nothing to change."
    if plan.action in DONE:
        text = DONE[plan.action].format(version=plan.version, there=plan.installed_version)
    else:
        text = f"The agent's service was changed: {plan.words}."
    return text if made else text.replace(" was ", " would be ", 1)


def way_back(plan: Plan, previous: Located) -> Plan:
    """The plan that restores the previous version after the version of C(plan) crashed."""
    return replace(
        plan,
        # The action only selects the package manager's options; this one allows an older version.
        action="downgrade",
        version=previous.version,
        package=previous,
        rollback=None,
        changes=(PackageStep(plan.version, previous.version),),
    )


def crash_text(crash: Crash, then: str) -> str:
    """Which version crashed, with which error, and what the host has now (C(then))."""
    lines = [line.strip().rstrip(".") for line in crash.journal if line.strip()]
    # The agent's own lines; systemd's if it wrote none.
    own = [line for line in lines if not line.startswith(OF_SYSTEMD)]
    said = (own or lines)[-JOURNAL_SAID:]
    journal = f"Its journal says: {' / '.join(said)}." if said else "Its journal is empty."
    return f"The agent {crash.version} does not keep running: {crash.why.rstrip('.')}. {journal} {then}"


def left(version: str | None) -> str:
    """The text if nothing was restored."""
    return (
        f"The host now has the agent {version}, which systemd keeps restarting. Check its journal, install another version"
        " (agent_version, with agent_allow_downgrade for an older one), or remove the agent."
    )


def taken_back(version: str) -> str:
    return f"The previous agent {version} was reinstalled and runs."


def not_taken_back(version: str, there: str | None, why: str) -> str:
    return f"Restoring the previous agent {version} failed: {why} {left(there)}"
