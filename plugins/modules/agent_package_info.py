# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists where AWS publishes the agent's packages, their signatures and the signing key."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_package_info
version_added: 0.1.0
short_description: List the locations of the GuardDuty agent's packages and signatures
description:
  - Returns the URLs of the agent's RPM and DEB packages, of their detached signatures and of the public key, and the
    fingerprint of the signing key, for any number of regions, architectures and formats.
  - The data comes from AWS's documentation. The module makes no calls and needs neither credentials nor a network.
  - To verify a package, check its signature and compare the fingerprint of the key; AWS publishes no hashes.
options:
  version:
    description:
      - The version of the agent, such as V(1.17.1). V(latest) is the newest that this collection knows; it is not looked up
        online.
      - A version newer than that is accepted, with a warning.
    type: str
    default: latest
  architectures:
    description: The architectures. V(amd64) means V(x86_64), and V(aarch64) means V(arm64).
    type: list
    elements: str
    choices: [x86_64, arm64, amd64, aarch64]
    default: [x86_64, arm64]
  formats:
    description: The package formats.
    type: list
    elements: str
    choices: [rpm, deb]
    default: [rpm, deb]
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.targets
  - fleetsec.guardduty.attributes
  - fleetsec.guardduty.attributes.reads
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - The options for accounts and credentials are accepted so that C(module_defaults) of the action group can be used. They have
    no effect.
seealso:
  - name: Installing the security agent manually
    description: The GuardDuty user guide page that lists the URLs and the fingerprint.
    link: https://docs.aws.amazon.com/guardduty/latest/ug/installing-gdu-security-agent-ec2-manually.html
  - name: GuardDuty security agent versions for Amazon EC2 instances
    description: The GuardDuty user guide page that lists the releases.
    link: https://docs.aws.amazon.com/guardduty/latest/ug/runtime-monitoring-agent-release-history.html
"""

EXAMPLES = r"""
- name: List all packages of the newest agent in two regions
  fleetsec.guardduty.agent_package_info:
    regions: [eu-west-1, us-east-1]
  register: agent

- name: Show the URL of one package
  ansible.builtin.debug:
    msg: "{{ agent.packages | selectattr('format', 'eq', 'deb') | map(attribute='package_url') | first }}"

- name: Find the package for a host
  fleetsec.guardduty.agent_package_info:
    regions: [us-gov-west-1]
    architectures: [aarch64]
    formats: [rpm]
    version: 1.16.0
"""

RETURN = r"""
packages:
  description: One row for each region, format and architecture.
  returned: always
  type: list
  elements: dict
  contains:
    region: {description: The region., type: str, returned: always, sample: eu-west-1}
    partition: {description: The partition of the region., type: str, returned: always, sample: aws}
    format: {description: V(rpm) or V(deb)., type: str, returned: always, sample: deb}
    architecture: {description: V(x86_64) or V(arm64)., type: str, returned: always, sample: x86_64}
    package_architecture: {description: The architecture in the file name., type: str, returned: always, sample: amd64}
    version: {description: The version., type: str, returned: always, sample: 1.17.1}
    bucket:
      description: The S3 bucket.
      type: str
      returned: always
      sample: 694911143906-eu-west-1-guardduty-agent-deb-artifacts
    bucket_owner_id:
      description: The account that owns the bucket, for S3's C(ExpectedBucketOwner).
      type: str
      returned: always
      sample: "694911143906"
    package_file:
      description: The name of the package.
      type: str
      returned: always
      sample: amazon-guardduty-agent-1.17.1.amd64.deb
    signature_file:
      description: The name of its detached signature.
      type: str
      returned: always
      sample: amazon-guardduty-agent-1.17.1.amd64.sig
    public_key_file: {description: The name of the public key., type: str, returned: always, sample: publickey.pem}
    package_key:
      description: The package's key in the bucket.
      type: str
      returned: always
      sample: 1.17.1/amd64/amazon-guardduty-agent-1.17.1.amd64.deb
    signature_key:
      description: The signature's key.
      type: str
      returned: always
      sample: 1.17.1/amd64/amazon-guardduty-agent-1.17.1.amd64.sig
    public_key_key: {description: The public key's key., type: str, returned: always, sample: 1.17.1/publickey.pem}
    package_url:
      description: The package's URL.
      type: str
      returned: always
      sample: "https://694911143906-eu-west-1-guardduty-agent-deb-artifacts.s3.eu-west-1.amazonaws.com/\
        1.17.1/amd64/amazon-guardduty-agent-1.17.1.amd64.deb"
    signature_url: {description: The signature's URL., type: str, returned: always}
    public_key_url: {description: The public key's URL., type: str, returned: always}
    sha256:
      description: The SHA-256 of the package if a third party observed it, or null. AWS does not publish it.
      type: str
      returned: always
      sample: ab5fc415dce090e50889893009b1d6ef39dd4b95448a0fd302f1b97c3362cf8a
    sha256_source:
      description: Where the hash comes from, or null.
      type: str
      returned: always
      sample: observed by a third party (github.com/ubicloud/ubicloud), not published by AWS
release:
  description: The version, whether this collection knows it, its date, what is new in it, and whether it is the newest known.
  returned: always
  type: dict
  sample:
    version: 1.17.1
    known: true
    date: "2026-09-09"
    notes: Kernel 7.2; checks for the link-local address at startup.
    newest: true
signing_key:
  description: The key with which AWS signs all packages. Compare the fingerprint; a good signature alone proves nothing.
  returned: always
  type: dict
  sample:
    owner: AwsGuardDuty
    type: RSA
    key_id: 093FF49D
    fingerprint: 747891EF537813344456760306C906A7093FF49D
source:
  description: The source pages, when they were read, and which data AWS does not publish.
  returned: always
  type: dict
  sample: {read: October 2026}
problems:
  description: The regions and formats for which AWS publishes no package.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.common.warnings import warn

from ..module_utils.aws import aws_module, conclude_reading, regions_of
from ..module_utils.decide.agent import packages as published


def main() -> None:
    module = aws_module(
        {
            "version": {"type": "str", "default": published.LATEST},
            "architectures": {
                "type": "list",
                "elements": "str",
                "choices": list(published.ARCHITECTURES),
                "default": ["x86_64", "arm64"],
            },
            "formats": {
                "type": "list",
                "elements": "str",
                "choices": list(published.FORMATS),
                "default": list(published.FORMATS),
            },
        }
    )
    params, regions = module.params, regions_of(module)
    version = published.resolve(params["version"])
    if refusal := published.refused(version, regions):
        module.fail_json(msg=refusal)
    rows, problems = published.packages(regions, params["architectures"], params["formats"], version)
    if problems and not rows:
        module.fail_json(msg=str(problems[0]), problems=[str(problem) for problem in problems])
    if version not in published.KNOWN:
        warn(published.unknown_sentence(version))
    release, source = published.release_row(version), published.SOURCE
    conclude_reading(module, problems, packages=rows, release=release, signing_key=published.SIGNING_KEY, source=source)


if __name__ == "__main__":
    main()
