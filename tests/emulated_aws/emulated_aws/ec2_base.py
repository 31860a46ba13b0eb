# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every EC2 operation of ours needs: parsed parameters, fast answers, paging, EC2's error messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.responses._base_response import EC2BaseResponse

from . import ec2_state
from .ec2_xml import render
from .paging import page
from .wire import AwsError

Answer = tuple[int, dict[str, str], str]


class Ec2Operations(EC2BaseResponse):
    """Mixed into moto's EC2Response: one method per operation, named as moto names them."""

    @property
    def ec2_backend(self) -> EC2Backend:
        return ec2_state.backend(self.current_account, self.region)

    @property
    def asked(self) -> dict[str, Any]:
        """The parameters by botocore's input shape."""
        self.parse_parameters(self.normalized_request)
        parameters = dict(self.params)
        if parameters.pop("DryRun", False):
            raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        return parameters

    def answer(self, output: dict[str, Any] | str) -> Answer:
        return 200, {"Content-Type": "text/xml;charset=UTF-8"}, render(self._get_action(), output)

    def tags_of(self, resource_id: str) -> Mapping[str, str]:
        """A resource's tags as this account sees them: tags of a shared VPC stay in the owner's account."""
        return self.ec2_backend.tags.get(resource_id) or {}

    def tag_list(self, resource_id: str) -> list[dict[str, str]]:
        return [{"Key": k, "Value": v} for k, v in self.tags_of(resource_id).items()]

    def page(
        self, asked: Mapping[str, Any], rows: Callable[[], Sequence[Any]], *, minimum: int = 5, maximum: int = 1000
    ) -> tuple[Sequence[Any], str | None]:
        """One page. Without MaxResults EC2 promises no page size, so everything up to the maximum comes."""
        return page(
            rows,
            asked,
            default=maximum,
            minimum=minimum,
            maximum=maximum,
            bad_size=lambda size: _bad_size(size, minimum, maximum),
            bad_token=lambda: AwsError("InvalidNextToken", "The token provided is malformed or otherwise invalid."),
            scope=f"{self._get_action()}/{self.current_account}/{self.region}",
        )


def _bad_size(size: int, minimum: int, maximum: int) -> AwsError:
    bound = f"greater than {minimum}" if size < minimum else f"less than {maximum}"
    return AwsError(
        "InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value {bound}."
    )


def not_found(kind: str, code: str, missing: Sequence[str]) -> AwsError:
    """EC2's NotFound errors, as in https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html."""
    ids = ", ".join(missing)
    if len(missing) > 1:
        return AwsError(code, f"The {kind} IDs '{ids}' do not exist")
    return AwsError(code, f"The {kind} ID '{ids}' does not exist")


def check_ids(prefix: str, code: str, ids: Sequence[str]) -> None:
    """Reject invalid ids: a wrong prefix, or not 8 or 17 hexadecimal digits."""
    for each in ids:
        head, dummy, tail = each.rpartition("-")
        if head != prefix or len(tail) not in (8, 17) or set(tail) - set("0123456789abcdef"):
            raise AwsError(code, f'Invalid id: "{each}" (expecting "{prefix}-...")')
