# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes VPC endpoints, their security groups and the DNS attributes they need, and waits until they are available or deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...decide.endpoint.changes import (
    CreateEndpoint,
    CreateSecurityGroup,
    DeleteEndpoint,
    DeleteSecurityGroup,
    EnableVpcDns,
    TagEndpoint,
    TagSecurityGroup,
    UntagEndpoint,
    UntagSecurityGroup,
    UpdateEndpoint,
    UpdateSecurityGroup,
)
from ...decide.endpoint.desired import DesiredEndpoint
from ...decide.plan import Change, Plan
from ...decide.verdict.endpoint_health import PENDING_STATES
from ...model.fleet import Endpoint, Problem, Snapshot
from ...observe.client.access import Target
from ...observe.client.problems import AWS_ERRORS
from ...observe.client.sdk import ClientError
from ...observe.endpoint import read_back
from ...observe.fleet import ec2
from ..concurrent_runs import create_or_adopt, dns_taken, endpoint_of, group_named, group_taken
from ..progress import Progress, Wait
from ..retry import Retry
from ..run import AreaRun, Failure, Handler, Handlers, Outcome, converge
from ..tags import tag_resources, untag_resources
from .answers import code_of, explain, freed_soon, in_use, not_found_yet
from .arguments import create_arguments, permission, tag_specifications, update_arguments

DNS_ATTRIBUTES = {"dns_support": "EnableDnsSupport", "dns_hostnames": "EnableDnsHostnames"}


def write_endpoints(
    plan: Plan,
    targets: Sequence[Target],
    before: Snapshot,
    desired: DesiredEndpoint,
    check_mode: bool,
    progress: Progress,
) -> tuple[Outcome, Snapshot]:
    """Apply the plan, and read the accounts and regions again in which a change was attempted."""
    writer = EndpointWriter(desired.wait, desired.wait_timeout, progress)
    outcome = converge(plan, targets, writer.handlers(), check_mode)
    return outcome, read_back(writer.touched, before)


