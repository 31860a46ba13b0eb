# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pages of executions are read. AWS does not document their order, and the emulated AWS has only one: pages by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.association.runs import executions

START = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass
class Pages:
    """Replaces a target, its client and its paginator; counts the pages that were read."""

    pages: list[list[tuple[int, int]]]
    read: int = field(default=0)

    def client(self, _service: str) -> Pages:
        return self

    def get_paginator(self, _operation: str) -> Pages:
        return self

    def paginate(self, **_options: Any) -> Iterator[dict[str, Any]]:
        for page in self.pages:
            self.read += 1
            yield {"AssociationExecutions": [self.row(minute, version) for minute, version in page]}

    @staticmethod
    def row(minute: int, version: int) -> dict[str, Any]:
        return {
            "ExecutionId": f"e{minute}",
            "AssociationVersion": str(version),
            "CreatedTime": START + timedelta(minutes=minute),
            "Status": "Success",
        }


def ids(pages: Pages, *arguments: Any, **options: Any) -> list[str]:
    return [one.execution_id for one in executions(pages, "id", *arguments, **options)]  # type: ignore[arg-type]


def test_the_newest_of_pages_in_order_is_on_the_first() -> None:
    pages = Pages([[(9, 2), (8, 2)], [(7, 1)]])
    assert ids(pages, None, newest=True) == ["e9"]
    assert pages.read == 1


def test_pages_out_of_order_are_all_read() -> None:
    pages = Pages([[(1, 2), (8, 2)], [(9, 2)]])
    assert ids(pages, None, newest=True) == ["e9"]
    assert pages.read == 2


def test_a_version_ends_where_older_ones_begin() -> None:
    pages = Pages([[(9, 2), (8, 2)], [(7, 2), (6, 1)], [(5, 1)]])
    assert ids(pages, "2") == ["e9", "e8", "e7"]
    assert pages.read == 2


def test_the_newest_of_a_version_may_be_on_a_later_page() -> None:
    pages = Pages([[(1, 1), (2, 1)], [(3, 2), (4, 2)]])
    assert ids(pages, "2", newest=True) == ["e4"]


def test_only_what_was_made_since_counts() -> None:
    newest = executions(Pages([[(8, 2), (7, 2)]]), "id", "2", newest=True)[0]  # type: ignore[arg-type]
    pages = Pages([[(9, 2), (8, 2)], [(7, 2)]])
    assert ids(pages, "2", since=newest.created) == ["e9"]
    assert pages.read == 1
    assert ids(Pages([[(8, 2)]]), "2", since=newest.created) == []
