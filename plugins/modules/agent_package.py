# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches the agent's packages, and keeps those whose signature is by a pinned key."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_package
version_added: 0.1.0
short_description: Fetch and verify the GuardDuty agent's packages, once for a fleet
description:
  - Fetches each package with its detached signature and the public key, verifies them, and keeps the package in a folder of
    verified ones. It runs on the controller, on a bastion, or on each host, as the task is delegated.
  - A package is accepted where every signature of it is good, by a key whose B(primary) fingerprint is among O(fingerprints),
    neither expired nor revoked. That C(gpg) calls a signature good is not enough, since whoever can replace a package can
    replace the signature and the key too.
  - A package must say itself that it is the named version and architecture too. An old one that is offered under a new name is
    refused, however good its signature. This is read from the file, without C(rpm) or C(dpkg).
  - A bad package does not fail the task. Its row says so, the others are there to be used, and
    M(fleetsec.guardduty.agent_apply) fails the hosts that need it before it touches them. The task fails where nothing could
    be verified at all, such as without C(gpg).
  - Nothing unverified stays in O(cache_dir). A package that is there is verified again each time, and fetched anew where it is
    bad. Runs at the same time fetch one package once.
options:
  packages:
    description: The packages, as M(fleetsec.guardduty.agent_plan) returns them in its plan. Those named twice are fetched once.
    type: list
    elements: dict
    required: true
    suboptions:
      version:
        description: The version of the agent.
        type: str
        required: true
      format:
        description: The package format.
        type: str
        choices: [rpm, deb]
        required: true
      architecture:
        description: The architecture of the host.
        type: str
        choices: [x86_64, arm64]
        required: true
      name:
        description: The name of the package's file.
        type: str
        required: true
      package:
        description:
          - Where the package is, as a URL (C(https), C(http) or C(s3)) or as an absolute path of the machine that fetches.
          - Where a path is not there, and ends as in AWS's buckets (C(VERSION/ARCHITECTURE/FILE)), the file is looked for in
            the folder that would hold C(VERSION) too.
        type: str
        required: true
      signature:
        description:
          - Where the detached signature is. In a directory, the package's file name followed by C(.sig) is looked for as well,
            since AWS gives the signatures of both C(arm64) packages one name.
        type: str
        required: true
      public_key:
        description: Where the public key is.
        type: str
        required: true
      optional:
        description: Whether the package is one that is hoped not to be needed, such as the way back of an upgrade.
        type: bool
        default: false
  fingerprints:
    description: The fingerprints of the primary keys that are accepted, in full. The default is that of AWS.
    type: list
    elements: str
    default: [747891EF537813344456760306C906A7093FF49D]
  public_key:
    description:
      - The public keys, as armoured text or as a path of the machine that fetches. By default the one beside the package.
      - Only O(fingerprints) decides whether a key is trusted.
    type: str
  sha256:
    description: Where not empty, a package must have one of these SHA-256 hashes too.
    type: list
    elements: str
    default: []
  cache_dir:
    description:
      - Where verified packages are kept. It is made where it is missing. It must belong to the user that runs the task, or to
        root, and others may not write in it.
    type: path
    default: ~/.cache/fleetsec-guardduty
  timeout:
    description: How many seconds one attempt to fetch one file may take in all. It bounds the wait for another run, too.
    type: int
    default: 300
  retries:
    description: How often a file is tried again after a server's error, a broken connection or a time-out.
    type: int
    default: 3
  s3:
    description:
      - Further options of M(amazon.aws.s3_object), which fetches from C(s3://), such as C(profile) or C(endpoint_url).
        Credentials come from the environment of the machine that fetches; give none here.
    type: dict
    default: {}
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.attributes.hosts
  - fleetsec.guardduty.attributes.writes
attributes:
  check_mode:
    details: Fetches and verifies for real, so that a refusal is foretold, and keeps nothing.
  diff_mode:
    details: Names the packages that are fetched, with their SHA-256.
requirements:
  - gpg, on the machine that fetches
  - boto3, on the machine that fetches, for C(s3://)
notes:
  - Proxies are taken from C(https_proxy) and C(no_proxy) in the environment of the task.
  - Whether a key was revoked is known only from the public key that is given; no key server is asked.
seealso:
  - module: fleetsec.guardduty.agent_package_info
  - module: fleetsec.guardduty.agent_apply
  - name: Installing the security agent manually
    description: The page of the GuardDuty user guide that the fingerprint comes from.
    link: https://docs.aws.amazon.com/guardduty/latest/ug/installing-gdu-security-agent-ec2-manually.html
"""

EXAMPLES = r"""
- name: Fetch and verify one package
  fleetsec.guardduty.agent_package:
    packages:
      - version: 1.17.1
        format: deb
        architecture: x86_64
        name: amazon-guardduty-agent-1.17.1.amd64.deb
        package: "{{ mirror }}/1.17.1/amd64/amazon-guardduty-agent-1.17.1.amd64.deb"
        signature: "{{ mirror }}/1.17.1/amd64/amazon-guardduty-agent-1.17.1.amd64.sig"
        public_key: "{{ mirror }}/1.17.1/publickey.pem"
  vars:
    mirror: https://mirror.example.com/guardduty
  register: fetched

- name: Fetch the packages of all hosts of the play once, on the controller
  fleetsec.guardduty.agent_package:
    packages: "{{ ansible_play_batch | map('extract', hostvars, ['planned', 'plan', 'package']) | select }}"
  delegate_to: localhost
  run_once: true
  become: false
"""

RETURN = r"""
packages:
  description: A row for each package.
  returned: always
  type: list
  elements: dict
  contains:
    version: {description: The version., type: str, returned: always, sample: 1.17.1}
    format: {description: V(rpm) or V(deb)., type: str, returned: always, sample: deb}
    architecture: {description: V(x86_64) or V(arm64)., type: str, returned: always, sample: x86_64}
    name:
      description: The name of the file.
      type: str
      returned: always
      sample: amazon-guardduty-agent-1.17.1.amd64.deb
    path:
      description: Where it is, on the machine that fetched; null where it failed. In check mode, where it would be.
      type: str
      returned: always
      sample: /home/ops/.cache/fleetsec-guardduty/1.17.1/deb-x86_64/amazon-guardduty-agent-1.17.1.amd64.deb
    sha256:
      description: The SHA-256 of the verified package, or null.
      type: str
      returned: always
      sample: ab5fc415dce090e50889893009b1d6ef39dd4b95448a0fd302f1b97c3362cf8a
    size: {description: Its size in bytes or null., type: int, returned: always, sample: 34512086}
    fingerprint:
      description: The fingerprint of the primary key that signed it, or null.
      type: str
      returned: always
      sample: 747891EF537813344456760306C906A7093FF49D
    downloaded: {description: Whether it was not there yet., type: bool, returned: always, sample: true}
    optional: {description: As given., type: bool, returned: always, sample: false}
    failed: {description: Whether there is no verified package., type: bool, returned: always, sample: false}
    msg: {description: What failed and what to do; empty where nothing did., type: str, returned: always, sample: ""}
"""

from functools import partial

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.cache import Cache, Unusable
from ..module_utils.host.options import FETCH
from ..module_utils.host.supply import Supplier

NO_GPG = "Verifying packages needs gpg, which is not on this machine. Install gnupg2 (Debian, Ubuntu: gpg), or fetch elsewhere."


def main() -> None:
    module = AnsibleModule(FETCH, supports_check_mode=True)
    options = module.params
    program = module.get_bin_path("gpg") or module.get_bin_path("gpg2")
    if program is None:
        module.fail_json(msg=NO_GPG)
    if not options["fingerprints"]:
        module.fail_json(msg="Verifying packages needs a fingerprint in fingerprints; with none, no key is trusted.")
    if options["timeout"] < 1 or options["retries"] < 0:
        module.fail_json(msg="timeout must be at least 1 (second), and retries at least 0.")
    cache = Cache(options["cache_dir"], keep=not module.check_mode)
    try:
        supplier = Supplier(partial(module.run_command, environ_update={"LC_ALL": "C"}), program, cache, options)
        cache.prepare()
    except (Unusable, ValueError) as error:
        module.fail_json(msg=str(error))
    rows = supplier.supply(options["packages"])
    for warning in supplier.warnings:
        module.warn(warning)
    fetched = {row["name"]: row["sha256"] for row in rows if row["downloaded"]}
    module.exit_json(changed=bool(fetched), packages=rows, diff={"before": dict.fromkeys(fetched), "after": fetched})


if __name__ == "__main__":
    main()
