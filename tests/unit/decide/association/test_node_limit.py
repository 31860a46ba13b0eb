# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At most 20 associations per node: "Each managed node can be targeted by a maximum of 20 associations" (SSM user guide,
"Understanding targets and rate controls in State Manager associations")."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.association.desired import DesiredAssociation
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.association.node_limit import (
    NodeCapacity,
    instance_choice,
    room,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.association.plan import (
    AssociationPlan,
    plan_associations,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.association.settings import from_options
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.associations import (
    Association,
    AssociationArea,
    AssociationNeed,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import SSM_DOCUMENT

EVERYONE = [{"Key": "InstanceIds", "Values": ["*"]}]
GROUP = [{"Key": "resource-groups:Name", "Values": ["web"]}]
NODES = {"i-1": {"wave": "1"}, "i-2": {"wave": "2"}, "i-3": {"wave": "1", "team": "a"}, "i-4": {}}


def tag(key: str, *values: str) -> list[dict[str, Any]]:
    return [{"Key": f"tag:{key}", "Values": list(values)}]


def ids(*values: str) -> list[dict[str, Any]]:
    return [{"Key": "instanceids", "Values": list(values)}]


def others(count: int, *targets: list[dict[str, Any]]) -> list[Association]:
    return [
        Association(f"{number}-{at}", "1", {"Name": "D", "Targets": each})
        for at, each in enumerate(targets)
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("wanted", "there", "full"),
    [
        (tag("wave", "1"), others(20, EVERYONE), ["i-1", "i-3"]),
        (tag("wave", "1"), others(19, EVERYONE), []),
        (EVERYONE, others(20, tag("wave", "1", "2")), ["i-1", "i-2", "i-3"]),
        (EVERYONE, others(20, ids("i-4")), ["i-4"]),
        (ids("i-1", "i-2"), others(20, ids("i-1"), ids("i-3")), ["i-1"]),
        (tag("wave", "1"), others(10, tag("wave", "1"), tag("team", "a")), ["i-3"]),
        (tag("wave", "1") + tag("team", "a"), others(20, EVERYONE), ["i-3"]),
        (EVERYONE, others(20, tag("wave", "1") + tag("team", "b")), []),
        (EVERYONE, others(20, [{"Key": "AWS:NoOp", "Values": ["AWS:NoOp"]}]), []),
    ],
)
def test_the_nodes_that_are_full(wanted: Any, there: Any, full: list[str]) -> None:
    assert room(wanted, there, NODES) == NodeCapacity(full=tuple(full))


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        (tag("wave", "1"), others(19, EVERYONE)),
        (tag("wave", "1"), others(50, tag("wave", "2"))),
        (ids("i-1"), others(50, ids("i-2"))),
        (tag("wave", "1") + tag("team", "a"), others(50, tag("team", "b") + tag("wave", "1"))),
        (EVERYONE, [Association(str(number), "1", {"Name": "D"}) for number in range(50)]),
    ],
)
def test_nodes_are_not_read_where_the_targets_are_sufficient(wanted: Any, there: Any) -> None:
    assert room(wanted, there, None) == NodeCapacity()


def test_what_must_be_read_first() -> None:
    assert room(EVERYONE, None, None) == NodeCapacity(needs="associations")
    assert room(tag("wave", "1"), others(20, tag("team", "a")), None) == NodeCapacity(needs="nodes")
    assert room(tag("wave", "1"), others(20, GROUP), None) == NodeCapacity(needs="nodes")


def test_resource_groups_are_unsure_and_never_counted_as_known() -> None:
    assert room(tag("wave", "2"), others(19, EVERYONE) + others(1, GROUP), NODES) == NodeCapacity(unsure=("i-2",))
    assert room(GROUP, others(20, ids("i-4")), NODES) == NodeCapacity(unsure=("i-4",))
    assert room(ids("i-1"), others(19, EVERYONE) + others(1, GROUP + ids("i-2")), NODES) == NodeCapacity()


targets = st.one_of(
    st.just(EVERYONE),
    st.lists(st.sampled_from(["i-1", "i-2", "i-3", "i-9"]), min_size=1, max_size=2).map(lambda values: ids(*values)),
    st.tuples(st.sampled_from(["wave", "team"]), st.sampled_from(["1", "2", "a"])).map(lambda pair: tag(*pair)),
)


@given(targets, st.lists(targets, max_size=40))
def test_what_the_targets_rule_out_the_nodes_rule_out_too(wanted: Any, there: Any) -> None:
    rivals = [Association(str(number), "1", {"Name": "D", "Targets": each}) for number, each in enumerate(there)]
    if room(wanted, rivals, None) == NodeCapacity():
        assert room(wanted, rivals, NODES) == NodeCapacity()


def test_the_instances_to_read() -> None:
    assert instance_choice(tag("wave", "1", "2") + ids("i-1", "mi-2")) == ({"tag:wave": ["1", "2"]}, ["i-1"])
    assert instance_choice(EVERYONE) == ({}, None)
    assert instance_choice(GROUP) == ({}, None)


# The plan


def plan(area: AssociationArea, **options: Any) -> AssociationPlan:
    return plan_associations(
        [area], DesiredAssociation(settings=from_options({"association_name": "agent", **options}))
    )


def area(*found: Association, **known: Any) -> AssociationArea:
    return AssociationArea("111111111111", "eu-west-1", found, **known)


WHERE = ("111111111111", "eu-west-1")
MINE = Association("mine", "1", {"AssociationName": "agent", "Name": "D", "Targets": tag("wave", "2")})


def test_each_step_reads_what_the_next_one_needs() -> None:
    wave = {"target_tags": {"wave": "1"}}
    assert plan(area(), **wave).needs[WHERE] == AssociationNeed(document=(SSM_DOCUMENT, "$DEFAULT"), every=True)
    crowd = tuple(others(20, EVERYONE))
    asked = frozenset({"document"})
    listed = plan(area(every=crowd, asked=asked), **wave)
    assert listed.needs == {WHERE: AssociationNeed(nodes=({"tag:wave": ["1"]}, None))}
    assert plan(area(every=crowd, asked=asked | {"nodes"}), **wave).needs == {}  # they could not be read
    assert (
        "whether the nodes of association agent in 111111111111/eu-west-1 exceed that is unknown" in listed.warnings[0]
    )
    counted = plan(area(every=crowd, nodes=NODES), **wave)
    assert (counted.plan.changed, counted.warnings) == (False, ())
    assert "NodeLimit: 2 of its nodes already have 20 associations" in str(counted.problems[0])
    assert "i-1, i-3. Delete an association" in str(counted.problems[0])


def test_only_new_targets_count_and_an_association_is_no_rival_of_itself() -> None:
    crowd = (*others(19, EVERYONE), MINE)
    assert not plan(area(MINE), max_concurrency="1").needs[WHERE].every
    assert plan(area(MINE), target_tags={"wave": "1"}).needs[WHERE].every
    assert plan(area(MINE, every=crowd), target_tags={"wave": "1"}).plan.changed
    full = plan(area(MINE, every=(*crowd, *others(1, tag("wave", "1"))), nodes=NODES), target_tags={"wave": "1"})
    assert "NodeLimit" in str(full.problems[0])


def test_nodes_of_other_accounts_are_not_asked_about() -> None:
    locations = [{"accounts": ["222222222222"], "regions": ["eu-west-1"]}]
    assert not plan(area(), target_tags={"wave": "1"}, target_locations=locations).needs[WHERE].every


def test_doubts_are_reported() -> None:
    crowd = (*others(19, EVERYONE), *others(1, GROUP))
    doubtful = plan(area(every=crowd, nodes=NODES), target_tags={"wave": "2"})
    assert doubtful.plan.changed
    assert "whether i-2 can take" in doubtful.warnings[0] and "resource groups" in doubtful.warnings[0]
