# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for endpoints: what is created, left alone and refused, and that a plan applied twice is empty."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from endpoint_worlds import (
    CIDR,
    ZONES,
    applied,
    area,
    desired_policy,
    everything_known,
    first_look,
    machine,
    ours,
    planned,
    reader_of,
    right,
    settled,
    steps,
    subnet,
)
from hypothesis import given
from hypothesis import strategies as st
from worlds import ACCOUNT, GROUP, OTHER_ACCOUNT, REGION, VPC, deny_others_than, endpoint, group, policy

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.endpoint.desired import DesiredEndpoint, refused
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.endpoint.plan import plan_endpoints
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import AccountRegion, Lookup, Snapshot, Vpc

MANAGED = {"GuardDutyManaged": "true"}
OPEN = group(CIDR)


def made(*areas: AccountRegion, **desired: Any) -> Any:
    """The endpoint that a plan creates."""
    (change,) = [
        one for one in planned(*areas, **desired).plan.changes if (one.action, one.kind) == ("create", "VPC endpoint")
    ]
    return change.after


def test_a_bare_vpc_gets_a_group_and_an_endpoint() -> None:
    plan = planned(area(instances=(machine("a1"),)))
    assert steps(plan) == [("create", "security group", VPC), ("create", "VPC endpoint", VPC)]
    group_after, endpoint_after = (change.after or {} for change in plan.plan.changes)
    assert group_after == {"name": "fleetsec-guardduty-data", "inbound_443": [CIDR]}
    assert endpoint_after["service_name"] == f"com.amazonaws.{REGION}.guardduty-data"
    assert endpoint_after["security_groups"] == ["fleetsec-guardduty-data"] and endpoint_after["private_dns"] is True


@pytest.mark.parametrize(
    ("instances", "expected"),
    [
        ([], ["subnet-a1", "subnet-b1"]),  # nobody lives there yet: every zone
        ([machine("a2")], ["subnet-a2"]),
        ([machine("a1"), machine("a2", 1), machine("a2", 2)], ["subnet-a2"]),  # most instances
        ([machine("a1"), machine("b1", zone="b")], ["subnet-a1", "subnet-b1"]),
        ([machine("c1", zone="c")], ["subnet-a1", "subnet-b1"]),  # only where the service is not offered
        ([machine("c1", zone="c"), machine("b1", zone="b")], ["subnet-b1"]),
        ([machine("a1", state="terminated"), machine("a2", platform="windows")], ["subnet-a1", "subnet-b1"]),
    ],
)
def test_one_subnet_per_zone_where_linux_instances_live(instances: list[Any], expected: list[str]) -> None:
    subnets = [subnet("a1"), subnet("a2"), subnet("b1", "b"), subnet("c1", "c"), subnet("other", vpc_id="vpc-other")]
    assert made(area(subnets=subnets, instances=tuple(instances)))["subnet_ids"] == expected


@pytest.mark.parametrize(
    ("desired", "code"),
    [
        ({"subnet_ids": ("subnet-x",)}, "NoSubnet"),
        ({"subnet_ids": ("subnet-c1",)}, "ZoneNotOffered"),
        ({"subnet_ids": ("subnet-a1", "subnet-a2")}, "TwoSubnetsInZone"),
        ({"security_group_ids": ("sg-x",)}, "NoSecurityGroup"),
        ({"security_group_name": "theirs"}, "GuardDutyOwned"),
    ],
)
def test_what_cannot_be_made_is_one_problem_and_no_change(desired: dict[str, Any], code: str) -> None:
    subnets = [subnet("a1"), subnet("a2"), subnet("c1", "c")]
    theirs = replace(group(id="sg-g"), name="theirs", tags=MANAGED)
    plan = planned(area(subnets=subnets, groups=[theirs]), **desired)
    assert steps(plan) == []
    assert code in [problem.code for problem in plan.problems]


def test_a_service_that_is_not_offered_is_a_problem_of_the_vpc() -> None:
    (problem,) = planned(area(service_zones=frozenset())).problems
    assert "is not offered in eu-west-1" in str(problem)
    (problem,) = planned(area(partition="aws-cn")).problems
    assert "AWS offers no endpoint for the GuardDuty agent" in str(problem)
    assert made(area(partition="aws-us-gov"))["service_name"].endswith(".guardduty-data-fips")
    assert made(area(), fips=True)["service_name"].endswith(".guardduty-data-fips")


