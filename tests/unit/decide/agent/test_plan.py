# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for a host: version, changes, packages, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from agent_worlds import INSTALLED, asked, host
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.packages import numbers
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.plan import (
    PlanError,
    drop_in_text,
    sentence,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.plan import plan as planned
from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.records import (
    Desired,
    DropInStep,
    EnabledStep,
    Host,
    LeftoversStep,
    PackageStep,
    Plan,
    ProcessStep,
    RunningStep,
)
from ansible_collections.fleetsec.guardduty.plugins.module_utils.model.codec import to_plain


def plan(place: Host, options: Desired) -> Plan:
    return planned(place, options)[0]


VERSIONS = st.sampled_from(["1.9.2", "1.15.0", "1.16.0", "1.17.1", "2.0.0"])
POLICIES = st.sampled_from(["pinned", "at_least", "exact"])
# dpkg(1), package states and selection states.
WHOLE = (INSTALLED, "hold ok installed", "deinstall ok installed")
CUT_OFF = ("install ok half-configured", "install ok unpacked", "install reinstreq half-installed", "hold ok unpacked")
STATUSES = st.sampled_from([*WHOLE, *CUT_OFF])


@pytest.mark.parametrize(
    ("there", "options", "action", "version"),
    [
        (None, {}, "install", "1.17.1"),
        ("1.16.0", {}, "upgrade", "1.17.1"),
        ("1.9.2", {"version": "1.16.0"}, "upgrade", "1.16.0"),
        ("1.17.1", {}, "none", "1.17.1"),
        ("1.17.1", {"version": "1.16.0"}, "none", "1.17.1"),
        ("1.17.1", {"version": "1.16.0", "allow_downgrade": True}, "downgrade", "1.16.0"),
        ("1.17.1", {"version": "1.16.0", "version_policy": "at_least", "allow_downgrade": True}, "none", "1.17.1"),
        ("1.17.1", {"version": "1.16.0", "version_policy": "exact", "allow_downgrade": True}, "downgrade", "1.16.0"),
        ("1.16.0", {"version_policy": "exact"}, "upgrade", "1.17.1"),
    ],
)
def test_which_version(there: str | None, options: dict[str, Any], action: str, version: str) -> None:
    made = plan(host(there), asked(**options))
    assert (made.action, made.version) == (action, version)


def test_a_newer_version_is_no_error_unless_exact() -> None:
    assert planned(host("1.17.1"), asked(version="1.16.0"))[1]
    assert not planned(host("1.17.1"), asked(version="1.16.0", version_policy="at_least"))[1]
    with pytest.raises(PlanError, match=r"1\.17\.1.*agent_allow_downgrade"):
        plan(host("1.17.1"), asked(version="1.16.0", version_policy="exact"))


@given(there=VERSIONS, status=STATUSES, wanted=VERSIONS, policy=POLICIES, image=st.booleans())
def test_never_down_without_permission(there: str, status: str, wanted: str, policy: str, image: bool) -> None:
    options = asked(version=wanted, version_policy=policy, state="image" if image else "present")
    try:
        made = plan(host(there, status), options)
    except PlanError:
        assert policy == "exact"
        assert numbers(there) > numbers(wanted)
        return
    assert made.action in (("none", "upgrade") if status in WHOLE else ("repair",))
    assert numbers(made.version) >= numbers(there)
    assert made.package is None or made.package.version == made.version


@given(
    there=st.none() | VERSIONS,
    status=STATUSES,
    unit=st.fixed_dictionaries(
        {
            "drop_in": st.sampled_from([None, "old", drop_in_text({"MemoryMax": "1G"})]),
            "unit_file_state": st.sampled_from(["enabled", "disabled", "static", "masked", ""]),
            "active_state": st.sampled_from(["active", "inactive", "failed", "activating"]),
            "outdated": st.booleans(),
        }
    ),
    leftovers=st.lists(st.just("/var/log/amzn-guardduty-agent/a"), max_size=2),
    state=st.sampled_from(["present", "image", "absent"]),
    wanted=VERSIONS,
    policy=POLICIES,
    limits=st.sampled_from([None, {}, {"MemoryMax": "1G"}]),
)
def test_a_plan_that_was_carried_out_leaves_nothing(
    there: str | None,
    status: str,
    unit: dict[str, Any],
    leftovers: list[str],
    state: str,
    wanted: str,
    policy: str,
    limits: dict[str, str] | None,
) -> None:
    options = asked(state=state, version=wanted, version_policy=policy, allow_downgrade=True, limits=limits)
    before = host(there, status, unit=unit, leftovers=leftovers)
    made = plan(before, options)
    again = plan(carried_out(before, made), options)
    assert (again.action, again.changes, again.package) == ("none", (), None)


def carried_out(before: Host, made: Plan) -> Host:
    """The host after the changes, computed only from the changes' fields."""
    place = before
    for step in made.changes:
        match step:
            case PackageStep(after=version):
                place = replace(place, package=replace(place.package, version=version, status=version and INSTALLED))
            case DropInStep(after=text):
                place = replace(place, unit=replace(place.unit, drop_in=text))
            case EnabledStep(after=enabled):
                place = replace(place, unit=replace(place.unit, unit_file_state="enabled" if enabled else "disabled"))
            case RunningStep(after=running):
                place = replace(place, unit=replace(place.unit, active_state="active" if running else "inactive"))
            case LeftoversStep(after=left):
                place = replace(place, leftovers=place.leftovers[:left])
        if isinstance(step, ProcessStep | RunningStep | PackageStep | DropInStep):
            place = replace(place, unit=replace(place.unit, outdated=False))
    return place


def test_a_half_configured_package_is_repaired_with_no_way_back_to_it() -> None:
    made = plan(host("1.16.0", "install ok half-configured"), asked())
    assert made.action == "repair"
    assert to_plain(made.changes) == [
        {"what": "package", "before": "1.16.0 (install ok half-configured)", "after": "1.17.1"}
    ]
    assert made.rollback is None


def test_a_newer_version_that_was_cut_off_is_repaired_with_itself() -> None:
    made, notes = planned(host("1.17.1", "install ok half-configured"), asked(version="1.16.0"))
    assert (made.action, made.version, made.package.version) == ("repair", "1.17.1", "1.17.1")
    assert "It is kept" in notes[0]
    allowed = plan(host("1.17.1", "install ok half-configured"), asked(version="1.16.0", allow_downgrade=True))
    assert (allowed.action, allowed.version) == ("repair", "1.16.0")


def test_what_a_removal_without_purge_left_is_removed_too() -> None:
    place = host(package={"format": "deb", "version": None, "status": "deinstall ok config-files"})
    made = plan(place, asked(state="absent"))
    assert to_plain(made.changes) == [
        {"what": "package", "before": "removed (deinstall ok config-files)", "after": None}
    ]
    assert plan(place, asked()).action == "install"


def test_an_upgrade_knows_the_way_back() -> None:
    made = plan(host("1.16.0"), asked())
    assert made.package.version == "1.17.1"
    assert made.rollback.version == "1.16.0"


def test_a_unit_that_does_not_run_is_changed_without_a_package() -> None:
    made = plan(host("1.17.1", unit={"active_state": "failed", "unit_file_state": "disabled"}), asked())
    assert made.action == "none"
    assert [change.what for change in made.changes] == ["enabled", "running"]
    assert made.package is None
    assert sentence(made) == "Change enabled, running."


def test_a_process_that_is_older_than_its_program_is_started_anew() -> None:
    """An upgrade that was interrupted between the package and the restart."""
    older = host("1.17.1", unit={"outdated": True})
    assert to_plain(plan(older, asked()).changes) == [
        {"what": "process", "before": "older than its program", "after": "of its program"}
    ]
    assert [change.what for change in plan(older, asked(version="1.18.0")).changes] == ["package"]
    assert [change.what for change in plan(older, asked(state="image")).changes] == ["running"]
    down = host("1.17.1", unit={"outdated": True, "active_state": "failed"})
    assert [change.what for change in plan(down, asked()).changes] == ["running"]


def test_who_should_not_run_it_is_skipped_with_the_reason() -> None:
    options = asked(wanted=False, reason="excluded_by_tag")
    made = plan(host(), options)
    assert (made.action, made.changes, made.package) == ("skip", (), None)
    assert "excluded_by_tag" in made.reason
    assert plan(host(), replace(options, force=True)).action == "install"


def test_removal_and_its_repetition() -> None:
    made = plan(
        host("1.16.0", unit={"drop_in": "x"}, leftovers=["/var/log/amzn-guardduty-agent/agent.log"]),
        asked(state="absent"),
    )
    assert [(change.what, change.after) for change in made.changes] == [
        ("package", None),
        ("drop_in", None),
        ("leftovers", 0),
    ]
    assert plan(host(), asked(state="absent")).action == "none"


def test_an_excluded_host_can_be_cleaned() -> None:
    assert plan(host("1.16.0"), asked(state="absent", wanted=False)).action == "remove"


def test_an_image_is_stopped_and_clean() -> None:
    made = plan(host("1.17.1", leftovers=["a"]), asked(state="image"))
    assert [(change.what, change.after) for change in made.changes] == [("running", False), ("leftovers", 0)]


@pytest.mark.parametrize(
    ("source", "package", "key"),
    [
        (
            "bucket",
            "https://694911143906-eu-west-1-guardduty-agent-rpm-artifacts.s3.eu-west-1.amazonaws.com/1.17.1/arm64/"
            "amazon-guardduty-agent-1.17.1.arm64.rpm",
            "https://694911143906-eu-west-1-guardduty-agent-rpm-artifacts.s3.eu-west-1.amazonaws.com/1.17.1/publickey.pem",
        ),
        (
            "s3",
            "s3://694911143906-eu-west-1-guardduty-agent-rpm-artifacts/1.17.1/arm64/amazon-guardduty-agent-1.17.1.arm64.rpm",
            "s3://694911143906-eu-west-1-guardduty-agent-rpm-artifacts/1.17.1/publickey.pem",
        ),
        (
            "https://mirror.example.com/gd/",
            "https://mirror.example.com/gd/1.17.1/arm64/amazon-guardduty-agent-1.17.1.arm64.rpm",
            "https://mirror.example.com/gd/1.17.1/publickey.pem",
        ),
        ("/srv/gd", "/srv/gd/1.17.1/arm64/amazon-guardduty-agent-1.17.1.arm64.rpm", "/srv/gd/1.17.1/publickey.pem"),
    ],
)
def test_where_a_package_is(source: str, package: str, key: str) -> None:
    """GuardDuty user guide, "Installing the security agent manually": arm64 in the names of RPMs too."""
    row = plan(host(), asked(source=source, architecture="aarch64")).package
    assert (row.package, row.public_key) == (package, key)
    assert row.signature == package.removesuffix(".rpm") + ".sig"


@pytest.mark.parametrize("kind", [None, "rpm", "deb"])
@pytest.mark.parametrize("source", ["bucket", "s3", "/srv/gd"])
@pytest.mark.parametrize("architecture", ["x86_64", "i686"])
def test_no_host_is_too_strange_to_plan_for(kind: str | None, source: str, architecture: str) -> None:
    """Without a package for it, the findings report it and the plan has no package."""
    place = host(package={"format": kind, "version": None, "status": None})
    made = plan(place, asked(source=source, architecture=architecture))
    assert (made.package is not None) == (kind is not None and architecture == "x86_64")
    assert plan(place, asked(source=source, architecture=architecture, wanted=False)).action == "skip"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"source": "files/guardduty"}, "agent_source.*absolute path of a directory"),
        ({"source": "ftp://mirror"}, "agent_source"),
        ({"limits": {"Memory Max": "1G"}}, "'Memory Max'.*not a systemd directive"),
        ({"limits": {"MemoryMax": None}}, "MemoryMax.*single line"),
        ({"limits": {"MemoryMax": ["1G"]}}, "MemoryMax.*single line"),
        ({"limits": {"MemoryMax": "1G\nExecStart=/bin/true"}}, "MemoryMax.*single line"),
        ({"version": "1.7.2"}, "Distributor package only"),
        ({"version": "1.16"}, "is not valid. Set it to a version such as"),
    ],
)
def test_options_that_lead_nowhere(options: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        plan(host(), asked(**options))
    assert plan(host("1.16.0"), asked(**options, state="absent")).action == "remove"


def test_a_version_that_is_not_known_is_taken_and_told() -> None:
    made, notes = planned(host("1.17.1"), asked(version="9.0.0"))
    assert (made.action, made.version) == ("upgrade", "9.0.0")
    assert "newer than the newest version that this collection knows" in notes[0]


@pytest.mark.parametrize("region", ["", "cn-north-1", "eu-nowhere-1"])
def test_without_a_bucket_another_source_is_the_way(region: str) -> None:
    with pytest.raises(PlanError, match="agent_source"):
        plan(host(), asked(region=region))
    assert plan(host(), asked(region=region, source="/srv/gd")).package
    assert plan(host("1.17.1"), asked(region=region)).action == "none"


def test_the_drop_in() -> None:
    made = plan(host("1.17.1"), asked(limits={"MemoryMax": "512M", "CPUQuota": "10%"}))
    assert to_plain(made.changes) == [
        {
            "what": "drop_in",
            "before": None,
            "after": "# Managed by Ansible (fleetsec.guardduty.agent)\n[Service]\nCPUQuota=10%\nMemoryMax=512M\n",
        }
    ]
    assert drop_in_text({}) is None
    assert plan(host("1.17.1", unit={"drop_in": "x"}), asked()).changes == ()
    assert plan(host("1.17.1", unit={"drop_in": "x"}), asked(limits={})).changes[0].after is None


@pytest.mark.parametrize("status", WHOLE)
def test_what_is_installed_is_left_alone(status: str) -> None:
    """A package that apt-mark holds is not repaired at each run."""
    assert plan(host("1.17.1", status), asked()).action == "none"
