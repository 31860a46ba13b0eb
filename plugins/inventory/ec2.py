# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory of EC2 instances, each with its GuardDuty Runtime Monitoring verdict."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ec2
version_added: 0.1.0
short_description: EC2 instances, each with its GuardDuty Runtime Monitoring verdict
description:
  - Reads EC2 instances from many accounts and regions in parallel, and joins tags, Systems Manager, VPC endpoints and
    GuardDuty's coverage into a verdict for each - whether it should run the agent, who installs it, why, and what blocks it.
  - The verdicts' groups (such as C(gd_wanted), C(gd_route_package), C(gd_unhealthy)) always exist, even if they are empty.
  - The configuration file's name ends with C(guardduty.yml) or C(guardduty.yaml).
  - An account or region that cannot be read causes a warning; the others are read.
options:
  plugin:
    description: The name of this plugin, C(fleetsec.guardduty.ec2).
    type: str
    required: true
    choices: [fleetsec.guardduty.ec2]
  filters:
    description:
      - Filters of C(DescribeInstances), name to value or list of values.
      - See U(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html).
    type: dict
    default: {}
  include_filters:
    description: More sets of filters. An instance is included if it matches O(filters) or any of these. Each requires a query.
    type: list
    elements: dict
    default: []
  exclude_filters:
    description: Sets of filters. An instance that matches any of them is excluded. Each requires a query.
    type: list
    elements: dict
    default: []
  hostnames:
    description:
      - The sources of host names, in order of preference. The instance ID is the last resort.
      - C(instance-id), C(private-ip-address), C(private-dns-name), C(ip-address), C(dns-name), C(tag:NAME), C(tag:NAME=VALUE),
        or a dict of O(hostnames[].name), O(hostnames[].prefix) and O(hostnames[].separator).
      - Two instances with the same name cause a warning, and the second is named by its instance ID.
    type: list
    elements: raw
    default: []
    suboptions:
      name:
        description: One of the sources above.
        type: str
        required: true
      prefix:
        description: One of the sources above, to put before the name.
        type: str
        default: ''
      separator:
        description: The text between prefix and name.
        type: str
        default: '_'
  strict_permissions:
    description:
      - If V(true), a denied call causes a warning, and the inventory fails if nothing could be read.
      - If V(false), denied calls are ignored silently. The data that they would return is C(unknown) in the host variables.
    type: bool
    default: true
  coverage:
    description: Whether to read GuardDuty's coverage, which requires a call per 50 instances.
    type: bool
    default: true
  routes:
    description:
      - Keep only the instances of these routes, such as V(package) for an inventory of the hosts that a job installs on.
      - All instances are read anyway. Empty keeps every instance.
    type: list
    elements: str
    choices: [guardduty, ssm, package, none]
    default: []
  group_prefix:
    description: The prefix of the names of the verdicts' groups.
    type: str
    default: gd_
author:
  - The fleetsec.guardduty authors (@fleetsec)
extends_documentation_fragment:
  - inventory_cache
  - constructed
  - fleetsec.guardduty.scope
  - fleetsec.guardduty.targets.plugins
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
  - amazon.aws.assume_role.plugins
seealso:
  - module: fleetsec.guardduty.eligibility_info
"""

EXAMPLES = r"""
# fleet.guardduty.yml: the fleet of two accounts in two regions
plugin: fleetsec.guardduty.ec2
regions:
  - eu-west-1
  - us-east-1
assume_role_arns:
  - arn:aws:iam::111111111111:role/FleetSec
  - arn:aws:iam::222222222222:role/FleetSec
compose:
  ansible_host: gd_private_ip
keyed_groups:
  - key: gd_region
    prefix: region

---

# selected.guardduty.yml: only instances that are tagged GuardDutyManaged=true are wanted; names from tags; cached
plugin: fleetsec.guardduty.ec2
regions: [eu-west-1]
scope: selected
filters:
  tag:env: [prod, staging]
exclude_filters:
  - tag:aws:autoscaling:groupName: build-agents
hostnames:
  - tag:Name
  - instance-id
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: .cache/inventory
cache_timeout: 600
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleParserError

from ansible_collections.amazon.aws.plugins.plugin_utils.botocore import get_aws_connection_info
from ansible_collections.amazon.aws.plugins.plugin_utils.inventory import AWSInventoryBase

from ..module_utils.aws import connection_from, nothing_read, selection_of
from ..module_utils.decide.verdict.catalogue import SCOPES
from ..module_utils.decide.verdict.eligibility import Choices, Verdict, judge_fleet
from ..module_utils.decide.verdict.hostnames import RESERVED, host_names, hostnames_error
from ..module_utils.decide.verdict.rows import GROUPS, groups_of, row
from ..module_utils.decide.wording import some
from ..module_utils.model import codec
from ..module_utils.model.fleet import Snapshot
from ..module_utils.observe.client.access import Access, Connection
from ..module_utils.observe.client.accounts import Selection, resolve
from ..module_utils.observe.client.problems import AWS_ERRORS, AwsProblem, problem_from
from ..module_utils.observe.fleet.snapshot import ReadScope, observe
from ..plugin_utils.inventory import HostWriter, QuickConstructed, no_collections


