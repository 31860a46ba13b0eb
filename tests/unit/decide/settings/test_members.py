# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans over members and organizations: only differences, in bulk and in order, and an empty second plan."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import ACCOUNT, REGION

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.settings.features import (
    FEATURE,
    LEGACY_FEATURE,
    SUB_FEATURES,
    DesiredFeatures,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.settings.members import (
    member_rows,
    members_after,
    misspelled,
    plan_members,
    skipped_rows,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.settings.organization import (
    DesiredOrganization,
    OrganizationChange,
    desired_from,
    organization_rows,
    organizations_after,
    plan_all,
    reaching,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.fleet import Feature
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.organization import (
    AutoEnable,
    MemberArea,
    OrganizationArea,
)

EC2, EKS, FARGATE = SUB_FEATURES.values()
KEY = (ACCOUNT, REGION)
NOTHING = AutoEnable()

parts = st.dictionaries(st.sampled_from(sorted(SUB_FEATURES.values())), st.booleans())
features = st.builds(Feature, enabled=st.booleans(), additional=parts)
settings = st.fixed_dictionaries({FEATURE: features, LEGACY_FEATURE: features})
members = st.dictionaries(st.integers(0, 9).map(lambda n: f"{n:012}"), settings, max_size=4)
areas = members.map(lambda found: MemberArea(ACCOUNT, REGION, "d1", found))
desired_by_area = st.builds(
    DesiredFeatures,
    enabled=st.booleans(),
    additional=st.dictionaries(st.sampled_from(sorted(SUB_FEATURES)), st.booleans()),
    migrate_eks=st.booleans(),
)
choices = st.sampled_from(["NEW", "ALL", "NONE"])
auto_enables = st.builds(AutoEnable, choices, st.dictionaries(st.sampled_from(sorted(SUB_FEATURES.values())), choices))
organizations = st.builds(
    OrganizationArea,
    st.just(ACCOUNT),
    st.just(REGION),
    st.just("d1"),
    st.none() | choices,
    st.booleans(),
    st.booleans(),
    st.fixed_dictionaries({FEATURE: auto_enables, LEGACY_FEATURE: auto_enables}),
)
desired_organizations = st.builds(
    DesiredOrganization,
    st.none() | choices,
    st.dictionaries(st.sampled_from(sorted(SUB_FEATURES)), choices),
    st.booleans(),
    st.booleans(),
)


@given(area=areas, desired=desired_by_area)
def test_a_plan_for_members_applied_twice_is_empty(area: MemberArea, desired: DesiredFeatures) -> None:
    done = plan_members([area], desired)
    assert plan_members(members_after([area], done.plan.changes), desired).plan.changes == ()
    # Each kind of step is one run of changes, so that converge makes it in bulk.
    kinds = [kind for kind, changes in groupby(change.kind for change in done.plan.changes)]
    assert len(kinds) == len(set(kinds)) <= 2
    assert all((change.account_id, change.region) == KEY for change in done.plan.changes)


@given(area=organizations, found=areas, desired=desired_organizations)
def test_a_plan_for_an_organization_applied_twice_is_empty(
    area: OrganizationArea, found: MemberArea, desired: DesiredOrganization
) -> None:
    reached = [found] if KEY in reaching([area], desired) else []
    done = plan_all([area], reached, desired)
    after = organizations_after([area], done.plan.changes)
    assert plan_all(after, members_after(reached, done.plan.changes), desired).plan.changes == ()
    for change in done.plan.changes:
        if isinstance(change, OrganizationChange):
            kept = {"AutoEnable": area.new_members} if area.members is None else {}
            assert change.kept == (kept or {"AutoEnableOrganizationMembers": area.members})
            assert change.name in (FEATURE, LEGACY_FEATURE)
    chosen = after[0].features[FEATURE]
    for option, choice in desired.additional.items():
        assert chosen.additional.get(SUB_FEATURES[option], "NONE") == choice
    assert desired.auto_enable in (None, chosen.feature)


def organization(feature: AutoEnable, legacy: AutoEnable = NOTHING, full: bool = False) -> OrganizationArea:
    features = {FEATURE: feature, LEGACY_FEATURE: legacy}
    return OrganizationArea(ACCOUNT, REGION, "d1", "ALL", True, full, features)


def test_existing_members_get_what_is_enabled_by_itself_and_keep_the_rest() -> None:
    area = organization(AutoEnable("NEW", {EC2: "ALL", EKS: "NONE"}))
    own = {FEATURE: Feature(False, {FARGATE: True, EKS: True})}
    desired = DesiredOrganization(include_existing=True)
    done = plan_all([area], [MemberArea(ACCOUNT, REGION, "d1", {"1" * 12: own})], desired)
    (change,) = done.plan.changes
    assert change.feature == Feature(True, {EC2: True, EKS: True, FARGATE: True})
    assert not reaching([area], DesiredOrganization()) and reaching([area], desired) == {KEY: "d1"}
    assert not reaching([area], DesiredOrganization("NONE", include_existing=True))


@pytest.mark.parametrize(
    ("desired", "feature", "addon"),
    [
        (DesiredOrganization(migrate_eks=True), "NEW", "ALL"),
        (DesiredOrganization("ALL", migrate_eks=True), "ALL", "ALL"),
        (DesiredOrganization("NONE", {"eks_addon_management": "NEW"}, True), "NONE", "NEW"),
    ],
)
def test_the_older_choices_are_carried_over(desired: DesiredOrganization, feature: str, addon: str) -> None:
    area = organization(AutoEnable(), AutoEnable("NEW", {EKS: "ALL"}))
    (after,) = organizations_after([area], plan_all([area], [], desired).plan.changes)
    assert (after.features[FEATURE].feature, after.features[FEATURE].additional[EKS]) == (feature, addon)
    assert after.features[LEGACY_FEATURE].feature == "NONE"


def test_calls_for_an_organization() -> None:
    area = organization(AutoEnable(), AutoEnable("NEW"), full=True)
    slow, full, older = plan_all([area], [], DesiredOrganization("ALL")).warnings
    assert "up to 24 hours" in slow and "as many members as GuardDuty allows" in full and "migrate_eks" in older
    quiet = organization(AutoEnable("ALL"))
    assert plan_all([quiet], [], DesiredOrganization("ALL")).warnings == ()


def test_rows_and_options() -> None:
    area = MemberArea(ACCOUNT, REGION, "d1", {"2" * 12: {}}, {"3" * 12: "Disabled"})
    assert member_rows([area])[0] | {"account_id": ""} == {
        "account_id": "",
        "region": REGION,
        "administrator_id": ACCOUNT,
        "runtime_monitoring": "disabled",
        **dict.fromkeys(SUB_FEATURES, "disabled"),
        "eks_runtime_monitoring": "disabled",
        "managed_by": None,
    }
    assert skipped_rows([area]) == [{"account_id": "3" * 12, "region": REGION, "relationship": "Disabled"}]
    options = {**dict.fromkeys(SUB_FEATURES), "ec2_agent_management": "none", "auto_enable": None}
    stated = desired_from({**options, "migrate_eks": False, "include_existing": True})
    assert stated == DesiredOrganization(None, {"ec2_agent_management": "NONE"}, False, True)
    older = OrganizationArea(ACCOUNT, REGION, "d1", None, True, False, {})
    assert organization_rows([older])[0]["members"] == "new"


def test_account_ids_that_no_account_can_have() -> None:
    assert misspelled(None) is misspelled([]) is misspelled(["0" * 12]) is None
    assert "'1234', 'shop' is not a valid account ID" in str(misspelled(["1234", "0" * 12, "shop"]))
