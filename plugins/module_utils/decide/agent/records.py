# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of the agent on a host, and how they are read from JSON: once, because a host may answer anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Record = TypeVar("Record")
# Of a path in a message: a host may answer with a key of any length.
LONGEST = 100


class NotValid(ValueError):
    """Which value is missing or has the wrong type; a clause that starts with its path."""


@dataclass(frozen=True, slots=True)
class Installed:
    """The agent's package on a host: rpm, deb or None; None if not installed; the status in dpkg's terms."""

    format: str | None
    version: str | None
    status: str | None

    @property
    def whole(self) -> bool:
        """dpkg(1), package states: 'hold ok installed' is as complete as 'install ok installed'; 'half-configured' is not."""
        return (self.status or "").endswith(" ok installed")

    @property
    def text(self) -> str | None:
        """A package that was removed and not purged has a status, and no version."""
        if self.status is None or self.whole:
            return self.version
        return f"{self.version or 'removed'} ({self.status})"


@dataclass(frozen=True, slots=True)
class Unit:
    """The agent's unit in systemd's words. C(outdated): its process is older than its program."""

    active_state: str
    unit_file_state: str
    limit_memlock: str
    drop_in: str | None
    outdated: bool


@dataclass(frozen=True, slots=True)
class Machine:
    """C(memlock): the limit in bytes, negative if there is none."""

    btf: bool
    memory_mb: int | None
    free_mb: Mapping[str, int]
    memlock: int


@dataclass(frozen=True, slots=True)
class Identity:
    region: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """The instance identity document, or why it cannot be read."""

    document: Identity | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Whether GuardDuty's endpoint resolves, and whether it accepts connections."""

    name: str
    addresses: tuple[str, ...]
    connected: bool
    error: str | None


@dataclass(frozen=True, slots=True)
class Host:
    """What agent_plan read on a host. None for what was not tested."""

    package: Installed
    systemd: bool
    unit: Unit
    leftovers: tuple[str, ...]
    machine: Machine
    imds: Metadata | None
    network: Endpoint | None

    @property
    def region(self) -> str:
        document = self.imds.document if self.imds else None
        return document.region if document else ""


@dataclass(frozen=True, slots=True)
class Desired:
    """The options of agent_plan, with the region and the facts filled in from the host."""

    state: str
    version: str
    version_policy: str
    allow_downgrade: bool
    force: bool
    region: str
    source: str
    limits: Mapping[str, Any] | None
    wanted: bool | None
    reason: str | None
    route: str | None
    architecture: str | None
    distribution: str | None
    distribution_version: str | None
    kernel: str | None
    memtotal_mb: int | None


@dataclass(frozen=True, slots=True)
class PackageStep:
    """The version, or the state of a package that is not whole."""

    what: str = field(default="package", init=False)
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class DropInStep:
    """The text of the file."""

    what: str = field(default="drop_in", init=False)
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class EnabledStep:
    what: str = field(default="enabled", init=False)
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class RunningStep:
    what: str = field(default="running", init=False)
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class ProcessStep:
    """Which program the process runs."""

    what: str = field(default="process", init=False)
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class LeftoversStep:
    """The number of log and run files."""

    what: str = field(default="leftovers", init=False)
    before: int
    after: int


# Union: ansible-test checks it for Pythons that have no | between types.
Step = Union[PackageStep, DropInStep, EnabledStep, RunningStep, ProcessStep, LeftoversStep]  # noqa: UP007


@dataclass(frozen=True, slots=True)
class Artefact:
    """A package of the agent, by the name of its file."""

    version: str
    format: str
    architecture: str
    name: str

    @property
    def identity(self) -> tuple[str, str, str]:
        return self.version, self.format, self.architecture


@dataclass(frozen=True, slots=True)
class Located(Artefact):
    """Where a package, its signature and its key are: URLs or paths."""

    package: str = ""
    signature: str = ""
    public_key: str = ""


@dataclass(frozen=True, slots=True)
class Fetched(Artefact):
    """A row of agent_package. C(s3): it could only be fetched through the S3 API."""

    path: str | None = None
    sha256: str | None = None
    size: int | None = None
    fingerprint: str | None = None
    downloaded: bool = False
    failed: bool = False
    msg: str = ""
    optional: bool = False
    s3: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes on a host, in the order in which they are applied.

    C(package): to install; None if there is nothing to install, or if AWS has no package for the host, which is a finding.
    C(rollback): the previous version's.
    """

    state: str
    action: str
    installed_version: str | None
    version: str | None
    format: str | None = None
    architecture: str = ""
    changes: tuple[Step, ...] = ()
    package: Located | None = None
    rollback: Located | None = None
    limits: Mapping[str, Any] | None = None
    reason: str = ""

    @property
    def words(self) -> str:
        """The kinds of change in words."""
        return ", ".join(step.what.replace("_", "-") for step in self.changes)


@dataclass(frozen=True, slots=True)
class Crash:
    """A version that did not keep running: the reason, and the last lines of its journal."""

    version: str | None
    why: str
    journal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """What agent_apply answers from a host."""

    failed: bool = False
    msg: str = ""
    installed_version: str | None = None
    crash: Crash | None = None


def read(kind: type[Record], value: Any, path: str) -> Record:
    """The record that is stated by C(value), found at C(path). Unknown keys do not matter. NotValid."""
    record: Record = _read(kind, value, path)
    return record


def warnings_of(result: Mapping[str, Any]) -> list[Any]:
    """The warnings of a module on a host."""
    said = result.get("warnings")
    return said if isinstance(said, list) else []


def _read(kind: Any, value: Any, path: str) -> Any:
    if kind is Any:
        return value
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _one_of(arguments, value, path)
    if is_dataclass(kind):
        given, hints = _of_type(dict, value, path), get_type_hints(kind)
        lacking = [one.name for one in fields(kind) if one.default is MISSING and one.name not in given]
        if lacking:
            raise NotValid(f"{path}.{lacking[0]} is missing")
        names = [one.name for one in fields(kind) if one.init and one.name in given]
        built: Any = kind
        return built(**{name: _read(hints[name], given[name], f"{path}.{name}") for name in names})
    if origin is tuple:
        items = enumerate(_of_type(list, value, path))
        return tuple(_read(arguments[0], item, f"{path}[{number}]") for number, item in items)
    if origin is not None:
        pairs = _of_type(dict, value, path).items()
        return {_of_type(str, key, path): _read(arguments[1], item, f"{path}.{key}") for key, item in pairs}
    return _of_type(kind, value, path)


def _one_of(kinds: tuple[Any, ...], value: Any, path: str) -> Any:
    """C(kinds): one and None, or several steps."""
    if value is None and NoneType in kinds:
        return None
    if NoneType in kinds:
        return _read(kinds[0], value, path)
    what = _of_type(dict, value, path).get("what")
    for kind in kinds:
        if next(one.default for one in fields(kind) if one.name == "what") == what:
            return _read(kind, value, path)
    raise NotValid(f"{path}.what is not a known kind of change")


def _of_type(kind: type, value: Any, path: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise NotValid(f"{path[:LONGEST]} is of the type {type(value).__name__}, expected {kind.__name__}")
    return value
