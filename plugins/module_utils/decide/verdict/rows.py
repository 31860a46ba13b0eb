# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verdict as a row, and back: the same names and values in the inventory, in eligibility_info and in the report.

A column is the name of a field of Instance or Verdict after 'gd_'.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import NoneType
from typing import Any, TypeVar

from ...model.fleet import Instance
from .catalogue import BLOCKERS, COVERAGE_STATES, ENDPOINT_STATES, REASONS, ROUTES, SSM_STATES, TAG_STATES
from .eligibility import Verdict

Record = TypeVar("Record")


class RowError(ValueError):
    """A row that cannot be read, as the rest of a sentence that begins with the row."""


def row(verdict: Verdict) -> dict[str, Any]:
    """The row of one instance: its data and its verdict."""
    return {**instance_row(verdict.instance), **verdict_row(verdict)}


def instance_row(instance: Instance) -> dict[str, Any]:
    """What AWS says of the instance."""
    return {
        "gd_instance_id": instance.instance_id,
        "gd_account_id": instance.account_id,
        "gd_region": instance.region,
        "gd_vpc_id": instance.vpc_id,
        "gd_subnet_id": instance.subnet_id,
        "gd_availability_zone": instance.availability_zone,
        "gd_state": instance.state,
        "gd_platform": instance.platform,
        "gd_architecture": instance.architecture,
        "gd_private_ip": instance.private_ip,
        "gd_private_dns": instance.private_dns,
        "gd_image_id": instance.image_id,
        "gd_instance_type": instance.instance_type,
        "gd_tags": dict(instance.tags),
    }


def verdict_row(verdict: Verdict) -> dict[str, Any]:
    """What the collection says of it."""
    return {
        "gd_tag": verdict.tag,
        "gd_wanted": verdict.wanted,
        "gd_route": verdict.route,
        "gd_reason": verdict.reason,
        "gd_blockers": list(verdict.blockers),
        "gd_ssm": verdict.ssm,
        "gd_endpoint": verdict.endpoint,
        "gd_coverage": verdict.coverage,
        "gd_issue": verdict.issue,
        "gd_agent_version": verdict.agent_version,
        "gd_management_type": verdict.management_type,
        "gd_cluster": verdict.cluster,
    }


_NOBODY = Verdict(Instance("", "", "", "", "", "", ""), "", False, "", "", (), "", "", "")
_INSTANCE_COLUMNS, _VERDICT_COLUMNS = tuple(instance_row(_NOBODY.instance)), tuple(verdict_row(_NOBODY))
COLUMNS = (*_INSTANCE_COLUMNS, *_VERDICT_COLUMNS)

_CODES: dict[str, Collection[str]] = {
    "gd_tag": TAG_STATES,
    "gd_route": ROUTES,
    "gd_reason": REASONS,
    "gd_ssm": SSM_STATES,
    "gd_endpoint": ENDPOINT_STATES,
    "gd_coverage": COVERAGE_STATES,
}
# Where no value is given here, it is a text or null.
_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(COLUMNS, (str, NoneType)),
    **dict.fromkeys(("gd_instance_id", "gd_account_id", "gd_region", "gd_state", "gd_platform"), (str,)),
    **dict.fromkeys(("gd_architecture", "gd_instance_type", *_CODES), (str,)),
    "gd_tags": (dict,),
    "gd_wanted": (bool,),
    "gd_blockers": (list,),
}


def verdict_of(row: Any) -> Verdict:
    """The inverse of row(). Raises a RowError that names the column.

    What a row does not hold (metadata service, launch time, public address) has its default: such an instance is not to
    be judged again.
    """
    if not isinstance(row, Mapping):
        raise RowError("is not a row")
    for name, types in _TYPES.items():
        if name not in row:
            raise RowError(f"lacks {name}")
        if not isinstance(row[name], types):
            raise RowError(f"has a {name} that is not a {types[0].__name__}")
    if not all(isinstance(text, str) for pair in row["gd_tags"].items() for text in pair):
        raise RowError("has gd_tags that are not text")
    for name, known in _CODES.items():
        if row[name] not in known:
            raise RowError(_unknown(name, row[name]))
    for code in row["gd_blockers"]:
        if not isinstance(code, str) or code not in BLOCKERS:
            raise RowError(_unknown("blocker", code))
    values = {name: row[name] for name in COLUMNS}
    values |= {"gd_tags": dict(row["gd_tags"]), "gd_blockers": tuple(row["gd_blockers"])}
    instance = Instance(**{name.removeprefix("gd_"): values[name] for name in _INSTANCE_COLUMNS})
    return Verdict(instance, **{name.removeprefix("gd_"): values[name] for name in _VERDICT_COLUMNS})


def _unknown(name: str, code: Any) -> str:
    return f"has the {name} {code!r}, which this version of the collection does not know"


def read_rows(read: Callable[[Any], Record], rows: Iterable[Any], name: str) -> tuple[Record, ...]:
    """A record of each row. Raises a RowError that names the row and what is wrong with it, without a full stop."""
    found = []
    for position, row in enumerate(rows):
        try:
            found.append(read(row))
        except RowError as error:
            raise RowError(f"{name}[{position}] {error}") from None
    return tuple(found)


# Group name without its prefix. Every group exists even when it is empty.
GROUPS = (
    "included",
    "excluded",
    "absent",
    "ineffective",
    "route_guardduty",
    "route_ssm",
    "route_package",
    "route_none",
    "wanted",
    "blocked",
    "healthy",
    "unhealthy",
    "uncovered",
)


def groups_of(verdict: Verdict) -> list[str]:
    """The groups of one instance. 'uncovered': GuardDuty has no row for it, so unknown coverage is in no group."""
    names = [verdict.tag, f"route_{verdict.route}"]
    if verdict.wanted:
        names.append("wanted")
    if verdict.blockers:
        names.append("blocked")
    if verdict.coverage != "unknown":
        names.append("uncovered" if verdict.coverage == "absent" else verdict.coverage)
    return names
