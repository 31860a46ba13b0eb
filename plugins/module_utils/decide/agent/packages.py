# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where AWS publishes the agent's packages, and with which key it signs them.

The single source of this data. Sources: GuardDuty user guide, "Installing the security agent manually" (buckets, keys,
signing key) and "GuardDuty security agent versions for Amazon EC2 instances" (releases); AWS GovCloud user guide, GuardDuty
(its buckets and first version). Data that AWS does not publish but a third party observed is marked as such.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from ...model.fleet import Problem

# The date on which these pages were read.
READ_ON = "October 2026"
SOURCE = {
    "read": READ_ON,
    "packages_and_key": "https://docs.aws.amazon.com/guardduty/latest/ug/installing-gdu-security-agent-ec2-manually.html",
    "govcloud": "https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-guardduty.html",
    "releases": "https://docs.aws.amazon.com/guardduty/latest/ug/runtime-monitoring-agent-release-history.html",
    # The page itself uses "aws s3 cp"; observed in ubicloud/ubicloud (guard_duty_agent_setup.rb).
    "urls": "a third party observed that plain HTTPS works without credentials; AWS documents the S3 API only",
}

PACKAGE = "amazon-guardduty-agent"
SIGNING_KEY = {
    "owner": "AwsGuardDuty",
    "type": "RSA",
    "key_id": "093FF49D",
    "fingerprint": "747891EF537813344456760306C906A7093FF49D",
}

# The account that owns a region's buckets. Strings, because some start with zeros.
BUCKET_OWNERS = {
    "af-south-1": "197869348890",
    "ap-east-1": "258348409381",
    "ap-east-2": "259886477082",
    "ap-northeast-1": "533107202818",
    "ap-northeast-2": "914738172881",
    "ap-northeast-3": "273192626886",
    "ap-south-1": "251508486986",
    "ap-south-2": "950823858135",
    "ap-southeast-1": "174946120834",
    "ap-southeast-2": "005257825471",
    "ap-southeast-3": "510637619217",
    "ap-southeast-4": "251357961535",
    "ap-southeast-7": "054037130133",
    "ca-central-1": "354763396469",
    "ca-west-1": "339712888787",
    "eu-central-1": "323658145986",
    "eu-central-2": "529164026651",
    "eu-north-1": "591436053604",
    "eu-south-1": "266869475730",
    "eu-south-2": "919611009337",
    "eu-west-1": "694911143906",
    "eu-west-2": "892757235363",
    "eu-west-3": "665651866788",
    "il-central-1": "870907303882",
    "me-central-1": "000014521398",
    "me-south-1": "536382113932",
    "mx-central-1": "982081086614",
    "sa-east-1": "758426053663",
    "us-east-1": "593207742271",
    "us-east-2": "307168627858",
    "us-gov-east-1": "383115532789",
    "us-gov-west-1": "383110348953",
    "us-west-1": "684579721401",
    "us-west-2": "733349766148",
}
# Listed in AWS's table of RPM buckets but not in that of DEB buckets.
RPM_ONLY = frozenset({"ap-southeast-7"})
FIRST_IN_GOVCLOUD = "1.8.0"

# Machine name to the name in the package's directory and file name. The RPMs also use arm64, not aarch64.
DIRECTORIES = {"rpm": {"x86_64": "x86_64", "arm64": "arm64"}, "deb": {"x86_64": "amd64", "arm64": "arm64"}}
ALIASES = {"aarch64": "arm64", "amd64": "x86_64"}
ARCHITECTURES = ("x86_64", "arm64", *ALIASES)
FORMATS = ("rpm", "deb")
LATEST = "latest"
VERSION = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}")


@dataclass(frozen=True, slots=True)
class Release:
    version: str
    date: str
    notes: str