def test_dns_attributes_are_turned_on_only_on_request() -> None:
    dark = Vpc(VPC, ACCOUNT, (CIDR,), False, False)
    refusal = planned(area(vpc=dark))
    assert steps(refusal) == []
    assert "DNS support and DNS hostnames of the VPC are off" in str(refusal.problems[0])
    plan = planned(area(vpc=dark), dns_attributes=True)
    assert steps(plan)[0] == ("enable", "VPC DNS setting", VPC)
    assert plan.plan.changes[0].after == {"dns_support": True, "dns_hostnames": True}
    half = planned(area(vpc=replace(dark, dns_support=True)), dns_attributes=True)
    assert half.plan.changes[0].after == {"dns_hostnames": True}
    unknown = replace(dark, dns_support=None, dns_hostnames=None)
    assert "enable" not in {action for action, dummy, dummy in steps(planned(area(vpc=unknown)))}


@pytest.mark.parametrize(
    "desired", [{}, {"select": "needed"}, {"policy": desired_policy("open")}, {"tags": {"a": "b"}}]
)
@pytest.mark.parametrize("value", ["true", "false", ""])
def test_what_guardduty_owns_is_never_changed(desired: dict[str, Any], value: str) -> None:
    theirs = right(tags={"GuardDutyManaged": value}, private_dns=False, policy=policy(deny_others_than("9")))
    plan = planned(area(theirs, groups=[group()], instances=(machine("a1"),)), **desired)
    assert steps(plan) == [] and plan.problems == () and plan.shown == (VPC,)


def test_an_endpoint_that_works_is_left_as_it_is() -> None:
    for one in (right(), right(policy=policy()), right(subnet_ids=("subnet-z",)), right(state="pending")):
        assert steps(planned(area(one, groups=[OPEN]))) == []


def test_a_named_policy_is_kept_and_a_denying_one_replaced() -> None:
    assert steps(planned(area(right(policy=policy()), groups=[OPEN]), policy=desired_policy("account"))) == [
        ("update", "VPC endpoint", "vpce-0a")
    ]
    denying = right(policy=policy(deny_others_than(OTHER_ACCOUNT)))
    (change,) = planned(area(denying, groups=[OPEN])).plan.changes
    assert ACCOUNT in (change.after or {})["policy"]


def test_our_group_follows_the_cidrs_and_keeps_its_other_rules() -> None:
    mine = ours(CIDR, "10.9.0.0/16")
    mine = replace(mine, ingress=(*mine.ingress, *group("192.0.2.0/24", ports=(22, 22)).ingress))
    vpc = Vpc(VPC, ACCOUNT, (CIDR, "10.8.0.0/16", "2001:db8::/56"), True, True)
    (change,) = planned(area(right(security_group_ids=("sg-ours",)), groups=[mine], vpc=vpc)).plan.changes
    assert (change.action, change.kind) == ("update", "security group")
    assert (change.authorize, change.revoke) == (("10.8.0.0/16", "2001:db8::/56"), ("10.9.0.0/16",))


def test_a_closed_group_of_somebody_else_stays_and_ours_is_added() -> None:
    plan = planned(area(right(), groups=[group("10.0.0.0/24")]))
    assert steps(plan) == [("create", "security group", VPC), ("update", "VPC endpoint", "vpce-0a")]
    assert (plan.plan.changes[1].after or {})["security_groups"] == [GROUP, "fleetsec-guardduty-data"]
    reused = planned(area(right(), groups=[group("10.0.0.0/24"), ours(CIDR)]))
    assert steps(reused) == [("update", "VPC endpoint", "vpce-0a")]
    assert steps(planned(area(right(), groups=[]))) == []  # not known is not closed


def test_needed_keeps_ours_in_step_and_leaves_working_ones_of_others_alone() -> None:
    lived_in = (machine("a1"), machine("b1", zone="b"))
    narrow = right(subnet_ids=("subnet-a1",), policy=policy())
    desired = {"select": "needed", "policy": desired_policy("account")}
    assert steps(planned(area(narrow, groups=[OPEN], instances=lived_in), **desired)) == []
    mine = replace(narrow, security_group_ids=("sg-ours",))
    (change,) = planned(area(mine, groups=[ours(CIDR)], instances=lived_in), **desired).plan.changes
    assert set(change.after or {}) == {"subnet_ids", "policy"}
    assert change.add_subnets == ("subnet-b1",) and change.remove_subnets == ()


