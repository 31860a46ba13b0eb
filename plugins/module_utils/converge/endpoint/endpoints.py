# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes VPC endpoints, their security groups and the DNS attributes they need, and waits until they are there or gone."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...decide.endpoint.desired import DesiredEndpoint
from ...decide.plan import Change, Plan
from ...decide.verdict.endpoint_health import AGENT_PORT, PENDING_STATES
from ...model.fleet import Endpoint, Problem, Snapshot
from ...observe.client.access import Target
from ...observe.client.problems import AWS_ERRORS
from ...observe.client.sdk import ClientError
from ...observe.endpoint import read_back
from ...observe.fleet import ec2
from ..concurrent_runs import DNS_CONFLICT, create_or_adopt, dns_taken, endpoint_of, group_named, group_taken
from ..progress import Progress, Wait
from ..retry import Retry
from ..run import AreaRun, Failure, Handler, Outcome, converge
from ..tags import HANDLERS as TAG_HANDLERS

DNS_ATTRIBUTES = {"dns_support": "EnableDnsSupport", "dns_hostnames": "EnableDnsHostnames"}
ADVICE = {
    "DependencyViolation": "Something still uses it: detach it there, then run this again.",
    "DuplicateSubnetsInSameZone": "Name one subnet per availability zone in subnet_ids.",
    "InsufficientFreeAddressesInSubnet": "Name subnets with free addresses in subnet_ids.",
    "VpcEndpointLimitExceeded": "Ask AWS for a higher quota of interface endpoints per VPC.",
}


def write_endpoints(
    plan: Plan,
    targets: Sequence[Target],
    before: Snapshot,
    desired: DesiredEndpoint,
    check_mode: bool,
    progress: Progress,
) -> tuple[Outcome, Snapshot]:
    """Make the plan, and read back the accounts and regions in which something was tried."""
    writer = EndpointWriter(desired.wait, desired.wait_timeout, progress)
    outcome = converge(plan, targets, writer.handlers(), check_mode)
    return outcome, read_back(writer.touched, before)


