# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a host, and plans what is to be done about its agent. The action plugin of the same name judges and plans."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_plan
version_added: 0.1.0
short_description: Look at a host, and plan what is to be done about its GuardDuty agent
description:
  - Reads on the host which agent is installed and how it runs, and whether the host meets what AWS asks for (architecture,
    system, kernel, metadata service, name resolution, port 443, disk, memory).
  - Returns a finding for each, with a remedy, and the plan that M(fleetsec.guardduty.agent_apply) carries out. Changes nothing
    itself, and makes no AWS call.
  - Most findings are warnings, since AWS calls its tables verified and not exclusive. A host for which there is no package
    fails, and with O(strict) each that has a warning.
options:
  state:
    description:
      - V(present) means installed and running, V(image) installed and stopped without logs or run files, V(absent) removed.
    type: str
    choices: [present, image, absent]
    default: present
  version:
    description: The version of the agent. V(latest) is the newest that this collection knows; nothing is looked up.
    type: str
    default: latest
  version_policy:
    description:
      - An older version is always upgraded. V(pinned) leaves a newer one, with a warning; V(at_least) leaves it; V(exact) fails.
      - An installation that was cut off is repaired, with the version that the same rule gives.
    type: str
    choices: [pinned, at_least, exact]
    default: pinned
  allow_downgrade:
    description: Whether a newer version is replaced. It has no effect with O(version_policy=at_least).
    type: bool
    default: false
  force:
    description: Whether to plan for a host although O(wanted) is false.
    type: bool
    default: false
  strict:
    description: Whether warnings fail the task.
    type: bool
    default: false
  region:
    description: The host's region. Left out or empty, what its metadata service says.
    type: str
    default: ""
  source:
    description:
      - Where packages come from. V(bucket) is AWS's bucket in the region over HTTPS, V(s3) the same by the S3 API. Else a URL or
        an absolute directory with the same layout.
    type: str
    default: bucket
  limits:
    description: Directives of the agent's systemd drop-in, such as C(MemoryMax). Left out, it stays as it is; V({}) removes it.
    type: dict
  wanted:
    description: The host's C(gd_wanted). If it is false nothing is planned, unless O(force) or O(state=absent).
    type: bool
  reason:
    description: The host's C(gd_reason), for the message.
    type: str
  route:
    description: The host's C(gd_route). A host that somebody else brings the agent to gets a warning.
    type: str
  architecture:
    description: The fact of this name. Left out, the host is asked.
    type: str
  distribution:
    description: The fact of this name. Left out, the host is asked.
    type: str
  distribution_version:
    description: The fact of this name. Left out, the host is asked.
    type: str
  kernel:
    description: The fact of this name. Left out, the host is asked.
    type: str
  memtotal_mb:
    description: The fact of this name, in MB. Left out, the host is asked.
    type: int
  probe:
    description: Whether the host tries its metadata service and GuardDuty's endpoint.
    type: bool
    default: true
  probe_timeout:
    description: Seconds to wait for each.
    type: int
    default: 3
  connect_timeout:
    description:
      - Seconds for which a host that cannot be reached is tried again, such as one that has just started. It fails afterwards.
      - With V(0) it is tried once, and is unreachable to Ansible then.
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
- name: What would it take to run the agent on this host
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
  description: A row for each condition, the gravest first. C(level) is C(error), C(warning), C(unknown) or C(ok).
  returned: always
  type: list
  elements: dict
  sample:
    - {check: btf, level: ok, message: The kernel carries its type information (BTF)., remedy: ""}
plan:
  description:
    - C(action) (C(none), C(install), C(upgrade), C(downgrade), C(repair), C(remove), C(skip)), the C(changes) with what is there
      before and after, and the C(package) to fetch.
  returned: always
  type: dict
  sample: {action: upgrade, installed_version: 1.16.0, version: 1.17.1}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.agent import installed, leftovers, systemd_runs, unit
from ..module_utils.host.probe import endpoint, machine, metadata
from ..module_utils.host.system import system

FACTS = ("architecture", "distribution", "distribution_version", "kernel")
ARGUMENTS = {
    "state": {"type": "str", "choices": ["present", "image", "absent"], "default": "present"},
    "version": {"type": "str", "default": "latest"},
    "version_policy": {"type": "str", "choices": ["pinned", "at_least", "exact"], "default": "pinned"},
    "allow_downgrade": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "strict": {"type": "bool", "default": False},
    "region": {"type": "str", "default": ""},
    "source": {"type": "str", "default": "bucket"},
    "limits": {"type": "dict"},
    "wanted": {"type": "bool"},
    "reason": {"type": "str"},
    "route": {"type": "str"},
    "architecture": {"type": "str"},
    "distribution": {"type": "str"},
    "distribution_version": {"type": "str"},
    "kernel": {"type": "str"},
    "memtotal_mb": {"type": "int"},
    "probe": {"type": "bool", "default": True},
    "probe_timeout": {"type": "int", "default": 3},
    "connect_timeout": {"type": "int", "default": 0},
}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    params = module.params
    # Whether a host that is to be without the agent could reach GuardDuty is no matter.
    probe = params["probe"] and params["state"] != "absent"
    imds = metadata(params["probe_timeout"]) if probe else None
    region = params["region"] or ((imds or {}).get("document") or {}).get("region")
    host = {
        "package": installed(module),
        "systemd": systemd_runs(),
        "unit": unit(module),
        "leftovers": leftovers(),
        "machine": machine(),
        "imds": imds,
        "network": endpoint(endpoint_name(region), params["probe_timeout"]) if probe and region else None,
    }
    # An own process for the facts alone would cost a host as much again as all of this.
    missing = [name for name in FACTS if not params[name]]
    found = system(module) if missing else {}
    module.exit_json(changed=False, host=host, asked={**params, **{name: found[name] for name in missing}})


def endpoint_name(region: str) -> str:
    """GuardDuty user guide, "Creating an Amazon VPC endpoint manually"; in GovCloud there is the FIPS service alone."""
    service = "guardduty-data-fips" if region.startswith("us-gov-") else "guardduty-data"
    return f"{service}.{region}.amazonaws.com"


if __name__ == "__main__":
    main()
