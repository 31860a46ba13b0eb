# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages are accepted: real signatures by real keys, verified by real gpg."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from made_packages import deb

from ansible_collections.fleetsec.guardduty.plugins.module_utils.decide.agent.packages import SIGNING_KEY
from ansible_collections.fleetsec.guardduty.plugins.module_utils.host import gpg
from ansible_collections.fleetsec.guardduty.plugins.module_utils.host.options import FINGERPRINT

CONTENT = deb("1.17.1", more=b"what a signature is concerned with\n" * 1000)
OTHER = deb("1.16.0", more=b"another package\n" * 1000)
NEXT = deb("1.18.0")
LONG_AGO = "20200101T000000!"
WHOLE = [f"1.17.1/deb-x86_64/{name}" for name in ("amazon-guardduty-agent-1.17.1.amd64.deb", "publickey.pem")]
WHOLE.insert(1, f"{WHOLE[0]}.sig")


def test_the_fingerprint_is_the_one_that_agent_package_info_says() -> None:
    assert SIGNING_KEY["fingerprint"] == FINGERPRINT


def test_a_good_package_is_kept_with_what_proves_it(shop: Any, site: Any, keys: Any) -> None:
    row = site.offer(package=CONTENT, signature=keys.sign(CONTENT, "aws"), public_key=keys.public("aws"))
    result = shop.one(row)
    assert result == {
        **{key: row[key] for key in ("version", "format", "architecture", "name", "optional")},
        "path": str(shop.cache / WHOLE[0]),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "size": len(CONTENT),
        "fingerprint": keys.fingerprints["aws"],
        "downloaded": True,
        "failed": False,
        "msg": "",
    }
    assert shop.kept() == WHOLE
    assert shop.cache.stat().st_mode & 0o777 == 0o700


def hostile(keys: Any) -> dict[str, tuple[dict[str, bytes], str]]:
    """An attack on the package, and a word that the refusal must have."""
    good, key = keys.sign(CONTENT, "aws"), keys.public("aws")
    both = keys.public("aws", "mallory")
    mallory, foreign = keys.public("mallory"), keys.fingerprints["mallory"]
    altered = CONTENT.replace(b"concerned", b"concernee", 1)
    return {
        "altered": ({"package": altered, "signature": good, "public_key": key}, "does not match"),
        "truncated": ({"package": CONTENT[:100], "signature": good, "public_key": key}, "truncated"),
        "empty": ({"package": b"", "signature": good, "public_key": key}, "does not match"),
        "signature of another": (
            {"package": CONTENT, "signature": keys.sign(OTHER, "aws"), "public_key": key},
            "not match",
        ),
        "foreign key": (
            {"package": CONTENT, "signature": keys.sign(CONTENT, "mallory"), "public_key": key},
            f"the signing key {foreign[-16:]} is not in the public key file",
        ),
        "foreign key, given too": (
            {"package": CONTENT, "signature": keys.sign(CONTENT, "mallory"), "public_key": both},
            f"fingerprint {foreign}, but only {keys.fingerprints['aws']} is pinned",
        ),
        # gpg says GOODSIG and ends with 0
        "key and signature swapped": (
            {"package": OTHER, "signature": keys.sign(OTHER, "mallory"), "public_key": mallory},
            "is pinned",
        ),
        "two signatures, one foreign": (
            {"package": CONTENT, "signature": keys.sign(CONTENT, "aws", "mallory"), "public_key": both},
            foreign,
        ),
        "two signatures, one by an unknown key": (
            {"package": CONTENT, "signature": keys.sign(CONTENT, "aws", "mallory"), "public_key": key},
            "cannot be checked",
        ),
        "no signature": ({"package": CONTENT, "public_key": key}, ".amd64.sig: the server answers 403"),
        "empty signature": ({"package": CONTENT, "signature": b"", "public_key": key}, "no usable signature"),
        "no signature in it": ({"package": CONTENT, "signature": b"<html>", "public_key": key}, "no usable signature"),
        # What is signed is inside the signature file: gpg must not be content with that.
        "opaque signature": (
            {"package": OTHER, "signature": keys.sign(CONTENT, "aws", kind="--sign"), "public_key": key},
            "no usable signature",
        ),
        "clear signature": (
            {"package": OTHER, "signature": keys.sign(CONTENT, "aws", kind="--clear-sign"), "public_key": key},
            "",
        ),
        "no key": ({"package": CONTENT, "signature": good, "public_key": b"nothing"}, "contains no key"),
        "larger than any key": (
            {"package": CONTENT, "signature": good, "public_key": key + b"\n" * 300_000},
            "larger than the maximum of 256 KiB",
        ),
    }