@dataclass(slots=True)
class EndpointWriter:
    """Applies a plan's changes. C(touched): where a change was attempted, which requires reading again."""

    wait: bool
    wait_timeout: int
    progress: Progress = Progress()
    touched: list[Target] = field(default_factory=list)

    def handlers(self) -> Handlers:
        found: Handlers = {
            EnableVpcDns: _enable_dns,
            CreateSecurityGroup: self._create_groups,
            UpdateSecurityGroup: _update_groups,
            CreateEndpoint: self._create,
            UpdateEndpoint: self._update,
            TagSecurityGroup: tag_resources,
            TagEndpoint: tag_resources,
            UntagSecurityGroup: untag_resources,
            UntagEndpoint: untag_resources,
            DeleteEndpoint: self._delete,
            DeleteSecurityGroup: self._delete_groups,
        }
        return {kind: self._noting(handler) for kind, handler in found.items()}

    def _noting(self, handler: Handler) -> Handler:
        def noted(run: AreaRun, changes: Sequence[Change]) -> None:
            if run.target not in self.touched:
                self.touched.append(run.target)
            handler(run, changes)

        return noted

    def _retry(self, wait: Wait, seconds: float | None = None) -> Retry:
        return Retry(self.wait_timeout if seconds is None else seconds, pausing=wait.pause)

    def _create_groups(self, run: AreaRun, changes: Sequence[CreateSecurityGroup]) -> None:
        wait = self.progress.wait(run.target, len(changes), "security groups created")
        retry = self._retry(wait)
        client: Any = run.target.client("ec2")

        def create(change: CreateSecurityGroup) -> None:
            name, vpc_id = change.name, change.target
            group = {"GroupName": name, "Description": change.description, "VpcId": vpc_id}
            group |= tag_specifications("security-group", change.tags)
            group_id: str = create_or_adopt(
                lambda: client.create_security_group(**group)["GroupId"],
                group_taken,
                lambda: group_named(run.target, vpc_id, name),
            )
            # A new group may be unknown for a moment (EC2 API reference, eventual consistency).
            retry.call(lambda: _authorize(client, group_id, change.cidrs), until=not_found_yet)
            run.made[change.target] = group_id
            wait.done += 1

        run.each(changes, "ec2:CreateSecurityGroup", create, tell=explain)

    def _create(self, run: AreaRun, changes: Sequence[CreateEndpoint]) -> None:
        """Create all of them, then wait for all of them together."""
        wait = self.progress.wait(run.target, len(changes), "VPC endpoints created")
        client, retry = run.target.client("ec2"), self._retry(wait)
        made: dict[str, Change] = {}

        def create(change: CreateEndpoint) -> None:
            arguments = create_arguments(run, change)
            passing = freed_soon if change.replaces else not_found_yet

            def make() -> str:
                return create_or_adopt(
                    lambda: client.create_vpc_endpoint(**arguments)["VpcEndpoint"]["VpcEndpointId"],
                    dns_taken,
                    lambda: endpoint_of(run.target, change.target, change.service),
                )

            made[retry.call(make, until=passing)] = change
            wait.done = len(made)

        run.each(changes, "ec2:CreateVpcEndpoint", create, tell=explain, settled=not self.wait)
        if self.wait:
            self._settle(run, made)

    def _update(self, run: AreaRun, changes: Sequence[UpdateEndpoint]) -> None:
        wait = self.progress.wait(run.target, len(changes), "VPC endpoints updated")
        client, retry = run.target.client("ec2"), self._retry(wait)
        made: dict[str, Change] = {}

        def update(change: UpdateEndpoint) -> None:
            arguments = update_arguments(run, change)
            retry.call(lambda: client.modify_vpc_endpoint(**arguments), until=not_found_yet)
            made[change.target] = change
            wait.done = len(made)

        ready = [change for change in changes if not _lacks_group(run, change)]
        run.each(ready, "ec2:ModifyVpcEndpoint", update, tell=explain, settled=not self.wait)
        if self.wait:
            self._settle(run, made)

    def _settle(self, run: AreaRun, made: Mapping[str, Change]) -> None:
        """Wait until every endpoint is available, with one call per poll for all of them."""
        found: dict[str, Endpoint] = {}
        wait = self.progress.wait(run.target, len(made), "VPC endpoints available")

        def settled() -> bool:
            found.update(
                (endpoint_id, now) for endpoint_id, now in _endpoints(run.target).items() if endpoint_id in made
            )
            states = [found[endpoint_id].state.lower() for endpoint_id in made if endpoint_id in found]
            wait.done = states.count("available")
            return len(states) == len(made) and not PENDING_STATES & set(states)

        try:
            if made:
                self._retry(wait).poll(settled)
        except AWS_ERRORS as error:
            run.fail(list(made.values()), "ec2:DescribeVpcEndpoints", error)
            return
        for endpoint_id, change in made.items():
            state = found[endpoint_id].state.lower() if endpoint_id in found else "unknown"
            if state == "available":
                run.succeed([change])
            else:
                run.failed.append(Failure(change, self._unsettled(run, endpoint_id, state)))

    def _unsettled(self, run: AreaRun, endpoint_id: str, state: str) -> Problem:
        message = f"{endpoint_id} is in state {state}"
        advice = "Delete it with state=absent and run this again, or ask AWS Support."
        if state in PENDING_STATES or state == "unknown":
            message += f" after {self.wait_timeout} seconds"
            advice = "It goes on by itself: run this again later, or with a longer wait_timeout."
        where = run.target.area_key
        return Problem(*where, "the wait for the endpoint", "NotAvailable", message, "", advice)

    def _delete(self, run: AreaRun, changes: Sequence[DeleteEndpoint]) -> None:
        """Delete all with one call; C(Unsuccessful) lists those that AWS rejected."""
        client = run.target.client("ec2")
        ids = [change.target for change in changes]
        wait = self.progress.wait(run.target, len(changes), "VPC endpoints deleted")
        try:
            answer = self._retry(wait).call(lambda: client.delete_vpc_endpoints(VpcEndpointIds=ids))
        except AWS_ERRORS as error:
            run.fail(changes, "ec2:DeleteVpcEndpoints", error)
            return
        refused = {item["ResourceId"]: item["Error"] for item in answer.get("Unsuccessful") or ()}
        going = {}
        for change in changes:
            reason = refused.get(change.target)
            if reason is None or str(reason.get("Code")).endswith(".NotFound"):
                going[change.target] = change
            else:
                operation = f"ec2:DeleteVpcEndpoints for {change.target}"
                code, message = str(reason.get("Code")), str(reason.get("Message"))
                problem = Problem(*run.target.area_key, operation, code, message)
                run.failed.append(Failure(change, problem))
        self._wait_until_gone(run, going, wait)

    def _wait_until_gone(self, run: AreaRun, going: Mapping[str, Change], wait: Wait) -> None:
        def all_gone() -> bool:
            now = _endpoints(run.target)
            left = [each for each in going if each in now and now[each].state.lower() != "deleted"]
            wait.done = len(going) - len(left)
            return not left

        try:
            gone = not self.wait or not going or self._retry(wait).poll(all_gone)
        except AWS_ERRORS as error:
            run.fail(list(going.values()), "ec2:DescribeVpcEndpoints", error)
            return
        if gone:
            run.succeed(going.values())
            return
        for endpoint_id, change in going.items():
            message = f"{endpoint_id} is still being deleted after {self.wait_timeout} seconds"
            advice = "It goes on by itself: run this again later, or with a longer wait_timeout."
            where = (*run.target.area_key, "the wait for the endpoint")
            run.failed.append(Failure(change, Problem(*where, "NotDeleted", message, "", advice)))

    def _delete_groups(self, run: AreaRun, changes: Sequence[DeleteSecurityGroup]) -> None:
        wait = self.progress.wait(run.target, len(changes), "security groups deleted")
        client, retry = run.target.client("ec2"), self._retry(wait, None if self.wait else 0)

        def delete(change: Change) -> None:
            # The network interfaces disappear some minutes after the endpoint; until then the group is in use. AWS's
            # rejection is the only reliable sign of it.
            try:
                retry.call(lambda: client.delete_security_group(GroupId=change.target), until=in_use)
            except ClientError as error:
                if code_of(error) != "InvalidGroup.NotFound":  # GuardDuty may have deleted its own
                    raise
            wait.done += 1

        ready = [change for change in changes if not _still_used(run, change)]
        run.each(ready, "ec2:DeleteSecurityGroup", delete, tell=explain)


