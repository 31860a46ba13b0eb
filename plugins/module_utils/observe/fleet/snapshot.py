# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observes a fleet: every service of every account and region at once, joined into one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ...model.fleet import AccountRegion, CoverageRow, Detector, Endpoint, Instance, Problem, SecurityGroup, Snapshot
from ..client.access import Target
from ..client.accounts import WORKERS
from ..client.problems import AWS_ERRORS, problem_from
from ..client.sdk import ResponseParserError
from . import ec2, guardduty, ssm

# A truncated answer is not a valid answer of AWS, and botocore does not retry it.
CUT_ANSWER_TRIES = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReadScope:
    """What to read. Filters are alternatives: an instance belongs when it matches one of them.

    C(instance_ids) None: the instances that the filters match. Empty: no instances. C(coverage_criteria): AWS's
    criterion keys, each with the values that match a row; without them every row is read.
    """

    filters: Sequence[Mapping[str, Any]] = ({},)
    exclude_filters: Sequence[Mapping[str, Any]] = ()
    instance_ids: Sequence[str] | None = None
    coverage: bool = True
    coverage_criteria: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ssm: bool = True
    network: bool = True
    instances: bool = True
    detector: bool = True


@dataclass(frozen=True, slots=True)
class _Read:
    """An answer, or the problem that prevented it. C(what) is its name in AccountRegion.unknown."""

    what: str
    value: Any = None
    problem: Problem | None = None
    also_unknown: tuple[str, ...] = field(default=())


def observe(targets: Sequence[Target], scope: ReadScope = ReadScope()) -> Snapshot:
    """Read the scope in all targets. A call that fails adds a problem; it raises no exception."""
    if not targets:
        return Snapshot()
    with ThreadPoolExecutor(min(WORKERS, 4 * len(targets))) as pool:
        pending = [(target, _start(pool, target, scope)) for target in targets]
        areas, problems = [], []
        for target, futures in pending:
            reads = [read for future in futures for read in future.result()]
            areas.append(_join(target, reads))
            problems += [read.problem for read in reads if read.problem is not None]
    return Snapshot(tuple(areas), tuple(problems))


def _start(pool: ThreadPoolExecutor, target: Target, scope: ReadScope) -> list[Future[list[_Read]]]:
    # The longest chain first: ListCoverage has the smallest pages.
    futures = [pool.submit(_read_guardduty, target, scope)] if scope.detector else []
    if scope.instances:
        futures.append(pool.submit(_read_instances, target, scope))
    if scope.ssm:
        futures.append(pool.submit(_read_nodes, target))
    if scope.network:
        futures.append(pool.submit(_read_vpcs, target))
        futures.append(pool.submit(_read_endpoints, target))
    return futures


def _read_instances(target: Target, scope: ReadScope) -> list[_Read]:
    def read() -> tuple[Instance, ...]:
        found: dict[str, Instance] = {}
        for filters in scope.filters or ({},):
            for instance in ec2.instances(target, filters, scope.instance_ids):
                found[instance.instance_id] = instance
        for filters in scope.exclude_filters:
            for instance in ec2.instances(target, filters):
                found.pop(instance.instance_id, None)
        return tuple(found.values())

    return [try_call(target, "instances", "ec2:DescribeInstances", read)]


def _read_nodes(target: Target) -> list[_Read]:
    return [try_call(target, "ssm", "ssm:DescribeInstanceProperties", lambda: ssm.nodes(target))]


def _read_vpcs(target: Target) -> list[_Read]:
    return [try_call(target, "vpcs", "ec2:DescribeVpcs", lambda: ec2.vpcs(target))]


def _read_endpoints(target: Target) -> list[_Read]:
    found = try_call(target, "endpoints", "ec2:DescribeVpcEndpoints", lambda: ec2.endpoints(target))
    if found.problem is not None:
        return [found]
    return [found, *_read_groups(target, found.value)]


def _read_groups(target: Target, found: Mapping[str, tuple[Endpoint, ...]]) -> list[_Read]:
    """The security groups of the operators' endpoints. GuardDuty keeps its own groups up to date."""
    ids = {
        group_id
        for of_vpc in found.values()
        for endpoint in of_vpc
        if not endpoint.guardduty_owned
        for group_id in endpoint.security_group_ids
    }
    if not ids:
        return []

    def read() -> dict[str, SecurityGroup]:
        found: dict[str, SecurityGroup] = {}
        for chunk in ec2.chunks(sorted(ids), ec2.FILTER_VALUES):
            found |= ec2.security_groups(target, {"group-id": chunk})
        return found

    return [try_call(target, "security_groups", "ec2:DescribeSecurityGroups", read)]


def _read_guardduty(target: Target, scope: ReadScope) -> list[_Read]:
    read = try_call(target, "detector", "guardduty:GetDetector", lambda: guardduty.detector(target))
    if read.problem is not None:
        return [_Read("detector", problem=read.problem, also_unknown=("coverage",))]
    found: Detector = read.value
    if not scope.coverage:
        return [read, _Read("coverage", also_unknown=("coverage",))]
    if found.detector_id is None or not found.runtime_monitoring:
        # Without Runtime Monitoring, GuardDuty has no coverage: nothing to read, and nothing unknown.
        return [read]
    detector_id = found.detector_id

    def rows() -> dict[str, CoverageRow]:
        return guardduty.coverage(target, detector_id, scope.coverage_criteria)

    return [read, try_call(target, "coverage", "guardduty:ListCoverage", rows)]


def try_call(target: Target, what: str, operation: str, function: Callable[[], Any]) -> _Read:
    """Call AWS and turn a failure into a problem; a truncated answer is requested again."""
    for tries_left in reversed(range(CUT_ANSWER_TRIES)):
        try:
            return _Read(what, function())
        except ResponseParserError as error:
            if not tries_left:
                return _Read(what, problem=problem_from(error, operation, *target.area_key))
        except AWS_ERRORS as error:
            return _Read(what, problem=problem_from(error, operation, *target.area_key))
    raise AssertionError("unreachable: the last attempt returns")


def for_each_area(
    targets: Iterable[Target], operation: str, function: Callable[[Target], T]
) -> tuple[list[T], tuple[Problem, ...]]:
    """Call a function for all targets in parallel; each failure is returned as a problem."""
    chosen = list(targets)
    if not chosen:
        return [], ()
    with ThreadPoolExecutor(min(WORKERS, len(chosen))) as pool:
        reads = list(pool.map(lambda target: try_call(target, "", operation, lambda: function(target)), chosen))
    return (
        [read.value for read in reads if read.problem is None],
        tuple(read.problem for read in reads if read.problem is not None),
    )


def _join(target: Target, reads: Sequence[_Read]) -> AccountRegion:
    got = {read.what: read.value for read in reads if read.problem is None and read.value is not None}
    unknown = {read.what for read in reads if read.problem is not None}
    unknown.update(word for read in reads for word in read.also_unknown)
    return AccountRegion(
        account_id=target.account_id,
        region=target.region,
        instances=got.get("instances", ()),
        nodes=got.get("ssm", {}),
        coverage=got.get("coverage", {}),
        detector=got.get("detector", Detector()),
        vpcs=got.get("vpcs", {}),
        endpoints=got.get("endpoints", {}),
        security_groups=got.get("security_groups", {}),
        unknown=frozenset(unknown),
        partition=target.partition,
    )
