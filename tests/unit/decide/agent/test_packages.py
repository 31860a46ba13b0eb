# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of the agent's packages: AWS's own examples, and the rules for every combination."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise, product
from urllib.parse import urlsplit

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent import packages as published

SERVED = sorted(published.BUCKET_OWNERS)
EVERYWHERE = [release.version for release in published.RELEASES if published.numbers(release.version) >= (1, 8, 0)]
subsets = st.tuples(
    st.lists(st.sampled_from(SERVED), min_size=1, max_size=4),
    st.lists(st.sampled_from(published.ARCHITECTURES), min_size=1),
    st.lists(st.sampled_from(published.FORMATS), min_size=1),
    st.sampled_from(EVERYWHERE),
)


def one(region: str, architecture: str, kind: str, version: str = "1.17.1") -> dict[str, str]:
    (row,), problems = published.packages([region], [architecture], [kind], version)
    assert problems == []
    return row


def why_not(region: str, kind: str = "rpm", version: str = "1.17.1") -> str:
    rows, (problem,) = published.packages([region], ["x86_64"], [kind], version)
    assert rows == []
    return str(problem)


@pytest.mark.parametrize(
    ("region", "architecture", "kind", "bucket", "key"),
    [
        (
            "us-east-1",
            "x86_64",
            "rpm",
            "593207742271-us-east-1-guardduty-agent-rpm-artifacts",
            "1.17.1/x86_64/amazon-guardduty-agent-1.17.1.x86_64.rpm",
        ),
        # The RPMs of AWS's table are called arm64, though every RPM tool says aarch64.
        (
            "eu-west-1",
            "aarch64",
            "rpm",
            "694911143906-eu-west-1-guardduty-agent-rpm-artifacts",
            "1.17.1/arm64/amazon-guardduty-agent-1.17.1.arm64.rpm",
        ),
        # The DEBs are called amd64.
        (
            "me-central-1",
            "x86_64",
            "deb",
            "000014521398-me-central-1-guardduty-agent-deb-artifacts",
            "1.17.1/amd64/amazon-guardduty-agent-1.17.1.amd64.deb",
        ),
        (
            "us-gov-west-1",
            "arm64",
            "deb",
            "383110348953-us-gov-west-1-guardduty-agent-deb-artifacts",
            "1.17.1/arm64/amazon-guardduty-agent-1.17.1.arm64.deb",
        ),
    ],
)
def test_addresses(region: str, architecture: str, kind: str, bucket: str, key: str) -> None:
    row = one(region, architecture, kind)
    assert (row["bucket"], row["package_key"]) == (bucket, key)
    assert row["package_url"] == f"https://{bucket}.s3.{region}.amazonaws.com/{key}"
    assert row["signature_key"] == key.rsplit(".", 1)[0] + ".sig"
    assert row["public_key_url"] == f"https://{bucket}.s3.{region}.amazonaws.com/1.17.1/publickey.pem"


def test_govcloud_is_another_partition() -> None:
    assert one("us-gov-east-1", "arm64", "rpm", "1.8.0")["partition"] == "aws-us-gov"
    assert one("eu-west-1", "arm64", "rpm")["partition"] == "aws"


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("is not available in the China regions", why_not("cn-north-1")),
        ("AWS lists no bucket with agent packages for 'ap-southeast-5'", why_not("ap-southeast-5")),
        ("Did you mean eu-west-1?", why_not("eu-west1")),
        ("from version 1.8.0 on, not 1.7.1", why_not("us-gov-east-1", version="1.7.1")),
        ("none for DEB packages", why_not("ap-southeast-7", "deb")),
    ],
)
def test_what_is_not_there_is_said(sentence: str, why: str) -> None:
    assert sentence in why


def test_the_other_regions_and_formats_are_given_all_the_same() -> None:
    rows, problems = published.packages(["ap-southeast-7", "cn-north-1"], ["x86_64", "arm64"], ["rpm", "deb"], "1.17.1")
    assert [(row["region"], row["format"]) for row in rows] == [("ap-southeast-7", "rpm")] * 2
    assert [problem.code for problem in problems] == ["NoDebBucket", "NotSupported"]


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1.17.1", None),
        ("1.0.0", None),
        ("1.18.0", None),
        ("1.7.2", "it contains the agent 1.7.1"),
        ("1.9.3", "AWS lists no agent 1.9.3"),
        ("v1.17.1", "such as 1.17.1"),
        ("1.17", "such as 1.17.1"),
        ("01.17.1", "such as 1.17.1"),
        ("1.17.1/../..", "such as 1.17.1"),
        ("", "such as 1.17.1"),
    ],
)
def test_versions(version: str, said: str | None) -> None:
    refusal = published.refused(version, ["eu-west-1"])
    assert refusal is None if said is None else said in (refusal or "")