def test_a_participant_learns_who_must_act_and_the_owner_counts_participants() -> None:
    vpc = Vpc(VPC, ACCOUNT, (CIDR,), True, True)
    guest = AccountRegion(
        OTHER_ACCOUNT, REGION, vpcs={VPC: vpc}, instances=(machine("b1", zone="c", account_id=OTHER_ACCOUNT),)
    )
    (problem,) = planned(guest).problems
    assert f"account {ACCOUNT} owns the VPC" in str(problem)
    needed = planned(guest, select="needed", vpc_ids=None)
    assert needed.problems == () and ACCOUNT in needed.warnings[0]
    for areas in ((guest, area()), (area(), guest)):
        both = planned(*areas, select="needed", vpc_ids=None)
        assert both.problems == () and both.warnings == ()
        assert {change.account_id for change in both.plan.changes} == {ACCOUNT}
        # placed by the subnet, not by the guest's name of the zone
        assert both.plan.changes[-1].after["subnet_ids"] == ["subnet-b1"]  # type: ignore[index]


def test_unknown_vpcs_are_reported_unless_something_could_not_be_read() -> None:
    assert "there is no VPC vpc-x" in str(planned(area(), vpc_ids=("vpc-x",)).problems[0])
    blind = AccountRegion(OTHER_ACCOUNT, REGION, unknown=frozenset({"vpcs"}))
    assert planned(area(), blind, vpc_ids=("vpc-x",)).problems == ()
    assert steps(planned(area(unknown=frozenset({"endpoints"})))) == []


def test_listed_resources_of_other_vpcs_are_reported() -> None:
    other = area(vpc=Vpc("vpc-b", ACCOUNT, (CIDR,), True, True), subnets=[subnet("far", vpc_id="vpc-b")])
    joined = replace(area(), vpcs={**area().vpcs, **other.vpcs}, subnets={**area().subnets, **other.subnets})
    problems = planned(joined, subnet_ids=("subnet-a1", "subnet-far", "subnet-none")).problems
    assert [problem.code for problem in problems] == ["OtherVpc", "NotFound"]


def test_a_failed_endpoint_cannot_be_repaired() -> None:
    plan = planned(area(right(state="failed"), groups=[OPEN]))
    assert steps(plan) == [] and "state=absent" in str(plan.problems[0])


def test_removal_takes_the_endpoint_and_then_our_group() -> None:
    theirs = endpoint(endpoint_id="vpce-gd", tags=MANAGED, security_group_ids=("sg-gd",))
    groups = [
        OPEN,
        ours(CIDR),
        replace(group(CIDR, id="sg-gd"), name=f"GuardDutyManagedSecurityGroup-{VPC}", tags=MANAGED),
    ]
    mine = right(security_group_ids=("sg-ours", GROUP))
    here = area(mine, theirs, groups=groups)
    assert steps(planned(here, state="absent")) == [
        ("delete", "VPC endpoint", "vpce-0a"),
        ("delete", "security group", "sg-ours"),
    ]
    everything = steps(planned(here, state="absent", include_guardduty=True))
    assert everything == [
        ("delete", "VPC endpoint", "vpce-0a"),
        ("delete", "VPC endpoint", "vpce-gd"),
        ("delete", "security group", "sg-ours"),
        ("delete", "security group", "sg-gd"),
    ]
    assert steps(planned(here, state="absent", wait=False)) == [("delete", "VPC endpoint", "vpce-0a")]
    going = area(replace(mine, state="deleting"), groups=groups)
    assert steps(planned(going, state="absent", wait=False)) == []
    assert steps(planned(going, state="absent")) == [("delete", "security group", "sg-ours")]


@pytest.mark.parametrize(
    ("desired", "words"),
    [
        ({"tags": {"guarddutymanaged": "true"}}, "leave it out of tags"),
        ({"tags": {"aws:x": "y"}}, "reserved for AWS"),
        ({"security_group_name": "sg-mine"}, "security_group_name"),
        ({"subnet_ids": ()}, "subnet_ids"),
        ({"select": "needed", "state": "absent"}, "vpc_ids"),
        ({"include_guardduty": True}, "state=absent"),
    ],
)
def test_invalid_desired_states_are_refused(desired: dict[str, Any], words: str) -> None:
    assert words in (refused(DesiredEndpoint(**desired)) or "")
    assert refused(DesiredEndpoint()) is None


def test_nothing_is_looked_up_where_endpoints_are_right() -> None:
    lived_in = (machine("a1"), machine("b1", zone="b"))
    seen = area(right(security_group_ids=("sg-ours",)), groups=[ours(CIDR)], subnets=(), service_zones=None)
    seen = replace(seen, instances=lived_in)
    for desired in ({}, {"select": "needed"}, {"dns_attributes": True}, {"subnet_ids": ("subnet-b1", "subnet-a1")}):
        assert plan_endpoints(Snapshot((seen,)), DesiredEndpoint(**{"vpc_ids": (VPC,), **desired})).needs == {}, desired
    managed = replace(seen, endpoints={VPC: (right(tags=MANAGED),)})
    assert plan_endpoints(Snapshot((managed,)), DesiredEndpoint(vpc_ids=(VPC,))).needs == {}


