# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GuardDuty's state in one account and region, and which accounts an administrator sees."""

from __future__ import annotations

from dataclasses import dataclass, field

from moto.core.base_backend import BackendDict, BaseBackend

from .coverage_rows import Shown
from .guardduty_detector import EC2_AGENT, RUNTIME, Detector, of_fleet, refused
from .wire import AwsError
from .world import WORLD


@dataclass
class Management:
    """What GuardDuty did for an account and region, and what it could not do."""

    runtime: bool = False
    automated: bool = False
    association_id: str | None = None
    association_problem: str | None = None
    endpoint_problems: dict[str, str] = field(default_factory=dict)


@dataclass
class OrganizationSettings:
    """The administrator's settings for members: NEW, ALL or NONE, for GuardDuty, each feature and each part of it."""

    members: str = "NONE"
    features: dict[str, str] = field(default_factory=dict)
    extras: dict[tuple[str, str], str] = field(default_factory=dict)


class GuardDutyState(BaseBackend):
    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.detector: Detector | None = None
        self.management = Management()
        self.shown: dict[str, Shown] = {}
        self.changed_at: float | None = None
        # Of the management account: the Region's delegated administrator. Of that one: its members and settings.
        self.administrator: str | None = None
        self.members: set[str] = set()
        # Members that joined a short time ago, with when; and those that are no longer monitored.
        self.joined: dict[str, float] = {}
        self.stopped: set[str] = set()
        self.organization = OrganizationSettings()
        self.evaluated = False

    @property
    def runtime(self) -> bool:
        return self.detector is not None and self.detector.on(RUNTIME)

    @property
    def automated(self) -> bool:
        return self.detector is not None and self.detector.on(RUNTIME, EC2_AGENT)

    def get(self, detector_id: str) -> Detector:
        if self.detector is None or self.detector.detector_id != detector_id:
            raise refused("the input detectorId is not owned by the current account.")
        return self.detector

    def require(self) -> Detector:
        if self.detector is None:
            raise refused("GuardDuty is not enabled for the account.")
        return self.detector

    def create(self, detector: Detector) -> Detector:
        if self.detector is not None:
            if detector.client_token and detector.client_token == self.detector.client_token:
                return self.detector
            # botocore: "You can have only one detector per account per Region."
            raise refused("a detector already exists for the current account.")
        self.detector = detector
        return detector


# botocore's endpoints have one region of EC2 where GuardDuty is not; what happens in EC2 is looked at in all.
states: BackendDict[GuardDutyState] = BackendDict(GuardDutyState, "guardduty", additional_regions=["us-isob-west-1"])


def state(account: str, region: str) -> GuardDutyState:
    try:
        return states[account][region]
    except KeyError:
        raise AwsError("UnknownEndpoint", f"the emulated AWS has no region {region}") from None


def detector(account: str, region: str) -> Detector | None:
    return state(account, region).detector


def load() -> None:
    """Create the detectors of the loaded fleet; accounts that have one are the administrator's members."""
    for (account, region), wanted in WORLD.detectors.items():
        state(account, region).detector = of_fleet(account, region, wanted)
    organization = WORLD.organization
    chief = organization.guardduty_administrator_id if organization is not None else None
    if organization is None or chief is None:
        return
    for region in {region for dummy, region in WORLD.detectors}:
        state(organization.management_account_id, region).administrator = chief
        state(chief, region).members = {a for a, r in WORLD.detectors if r == region and a != chief}


def administrator(region: str) -> str | None:
    """The delegated administrator, which each Region has for itself."""
    organization = WORLD.organization
    return state(organization.management_account_id, region).administrator if organization is not None else None


def is_member(account: str, region: str) -> bool:
    chief = administrator(region)
    return chief is not None and account in state(chief, region).members


def visible(account: str, region: str) -> list[str]:
    """The accounts whose coverage one sees: an administrator its active members' too (botocore, ListCoverage)."""
    if account != administrator(region):
        return [account]
    return [account, *sorted(m for m in state(account, region).members if WORLD.accounts[m].status == "ACTIVE")]


def require_own_settings(account: str, region: str) -> None:
    """Only the delegated administrator changes members' settings; the error's text was seen in public issues."""
    if is_member(account, region):
        raise refused("member accounts cannot manage specified resources.")
