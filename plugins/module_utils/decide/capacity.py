# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet of a given size needs: calls to AWS, minutes, memory, and the best number of jobs.

Calls follow from the page sizes of the botocore models, and are exact. Minutes and memory are estimates from the figures of
the benchmark (guide to speed), and from the operator's values for the network and the hosts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from ..model.fleet import AreaKey, InArea
from .agent.waves import limit_of
from .verdict.eligibility import Verdict

# botocore models: the largest MaxResults of DescribeInstances, DescribeInstanceProperties and ListCoverage.
INSTANCES_PAGE, NODES_PAGE, COVERAGE_PAGE = 1000, 1000, 50
# CreateTags takes 1,000 resources (EC2 API reference).
TAGS_PAGE = 1000
# EC2 API reference, request throttling: CreateVpcEndpoint has a bucket of 4 and 0.3 a second, in each account and region.
ENDPOINT_BUCKET, ENDPOINT_RATE = 4, 0.3
# Reads that run at the same time in one process (observe/).
READERS = 32

# ansible-inventory --list: the benchmark's figures (guide_speed) plus half for CPU, plus a fifth for memory.
PROCESS_SECONDS, AREA_SECONDS, INSTANCE_SECONDS = 1.0, 0.025, 0.0008
PROCESS_MIB, INSTANCE_KIB = 110, 26
# The tasks of a host in a wave, and ansible-core's own time for each host and task, which forks do not share.
HOST_TASKS, TASK_SECONDS = 7, 0.04