TRICKS = (
    *("altered", "truncated", "empty", "signature of another", "foreign key", "foreign key, given too"),
    *("key and signature swapped", "two signatures, one foreign", "two signatures, one by an unknown key"),
    *("no signature", "empty signature", "no signature in it", "opaque signature", "clear signature", "no key"),
    "larger than any key",
)


@pytest.mark.parametrize("trick", TRICKS)
def test_a_hostile_package_is_refused_and_leaves_nothing(shop: Any, site: Any, keys: Any, trick: str) -> None:
    tricks = hostile(keys)
    assert set(tricks) == set(TRICKS)
    offered, reason = tricks[trick]
    result = shop.one(site.offer(**offered))
    assert (result["failed"], result["path"], result["sha256"], result["downloaded"]) == (True, None, None, False)
    assert "amazon-guardduty-agent-1.17.1.amd64.deb" in result["msg"] and reason in result["msg"]
    assert shop.kept() == []


def test_a_key_that_expired_or_was_revoked_is_refused(shop: Any, site: Any, keys: Any) -> None:
    old = keys.sign(CONTENT, "expired", clock=LONG_AGO)
    row = site.offer(package=CONTENT, signature=old, public_key=keys.public("expired"))
    assert "the signing key has expired" in shop.one(row, pinned=("expired",))["msg"]

    signature = keys.sign(CONTENT, "revoked")
    row = site.offer(package=CONTENT, signature=signature, public_key=keys.public("revoked"))
    assert not shop.one(row, pinned=("revoked",))["failed"], "it is good until it is revoked"
    keys.revoke("revoked")
    row = site.offer("1.18.0", package=CONTENT, signature=signature, public_key=keys.public("revoked"))
    assert "was revoked" in shop.one(row, pinned=("revoked",))["msg"]
    assert shop.kept() == WHOLE


def test_several_keys_are_accepted_while_one_replaces_another(shop: Any, site: Any, keys: Any) -> None:
    public = keys.public("aws", "next")
    old = site.offer("1.16.0", package=OTHER, signature=keys.sign(OTHER, "aws"), public_key=public)
    new = site.offer("1.17.1", package=CONTENT, signature=keys.sign(CONTENT, "next"), public_key=public)
    both = site.offer("1.18.0", package=NEXT, signature=keys.sign(NEXT, "aws", "next"), public_key=public)
    results = shop.supply(old, new, both, pinned=("next", "aws"))
    assert [result["msg"] for result in results] == ["", "", ""]
    assert [result["fingerprint"] for result in results[:2]] == [keys.fingerprints["aws"], keys.fingerprints["next"]]
    # The pin is what counts, in the cache as well.
    assert [result["failed"] for result in shop.supply(old, new, both, pinned=("next",))] == [True, False, True]


@pytest.mark.parametrize("keep", [True, False])
def test_a_genuine_package_under_another_name_is_refused_where_it_is_fetched(
    shop: Any, site: Any, keys: Any, keep: bool
) -> None:
    """An old one that is offered as the desired one has a good signature; check mode predicts it."""
    for content, words in (
        (OTHER, "as amazon-guardduty-agent 1.16.0 for amd64, but amazon-guardduty-agent 1.17.1"),
        (deb("1.17.1", "arm64"), "1.17.1 for arm64, but"),
        (deb("1.17.1", name="bash"), "as bash 1.17.1"),
        (b"signed, and no package", "cannot be read as a package (it does not start like a DEB)"),
    ):
        row = site.offer(package=content, signature=keys.sign(content, "aws"), public_key=keys.public("aws"))
        result = shop.one(row, keep=keep)
        assert result["failed"] and words in result["msg"] and "Find out who can write to the source" in result["msg"]
    assert not shop.cache.exists() or shop.kept() == []


def test_what_cannot_be_read_here_is_left_to_the_host(shop: Any, site: Any, keys: Any) -> None:
    content = CONTENT.replace(b"control.tar.gz ", b"control.tar.zst", 1)
    row = site.offer(package=content, signature=keys.sign(content, "aws"), public_key=keys.public("aws"))
    assert shop.one(row)["msg"] == ""