def _enable_dns(run: AreaRun, changes: Sequence[EnableVpcDns]) -> None:
    client: Any = run.target.client("ec2")

    def enable(change: EnableVpcDns) -> None:
        # DNS support first: DNS hostnames require it. AWS accepts one attribute per call.
        for name, parameter in DNS_ATTRIBUTES.items():
            if name in change.attributes:
                client.modify_vpc_attribute(VpcId=change.target, **{parameter: {"Value": True}})

    run.each(changes, "ec2:ModifyVpcAttribute", enable, tell=explain)


def _update_groups(run: AreaRun, changes: Sequence[UpdateSecurityGroup]) -> None:
    """Allow missing CIDRs before removing stale ones."""
    client = run.target.client("ec2")

    def update(change: UpdateSecurityGroup) -> None:
        if change.authorize:
            _authorize(client, change.target, change.authorize)
        if change.revoke:
            client.revoke_security_group_ingress(GroupId=change.target, IpPermissions=[permission(change.revoke)])

    run.each(changes, "ec2:AuthorizeSecurityGroupIngress", update, tell=explain)


def _authorize(client: Any, group_id: str, cidrs: Sequence[str]) -> None:
    try:
        client.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[permission(cidrs)])
    except ClientError as error:
        # Returned if the answer to a first attempt was lost. AWS rejects all CIDRs of a call if one already exists.
        if code_of(error) != "InvalidPermission.Duplicate":
            raise
        for cidr in cidrs if len(cidrs) > 1 else ():
            _authorize(client, group_id, [cidr])


def _endpoints(target: Target) -> dict[str, Endpoint]:
    return {endpoint.endpoint_id: endpoint for of_vpc in ec2.endpoints(target).values() for endpoint in of_vpc}


def _lacks_group(run: AreaRun, change: UpdateEndpoint) -> bool:
    """Whether creating the endpoint's security group failed; then the endpoint fails with the same problem."""
    if not change.new_group or change.vpc_id in run.made:
        return False
    return _fails_with(run, change, (change.vpc_id,))


def _still_used(run: AreaRun, change: DeleteSecurityGroup) -> bool:
    """Whether an endpoint of the group could not be deleted: waiting for it again is pointless."""
    return _fails_with(run, change, change.endpoints)


def _fails_with(run: AreaRun, change: Change, targets: Sequence[str]) -> bool:
    problem = next((failure.problem for failure in run.failed if failure.change.target in targets), None)
    if problem is None:
        return False
    run.failed.append(Failure(change, problem))
    return True
