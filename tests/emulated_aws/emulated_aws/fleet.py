# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet file: the one readable description of an emulated world, checked strictly."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import yaml

from .specs import (
    AccountSpec,
    AgentSpec,
    EndpointSpec,
    Fleet,
    InstanceSpec,
    OrganizationSpec,
    RegionSpec,
    VpcSpec,
)
from .world import DetectorSettings

T = TypeVar("T")

INSTANCE_STATES = ("pending", "running", "stopping", "stopped", "shutting-down", "terminated")
PLATFORMS = ("linux", "windows", "macos")
ARCHITECTURES = ("x86_64", "arm64", "i386")
ENDPOINT_POLICIES = ("account", "open", "denied", "organization")
ENDPOINT_STATES = ("available", "pending", "pendingAcceptance", "rejected", "failed", "deleting")
_ACCOUNT_ID = re.compile(r"\d{12}")


class FleetError(Exception):
    """A mistake in a fleet file, in one sentence that starts with its path."""


class Reader:
    """Removes the keys of one mapping one by one; a key that is left at the end is an error."""

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise FleetError(f"{path}: a mapping is expected, not {_kind(value)}")
        for key in value:
            if not isinstance(key, str):
                raise FleetError(f"{path}: the key {key!r} is {_kind(key)}; put it in quotes")
        self._left = dict(value)
        self._known: list[str] = []
        self.path = path

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def take(self, key: str, kind: type | tuple[type, ...], default: T, word: str) -> Any | T:
        self._known.append(key)
        if key not in self._left:
            return default
        value = self._left.pop(key)
        # bool is an int to Python, not to a reader of the file.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise FleetError(f"{self.at(key)}: {word} is expected, not {_kind(value)}")
        return value

    def text(self, key: str, default: T) -> str | T:
        return self.take(key, str, default, "text (in quotes, if YAML reads it as something else)")

    def flag(self, key: str, default: bool) -> bool:
        return self.take(key, bool, default, "true or false")

    def number(self, key: str, default: float) -> float:
        value = self.take(key, (int, float), default, "a number")
        if value < 0:
            raise FleetError(f"{self.at(key)}: {value} is negative")
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        value = self.text(key, default)
        if value not in choices:
            raise FleetError(f'{self.at(key)}: no "{value}"; known: {", ".join(choices)}')
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.take(key, list, [], "a list")
        for number, value in enumerate(values):
            if not isinstance(value, str):
                raise FleetError(f"{self.at(key)}[{number}]: text in quotes is expected, not {_kind(value)}")
        return tuple(values)

    def text_map(self, key: str) -> dict[str, str]:
        entries = Reader(self.take(key, dict, {}, "a mapping"), self.at(key))
        return {name: entries.text(name, "") for name in list(entries._left)}

    def each(self, key: str, build: Callable[[str, Any, str], T]) -> dict[str, T]:
        """One built object per key of the mapping under C(key)."""
        entries = Reader(self.take(key, dict, {}, "a mapping"), self.at(key))
        return {name: build(name, value, entries.at(name)) for name, value in entries._left.items()}

    def end(self) -> None:
        if self._left:
            unknown = next(iter(self._left))
            raise FleetError(f"{self.at(unknown)}: unknown key; known: {', '.join(self._known)}")


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the YAML boolean {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return {str: "text", list: "a list", dict: "a mapping"}.get(type(value), f"a {type(value).__name__}")


def parse_fleet(text: str) -> Fleet:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        raise FleetError(f"no YAML: {getattr(error, 'problem', None) or error} at {place}") from None
    top = Reader(document if document is not None else {}, "")
    accounts = top.each("accounts", _account)
    if not accounts:
        raise FleetError("accounts: at least one account is needed")
    caller = top.text("caller_account", next(iter(accounts)))
    _known_account(caller, accounts, "caller_account")
    pace = Reader(top.take("pace", dict, {}, "a mapping"), "pace")
    paces = {key: pace.number(key, 0) for key in ("endpoint", "association", "coverage", "member", "registration")}
    pace.end()
    organization = top.take("organization", dict, None, "a mapping")
    fleet = Fleet(caller, paces, None if organization is None else _organization(organization, accounts), accounts)
    top.end()
    _check_references(fleet)
    return fleet


def _known_account(account_id: str, accounts: Mapping[str, AccountSpec], path: str) -> None:
    if account_id not in accounts:
        raise FleetError(f'{path}: no account "{account_id}"; known: {", ".join(accounts)}')


def _organization(value: Any, accounts: Mapping[str, AccountSpec]) -> OrganizationSpec:
    reader = Reader(value, "organization")
    spec = OrganizationSpec(
        id=reader.text("id", "o-fleetsec0001"),
        management_account=reader.text("management_account", next(iter(accounts))),
        guardduty_administrator=reader.text("guardduty_administrator", None),
        # GuardDuty user guide, quotas: members of an administrator by Organizations.
        member_limit=int(reader.number("member_limit", 50_000)),
    )
    reader.end()
    _known_account(spec.management_account, accounts, "organization.management_account")
    if spec.guardduty_administrator is not None:
        _known_account(spec.guardduty_administrator, accounts, "organization.guardduty_administrator")
    return spec


def _account(account_id: str, value: Any, path: str) -> AccountSpec:
    if not _ACCOUNT_ID.fullmatch(account_id):
        raise FleetError(f"{path}: an account id has 12 digits")
    reader = Reader(value if value is not None else {}, path)
    name = reader.text("name", account_id)
    spec = AccountSpec(
        account_id=account_id,
        name=name,
        email=reader.text("email", f"{name}@example.com"),
        status=reader.choice("status", ("ACTIVE", "SUSPENDED"), "ACTIVE"),
        roles=frozenset(reader.texts("roles")),
        opted_out_regions=frozenset(reader.texts("opted_out_regions")),
        regions=reader.each("regions", lambda region, v, p: _region(account_id, region, v, p)),
    )
    reader.end()
    return spec


def _region(account_id: str, name: str, value: Any, path: str) -> RegionSpec:
    reader = Reader(value if value is not None else {}, path)
    detector = reader.take("guardduty", dict, None, "a mapping")
    instances = reader.take("instances", list, [], "a list")
    spec = RegionSpec(
        name=name,
        guardduty=None if detector is None else _detector(detector, reader.at("guardduty")),
        link_local=reader.flag("link_local", False),
        guardduty_zones=reader.texts("guardduty_zones"),
        vpcs=reader.each("vpcs", _vpc),
        instances=tuple(
            _instance(account_id, each, f"{reader.at('instances')}[{number}]") for number, each in enumerate(instances)
        ),
    )
    reader.end()
    return spec


def _detector(value: Any, path: str) -> DetectorSettings:
    reader = Reader(value, path)
    settings = DetectorSettings(**{each.name: reader.flag(each.name, False) for each in fields(DetectorSettings)})
    reader.end()
    return settings


def _cidr(text: str, path: str) -> str:
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise FleetError(f"{path}: {error}") from None
    # https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
    if not 16 <= network.prefixlen <= 28:
        raise FleetError(f"{path}: a VPC's CIDR is between /16 and /28, not /{network.prefixlen}")
    return text


def _vpc(name: str, value: Any, path: str) -> VpcSpec:
    reader = Reader(value if value is not None else {}, path)
    endpoint = reader.take("endpoint", dict, None, "a mapping")
    subnets = reader.text_map("subnets")
    spec = VpcSpec(
        name=name,
        cidr=_cidr(reader.text("cidr", "10.0.0.0/16"), reader.at("cidr")),
        extra_cidrs=tuple(_cidr(each, reader.at("extra_cidrs")) for each in reader.texts("extra_cidrs")),
        dns_support=reader.flag("dns_support", True),
        dns_hostnames=reader.flag("dns_hostnames", True),
        subnets=subnets,
        shared_with=reader.texts("shared_with"),
        endpoint=None if endpoint is None else _endpoint(endpoint, subnets, reader.at("endpoint")),
    )
    reader.end()
    if not subnets:
        raise FleetError(f"{path}.subnets: at least one subnet is needed, as NAME: ZONE")
    return spec


def _endpoint(value: Any, subnets: Mapping[str, str], path: str) -> EndpointSpec:
    reader = Reader(value, path)
    spec = EndpointSpec(
        owner=reader.choice("owner", ("guardduty", "operator"), "guardduty"),
        subnets=reader.texts("subnets") or tuple(subnets),
        private_dns=reader.flag("private_dns", True),
        policy=reader.choice("policy", ENDPOINT_POLICIES, "account"),
        security_group=reader.choice("security_group", ("open", "closed"), "open"),
        state=reader.choice("state", ENDPOINT_STATES, "available"),
    )
    reader.end()
    for subnet in spec.subnets:
        if subnet not in subnets:
            raise FleetError(f'{path}.subnets: no subnet "{subnet}"; known: {", ".join(subnets)}')
    return spec


def _instance(account_id: str, value: Any, path: str) -> InstanceSpec:
    reader = Reader(value, path)
    name = reader.text("name", None)
    if not name:
        raise FleetError(f"{path}.name: every instance needs a name")
    count = reader.take("count", int, 1, "a whole number")
    if count < 0:
        raise FleetError(f"{path}.count: {count} is negative")
    vpc_account, vpc = _vpc_reference(reader, account_id)
    agent = reader.take("agent", dict, None, "a mapping")
    system = reader.texts("os") or ("Amazon Linux", "2023")
    if len(system) != 2:
        raise FleetError(f'{path}.os: name and version are expected, as [Amazon Linux, "2023"]')
    spec = InstanceSpec(
        name=name,
        count=count,
        vpc_account=vpc_account,
        vpc=vpc,
        subnet=reader.text("subnet", None),
        type=reader.text("type", "m6i.large"),
        platform=reader.choice("platform", PLATFORMS, "linux"),
        architecture=reader.choice("architecture", ARCHITECTURES, "x86_64"),
        state=reader.choice("state", INSTANCE_STATES, "running"),
        tags=reader.text_map("tags"),
        metadata_tags=reader.flag("metadata_tags", False),
        imds=reader.flag("imds", True),
        ssm=reader.choice("ssm", ("online", "lost", "absent"), "absent"),
        os=(system[0], system[1]),
        kernel=reader.text("kernel", "6.1"),
        agent=None if agent is None else _agent(agent, reader.at("agent")),
        ecs_cluster=reader.text("ecs_cluster", None),
        eks_cluster=reader.text("eks_cluster", None),
        operator=reader.text("operator", None),
    )
    reader.end()
    return spec


def _vpc_reference(reader: Reader, account_id: str) -> tuple[str, str]:
    reference = reader.take("vpc", (str, dict), None, "a VPC's name, or {account: ..., vpc: ...}")
    if reference is None:
        raise FleetError(f"{reader.at('vpc')}: every instance needs a VPC")
    if isinstance(reference, str):
        return account_id, reference
    shared = Reader(reference, reader.at("vpc"))
    account, name = shared.text("account", account_id), shared.text("vpc", "")
    shared.end()
    return account, name


def _agent(value: Any, path: str) -> AgentSpec:
    reader = Reader(value, path)
    spec = AgentSpec(
        version=reader.text("version", "1.17.1"),
        by=reader.choice("by", ("guardduty", "manual"), "manual"),
        running=reader.flag("running", True),
    )
    reader.end()
    return spec


def _check_references(fleet: Fleet) -> None:
    """Names that point to another part of the file."""
    for account in fleet.accounts.values():
        for region in account.regions.values():
            path = f"accounts.{account.account_id}.regions.{region.name}"
            for vpc in region.vpcs.values():
                for participant in vpc.shared_with:
                    _known_account(participant, fleet.accounts, f"{path}.vpcs.{vpc.name}.shared_with")
            for number, instance in enumerate(region.instances):
                _check_place(fleet, account.account_id, region.name, instance, f"{path}.instances[{number}]")


def _check_place(fleet: Fleet, account_id: str, region: str, instance: InstanceSpec, path: str) -> None:
    _known_account(instance.vpc_account, fleet.accounts, f"{path}.vpc.account")
    there = fleet.accounts[instance.vpc_account].regions.get(region)
    vpcs = there.vpcs if there else {}
    if instance.vpc not in vpcs:
        raise FleetError(f'{path}.vpc: no VPC "{instance.vpc}"; known: {", ".join(vpcs) or "none"}')
    vpc = vpcs[instance.vpc]
    if instance.vpc_account != account_id and account_id not in vpc.shared_with:
        raise FleetError(f'{path}.vpc: the VPC "{vpc.name}" of {instance.vpc_account} is not shared with {account_id}')
    if instance.subnet is not None and instance.subnet not in vpc.subnets:
        raise FleetError(f'{path}.subnet: no subnet "{instance.subnet}"; known: {", ".join(vpc.subnets)}')