# Newest first.
RELEASES = (
    Release("1.17.1", "2026-09-09", "Kernel 7.2; checks for the link-local address at startup."),
    Release("1.16.0", "2026-07-17", "Kernels 6.19, 7.0 and 7.1; Ubuntu 26.04, Debian 13, RHEL 10.2, Fedora 43 and 44."),
    Release("1.15.0", "2026-05-14", "Collects events with less overhead."),
    Release("1.9.2", "2026-02-24", "Kernels 6.15 to 6.18; AlmaLinux 9 and 10, SLES 16."),
    Release("1.9.1", "2025-11-10", "Performance."),
    Release("1.9.0", "2025-10-23", "Performance."),
    Release("1.8.0", "2025-08-12", "Performance; the first version in the GovCloud regions."),
    Release("1.7.1", "2025-06-03", "Fedora 40 and 41; the Distributor package 1.7.2 contains it."),
    Release("1.7.0", "2025-04-03", "Oracle Linux 8.9 and 9.3, Rocky Linux 9.5; resolves container ids."),
    Release("1.6.0", "2025-02-06", "Performance."),
    Release("1.5.0", "2024-11-20", "CentOS Stream 9, RHEL 9.4, Fedora 34, Ubuntu 24.04."),
    Release("1.3.1", "2024-09-12", "Custom DNS resolvers."),
    Release("1.3.0", "2024-08-19", "More signals."),
    Release("1.2.0", "2024-06-13", "Ubuntu 20.04 and 22.04, Debian 11 and 12, kernels 6.5 and 6.8."),
    Release("1.1.0", "2024-03-26", "General availability; automated agent configuration."),
    Release("1.0.2", "2024-02-02", "Works with the ECS AMIs after 2024-01-31."),
    Release("1.0.1", "2024-01-23", "Does not work with the ECS AMIs after 2024-01-31."),
    Release("1.0.0", "2023-11-26", "Does not work with the ECS AMIs after 2024-01-31."),
)
NEWEST = RELEASES[0].version
KNOWN = {release.version: release for release in RELEASES}
# Versions of the Distributor package that are not versions of the agent.
DISTRIBUTOR_ONLY = {"1.7.2": "1.7.1"}

# AWS publishes no hashes. ubicloud/ubicloud pins these; the signature is what verifies a package.
SHA256_SOURCE = "observed by a third party (github.com/ubicloud/ubicloud), not published by AWS"
SHA256 = {
    ("1.17.1", "deb", "x86_64"): "ab5fc415dce090e50889893009b1d6ef39dd4b95448a0fd302f1b97c3362cf8a",
    ("1.17.1", "deb", "arm64"): "53783454fa1ac8d205ce2baf6d0dfff1f26540b9f6ceeae372dfc9db7a7d4d80",
    ("1.9.2", "deb", "x86_64"): "b35b3f25da7b2f829b9972f6d32f44adda77178e5e380fd839f6f40f95933bb2",
    ("1.9.2", "deb", "arm64"): "78b336c6f14d6677a0c57810829e2e794113435bffc7f77bbc586586224cdf80",
}


def resolve(version: str) -> str:
    """The version number. 'latest' is the newest that this collection knows; it is not looked up online."""
    return NEWEST if version == LATEST else version


