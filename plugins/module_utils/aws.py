# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connects Ansible's AWS modules to the three rooms. Besides the inventory's base class, only this file imports amazon.aws.

A module calls aws_module() for its options, observed() to read, and conclude() to end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, Protocol, TypeVar

from ansible.module_utils.common.warnings import warn

from ansible_collections.amazon.aws.plugins.module_utils.botocore import get_aws_connection_info
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from .converge.run import Handlers, Outcome, converge
from .decide.plan import Plan
from .model.fleet import AreaKey, Problem, Snapshot
from .observe.client.access import Access, Connection, Credentials, Target
from .observe.client.accounts import Selection, resolve
from .observe.client.problems import AWS_ERRORS, AwsProblem, problem_from
from .observe.fleet.snapshot import ReadScope, observe

USER_AGENT = "fleetsec.guardduty"

# Mirrored by the documentation fragment fleetsec.guardduty.targets.
TARGET_ARGUMENTS: dict[str, dict[str, Any]] = {
    "regions": {"type": "list", "elements": "str", "default": []},
    "assume_role_arns": {"type": "list", "elements": "str", "default": []},
    "organization_role_name": {"type": "str"},
    "only": {"type": "list", "elements": "str"},
}
# Mirrored by the documentation fragment fleetsec.guardduty.selection.
SELECTION_ARGUMENTS: dict[str, dict[str, Any]] = {
    "instance_ids": {"type": "list", "elements": "str"},
    "filters": {"type": "dict", "default": {}},
}
# Mirrored by the documentation fragment fleetsec.guardduty.scope.
SCOPE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "scope": {"type": "str", "choices": ["all", "selected"], "default": "all"},
    "fallback_to_package": {"type": "bool", "default": False},
}


def aws_module(arguments: Mapping[str, Any], **options: Any) -> AnsibleAWSModule:
    """An AnsibleAWSModule with the options for accounts and regions; every module of the collection supports check mode."""
    return AnsibleAWSModule(argument_spec={**TARGET_ARGUMENTS, **arguments}, supports_check_mode=True, **options)


def connection_from(
    info: tuple[str | None, str | None, Mapping[str, Any]], assumed: Mapping[str, Any] | None = None
) -> tuple[Connection, str | None]:
    """The connection, and its region, from the result of amazon.aws's get_aws_connection_info() for a module or plugin.

    C(assumed) are the credentials of a role that the caller has already assumed.
    """
    region, endpoint_url, options = info
    options = {**options, **(assumed or {})}
    connection = Connection(
        profile=options.get("profile_name"),
        credentials=Credentials(
            options.get("aws_access_key_id"), options.get("aws_secret_access_key"), options.get("aws_session_token")
        ),
        endpoint_url=endpoint_url or None,
        verify=options.get("verify"),
        config=options.get("aws_config"),
        user_agent=USER_AGENT,
    )
    return connection, region


def selection_of(params: Mapping[str, Any], region: str | None) -> Selection:
    regions = [part for part in params.get("regions") or () if part] or ([region] if region else [])
    return Selection(
        regions=tuple(dict.fromkeys(regions)),
        assume_role_arns=tuple(params.get("assume_role_arns") or ()),
        organization_role_name=params.get("organization_role_name") or None,
        only=None if params.get("only") is None else tuple(params["only"]),
    )


def regions_of(module: AnsibleAWSModule) -> tuple[str, ...]:
    """The regions of the module's options, for a module that makes no call: it does not look for credentials."""
    return selection_of(module.params, module.region).regions


def targets_of(module: AnsibleAWSModule) -> tuple[tuple[Target, ...], tuple[Problem, ...]]:
    """The accounts and regions of the module's options; those that cannot be used are returned as problems."""
    try:
        connection, region = connection_from(get_aws_connection_info(module))
        return resolve(Access(connection), selection_of(module.params, region))
    except AwsProblem as error:
        problem = error.problem
    except AWS_ERRORS as error:
        problem = problem_from(error, "the connection to AWS")
    module.fail_json(msg=str(problem))


def observed(module: AnsibleAWSModule, desired: ReadScope) -> tuple[tuple[Target, ...], Snapshot]:
    """Read the scope in every account and region. Ends the module only if nothing could be read."""
    targets, problems = targets_of(module)
    snapshot = observe(targets, desired)
    problems = (*problems, *snapshot.problems)
    if problems and nothing_read(snapshot, desired):
        module.fail_json(msg=str(problems[0]), problems=[str(problem) for problem in problems])
    return targets, Snapshot(snapshot.areas, problems)


class Needing(Protocol):
    """A plan that may need more to be read before it is final."""

    @property
    def needs(self) -> Mapping[AreaKey, Any]: ...


AnyPlan = TypeVar("AnyPlan", bound=Needing)
Reading = TypeVar("Reading")


def planned_and_read(
    plan: Callable[[Reading], AnyPlan],
    read: Callable[[Sequence[Target], Reading, Mapping[AreaKey, Any]], Reading],
    targets: Sequence[Target],
    reading: Reading,
) -> tuple[AnyPlan, Reading]:
    """The final plan and the reading that it is based on: read what the plan needs and plan again until it needs nothing."""
    while True:
        planned = plan(reading)
        if not planned.needs:
            return planned, reading
        reading = read(targets, reading, planned.needs)


def nothing_read(snapshot: Snapshot, desired: ReadScope) -> bool:
    """Whether the data that everything else depends on is unknown in every account and region."""
    what = "instances" if desired.instances else "detector"
    return all(what in area.unknown for area in snapshot.areas)


def conclude_reading(module: AnsibleAWSModule, problems: Sequence[Problem], **results: Any) -> NoReturn:
    """End a module that only reads: each failure is a warning and an item of C(problems), the rest is the result."""
    for problem in problems:
        warn(str(problem))
    module.exit_json(changed=False, problems=[str(problem) for problem in problems], **results)


def conclude(
    module: AnsibleAWSModule,
    plan: Plan,
    targets: Iterable[Target],
    handlers: Handlers,
    problems: Sequence[Problem] = (),
    warnings: Iterable[str] = (),
    **results: Any,
) -> NoReturn:
    """Apply the plan and end the module. It fails if a change failed, and still returns the changes that were made."""
    outcome = converge(plan, targets, handlers, module.check_mode)
    finish(module, plan, outcome, problems, warnings, **results)


def finish(
    module: AnsibleAWSModule,
    plan: Plan,
    outcome: Outcome,
    problems: Sequence[Problem] = (),
    warnings: Iterable[str] = (),
    **results: Any,
) -> NoReturn:
    """The result of a module that writes, from its plan and the outcome."""
    for warning in warnings:
        warn(warning)
    made = Plan(outcome.done)
    result = {
        "changed": made.changed,
        "done": made.message(made=not module.check_mode),
        "diff": made.diff(),
        "changes": [change.describe() for change in outcome.done],
        "failed_changes": [failure.describe() for failure in outcome.failed],
        "problems": list(dict.fromkeys(map(str, (*problems, *(failure.problem for failure in outcome.failed))))),
        **results,
    }
    undone = result["problems"]
    if not undone:
        module.exit_json(msg=result["done"], **result)
    more = f" And {len(undone) - 1} more; see problems." if len(undone) > 1 else ""
    module.fail_json(msg=f"{undone[0]}{more} {len(outcome.done)} of {len(plan.changes)} changes were made.", **result)