def test_latest_is_the_newest_known_and_a_newer_one_is_unknown() -> None:
    assert published.resolve("latest") == published.NEWEST == "1.17.1"
    assert published.release_row("1.17.1")["newest"] is True
    later = published.release_row("1.18.0")
    assert (later["known"], later["date"], later["newest"]) == (False, None, False)
    assert "1.18.0" in one("eu-west-1", "x86_64", "rpm", "1.18.0")["package_url"]


def test_no_region_is_refused() -> None:
    assert "No region was given" in (published.refused("1.17.1", []) or "")


def test_a_hash_says_that_it_is_no_word_of_aws() -> None:
    row = one("eu-west-1", "amd64", "deb")
    assert row["sha256"].startswith("ab5fc415")
    assert "third party" in row["sha256_source"]
    unknown = one("eu-west-1", "amd64", "rpm")
    assert (unknown["sha256"], unknown["sha256_source"]) == (None, None)


def test_the_data_itself() -> None:
    session = botocore.session.get_session()
    known = {
        name
        for partition in ("aws", "aws-us-gov")
        for service in ("ec2", "s3")
        for name in session.get_available_regions(service, partition)
    }
    assert set(SERVED) <= known
    assert all(re.fullmatch(r"[0-9]{12}", owner) for owner in published.BUCKET_OWNERS.values())
    assert len(set(published.BUCKET_OWNERS.values())) == len(SERVED)
    assert set(SERVED) >= published.RPM_ONLY
    assert all(later.date > earlier.date for later, earlier in pairwise(published.RELEASES))
    assert all(
        published.numbers(later.version) > published.numbers(earlier.version)
        for later, earlier in pairwise(published.RELEASES)
    )
    assert all(date.fromisoformat(release.date) and release.notes for release in published.RELEASES)
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in published.SHA256.values())
    assert len(set(published.SHA256.values())) == len(published.SHA256)
    fingerprint = published.SIGNING_KEY["fingerprint"]
    assert re.fullmatch(r"[0-9A-F]{40}", fingerprint)
    # A key id is the end of its fingerprint (RFC 4880, 12.2).
    assert fingerprint.endswith(published.SIGNING_KEY["key_id"])


@given(subsets)
def test_every_row_is_whole_and_its_own(asked: tuple[list[str], list[str], list[str], str]) -> None:
    regions, architectures, formats, version = asked
    rows, problems = published.packages(*asked)
    machines = {published.ALIASES.get(name, name) for name in architectures}
    missing = {(problem.region, "deb") for problem in problems}
    expected = {key for key in product(set(regions), set(formats), machines) if key[:2] not in missing}
    assert {(row["region"], row["format"], row["architecture"]) for row in rows} == expected
    assert len(rows) == len(expected)
    for row in rows:
        for what in ("package", "signature", "public_key"):
            url = urlsplit(row[f"{what}_url"])
            assert url.scheme == "https"
            assert url.netloc == f"{row['bucket']}.s3.{row['region']}.amazonaws.com"
            assert url.path == f"/{row[f'{what}_key']}"
            assert row[f"{what}_key"].startswith(f"{version}/")
            assert row[f"{what}_key"].endswith(f"/{row[f'{what}_file']}")
        assert row["bucket"].startswith(f"{row['bucket_owner_id']}-{row['region']}-")
        assert row["package_file"].endswith(f".{row['package_architecture']}.{row['format']}")
    assert len({row["package_url"] for row in rows}) == len(rows)


@given(subsets)
def test_names_of_one_architecture_and_repeats_make_no_difference(
    asked: tuple[list[str], list[str], list[str], str],
) -> None:
    regions, architectures, formats, version = asked
    again = [published.ALIASES.get(name, name) for name in architectures]
    assert published.packages(*asked) == published.packages(regions * 2, again * 2, formats * 2, version)
