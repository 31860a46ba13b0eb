# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of a list, as AWS returns them: a token is valid only for the call that returned it."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from .wire import AwsError

Row = TypeVar("Row")

# The rows are kept under the token, because computing 10,000 rows again for each page is quadratic.
_KEPT = 500
_snapshots: OrderedDict[str, tuple[str, Sequence[Any], int]] = OrderedDict()


def clear() -> None:
    _snapshots.clear()


def page(
    rows: Callable[[], Sequence[Row]],
    parameters: Mapping[str, Any],
    *,
    default: int,
    maximum: int,
    minimum: int = 1,
    bad_size: Callable[[int], AwsError],
    bad_token: Callable[[], AwsError],
    scope: str = "",
    size_key: str = "MaxResults",
    token_key: str = "NextToken",
) -> tuple[Sequence[Row], str | None]:
    """One page of C(rows()) and the token of the next one, or None after the last.

    C(scope) is what the token is bound to beside the other parameters: the operation, account and region.
    A token works more than once (a client may retry a page); with other parameters it is refused.
    """
    size = int(parameters.get(size_key) or default)
    if not minimum <= size <= maximum:
        raise bad_size(size)
    others = {k: v for k, v in parameters.items() if k not in (size_key, token_key)}
    binding = hashlib.sha256((scope + json.dumps(others, sort_keys=True, default=str)).encode()).hexdigest()
    token = parameters.get(token_key)
    if token:
        kept = _snapshots.get(token)
        if kept is None or kept[0] != binding:
            raise bad_token()
        dummy, all_rows, start = kept
    else:
        all_rows, start = rows(), 0
    end = start + size
    if end >= len(all_rows):
        return all_rows[start:], None
    following = secrets.token_urlsafe(33)
    _snapshots[following] = (binding, all_rows, end)
    while len(_snapshots) > _KEPT:
        _snapshots.popitem(last=False)
    return all_rows[start:end], following
