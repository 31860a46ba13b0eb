# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GuardDuty does for an account and region while Runtime Monitoring is on, and when it is turned off."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from . import coverage, documents, ec2_view, guardduty_state, ssm_state
from .ec2_view import Ec2Instance
from .guardduty_detector import EKS_RUNTIME
from .guardduty_state import GuardDutyState
from .ssm_associations import Association
from .ssm_nodes import online
from .ssm_plugin import TAG
from .wire import AwsError
from .world import WORLD

# GuardDuty user guide, "Managing security agent ... for EC2": name and targets. The tag: the service role's policy
# (AmazonGuardDutyServiceRolePolicy) reaches only associations with it. Parameters and schedule are not documented.
ASSOCIATION = "GuardDutyRuntimeMonitoring-do-not-delete"
_ALL = [{"Key": "InstanceIds", "Values": ["*"]}]
_INCLUDED = [{"Key": f"tag:{TAG}", "Values": ["true"]}]
_GONE = ("terminated", "shutting-down")


def act(account: str, region: str, poked: bool) -> None:
    """Do what GuardDuty does on its own after a change. C(poked): failed endpoints are tried again."""
    state = guardduty_state.state(account, region)
    management = state.management
    if not state.runtime:
        if management.runtime and not _suspended(state):
            _leave(state)
        return
    toggled = (management.runtime, management.automated) != (True, state.automated)
    management.runtime, management.automated = True, state.automated
    if toggled:
        # Coverage page: after a conflicting association is deleted, AUTO must be turned off and on.
        management.association_problem = None
        management.endpoint_problems.clear()
    linux = [i for i in ec2_view.instances(account, region) if i.platform == "linux" and i.state not in _GONE]
    included = [i for i in linux if i.tags.get(TAG) == "true"]
    _associate(state, _ALL if state.automated else _INCLUDED if included else None)
    # "GuardDuty creates VPC endpoints in all the VPCs ... as long as there is at least one Linux EC2 instance" that is
    # not terminated or shutting-down (user guide, EC2). With inclusion tags alone: in those of tagged instances.
    _connect(state, linux if state.automated else included, toggled or poked)


def tags_matter(account: str, region: str) -> bool:
    """Whether what GuardDuty has in EC2 depends on instances' tags now: inclusion tags, or an endpoint to try again."""
    state = guardduty_state.state(account, region)
    return state.runtime and (not state.automated or bool(state.management.endpoint_problems))


def _suspended(state: GuardDutyState) -> bool:
    """A suspended detector keeps its features; what happens to agents then is not documented: nothing here."""
    return state.detector is not None and not state.detector.enabled


def _associate(state: GuardDutyState, targets: list[dict[str, Any]] | None) -> None:
    ssm, management = ssm_state.state(state.account_id, state.region_name), state.management
    there = ssm.associations.get(management.association_id or "")
    if management.association_id and there is None:
        # Same page: only Runtime Monitoring off and on makes a new one.
        management.association_problem = coverage.ASSOCIATION_LOST
        return
    if targets is None:
        if there is not None:
            ssm.delete(there.association_id)
        management.association_id = management.association_problem = None
    elif there is not None:
        if there.settings.get("Targets") != targets:
            there.update({**there.settings, "Targets": targets})
    elif management.association_problem is None:
        _create_association(state, targets)


def _create_association(state: GuardDutyState, targets: list[dict[str, Any]]) -> None:
    ssm, management = ssm_state.state(state.account_id, state.region_name), state.management
    if ssm.named(ASSOCIATION):
        management.association_problem = coverage.ASSOCIATION_EXISTS
        return
    if len(ssm.associations) >= ssm_state.MAX_ASSOCIATIONS:
        management.association_problem = coverage.TOO_MANY_ASSOCIATIONS
        return
    association: Association = ssm.create(
        {
            "Name": documents.CONFIGURE_PLUGIN,
            "AssociationName": ASSOCIATION,
            "Targets": targets,
            "Parameters": {"action": ["Install"], "name": [documents.PACKAGE]},
            "Tags": [{"Key": TAG, "Value": "true"}],
        },
        by="guardduty",
    )
    management.association_id = association.association_id


