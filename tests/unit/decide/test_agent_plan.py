# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned for a host: which version, which changes, which packages; and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from agent_worlds import INSTALLED, asked, host
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent_plan import (
    PlanError,
    drop_in_text,
    plan,
    sentence,
)

VERSIONS = st.sampled_from(["1.15.0", "1.16.0", "1.17.0", "1.17.1", "2.0.0"])
POLICIES = st.sampled_from(["pinned", "at_least", "exact"])


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
    assert (made["action"], made["version"]) == (action, version)


def test_a_newer_version_is_no_error_unless_exact() -> None:
    assert plan(host("1.17.1"), asked(version="1.16.0"))["notes"]
    assert not plan(host("1.17.1"), asked(version="1.16.0", version_policy="at_least"))["notes"]
    with pytest.raises(PlanError, match=r"1\.17\.1.*agent_allow_downgrade"):
        plan(host("1.17.1"), asked(version="1.16.0", version_policy="exact"))


@given(there=VERSIONS, wanted=VERSIONS, policy=POLICIES)
def test_never_down_without_permission(there: str, wanted: str, policy: str) -> None:
    try:
        made = plan(host(there), asked(version=wanted, version_policy=policy))
    except PlanError:
        assert policy == "exact"
        return
    assert made["action"] in ("none", "upgrade")
    assert made["version"] >= there


@given(
    there=st.none() | VERSIONS,
    wanted=VERSIONS,
    policy=POLICIES,
    limits=st.sampled_from([None, {}, {"MemoryMax": "1G"}]),
)
def test_a_plan_that_was_carried_out_leaves_nothing(
    there: str | None, wanted: str, policy: str, limits: dict[str, str] | None
) -> None:
    options = asked(version=wanted, version_policy=policy, allow_downgrade=True, limits=limits)
    made = plan(host(there, unit={"drop_in": "old"}), options)
    after = {change["what"]: change["after"] for change in made["changes"]}
    version = after.get("package", there)
    again = plan(host(version, unit={"drop_in": after.get("drop_in", "old")}), options)
    assert again["action"] == "none"
    assert again["changes"] == []
    assert again["package"] is None


def test_a_half_configured_package_is_repaired_with_no_way_back_to_it() -> None:
    made = plan(host("1.16.0", "install ok half-configured"), asked())
    assert made["action"] == "repair"
    assert made["changes"] == [{"what": "package", "before": "1.16.0 (install ok half-configured)", "after": "1.17.1"}]
    assert made["rollback"] is None


def test_an_upgrade_knows_the_way_back() -> None:
    made = plan(host("1.16.0"), asked())
    assert made["package"]["version"] == "1.17.1"
    assert made["rollback"]["version"] == "1.16.0"


def test_a_unit_that_does_not_run_is_changed_without_a_package() -> None:
    made = plan(host("1.17.1", unit={"active_state": "failed", "unit_file_state": "disabled"}), asked())
    assert made["action"] == "none"
    assert [change["what"] for change in made["changes"]] == ["enabled", "running"]
    assert made["package"] is None
    assert sentence(made) == "Change enabled, running."


def test_who_should_not_run_it_is_skipped_with_the_reason() -> None:
    options = asked(wanted=False, reason="excluded_by_tag")
    made = plan(host(), options)
    assert (made["action"], made["changes"], made["package"]) == ("skip", [], None)
    assert "excluded_by_tag" in made["reason"]
    assert plan(host(), {**options, "force": True})["action"] == "install"


def test_removal_and_its_repetition() -> None:
    made = plan(
        host("1.16.0", unit={"drop_in": "x"}, leftovers=["/var/log/amzn-guardduty-agent/agent.log"]),
        asked(state="absent"),
    )
    assert [(change["what"], change["after"]) for change in made["changes"]] == [
        ("package", None),
        ("drop_in", None),
        ("leftovers", 0),
    ]
    assert plan(host(), asked(state="absent"))["action"] == "none"


def test_an_excluded_host_can_be_cleaned() -> None:
    assert plan(host("1.16.0"), asked(state="absent", wanted=False))["action"] == "remove"


def test_an_image_is_stopped_and_clean() -> None:
    made = plan(host("1.17.1", leftovers=["a"]), asked(state="image"))
    assert [(change["what"], change["after"]) for change in made["changes"]] == [("running", False), ("leftovers", 0)]


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
    row = plan(host(), asked(source=source, architecture="aarch64"))["package"]
    assert (row["package"], row["public_key"]) == (package, key)
    assert row["signature"] == package.removesuffix(".rpm") + ".sig"


@pytest.mark.parametrize("region", ["", "cn-north-1", "eu-nowhere-1"])
def test_without_a_bucket_another_source_is_the_way(region: str) -> None:
    with pytest.raises(PlanError, match="agent_source"):
        plan(host(), asked(region=region))
    assert plan(host(), asked(region=region, source="/srv/gd"))["package"]
    assert plan(host("1.17.1"), asked(region=region))["action"] == "none"


def test_the_drop_in() -> None:
    made = plan(host("1.17.1"), asked(limits={"MemoryMax": "512M", "CPUQuota": "10%"}))
    assert made["changes"] == [
        {
            "what": "drop_in",
            "before": None,
            "after": "# Managed by Ansible (fleetsec.guardduty.agent)\n[Service]\nCPUQuota=10%\nMemoryMax=512M\n",
        }
    ]
    assert drop_in_text({}) is None
    assert plan(host("1.17.1", unit={"drop_in": "x"}), asked())["changes"] == []
    assert plan(host("1.17.1", unit={"drop_in": "x"}), asked(limits={}))["changes"][0]["after"] is None


def test_installed_is_what_dpkg_calls_it() -> None:
    assert plan(host("1.17.1", INSTALLED), asked())["action"] == "none"