def test_what_a_new_endpoint_needs_is_asked_for_at_once() -> None:
    (needs,) = plan_endpoints(Snapshot((first_look(area()),)), DesiredEndpoint(vpc_ids=(VPC,))).needs.values()
    here = frozenset({VPC})
    assert needs == Lookup(
        services=frozenset({f"com.amazonaws.{REGION}.guardduty-data"}),
        subnets_of=here,
        instances_of=here,
        dns_of=here,
        group_name="fleetsec-guardduty-data",
        named_in=here,
    )


CIDRS = st.lists(st.sampled_from([CIDR, "10.1.0.0/16", "2001:db8::/56"]), min_size=1, max_size=3, unique=True)
OPTIONAL = {
    "tags": st.none() | st.dictionaries(st.sampled_from(["Name", "owner"]), st.sampled_from(["", "x"])),
    "purge_tags": st.booleans(),
    "policy": st.sampled_from(
        [desired_policy(), desired_policy("open"), desired_policy("account", accounts=(OTHER_ACCOUNT,))]
    ),
    "subnet_ids": st.none() | st.sampled_from([("subnet-a1",), ("subnet-a2", "subnet-b1")]),
    "security_group_ids": st.none() | st.just((GROUP,)),
    "select": st.sampled_from(["listed", "needed"]),
    "state": st.sampled_from(["present", "present", "absent"]),
    "dns_attributes": st.booleans(),
    "include_guardduty": st.booleans(),
    "fips": st.booleans(),
}


@st.composite
def worlds(draw: st.DrawFn) -> AccountRegion:
    cidrs = draw(CIDRS)
    groups = [group(*draw(st.lists(st.sampled_from([CIDR, "10.1.0.0/16"]), unique=True)))]
    if draw(st.booleans()):
        groups.append(ours(*draw(CIDRS), tags=draw(st.sampled_from([{}, {"Name": "x"}]))))
    ids = [one.group_id for one in groups]
    endpoints = [
        right(
            endpoint_id=f"vpce-{n}",
            private_dns=draw(st.booleans()),
            subnet_ids=tuple(draw(st.sampled_from([("subnet-a1",), ("subnet-b1",), ("subnet-a2", "subnet-b1")]))),
            security_group_ids=tuple(draw(st.lists(st.sampled_from(ids), min_size=1, unique=True))),
            policy=draw(st.sampled_from([policy(), None, policy(deny_others_than(OTHER_ACCOUNT))])),
            tags=draw(st.sampled_from([{}, {}, {"Name": "y", "aws:z": "1"}, MANAGED])),
        )
        for n in range(draw(st.integers(0, 2)))
    ]
    attributes = draw(st.tuples(st.booleans(), st.booleans()))
    lived_in = draw(st.lists(st.sampled_from([machine("a1"), machine("a2"), machine("b1", zone="b")]), unique_by=id))
    return area(
        *endpoints,
        groups=groups,
        subnets=[subnet("a1"), subnet("a2"), subnet("b1", "b")],
        vpc=Vpc(VPC, ACCOUNT, tuple(cidrs), *attributes),
        instances=tuple(lived_in),
        service_zones=ZONES,
    )


@given(worlds(), st.fixed_dictionaries({}, optional=OPTIONAL))
def test_a_plan_applied_twice_is_empty_and_never_touches_guarddutys(
    here: AccountRegion, options: dict[str, Any]
) -> None:
    desired = DesiredEndpoint(**{"vpc_ids": (VPC,), "policy": desired_policy(), **options})
    before = Snapshot((here,))
    first = settled(before, desired, everything_known)
    theirs = {one.endpoint_id for one in here.endpoints.get(VPC, ()) if one.guardduty_owned}
    if not (desired.state == "absent" and desired.include_guardduty):
        assert theirs.isdisjoint(change.target for change in first.plan.changes)
    if theirs and desired.state == "present":
        assert first.plan.changes == ()
    after = applied(before, first.plan.changes)
    assert steps(settled(after, desired, everything_known)) == []


@given(worlds(), st.fixed_dictionaries({}, optional=OPTIONAL))
def test_reading_only_what_is_needed_gives_the_plan_of_who_knows_everything(
    here: AccountRegion, options: dict[str, Any]
) -> None:
    desired = DesiredEndpoint(**{"vpc_ids": (VPC,), "policy": desired_policy(), **options})
    seen = settled(Snapshot((first_look(here),)), desired, reader_of(here))
    assert seen == settled(Snapshot((here,)), desired, everything_known)
