# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Organizations as the fleet file describes it; every member may describe it, few may list it."""

from __future__ import annotations

import datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.organizations import urls
from moto.organizations.responses import OrganizationsResponse as MotoOrganizationsResponse

from .paging import page
from .register import swap
from .wire import AwsError
from .world import WORLD, Account, Organization

_JOINED = datetime.datetime(2024, 3, 1, 9, tzinfo=datetime.UTC)
_MOST_A_PAGE = 20
_GUARDDUTY = "guardduty.amazonaws.com"


class OrganizationsResponse(MotoOrganizationsResponse):
    @property
    def asked(self) -> dict[str, Any]:
        self.parse_parameters(self.normalized_request)
        return dict(self.params)

    @property
    def _organization(self) -> Organization:
        if WORLD.organization is None or WORLD.caller.account not in WORLD.accounts:
            raise AwsError("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
        return WORLD.organization

    @property
    def _readable(self) -> Organization:
        """The listing operations are for the management account and delegated administrators."""
        organization = self._organization
        if WORLD.caller.account not in (organization.management_account_id, organization.guardduty_administrator_id):
            raise AwsError("AccessDeniedException", "You don't have permissions to access this resource.")
        return organization

    def describe_organization(self) -> ActionResult:
        organization = self._organization
        manager = organization.management_account_id
        return ActionResult(
            {
                "Organization": {
                    "Id": organization.organization_id,
                    "Arn": f"arn:aws:organizations::{manager}:organization/{organization.organization_id}",
                    "FeatureSet": "ALL",
                    "MasterAccountArn": _arn(organization, manager),
                    "MasterAccountId": manager,
                    "MasterAccountEmail": WORLD.accounts[manager].email,
                }
            }
        )

    def list_accounts(self) -> ActionResult:
        organization = self._readable
        return self._listed("Accounts", lambda: [_account(organization, each) for each in WORLD.accounts.values()])

    def describe_account(self) -> ActionResult:
        organization = self._readable
        account = WORLD.accounts.get(self.asked["AccountId"])
        if account is None:
            raise AwsError("AccountNotFoundException", "You specified an account that doesn't exist.")
        return ActionResult({"Account": _account(organization, account)})

    def list_delegated_administrators(self) -> ActionResult:
        organization = self._readable
        administrator = organization.guardduty_administrator_id
        rows = []
        if administrator not in (None, organization.management_account_id) and self.asked.get("ServicePrincipal") in (
            None,
            _GUARDDUTY,
        ):
            rows = [{**_account(organization, WORLD.accounts[administrator]), "DelegationEnabledDate": _JOINED}]
        return self._listed("DelegatedAdministrators", lambda: rows)

    def _listed(self, name: str, rows: Any) -> ActionResult:
        shown, token = page(
            rows,
            self.asked,
            default=_MOST_A_PAGE,
            maximum=_MOST_A_PAGE,
            bad_size=lambda size: AwsError("InvalidInputException", f"MaxResults {size} is out of range."),
            bad_token=lambda: AwsError("InvalidInputException", "You provided an invalid next token."),
            scope=f"organizations/{self._get_action()}/{WORLD.caller.account}",
        )
        return ActionResult({name: list(shown), "NextToken": token})


def _arn(organization: Organization, account_id: str) -> str:
    manager, own_id = organization.management_account_id, organization.organization_id
    return f"arn:aws:organizations::{manager}:account/{own_id}/{account_id}"


def _account(organization: Organization, account: Account) -> dict[str, Any]:
    return {
        "Id": account.account_id,
        "Arn": _arn(organization, account.account_id),
        "Email": account.email,
        "Name": account.name,
        "Status": account.status,
        "State": account.status,
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": _JOINED,
    }


def register() -> None:
    swap(urls, OrganizationsResponse)
