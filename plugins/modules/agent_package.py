# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches the agent's packages and keeps those that a pinned key signed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_package
version_added: 0.1.0
short_description: Fetch and verify the GuardDuty agent's packages, once for a fleet
description:
  - Fetches each package with its detached signature and the public key, verifies them, and keeps the package in a directory
    of verified packages. It runs on the controller, on a bastion or on each host, depending on the task's delegation.
  - A package is accepted if all its signatures are good and made by a key whose B(primary) fingerprint is in O(fingerprints) and
    that is neither expired nor revoked. A signature that C(gpg) calls good is not enough, because whoever can replace a package
    can also replace its signature and the key.
  - The package's metadata must match the expected version and architecture. An old package that is offered under a new name is
    rejected, even if its signature is good. The module reads the metadata from the file, without C(rpm) or C(dpkg).
  - A bad package does not fail the task. Its row contains the error, the other packages can be used, and
    M(fleetsec.guardduty.agent_apply) fails the hosts that need it before it changes them. The task fails if nothing can be
    verified at all, for example without C(gpg).
  - Nothing unverified stays in O(cache_dir). A cached package is verified again each time, and fetched again if it is bad.
    Concurrent runs fetch a package only once.
options:
  packages:
    description: The packages, as M(fleetsec.guardduty.agent_plan) returns them in its plan. Duplicates are fetched once.
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
          - The location of the package, as a URL (C(https), C(http) or C(s3)) or as an absolute path on the machine that fetches.
          - If a path does not exist and ends as in AWS's buckets (C(VERSION/ARCHITECTURE/FILE)), the module also looks for the
            file in the directory that would contain C(VERSION).
        type: str
        required: true
      signature:
        description:
          - The location of the detached signature. In a directory, the module also looks for the package's file name followed by
            C(.sig), because AWS gives the signatures of both C(arm64) packages the same name.
        type: str
        required: true
      public_key:
        description: The location of the public key.
        type: str
        required: true
      optional:
        description: Whether the package may not be needed, such as the previous version for a rollback.
        type: bool
        default: false
  fingerprints:
    description: The full fingerprints of the accepted primary keys. The default is AWS's key.
    type: list
    elements: str
    default: [747891EF537813344456760306C906A7093FF49D]
  public_key:
    description:
      - The public keys, as armoured text or as a path on the machine that fetches. The default is the source's key.
      - Only O(fingerprints) decides whether a key is trusted.
    type: str
  sha256:
    description: If not empty, a package must also have one of these SHA-256 hashes.
    type: list
    elements: str
    default: []
  cache_dir:
    description:
      - The directory for verified packages, created if missing. It must belong to the user that runs the task or to root, and
        must not be writable by others.
    type: path
    default: ~/.cache/fleetsec-guardduty
  timeout:
    description: The timeout of each attempt to fetch a file, in seconds. It also limits the wait for another run.
    type: int
    default: 300
  retries:
    description: How often to retry a file after a server error, a broken connection or a timeout.
    type: int
    default: 3
  s3:
    description:
      - More options for M(amazon.aws.s3_object), which fetches from C(s3://), such as C(profile) or C(endpoint_url). Credentials
        come from the environment of the machine that fetches; do not set them here.
    type: dict
    default: {}
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.attributes.hosts
  - fleetsec.guardduty.attributes.writes
attributes:
  check_mode:
    details: Fetches and verifies packages, so that it predicts rejections, but keeps nothing.
  diff_mode:
    details: Lists the fetched packages with their SHA-256.
requirements:
  - gpg, on the machine that fetches
  - boto3, on the machine that fetches, for C(s3://)
notes:
  - Proxies are taken from C(https_proxy) and C(no_proxy) in the environment of the task.
  - Revocations are known only from the given public key; no key server is queried.
seealso:
  - module: fleetsec.guardduty.agent_package_info
  - module: fleetsec.guardduty.agent_apply
  - name: Installing the security agent manually
    description: The GuardDuty user guide page that publishes the fingerprint.
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
      description: The package's path on the machine that fetched it, or null if it failed. In check mode, the path it would have.
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
    downloaded: {description: Whether it was downloaded by this run., type: bool, returned: always, sample: true}
    optional: {description: As given., type: bool, returned: always, sample: false}
    failed: {description: Whether fetching or verifying failed., type: bool, returned: always, sample: false}
    msg: {description: What failed and what to do; empty if nothing failed., type: str, returned: always, sample: ""}
"""

from functools import partial

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.cache import Cache, Unusable
from ..module_utils.host.options import FETCH
from ..module_utils.host.supply import Supplier

NO_GPG = "Verifying packages requires gpg, which is not installed here. Install gnupg2 (Debian, Ubuntu: gpg), or fetch elsewhere."


def main() -> None:
    module = AnsibleModule(FETCH, supports_check_mode=True)
    options = module.params
    program = module.get_bin_path("gpg") or module.get_bin_path("gpg2")
    if program is None:
        module.fail_json(msg=NO_GPG)
    if not options["fingerprints"]:
        module.fail_json(msg="fingerprints is empty, so that no key is trusted. Set at least one fingerprint.")
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