@dataclass(slots=True)
class EndpointWriter:
    """Makes a plan's changes. C(touched): where something was tried, so that it is worth reading back."""

    wait: bool
    wait_timeout: int
    progress: Progress = Progress()
    touched: list[Target] = field(default_factory=list)

    def handlers(self) -> dict[tuple[str, str], Handler]:
        found: dict[tuple[str, str], Handler] = {
            ("enable", "VPC DNS setting"): _enable_dns,
            ("create", "security group"): self._create_groups,
            ("update", "security group"): _update_groups,
            ("create", "VPC endpoint"): self._create,
            ("update", "VPC endpoint"): self._update,
            ("delete", "VPC endpoint"): self._delete,
            ("delete", "security group"): self._delete_groups,
        }
        for kind in ("VPC endpoint", "security group"):
            found["tag", kind] = TAG_HANDLERS["tag", "instance"]
            found["untag", kind] = TAG_HANDLERS["untag", "instance"]
        return {key: self._noting(handler) for key, handler in found.items()}

    def _noting(self, handler: Handler) -> Handler:
        def noted(run: AreaRun, changes: Sequence[Change]) -> None:
            if run.target not in self.touched:
                self.touched.append(run.target)
            handler(run, changes)

        return noted

    def _retry(self, wait: Wait, seconds: float | None = None) -> Retry:
        return Retry(self.wait_timeout if seconds is None else seconds, pausing=wait.pause)

    def _create_groups(self, run: AreaRun, changes: Sequence[Change]) -> None:
        wait = self.progress.wait(run.target, len(changes), "security groups created")
        client, retry = run.target.client("ec2"), self._retry(wait)

        def create(change: Change) -> None:
            details = change.details
            name, vpc_id = details["name"], change.target
            group = {"GroupName": name, "Description": details["description"], "VpcId": vpc_id}
            group_id = create_or_adopt(
                lambda: client.create_security_group(**group, **_tags("security-group", details["tags"]))["GroupId"],
                group_taken,
                lambda: group_named(run.target, vpc_id, name),
            )
            # A group that was just made may be unknown for a moment (EC2 API reference, eventual consistency).
            retry.call(lambda: _authorize(client, group_id, details["cidrs"]), until=_not_found_yet)
            run.made["security group", change.target] = group_id
            wait.done += 1

        run.each(changes, "ec2:CreateSecurityGroup", create, tell=_tell)

    def _create(self, run: AreaRun, changes: Sequence[Change]) -> None:
        """Create them all, then wait for all of them together."""
        wait = self.progress.wait(run.target, len(changes), "VPC endpoints created")
        client, retry = run.target.client("ec2"), self._retry(wait)
        made: dict[str, Change] = {}

        def create(change: Change) -> None:
            arguments = _create_arguments(run, change)
            passing = _freed_soon if change.details["predecessor"] else _not_found_yet

            def make() -> str:
                return create_or_adopt(
                    lambda: client.create_vpc_endpoint(**arguments)["VpcEndpoint"]["VpcEndpointId"],
                    dns_taken,
                    lambda: endpoint_of(run.target, change.target, change.details["service"]),
                )

            made[retry.call(make, until=passing)] = change
            wait.done = len(made)

        run.each(changes, "ec2:CreateVpcEndpoint", create, tell=_tell, settled=not self.wait)
        if self.wait:
            self._settle(run, made)

    def _update(self, run: AreaRun, changes: Sequence[Change]) -> None:
        wait = self.progress.wait(run.target, len(changes), "VPC endpoints updated")
        client, retry = run.target.client("ec2"), self._retry(wait)
        made: dict[str, Change] = {}

        def update(change: Change) -> None:
            arguments = _update_arguments(run, change)
            retry.call(lambda: client.modify_vpc_endpoint(**arguments), until=_not_found_yet)
            made[change.target] = change
            wait.done = len(made)

        ready = [change for change in changes if not _lacks_group(run, change)]
        run.each(ready, "ec2:ModifyVpcEndpoint", update, tell=_tell, settled=not self.wait)
        if self.wait:
            self._settle(run, made)

    def _settle(self, run: AreaRun, made: Mapping[str, Change]) -> None:
        """Wait until every endpoint is available, with one call for all of them each time."""
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
        where = (run.target.account_id, run.target.region)
        return Problem(*where, "the wait for the endpoint", "NotAvailable", message, "", advice)

    def _delete(self, run: AreaRun, changes: Sequence[Change]) -> None:
        """Delete all with one call; C(Unsuccessful) names those that AWS refused."""
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
            error = refused.get(change.target)
            if error is None or str(error.get("Code")).endswith(".NotFound"):
                going[change.target] = change
            else:
                operation = f"ec2:DeleteVpcEndpoints for {change.target}"
                code, message = str(error.get("Code")), str(error.get("Message"))
                problem = Problem(run.target.account_id, run.target.region, operation, code, message)
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
            where = (run.target.account_id, run.target.region, "the wait for the endpoint")
            run.failed.append(Failure(change, Problem(*where, "NotDeleted", message, "", advice)))

    def _delete_groups(self, run: AreaRun, changes: Sequence[Change]) -> None:
        wait = self.progress.wait(run.target, len(changes), "security groups deleted")
        client, retry = run.target.client("ec2"), self._retry(wait, None if self.wait else 0)

        def delete(change: Change) -> None:
            # The network interfaces leave some minutes after the endpoint; until then the group is in use. That AWS
            # refuses is the one sure sign of it.
            try:
                retry.call(lambda: client.delete_security_group(GroupId=change.target), until=_in_use)
            except ClientError as error:
                if _code(error) != "InvalidGroup.NotFound":  # GuardDuty may delete its own meanwhile
                    raise
            wait.done += 1

        ready = [change for change in changes if not _still_used(run, change)]
        run.each(ready, "ec2:DeleteSecurityGroup", delete, tell=_tell)


def _enable_dns(run: AreaRun, changes: Sequence[Change]) -> None:
    client = run.target.client("ec2")

    def enable(change: Change) -> None:
        # Support first: host names need it. AWS takes one attribute per call.
        for name, parameter in DNS_ATTRIBUTES.items():
            if name in change.details["attributes"]:
                client.modify_vpc_attribute(VpcId=change.target, **{parameter: {"Value": True}})

    run.each(changes, "ec2:ModifyVpcAttribute", enable, tell=_tell)


def _update_groups(run: AreaRun, changes: Sequence[Change]) -> None:
    """Open what is missing before what is stale is closed."""
    client = run.target.client("ec2")

    def update(change: Change) -> None:
        if change.details["authorize"]:
            _authorize(client, change.target, change.details["authorize"])
        if change.details["revoke"]:
            permissions = [_permission(change.details["revoke"])]
            client.revoke_security_group_ingress(GroupId=change.target, IpPermissions=permissions)

    run.each(changes, "ec2:AuthorizeSecurityGroupIngress", update, tell=_tell)


