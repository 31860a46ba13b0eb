# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS does on its own: GuardDuty's association, endpoints and clean-up, and associations that run over time.

Nothing runs in the background: whoever reads what time or other calls may have changed calls C(settle) first.
"""

from __future__ import annotations

from . import coverage, events, guardduty_manager, guardduty_state, ssm_state
from .world import WORLD

Key = tuple[str, str]

# Accounts and regions where a call changed something that has not been acted upon, and when the first such call was.
_changed: dict[Key, float] = {}
# Those where a call gave GuardDuty occasion to try a failed endpoint again.
_poked: set[Key] = set()

# GuardDuty user guide, coverage of EC2, "VPC Endpoint Creation Failed": a retry takes a change of the GuardDutyManaged
# tag or of an instance's state. A new instance is one too.
_POKES = frozenset(
    [
        "CreateTags",
        "DeleteTags",
        "RunInstances",
        "StartInstances",
        "StopInstances",
        "RebootInstances",
        "TerminateInstances",
    ]
)
# Calls by which a client changes a fleet in many batches. What they mean for nodes waits for the next call that
# depends on it; what GuardDuty changes in EC2 because of tags does not, since EC2's operations do not ask here.
_BATCHED = frozenset(["CreateTags", "DeleteTags", "ModifyInstanceMetadataOptions"])
_SERVICES = frozenset({"ec2", "ssm", "guardduty", "organizations"})


def load() -> None:
    """A fleet has been loaded: its data is shown unchanged, and GuardDuty starts to act on it."""
    _changed.clear()
    _poked.clear()
    keys = [*WORLD.detectors]
    for account, region in keys:
        coverage.evaluate(guardduty_state.state(account, region))
    for account, region in keys:
        changed(account, region)
    for account, region in keys:
        settle(account, region)


def changed(account: str, region: str) -> None:
    """Note that something changed now. VPCs are shared: what one account does may concern another."""
    now = WORLD.now()
    for key in {(account, region), *((other, region) for other in WORLD.accounts)}:
        _changed.setdefault(key, now)
        state = guardduty_state.state(*key)
        if state.detector is not None and state.changed_at is None:
            state.changed_at = now


def after_call(service: str, operation: str, account: str, region: str) -> None:
    """Called after each successful call that changes something."""
    if service in _SERVICES:
        _react(operation, account, region)
    # A new rule tells what happens from now on
    if service in _SERVICES or service == "events":
        events.settle(account, region)


def _react(operation: str, account: str, region: str) -> None:
    changed(account, region)
    keys = [key for key in _changed if key[1] == region]
    if operation in _POKES:
        _poked.update(keys)
    for key in keys:
        if operation not in _BATCHED:
            settle(*key)
        elif operation in _POKES and guardduty_manager.tags_matter(*key):
            guardduty_manager.act(*key, poked=True)


def settle(account: str, region: str) -> None:
    """Run what is due in an account and region. Cheap if nothing is."""
    with WORLD.lock:
        key, now = (account, region), WORLD.now()
        ssm = ssm_state.state(account, region)
        since = _changed.pop(key, None)
        if since is None and now < ssm.next_due:
            return
        poked = key in _poked
        _poked.discard(key)
        since = now if since is None else since
        guardduty_manager.act(account, region, poked)
        if ssm.advance(since, now):
            state = guardduty_state.state(account, region)
            if state.changed_at is None:
                state.changed_at = since