def refused(version: str, regions: Collection[str]) -> str | None:
    """Why no such package can exist, or None. A version that is newer than this collection is accepted."""
    if not regions:
        return "No region was given: set regions (or region), or AWS_REGION in the environment."
    if not VERSION.fullmatch(version):
        return f"The version '{version}' is not valid. Set it to a version such as {NEWEST}, or to {LATEST}."
    if version in DISTRIBUTOR_ONLY:
        return f"{version} is a version of the Distributor package only; it contains the agent {DISTRIBUTOR_ONLY[version]}."
    if version not in KNOWN and numbers(version) < numbers(NEWEST):
        close = difflib.get_close_matches(version, KNOWN, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        return f"AWS lists no agent {version} among the versions up to {NEWEST}.{hint}"
    return None


def packages(
    regions: Iterable[str], architectures: Iterable[str], formats: Iterable[str], version: str
) -> tuple[list[dict[str, Any]], list[Problem]]:
    """A row for each package, and a problem for each region or format without packages."""
    machines = list(dict.fromkeys(ALIASES.get(name, name) for name in architectures))
    kinds = list(dict.fromkeys(formats))
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for region in dict.fromkeys(regions):
        unserved = _unserved(region, version)
        if unserved is not None:
            problems.append(unserved)
            continue
        for kind in kinds:
            if kind == "deb" and region in RPM_ONLY:
                message = f"AWS lists a bucket for RPM packages but none for DEB packages (read in {READ_ON})"
                problems.append(_problem(region, "NoDebBucket", message, "Fetch the DEB package from another region."))
                continue
            rows += [package(region, machine, kind, version) for machine in machines]
    return rows, problems


def package(region: str, machine: str, kind: str, version: str) -> dict[str, Any]:
    """The row of one package. C(machine): x86_64 or arm64. C(kind): rpm or deb."""
    directory = DIRECTORIES[kind][machine]
    stem = f"{PACKAGE}-{version}.{directory}"
    bucket = f"{BUCKET_OWNERS[region]}-{region}-guardduty-agent-{kind}-artifacts"
    # GovCloud's S3 has the same domain as the commercial regions (AWS General Reference, Amazon S3 endpoints).
    base = f"https://{bucket}.s3.{region}.amazonaws.com"
    files = {"package": f"{stem}.{kind}", "signature": f"{stem}.sig"}
    keys = {what: f"{version}/{directory}/{name}" for what, name in files.items()}
    files["public_key"], keys["public_key"] = "publickey.pem", f"{version}/publickey.pem"
    sha256 = SHA256.get((version, kind, machine))
    return {
        "region": region,
        "partition": "aws-us-gov" if _is_govcloud(region) else "aws",
        "format": kind,
        "architecture": machine,
        "package_architecture": directory,
        "version": version,
        "bucket": bucket,
        "bucket_owner_id": BUCKET_OWNERS[region],
        **{f"{what}_file": name for what, name in files.items()},
        **{f"{what}_key": key for what, key in keys.items()},
        **{f"{what}_url": f"{base}/{key}" for what, key in keys.items()},
        "sha256": sha256,
        "sha256_source": SHA256_SOURCE if sha256 else None,
    }


def release_row(version: str) -> dict[str, Any]:
    """What this collection knows about a version."""
    known = KNOWN.get(version)
    return {
        "version": version,
        "known": known is not None,
        "date": known.date if known else None,
        "notes": known.notes if known else None,
        "newest": version == NEWEST,
    }


def unknown_sentence(version: str) -> str:
    return (
        f"The agent {version} is newer than the newest version that this collection knows ({NEWEST}, read in {READ_ON}); its"
        " URLs are assumed to follow the known pattern."
    )


def _unserved(region: str, version: str) -> Problem | None:
    if region.startswith("cn-"):
        message = "Runtime Monitoring is not available in the China regions"
        return _problem(region, "NotSupported", message, "Remove the region.")
    if region not in BUCKET_OWNERS:
        close = difflib.get_close_matches(region, BUCKET_OWNERS, n=1, cutoff=0.85)
        message = f"AWS lists no bucket with agent packages for '{region}' (read in {READ_ON})"
        advice = "Check the spelling, or fetch the package from another region; its signature verifies it."
        return _problem(region, "NoBucket", message, f"Did you mean {close[0]}? {advice}" if close else advice)
    if _is_govcloud(region) and numbers(version) < numbers(FIRST_IN_GOVCLOUD):
        message = f"GovCloud regions offer the agent from version {FIRST_IN_GOVCLOUD} on, not {version}"
        return _problem(region, "NotInGovCloud", message, f"Use {NEWEST}.")
    return None


def _is_govcloud(region: str) -> bool:
    return region.startswith("us-gov-")


def _problem(region: str, code: str, message: str, advice: str) -> Problem:
    return Problem("", region, "the lookup of agent packages", code, message, "", advice)


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