def _authorize(client: Any, group_id: str, cidrs: Sequence[str]) -> None:
    try:
        client.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[_permission(cidrs)])
    except ClientError as error:
        # Said of a first try whose answer was lost. AWS refuses all CIDRs of a call for one that is there already.
        if _code(error) != "InvalidPermission.Duplicate":
            raise
        for cidr in cidrs if len(cidrs) > 1 else ():
            _authorize(client, group_id, [cidr])


def _permission(cidrs: Sequence[str]) -> dict[str, Any]:
    permission: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": AGENT_PORT, "ToPort": AGENT_PORT}
    four = [{"CidrIp": cidr} for cidr in cidrs if ":" not in cidr]
    six = [{"CidrIpv6": cidr} for cidr in cidrs if ":" in cidr]
    return permission | ({"IpRanges": four} if four else {}) | ({"Ipv6Ranges": six} if six else {})


def _create_arguments(run: AreaRun, change: Change) -> dict[str, Any]:
    details = change.details
    groups = [*details["groups"], *([run.made["security group", change.target]] if details["new_group"] else [])]
    return {
        "VpcEndpointType": "Interface",
        "VpcId": change.target,
        "ServiceName": details["service"],
        "SubnetIds": list(details["subnets"]),
        "SecurityGroupIds": groups,
        "PrivateDnsEnabled": True,
        "PolicyDocument": details["policy"],
        # One token for all tries, so that a try whose answer was lost does not make a second endpoint.
        "ClientToken": str(uuid.uuid4()),
        **_tags("vpc-endpoint", details["tags"]),
    }


def _update_arguments(run: AreaRun, change: Change) -> dict[str, Any]:
    after, details = change.after or {}, change.details
    added = list(details.get("add_groups", ()))
    if details["new_group"]:
        added.append(run.made["security group", details["vpc_id"]])
    lists = {
        "AddSubnetIds": list(details.get("add_subnets", ())),
        "RemoveSubnetIds": list(details.get("remove_subnets", ())),
        "AddSecurityGroupIds": added,
        "RemoveSecurityGroupIds": list(details.get("remove_groups", ())),
    }
    arguments: dict[str, Any] = {"VpcEndpointId": change.target}
    arguments |= {name: values for name, values in lists.items() if values}
    if "private_dns" in after:
        arguments["PrivateDnsEnabled"] = True
    if "policy" in after:
        arguments["PolicyDocument"] = after["policy"]
    return arguments


def _tags(kind: str, tags: Mapping[str, str]) -> dict[str, Any]:
    if not tags:
        return {}
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": listed}]}


def _endpoints(target: Target) -> dict[str, Endpoint]:
    return {endpoint.endpoint_id: endpoint for of_vpc in ec2.endpoints(target).values() for endpoint in of_vpc}


def _tell(problem: Problem, change: Change) -> Problem:
    """With the thing named in the sentence, since AWS's own words often leave it out."""
    advice = problem.advice or ADVICE.get(problem.code, "")
    if DNS_CONFLICT in problem.message:
        advice = (
            "Another endpoint or hosted zone of the VPC already answers for the agent's DNS name: remove it, or its"
            " private DNS, then run this again."
        )
    if problem.denied:
        return problem
    return replace(problem, operation=f"{problem.operation} for {change.target}", advice=advice)


def _lacks_group(run: AreaRun, change: Change) -> bool:
    """Whether the group that an endpoint waits for could not be made; then the endpoint fails with the same problem."""
    vpc_id = change.details["vpc_id"]
    if not change.details["new_group"] or ("security group", vpc_id) in run.made:
        return False
    return _fails_with(run, change, (vpc_id,))


def _still_used(run: AreaRun, change: Change) -> bool:
    """Whether an endpoint of the group could not be deleted: there is no use in waiting for it again."""
    return _fails_with(run, change, change.details["after"])


def _fails_with(run: AreaRun, change: Change, targets: Sequence[str]) -> bool:
    problem = next((failure.problem for failure in run.failed if failure.change.target in targets), None)
    if problem is None:
        return False
    run.failed.append(Failure(change, problem))
    return True


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def _not_found_yet(error: ClientError) -> bool:
    return _code(error) in ("InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound", "InvalidGroupId.NotFound")


def _freed_soon(error: ClientError) -> bool:
    return _not_found_yet(error) or dns_taken(error)


def _in_use(error: ClientError) -> bool:
    return _code(error) == "DependencyViolation"