def test_one_bad_package_does_not_take_the_others_along(shop: Any, site: Any, keys: Any) -> None:
    good = site.offer("1.16.0", package=OTHER, signature=keys.sign(OTHER, "aws"), public_key=keys.public("aws"))
    bad = site.offer("1.17.1", package=CONTENT, signature=keys.sign(OTHER, "aws"), public_key=keys.public("aws"))
    assert [result["failed"] for result in shop.supply(bad, good)] == [True, False]


def test_a_hash_that_is_asked_for_counts_too(shop: Any, site: Any, keys: Any) -> None:
    row = site.offer(package=CONTENT, signature=keys.sign(CONTENT, "aws"), public_key=keys.public("aws"))
    digest = hashlib.sha256(CONTENT).hexdigest()
    refused = shop.one(row, sha256=["0" * 64])
    assert refused["failed"] and digest in refused["msg"] and "0" * 64 in refused["msg"] and shop.kept() == []
    assert not shop.one(row, sha256=["0" * 64, digest.upper()])["failed"]


def test_a_key_that_the_operator_gives_replaces_that_of_the_source(
    shop: Any, site: Any, keys: Any, tmp_path: Any
) -> None:
    row = site.offer(package=CONTENT, signature=keys.sign(CONTENT, "aws"))
    path = tmp_path / "key.pem"
    path.write_bytes(keys.public("aws"))
    assert not shop.one(row, public_key=str(path))["failed"]
    assert not shop.one(row, public_key=keys.public("aws").decode())["downloaded"]
    assert "/1.17.1/publickey.pem" not in site.asked
    assert (
        "/nowhere/key.pem does not exist" in shop.one(row | {"version": "1.16.0"}, public_key="/nowhere/key.pem")["msg"]
    )
    # Given or not, it is not trusted for that.
    row = site.offer("1.18.0", package=OTHER, signature=keys.sign(OTHER, "mallory"))
    assert "is pinned" in shop.one(row, public_key=keys.public("mallory").decode())["msg"]


def status(*words: str) -> list[list[str]]:
    """gpg's status lines of one good signature by the pinned key, followed by C(words)."""
    valid = f"VALIDSIG {FINGERPRINT} 2026-01-01 1 0 4 0 22 8 00 {FINGERPRINT}"
    return [line.split() for line in ("NEWSIG", f"GOODSIG {FINGERPRINT[-16:]} aws", valid, *words)]


@pytest.mark.parametrize(
    ("rc", "lines", "words"),
    [
        (0, status(), None),
        # gpg that is not content, or passes over a signature without a verdict, proves nothing
        (2, status(), "no usable signature (gpg: bad file)"),
        (0, status("NEWSIG"), "no usable signature"),
        (0, status()[:2], "no usable signature"),
        (0, [], "no usable signature"),
        # 10 to 13 certify keys, 02 signs nothing at all
        (0, [*status()[:2], [*status()[2][:9], "02", FINGERPRINT]], "not a signature of a file"),
        (0, [*status()[:2], status()[2][:10]], "not a signature of a file"),
    ],
)
def test_only_a_whole_answer_of_gpg_proves(rc: int, lines: list[list[str]], words: str | None) -> None:
    if words is None:
        assert gpg.judge(rc, lines, "", [FINGERPRINT], [FINGERPRINT]) == FINGERPRINT
        return
    with pytest.raises(gpg.NotProven) as refused:
        gpg.judge(rc, lines, "gpg: bad file\n\n", [FINGERPRINT], [FINGERPRINT])
    assert words in str(refused.value)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b.deb", ".hidden", ""])
def test_a_name_cannot_lead_out_of_the_cache(shop: Any, site: Any, keys: Any, name: str) -> None:
    row = site.offer(package=CONTENT, signature=keys.sign(CONTENT, "aws"), public_key=keys.public("aws"))
    assert "not a valid version or file name" in shop.one(row | {"name": name})["msg"]
    assert "not a valid version or file name" in shop.one(row | {"version": f"../{name}"})["msg"]
    assert not site.asked


@pytest.mark.parametrize("text", ["", "093FF49D", "0906A7093FF49D06", "X" * 40, FINGERPRINT + "0"])
def test_a_short_key_id_is_no_fingerprint(text: str) -> None:
    with pytest.raises(ValueError, match="not a full fingerprint"):
        gpg.normalise(text)


def test_a_fingerprint_may_be_written_as_aws_does() -> None:
    assert gpg.normalise("7478 91ef 5378 1334 4456 7603 06c9 06a7 093f f49d") == FINGERPRINT
    assert gpg.normalise("0x" + FINGERPRINT) == FINGERPRINT
