# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the nodes of an association can take one more.

"Each managed node can be targeted by a maximum of 20 associations" (SSM user guide, "Understanding targets and rate
controls in State Manager associations"). AWS does not document how it rejects one more, and CreateAssociation declares an error
only for the number of an account's associations (botocore), so AWS may skip a node silently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...model.associations import Association
from .settings import EVERY_NODE, INSTANCE_IDS, target_key

NODE_LIMIT = 20
NAMED = 5
NO_NODE = "AWS:NoOp"

Targets = Sequence[Mapping[str, Any]]
Nodes = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class NodeCapacity:
    """The nodes that cannot take one more association.

    C(needs): what must be read to know that, 'associations' or 'nodes'. C(unsure): the nodes for which it depends
    on a resource group, whose members are not read.
    """

    needs: str = ""
    full: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


def room(targets: Targets, others: Sequence[Association] | None, nodes: Nodes | None) -> NodeCapacity:
    """C(others): the other associations. C(nodes): the tags of the managed nodes, by id. None: not read yet."""
    if others is None:
        return NodeCapacity(needs="associations")
    rival_targets = [t for other in others if (t := other.settings.get("Targets")) and _may_overlap(targets, t)]
    if len(rival_targets) < NODE_LIMIT:
        return NodeCapacity()
    if nodes is None:
        return NodeCapacity(needs="nodes")
    full, unsure = [], []
    for node_id, tags in nodes.items():
        chosen = _selects(targets, node_id, tags)
        if chosen is False:
            continue
        selected = [_selects(rival, node_id, tags) for rival in rival_targets]
        if chosen and selected.count(True) >= NODE_LIMIT:
            full.append(node_id)
        elif selected.count(True) + selected.count(None) >= NODE_LIMIT:
            unsure.append(node_id)
    return NodeCapacity(full=tuple(full), unsure=tuple(unsure))


def instance_choice(targets: Targets) -> tuple[dict[str, list[str]], list[str] | None]:
    """EC2 filters and ids that include every instance that the targets select."""
    filters: dict[str, list[str]] = {}
    ids: list[str] | None = None
    for target in targets:
        key, values = target_key(target["Key"]), list(target["Values"])
        if key.startswith("tag:"):
            filters.setdefault(key, values)
        elif key == INSTANCE_IDS and values != [EVERY_NODE]:
            # Nodes outside EC2 run no GuardDuty agent, and EC2 rejects their ids.
            ids = [value for value in values if value.startswith("i-")]
    return filters, ids


def _may_overlap(one: Targets, other: Targets) -> bool:
    """False if no node can match both: a node must match all targets, and has one id and one value per tag."""
    sets = [
        {
            target_key(target["Key"]): set(target.get("Values") or ())
            for target in targets
            if target_key(target["Key"]) == INSTANCE_IDS or target["Key"].startswith("tag:")
        }
        for targets in (one, other)
    ]
    return not any(
        EVERY_NODE not in values | sets[1][key] and not values & sets[1][key]
        for key, values in sets[0].items()
        if key in sets[1]
    )


def _selects(targets: Targets, node_id: str, tags: Mapping[str, str]) -> bool | None:
    """Whether the targets select the node; None if that depends on data that is not read."""
    unknown = False
    for target in targets:
        key, values = target_key(target["Key"]), target.get("Values") or ()
        if key == INSTANCE_IDS:
            if EVERY_NODE not in values and node_id not in values:
                return False
        elif key.startswith("tag:"):
            if tags.get(key.removeprefix("tag:")) not in values:
                return False
        elif key == NO_NODE:
            return False
        else:
            unknown = True
    return None if unknown else True
