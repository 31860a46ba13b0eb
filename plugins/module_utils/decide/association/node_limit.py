# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the nodes of an association have room for it.

"Each managed node can be targeted by a maximum of 20 associations" (SSM user guide, "Understanding targets and rate
controls in State Manager associations"). How AWS refuses one more is not published, and CreateAssociation declares an error
for the number of an account's associations only (botocore), so that a node may be passed over without a word.
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
    """The nodes that have no room for one more association.

    C(needs): what must be read before that can be said, 'associations' or 'nodes'. C(unsure): the nodes of which it depends
    on a resource group, whose members nothing here reads.
    """

    needs: str = ""
    full: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


def room(targets: Targets, others: Sequence[Association] | None, nodes: Nodes | None) -> NodeCapacity:
    """C(others): the associations beside this one. C(nodes): the tags of the managed nodes, by id. None: not read yet."""
    if others is None:
        return NodeCapacity(needs="associations")
    rivals = [there for one in others if (there := one.settings.get("Targets")) and _may_meet(targets, there)]
    if len(rivals) < NODE_LIMIT:
        return NodeCapacity()
    if nodes is None:
        return NodeCapacity(needs="nodes")
    full, unsure = [], []
    for node_id, tags in nodes.items():
        chosen = _selects(targets, node_id, tags)
        if chosen is False:
            continue
        said = [_selects(rival, node_id, tags) for rival in rivals]
        if chosen and said.count(True) >= NODE_LIMIT:
            full.append(node_id)
        elif said.count(True) + said.count(None) >= NODE_LIMIT:
            unsure.append(node_id)
    return NodeCapacity(full=tuple(full), unsure=tuple(unsure))


def instance_choice(targets: Targets) -> tuple[dict[str, list[str]], list[str] | None]:
    """EC2 filters, and ids, that leave out no instance that the targets select."""
    filters: dict[str, list[str]] = {}
    ids: list[str] | None = None
    for target in targets:
        key, values = target_key(target["Key"]), list(target["Values"])
        if key.startswith("tag:"):
            filters.setdefault(key, values)
        elif key == INSTANCE_IDS and values != [EVERY_NODE]:
            # Nodes outside EC2 run no GuardDuty agent, and EC2 refuses their ids.
            ids = [value for value in values if value.startswith("i-")]
    return filters, ids


def _may_meet(one: Targets, other: Targets) -> bool:
    """False where no node can be selected by both: all targets must match, and a node has one id and one value of a tag."""
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
    """Whether the targets select the node; None where it depends on what is not read."""
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