class InventoryModule(QuickConstructed, AWSInventoryBase):
    NAME = "fleetsec.guardduty.ec2"
    INVENTORY_FILE_SUFFIXES = ("guardduty.yml", "guardduty.yaml")

    class TemplatedOptions(AWSInventoryBase.TemplatedOptions):
        TEMPLATABLE_OPTIONS = (
            *AWSInventoryBase.TemplatedOptions.TEMPLATABLE_OPTIONS,
            "assume_role_arns",
            "organization_role_name",
            "scope",
        )

        def get(self, *args: Any) -> Any:
            """Bypass the base class's check of Ansible's deprecations, which takes longer than an AWS call."""
            value = self.original_options.get(*args)
            return super().get(*args) if value and self.templar and self.templar.is_template(value) else value

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache=cache)
        wrong = hostnames_error(self.get_option("hostnames"))
        if self.get_option("scope") not in SCOPES:
            wrong = f"scope is {self.get_option('scope')!r}; it must be one of {', '.join(SCOPES)}."
        if wrong:
            raise AnsibleParserError(wrong)
        with no_collections():
            self._populate(self._snapshot(cache))

    def _snapshot(self, cache: bool) -> Snapshot:
        """The snapshot from the cache, if allowed and present, otherwise from AWS."""
        connection, region = connection_from(get_aws_connection_info(self), self._frozen_credentials)
        names = ("regions", "assume_role_arns", "organization_role_name")
        selection = selection_of({name: self.get_option(name) for name in names}, region)
        caching = self.get_option("cache")
        if not caching:
            return self._read(connection, selection)
        identity = (connection.profile, connection.credentials.access_key, self.get_option("assume_role_arn"))
        what = [
            codec.FORMAT,
            identity,
            connection.endpoint_url,
            codec.to_plain(selection),
            codec.to_plain(self._desired()),
        ]
        key = f"{self.NAME}_{hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:24]}"
        if cache and key in self._cache:
            try:
                return codec.snapshot_from_plain(self._cache[key])
            except (AttributeError, KeyError, TypeError, ValueError):
                self.warn("The inventory cache contains no valid inventory; reading AWS instead.")
        snapshot = self._read(connection, selection)
        if not snapshot.problems:  # a failure must not stay in the cache
            self._cache[key] = codec.to_plain(snapshot)
        return snapshot

    def _read(self, connection: Connection, selection: Selection) -> Snapshot:
        strict = self.get_option("strict_permissions")
        try:
            targets, problems = resolve(Access(connection), selection)
        except AwsProblem as error:
            if error.problem.denied and not strict:
                return Snapshot((), (error.problem,))
            raise AnsibleParserError(str(error.problem)) from None
        except AWS_ERRORS as error:
            raise AnsibleParserError(str(problem_from(error, "the connection to AWS"))) from None
        desired = self._desired()
        snapshot = observe(targets, desired)
        problems = (*problems, *snapshot.problems)
        loud = [problem for problem in problems if strict or not problem.denied]
        if loud and nothing_read(snapshot, desired):
            raise AnsibleParserError(str(loud[0]))
        for problem in loud:
            self.warn(str(problem))
        return Snapshot(snapshot.areas, problems)

    def _desired(self) -> ReadScope:
        filters, more = self.get_option("filters"), self.get_option("include_filters")
        return ReadScope(
            filters=(filters, *more) if filters or not more else tuple(more),
            exclude_filters=tuple(self.get_option("exclude_filters")),
            coverage=self.get_option("coverage"),
        )

    def _populate(self, snapshot: Snapshot) -> None:
        """Add the hosts, or none of them: a fleet of which a part is missing looks like the whole."""
        prefix, keyed_groups = self.get_option("group_prefix"), self.get_option("keyed_groups")
        groups = {name: self.inventory.add_group(f"{prefix}{name}") for name in GROUPS}
        choices, routes = (
            Choices(self.get_option("scope"), self.get_option("fallback_to_package")),
            self.get_option("routes"),
        )
        verdicts = [verdict for verdict in judge_fleet(snapshot, choices) if not routes or verdict.route in routes]
        names, warnings = self._names(verdicts)
        reserved = {*RESERVED, *groups.values(), *self.get_option("groups")}
        self.start_constructing(self.get_option("compose"), self.get_option("groups"), keyed_groups, reserved)
        writer, added = HostWriter(self.inventory), {}
        try:
            for verdict in verdicts:
                instance_id = verdict.instance.instance_id
                name, variables = names.get(instance_id, instance_id), row(verdict)
                writer.add(name, variables, [groups[group] for group in groups_of(verdict)])
                added[name] = verdict
                self.construct(name, variables)
            self._rename_hosts_named_like_groups(writer, added, groups)
        except Exception:
            for name in added:
                self.inventory.remove_host(self.inventory.hosts[name])
            raise
        for warning in (*warnings, *self.renamed_groups()):
            self.warn(warning)

    def _names(self, verdicts: Sequence[Verdict]) -> tuple[dict[str, str], list[str]]:
        """A host from another inventory counts as the same one if its variables name the instance, or by instance ID."""
        preferences = self.get_option("hostnames")
        hosts = self.inventory.hosts
        names, warnings = host_names((verdict.instance for verdict in verdicts), preferences, self.inventory.groups)
        foreign = {
            key for key, name in names.items() if name in hosts and hosts[name].vars.get("gd_instance_id") != key
        }
        if foreign:
            warnings.append(
                f"The host name of {some(sorted(foreign))} is that of a host from another inventory; using the instance ID"
                " instead. Set gd_instance_id there if it is the same host."
            )
        return {key: name for key, name in names.items() if key not in foreign}, warnings

    def _rename_hosts_named_like_groups(
        self, writer: HostWriter, added: Mapping[str, Verdict], groups: Mapping[str, str]
    ) -> None:
        """A group that another instance's tags created may have the name of a host: the pattern would mean both."""
        for name in [name for name in added if name in self.inventory.groups]:
            verdict = added[name]
            self.inventory.remove_host(self.inventory.hosts[name])
            instance_id, variables = verdict.instance.instance_id, row(verdict)
            writer.add(instance_id, variables, [groups[group] for group in groups_of(verdict)])
            self.construct(instance_id, variables)
            self.warn(f"The host name of {instance_id} is also the name of a group; using the instance ID instead.")