class CapacityError(ValueError):
    """A size that cannot be used, as a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Area(InArea):
    """One account and region: how many instances, SSM nodes, coverage rows, VPCs, and hosts of each route."""

    instances: int
    nodes: int
    covered: int
    vpcs: int
    guardduty: int
    ssm: int
    package: int


@dataclass(frozen=True, slots=True)
class Means:
    """The resources for the work. 0 shards: as few as C(memory_mib) per job allows."""

    shards: int = 0
    memory_mib: int = 2048
    latency_ms: float = 50.0
    hosts_per_slice: int = 500
    forks: int = 50
    host_seconds: float = 10.0
    gate_minutes: float = 10.0
    max_concurrency: float = 10.0
    node_minutes: float = 3.0


@dataclass(frozen=True, slots=True)
class Size:
    """A fleet in round numbers, spread evenly. Percentages are of the instances."""

    accounts: int = 1
    regions: int = 1
    instances: int = 1000
    vpcs: int = 2
    guardduty_percent: float = 0.0
    ssm_percent: float = 90.0
    package_percent: float = 10.0


def of_verdicts(verdicts: Iterable[Verdict]) -> list[Area]:
    """The fleet of a report, assuming that every wanted instance reports."""
    by_area: dict[AreaKey, list[Verdict]] = {}
    for verdict in verdicts:
        by_area.setdefault(verdict.instance.area_key, []).append(verdict)
    return [_area(area, members) for area, members in sorted(by_area.items())]


def _area(area: AreaKey, verdicts: Sequence[Verdict]) -> Area:
    routes = [verdict.route for verdict in verdicts if verdict.wanted]
    return Area(
        *area,
        instances=len(verdicts),
        nodes=sum(verdict.ssm in ("online", "lost") for verdict in verdicts),
        covered=sum(verdict.wanted or verdict.coverage in ("healthy", "unhealthy") for verdict in verdicts),
        vpcs=len({verdict.instance.vpc_id for verdict in verdicts if verdict.instance.vpc_id}),
        guardduty=routes.count("guardduty"),
        ssm=routes.count("ssm"),
        package=routes.count("package"),
    )


def of_size(given: Mapping[str, Any]) -> list[Area]:
    size = _read(Size, given)
    shares = (size.guardduty_percent, size.ssm_percent, size.package_percent)
    if sum(shares) > 100:
        raise CapacityError(
            f"The percentages of the three routes add up to {sum(shares):g}, which is more than 100. Reduce them."
        )
    if min(size.accounts, size.regions) < 1:
        raise CapacityError("Set at least one account and one region.")
    count = size.accounts * size.regions
    areas = []
    for number in range(count):
        here = size.instances * (number + 1) // count - size.instances * number // count
        guardduty, ssm, package = (round(here * share / 100) for share in shares)
        wanted = min(here, guardduty + ssm + package)
        where = f"account {number // size.regions + 1}", f"region {number % size.regions + 1}"
        areas.append(Area(*where, here, min(here, guardduty + ssm), wanted, size.vpcs, guardduty, ssm, package))
    return areas


def _read(kind: Any, given: Mapping[str, Any]) -> Any:
    """A dataclass of numbers from values that may be text, as a survey gives them."""
    known = {name: type(value) for name, value in asdict(kind()).items()}
    values = {}
    for name, value in given.items():
        if name not in known:
            raise CapacityError(f"{name} is not a known variable. Use {', '.join(known)}.")
        try:
            values[name] = known[name](value)
        except (TypeError, ValueError):
            raise CapacityError(f"{name} is '{value}'; set it to a number.") from None
        if values[name] < 0:
            raise CapacityError(f"{name} is '{value}'; set it to a number of at least 0.")
    return kind(**values)


def reads(area: Area) -> dict[str, int]:
    """The calls of one scan of an account and region: in an inventory update, an audit, or each step of a roll-out.

    Security groups are read too (one call per 1,000) if an endpoint is an operator's.
    """
    return {
        "ec2:DescribeInstances": _pages(area.instances, INSTANCES_PAGE),
        "ec2:DescribeVpcs": 1,
        "ec2:DescribeVpcEndpoints": 1,
        "ssm:DescribeInstanceProperties": _pages(area.nodes, NODES_PAGE),
        "guardduty:ListDetectors": 1,
        "guardduty:GetDetector": 1,
        "guardduty:ListCoverage": _pages(area.covered, COVERAGE_PAGE),
    }


def _pages(items: int, size: int) -> int:
    return max(1, ceil(items / size))


def plan(areas: Sequence[Area], given: Mapping[str, Any], waves: Sequence[str | int]) -> dict[str, Any]:
    """Shards of whole accounts, of about the same size, and what each shard and all of them need.

    C(given): the fields of Means, as text or numbers. C(waves): the hosts of the package route in each wave.
    """
    means = _read(Means, given)
    for name in ("memory_mib", "hosts_per_slice", "forks", "max_concurrency"):
        if getattr(means, name) <= 0:
            raise CapacityError(f"{name} is 0; set it to a number above 0.")
    if not areas:
        raise CapacityError("The fleet has no instances, so there is no plan.")
    accounts: dict[str, list[Area]] = {}
    for area in areas:
        accounts.setdefault(area.account_id, []).append(area)
    count = min(means.shards or _needed(areas, means), len(accounts))
    loads: list[list[Area]] = [[] for _number in range(count)]
    for account in sorted(accounts.values(), key=lambda each: (-_instances(each), each[0].account_id)):
        min(loads, key=_instances).extend(account)
    shards = [{"shard": number, **_shard(load, means, waves)} for number, load in enumerate(loads, 1)]
    calls: dict[str, int] = {}
    for area in areas:
        for operation, times in reads(area).items():
            calls[operation] = calls.get(operation, 0) + times
    most = max(areas, key=lambda area: sum(reads(area).values()))
    return {
        "fleet": {"accounts": len(accounts), "areas": len(areas), "instances": _instances(areas)},
        "calls": calls,
        "calls_of_largest_area": sum(reads(most).values()),
        "largest_area": str(most.area_key),
        "shards": shards,
        "means": asdict(means),
    }


def _instances(areas: Iterable[Area]) -> int:
    return sum(area.instances for area in areas)


def _needed(areas: Sequence[Area], means: Means) -> int:
    room = (means.memory_mib - PROCESS_MIB) * 1024 / INSTANCE_KIB
    if room < 1:
        raise CapacityError(
            f"memory_mib is {means.memory_mib}; a job needs {PROCESS_MIB} MiB before its first instance."
        )
    return max(1, ceil(_instances(areas) / room))


def _shard(areas: Sequence[Area], means: Means, waves: Sequence[str | int]) -> dict[str, Any]:
    instances, package = _instances(areas), sum(area.package for area in areas)
    calls = [sum(reads(area).values()) for area in areas]
    # A list's pages follow one another; lists, accounts and regions run side by side.
    chains = [max(reads(area).values()) + 1 for area in areas]
    waiting = max([*chains, sum(calls) / READERS]) * means.latency_ms / 1000
    busy = PROCESS_SECONDS + len(areas) * AREA_SECONDS + instances * INSTANCE_SECONDS
    slices = ceil(package / means.hosts_per_slice)
    return {
        "accounts": len({area.account_id for area in areas}),
        "areas": len(areas),
        "instances": instances,
        "calls_of_a_look": sum(calls),
        "minutes_of_a_look": _minutes(busy + waiting),
        "memory_mib": round(PROCESS_MIB + instances * INSTANCE_KIB / 1024),
        "tag_calls": sum(ceil(area.instances / TAGS_PAGE) for area in areas),
        "endpoints": sum(area.vpcs for area in areas),
        "minutes_of_endpoints": _minutes(
            max((max(0, area.vpcs - ENDPOINT_BUCKET) / ENDPOINT_RATE for area in areas), default=0)
        ),
        "associations": sum(area.ssm > 0 for area in areas),
        "minutes_of_state_manager": round(ceil(100 / means.max_concurrency) * means.node_minutes, 1)
        if any(area.ssm for area in areas)
        else 0.0,
        "package_hosts": package,
        "slices": slices,
        "minutes_of_a_slice": _package_minutes(ceil(package / slices), means, waves) if slices else 0.0,
    }


def _package_minutes(hosts: int, means: Means, waves: Sequence[str | int]) -> float:
    """The waves of one slice, each with its coverage gate."""
    left = hosts
    seconds = 0.0
    for wave in waves:
        taken = min(left, limit_of(str(wave), hosts) or 1)
        if taken:
            forked = ceil(taken / means.forks) * means.host_seconds
            seconds += max(forked, taken * HOST_TASKS * TASK_SECONDS) + means.gate_minutes * 60
            left -= taken
    return _minutes(seconds)


def _minutes(seconds: float) -> float:
    return round(seconds / 60, 1)


def lines(planned: Mapping[str, Any]) -> list[str]:
    """The plan as text for the console."""
    fleet, shards = planned["fleet"], planned["shards"]
    largest = max(shards, key=lambda shard: shard["instances"])
    slowest = max(shards, key=lambda shard: shard["minutes_of_a_slice"])
    means = planned["means"]
    return [
        f"{fleet['instances']:,} instances in {fleet['areas']:,} pairs of account and region",
        f"One scan of the fleet: {sum(planned['calls'].values()):,} calls, of which "
        f"{planned['calls_of_largest_area']:,} at most in one account and region ({planned['largest_area']})",
        *(f"  {operation:<32} {times:>9,}" for operation, times in planned["calls"].items()),
        f"{len(shards):,} jobs, by accounts; the largest has {largest['instances']:,} instances in "
        f"{largest['accounts']:,} accounts: {largest['calls_of_a_look']:,} calls and about "
        f"{largest['minutes_of_a_look']} minutes per scan, about {largest['memory_mib']:,} MiB",
        f"VPC endpoints: {sum(shard['endpoints'] for shard in shards):,} if every VPC needs one, created in about "
        f"{max(shard['minutes_of_endpoints'] for shard in shards)} minutes at AWS's rate",
        f"State Manager runs {sum(shard['associations'] for shard in shards):,} associations, each in about "
        f"{max(shard['minutes_of_state_manager'] for shard in shards)} minutes at max_concurrency "
        f"{means['max_concurrency']:g} %, all at the same time",
        f"Package route: {sum(shard['package_hosts'] for shard in shards):,} hosts in "
        f"{sum(shard['slices'] for shard in shards):,} slices of at most {means['hosts_per_slice']:,}, each about "
        f"{slowest['minutes_of_a_slice']} minutes with {means['forks']} forks",
    ]