def _connect(state: GuardDutyState, instances: Iterable[Ec2Instance], retry: bool) -> None:
    """An endpoint for each VPC, unless there is one, GuardDuty's or an operator's.

    Where agents go link-local none is made: whether AWS still makes one is not documented.
    """
    account, region = state.account_id, state.region_name
    if (account, region) in WORLD.link_local:
        return
    problems = state.management.endpoint_problems
    for vpc in sorted({i.vpc_id for i in instances if i.vpc_id is not None}):
        if ec2_view.endpoint_way(account, region, vpc).owner is not None:
            problems.pop(vpc, None)
            continue
        owner = ec2_view.vpc_owner(region, vpc) or account
        refusal = _shared_refusal(owner, account, region, vpc)
        if refusal:
            problems[vpc] = coverage.endpoint_failed(refusal)
        elif vpc not in problems or retry or owner != account:
            problems.pop(vpc, None)
            _create_endpoint(state, owner, vpc)


def _shared_refusal(owner: str, account: str, region: str, vpc: str) -> str | None:
    """GuardDuty user guide, "Using shared VPC with Runtime Monitoring", and the coverage page's two messages.

    The owner must have Runtime Monitoring and automated configuration on, for at least one resource type. (The pages
    name EKS and Fargate only; whether EC2 alone is enough is not settled: it is here.)
    """
    if owner == account:
        return None
    if WORLD.organization is None:
        return f"VPC endpoint creation not supported for shared VPC {vpc}"
    detector = guardduty_state.detector(owner, region)
    if detector is None or not detector.any_agent():
        return (
            f"Owner account ID {owner} for shared VPC {vpc} doesn't have either Runtime Monitoring, "
            "automated agent configuration, or both, enabled"
        )
    return None


def _create_endpoint(state: GuardDutyState, owner: str, vpc: str) -> None:
    try:
        ec2_view.create_guardduty_endpoint(owner, state.region_name, vpc)
    except AwsError as error:
        said = f"{error.message.rstrip('.')} (Service: Ec2, Status Code:{error.status}, Request ID: {uuid.uuid4()})."
        state.management.endpoint_problems[vpc] = coverage.endpoint_failed(said)


def _leave(state: GuardDutyState) -> None:
    """Runtime Monitoring was turned off (user guide, "Clean up security agent resources").

    While EKS_RUNTIME_MONITORING is on everything stays. An agent is uninstalled only where SSM reaches the node, the
    tag is not C(false), and instance metadata tags are allowed; and only one that GuardDuty brought.
    """
    account, region = state.account_id, state.region_name
    if state.detector is not None and state.detector.on(EKS_RUNTIME):
        return
    nodes = WORLD.nodes_in(account, region)
    for instance in ec2_view.instances(account, region):
        node = nodes.get(instance.instance_id)
        if node is None or node.agent is None or node.agent.by != "guardduty" or not online(node, instance):
            continue
        if instance.metadata_tags and instance.tags.get(TAG) != "false":
            node.agent = None
    ssm = ssm_state.state(account, region)
    if state.management.association_id in ssm.associations:
        ssm.delete(state.management.association_id)
    for vpc in ec2_view.vpc_ids(account, region):
        if not _used_by_participant(account, region, vpc):
            ec2_view.delete_guardduty_endpoint(account, region, vpc)
    state.management = guardduty_state.Management()


def _used_by_participant(owner: str, region: str, vpc: str) -> bool:
    """Same page: the endpoint of a shared VPC stays while a participant uses it."""
    return any(
        guardduty_state.state(other, region).runtime
        and any(i.vpc_id == vpc and i.state not in _GONE for i in ec2_view.instances(other, region))
        for other in WORLD.accounts
        if other != owner
    )
