# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inspects a host for its agent. The action plugin of the same name evaluates the result and creates the plan."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_plan
version_added: 0.1.0
short_description: Inspect a host and plan the changes to its GuardDuty agent
description:
  - Reads on the host which agent is installed, how it runs, and whether the host meets AWS's requirements (architecture,
    operating system, kernel, metadata service, name resolution, port 443, disk, memory).
  - Returns a finding with a remedy for each requirement, and the plan that M(fleetsec.guardduty.agent_apply) applies. Changes
    nothing itself, and makes no AWS calls.
  - Most findings are warnings, because AWS calls its tables verified, not exclusive. A host without a matching package fails;
    with O(strict), so does a host with warnings.
options:
  state:
    description:
      - V(present) means installed and running. V(image) means installed, stopped, and without logs or run files. V(absent) means
        removed.
    type: str
    choices: [present, image, absent]
    default: present
  version:
    description: The version of the agent. V(latest) is the newest that this collection knows; it is not looked up online.
    type: str
    default: latest
  version_policy:
    description:
      - An older version is always upgraded. V(pinned) keeps a newer version and warns; V(at_least) keeps it; V(exact) fails.
      - An interrupted installation is repaired, with the version that the same rule selects.
    type: str
    choices: [pinned, at_least, exact]
    default: pinned
  allow_downgrade:
    description: Whether to replace a newer version. It has no effect with O(version_policy=at_least).
    type: bool
    default: false
  force:
    description: Whether to plan even if O(wanted) is false.
    type: bool
    default: false
  strict:
    description: Whether warnings fail the task.
    type: bool
    default: false
  region:
    description: The host's region. If omitted or empty, the region from its metadata service.
    type: str
    default: ""
  source:
    description:
      - Where packages come from. V(bucket) is AWS's bucket in the region, over HTTPS; V(s3) is the bucket through the S3 API.
        Otherwise a URL, or the absolute path of a directory, with the same layout.
    type: str
    default: bucket
  limits:
    description: Directives of the agent's systemd drop-in, such as C(MemoryMax). If omitted, it is kept; V({}) removes it.
    type: dict
  wanted:
    description: The host's C(gd_wanted). If false, nothing is planned unless O(force=true) or O(state=absent).
    type: bool
  reason:
    description: The host's C(gd_reason), for the message.
    type: str
  route:
    description: The host's C(gd_route). A warning says if GuardDuty or Systems Manager installs the agent on the host too.
    type: str
  architecture:
    description: The fact of this name. If omitted, it is read on the host.
    type: str
  distribution:
    description: The fact of this name. If omitted, it is read on the host.
    type: str
  distribution_version:
    description: The fact of this name. If omitted, it is read on the host.
    type: str
  kernel:
    description: The fact of this name. If omitted, it is read on the host.
    type: str
  memtotal_mb:
    description: The fact of this name, in MB. If omitted, it is read on the host.
    type: int
  probe:
    description: Whether the host tests its connections to the metadata service and to GuardDuty's endpoint.
    type: bool
    default: true
  probe_timeout:
    description: The timeout of each test in seconds.
    type: int
    default: 3
  connect_timeout:
    description:
      - How long to retry a host that cannot be reached, such as one that has just started, in seconds. Then the host fails.
      - With V(0) there is one attempt, after which Ansible treats the host as unreachable.
    type: int
    default: 0
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - fleetsec.guardduty.attributes.hosts
  - fleetsec.guardduty.attributes.reads
seealso:
  - module: fleetsec.guardduty.agent_package
  - module: fleetsec.guardduty.agent_apply
"""

EXAMPLES = r"""
- name: Plan the installation of the agent on this host
  fleetsec.guardduty.agent_plan:
    region: eu-west-1
  register: planned
"""

RETURN = r"""
host:
  description: What was read on the host.
  returned: always
  type: dict
  sample: {package: {format: deb, version: 1.16.0, status: install ok installed}}
findings:
  description: A row for each requirement, the most severe first. C(level) is C(error), C(warning), C(unknown) or C(ok).
  returned: always
  type: list
  elements: dict
  sample:
    - {check: btf, level: ok, message: The kernel carries its type information (BTF)., remedy: ""}
plan:
  description:
    - C(action) (C(none), C(install), C(upgrade), C(downgrade), C(repair), C(remove), C(skip)), the C(changes) with the state
      before and after, and the C(package) to fetch.
  returned: always
  type: dict
  sample: {action: upgrade, installed_version: 1.16.0, version: 1.17.1}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.agent import installed, leftovers, systemd_runs, unit
from ..module_utils.host.options import FACTS, PLAN
from ..module_utils.host.probe import endpoint, machine, metadata
from ..module_utils.host.system import system


def main() -> None:
    module = AnsibleModule(PLAN, supports_check_mode=True)
    params = module.params
    # A host that should not have the agent does not need to reach GuardDuty.
    probe = params["probe"] and params["state"] != "absent"
    imds = metadata(params["probe_timeout"]) if probe else None
    region = params["region"] or ((imds or {}).get("document") or {}).get("region")
    host = {
        "package": installed(module)._asdict(),
        "systemd": systemd_runs(),
        "unit": unit(module)._asdict(),
        "leftovers": leftovers(),
        "machine": machine(),
        "imds": imds,
        "network": endpoint(endpoint_name(region), params["probe_timeout"]) if probe and region else None,
    }
    # Gathering facts in a separate process would double the cost per host.
    facts = {} if all(params[name] for name in FACTS) else system(module)
    module.exit_json(changed=False, host=host, facts=facts)


def endpoint_name(region: str) -> str:
    """GuardDuty user guide, "Creating an Amazon VPC endpoint manually"; GovCloud has only the FIPS service."""
    service = "guardduty-data-fips" if region.startswith("us-gov-") else "guardduty-data"
    return f"{service}.{region}.amazonaws.com"


if __name__ == "__main__":
    main()
