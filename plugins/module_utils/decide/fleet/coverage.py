# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Coverage rows for results: with the meaning of each issue, and with statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ...model.fleet import AccountRegion, CoverageRow
from .issues import decode_issue
from .summary import percent

# Option to AWS's criterion key (GuardDuty API reference, CoverageFilterCriterion). AWS does not document how many values a
# criterion accepts; more instance ids than a page has rows are looked up in the whole list instead.
CRITERIA = {
    "agent_versions": "AGENT_VERSION",
    "cluster_arns": "CLUSTER_ARN",
    "instance_ids": "INSTANCE_ID",
    "management_types": "MANAGEMENT_TYPE",
}
MOST_IDS = 50


def criteria(options: Mapping[str, Any]) -> dict[str, list[str]]:
    """AWS's filter criteria from the options of coverage_info, without None and lists that are too long."""
    chosen = {key: options[option] for option, key in CRITERIA.items() if options[option] is not None}
    if len(chosen.get("INSTANCE_ID", ())) > MOST_IDS:
        del chosen["INSTANCE_ID"]
    if options["status"]:
        chosen["COVERAGE_STATUS"] = [options["status"].upper()]
    return chosen


def coverage_row(area: AccountRegion, row: CoverageRow) -> dict[str, Any]:
    issue = decode_issue(row.issue)
    return {
        "instance_id": row.instance_id,
        "account_id": area.account_id,
        "region": area.region,
        "status": row.status.lower(),
        "issue": row.issue,
        "issue_code": issue.code if issue else None,
        "cause": issue.cause if issue else None,
        "remedy": issue.remedy if issue else None,
        "agent_version": row.agent_version,
        "management_type": row.management_type,
        "cluster_arn": row.cluster_arn,
        "updated_at": row.updated_at,
    }


def has_no_coverage(area: AccountRegion) -> bool:
    """Whether Runtime Monitoring is known to be off."""
    return "detector" not in area.unknown and not area.detector.runtime_monitoring


def statistics(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Counts over rows of coverage_row()."""
    listed = list(rows)
    healthy = sum(row["status"] == "healthy" for row in listed)
    return {
        "instances": len(listed),
        "healthy": healthy,
        "unhealthy": len(listed) - healthy,
        "healthy_percent": percent(healthy, len(listed)),
        "issues": _counted(row["issue_code"] for row in listed),
        "agent_versions": _counted(row["agent_version"] for row in listed),
        "management_types": _counted(row["management_type"] for row in listed),
    }


def _counted(values: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(value for value in values if value).most_common())
