# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2 instances: light ones from a fleet file beside moto's own, listed fast and in AWS's pages."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.block_device import BlockDeviceMapping
from moto.ec2.models.instances import Instance, InstancePlacement, InstanceState, MetadataOptions, StateReason
from moto.ec2.models.subnets import Subnet

from . import ec2_state
from .ec2_base import Answer, Ec2Operations, check_ids, not_found
from .ec2_filters import Getter, select
from .ec2_xml import part_renderer
from .specs import InstanceSpec
from .wire import AwsError
from .world import WORLD

STATE_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
# Whoever is named here manages the instances; the file may also name a principal itself.
PRINCIPALS = {"ecs-managed-instances": "ecs.amazonaws.com", "eks-auto-mode": "eks.amazonaws.com"}
_LAUNCHED = datetime.datetime(2026, 11, 2, 8, 30, tzinfo=datetime.UTC)


class FleetInstance(Instance):
    """An instance of a fleet file. moto's constructor costs 5 ms; 10,000 instances must load in seconds."""

    def __init__(
        self,
        state: EC2Backend,
        spec: InstanceSpec,
        instance_id: str,
        vpc_id: str,
        subnet: Subnet,
        private_ip: str,
        security_groups: list[Any],
    ) -> None:
        self.ec2_backend = state
        self.id = instance_id
        self.owner_id = state.account_id
        self.region_name = state.region_name
        self.spec = spec
        self.image_id = ec2_state.fixed_id("ami", spec.platform, spec.architecture, *spec.os)
        self.instance_type = spec.type
        self.architecture = f"{spec.architecture}_mac" if spec.platform == "macos" else spec.architecture
        self.platform = "windows" if spec.platform == "windows" else None
        self.metadata_options = MetadataOptions(
            {
                "HttpTokens": "required",
                "HttpPutResponseHopLimit": 2,
                "HttpEndpoint": "enabled" if spec.imds else "disabled",
                "InstanceMetadataTags": "enabled" if spec.metadata_tags else "disabled",
            }
        )
        self._vpc_id = vpc_id
        self._subnet_id = subnet.id
        self._private_ip = private_ip
        self._placement = InstancePlacement(subnet.availability_zone)
        self._state = InstanceState(spec.state, STATE_CODES[spec.state])
        self._reason = "" if spec.state in ("pending", "running") else "User initiated (2026-11-20 10:15:00 GMT)"
        self.state_reason = StateReason()
        self.security_groups = security_groups
        self.launch_time = _LAUNCHED
        self.nics: dict[int, Any] = {}
        self.block_device_mapping = BlockDeviceMapping()
        self._set_the_rest()

    def _set_the_rest(self) -> None:
        """Attributes that moto's own operations read, all at AWS's defaults."""
        self.client_token = None
        self.lifecycle = None
        self.hypervisor = "xen"
        self.virtualization_type = "hvm"
        self.kernel = self.ramdisk = self.kernel_id = self.key_name = self.user_data = None
        self.product_codes: list[str] = []
        self.ebs_optimized = False
        self.monitoring_state = "disabled"
        self.source_dest_check = True
        self.ami_launch_index = 0
        self.disable_api_termination = self.disable_api_stop = False
        self.instance_initiated_shutdown_behavior = "stop"
        self.hibernation_options = None
        self.sriov_net_support = "simple"
        self._spot_fleet_id = self._fleet_id = self.iam_instance_profile = None
        self.associate_public_ip = False
        self.root_device_name = "/dev/xvda"
        self.root_device_type = "ebs"
        self._private_ips: set[str] = set()

    @property
    def gone(self) -> bool:
        """A terminated instance has left its network: EC2 still shows it, without VPC, subnet and addresses."""
        return self._state.name == "terminated"

    @property
    def vpc_id(self) -> str | None:
        return None if self.gone else self._vpc_id

    @property
    def subnet_id(self) -> str | None:
        return None if self.gone else self._subnet_id

    @property
    def private_ip(self) -> str | None:
        return None if self.gone else self._private_ip

    private_ip_address = private_ip

    @property
    def private_dns_name(self) -> str:
        return "" if self.gone else super().private_dns_name

    @property
    def public_ip(self) -> None:
        return None

    public_ip_address = public_ip


def operator_of(instance: Instance) -> str | None:
    named = instance.spec.operator if isinstance(instance, FleetInstance) else None
    return PRINCIPALS.get(named, named) if named else None


def platform_of(instance: Instance) -> str:
    if isinstance(instance, FleetInstance):
        return instance.spec.platform
    return "windows" if instance.platform == "windows" else "linux"


def platform_details(instance: Instance) -> str:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/billing-info-fields.html; macOS has no value of its own."""
    if platform_of(instance) == "windows":
        return "Windows"
    system = instance.spec.os[0] if isinstance(instance, FleetInstance) else ""
    if system.startswith("Red Hat"):
        return "Red Hat Enterprise Linux"
    return "SUSE Linux" if system.startswith("SUSE") else "Linux/UNIX"


GETTERS: Mapping[str, Getter] = {
    "instance-id": lambda i: i.id,
    "instance-state-name": lambda i: i._state.name,
    "instance-state-code": lambda i: str(i._state.code),
    "vpc-id": lambda i: i.vpc_id,
    "subnet-id": lambda i: i.subnet_id,
    "availability-zone": lambda i: i._placement.zone,
    "architecture": lambda i: i.architecture,
    "image-id": lambda i: i.image_id,
    "instance-type": lambda i: i.instance_type,
    "owner-id": lambda i: i.owner_id,
    "platform": lambda i: "windows" if i.platform == "windows" else None,
    "platform-details": platform_details,
    "private-ip-address": lambda i: i.private_ip,
    "private-dns-name": lambda i: i.private_dns_name,
    "key-name": lambda i: i.key_name,
    "instance.group-id": lambda i: [g.id for g in i.security_groups],
    "instance.group-name": lambda i: [g.name for g in i.security_groups],
    "network-interface.vpc-id": lambda i: i.vpc_id,
    "network-interface.subnet-id": lambda i: i.subnet_id,
    "metadata-options.http-endpoint": lambda i: i.metadata_options.http_endpoint,
    "metadata-options.http-tokens": lambda i: i.metadata_options.http_tokens,
    "metadata-options.instance-metadata-tags": lambda i: i.metadata_options.instance_metadata_tags,
    "operator.managed": lambda i: "true" if operator_of(i) else "false",
    "operator.principal": operator_of,
    "root-device-type": lambda i: i.root_device_type,
    "hypervisor": lambda i: i.hypervisor,
    "virtualization-type": lambda i: i.virtualization_type,
    "tenancy": lambda i: "default",
}


def metadata_options(instance: Instance) -> dict[str, Any]:
    options = instance.metadata_options
    return {
        "State": options.state,
        "HttpTokens": options.http_tokens,
        "HttpPutResponseHopLimit": options.http_put_response_hop_limit,
        "HttpEndpoint": options.http_endpoint,
        "HttpProtocolIpv6": options.http_protocol_ipv6,
        "InstanceMetadataTags": options.instance_metadata_tags,
    }


def describe(instance: Instance, tags: Mapping[str, str]) -> dict[str, Any]:
    """One Instance as ec2:DescribeInstances returns it."""
    principal = operator_of(instance)
    groups = (
        [] if instance.vpc_id is None else [{"GroupName": g.name, "GroupId": g.id} for g in instance.security_groups]
    )
    private_dns = instance.private_dns_name if instance.private_ip else ""
    described = {
        "Architecture": instance.architecture,
        "BlockDeviceMappings": [],
        "ClientToken": instance.client_token or "",
        "EbsOptimized": bool(instance.ebs_optimized),
        "EnaSupport": True,
        "Hypervisor": instance.hypervisor,
        "NetworkInterfaces": interfaces_of(instance),
        "RootDeviceName": instance.root_device_name,
        "RootDeviceType": instance.root_device_type,
        "SecurityGroups": groups,
        "SourceDestCheck": bool(instance.source_dest_check),
        "StateReason": _state_reason(instance),
        "Tags": [{"Key": k, "Value": v} for k, v in tags.items()] or None,
        "VirtualizationType": instance.virtualization_type,
        "HibernationOptions": {"Configured": False},
        "MetadataOptions": metadata_options(instance),
        "EnclaveOptions": {"Enabled": False},
        "PlatformDetails": platform_details(instance),
        "UsageOperation": "RunInstances:0002" if platform_of(instance) == "windows" else "RunInstances",
        "UsageOperationUpdateTime": instance.launch_time,
        "MaintenanceOptions": {"AutoRecovery": "default"},
        "Operator": {"Managed": True, "Principal": principal} if principal else {"Managed": False},
        "InstanceId": instance.id,
        "ImageId": instance.image_id,
        "State": {"Code": instance._state.code, "Name": instance._state.name},
        "PrivateDnsName": private_dns,
        "PublicDnsName": instance.public_dns_name or "" if instance.private_ip else "",
        "StateTransitionReason": instance._reason or "",
        "KeyName": instance.key_name,
        "AmiLaunchIndex": instance.ami_launch_index or 0,
        "ProductCodes": [],
        "InstanceType": instance.instance_type,
        "LaunchTime": instance.launch_time,
        "Placement": {"AvailabilityZone": instance._placement.zone, "GroupName": "", "Tenancy": "default"},
        "Monitoring": {"State": instance.monitoring_state},
        "SubnetId": instance.subnet_id,
        "VpcId": instance.vpc_id,
        "PrivateIpAddress": instance.private_ip,
        "PublicIpAddress": instance.public_ip if instance.private_ip else None,
    }
    if instance.platform == "windows":
        described["Platform"] = "windows"
    return described


def _state_reason(instance: Instance) -> dict[str, str] | None:
    if instance._state.name in ("pending", "running"):
        return None
    return {
        "Code": "Client.UserInitiatedShutdown",
        "Message": "Client.UserInitiatedShutdown: User initiated shutdown",
    }


def interfaces_of(instance: Instance) -> list[dict[str, Any]]:
    """The instance's one network interface, as far as DescribeInstances and DescribeNetworkInterfaces agree on it."""
    if instance.subnet_id is None:
        return []
    return [
        {
            "NetworkInterfaceId": f"eni-{instance.id.rpartition('-')[2]}",
            "Status": "in-use",
            "SubnetId": instance.subnet_id,
            "VpcId": instance.vpc_id,
            "OwnerId": instance.owner_id,
            "PrivateIpAddress": instance.private_ip,
            "PrivateDnsName": instance.private_dns_name,
            "Groups": [{"GroupName": g.name, "GroupId": g.id} for g in instance.security_groups],
            "SourceDestCheck": True,
            "InterfaceType": "interface",
        }
    ]


class InstanceOperations(Ec2Operations):
    def describe_instances(self) -> Answer:
        asked = self.asked
        ids = asked.get("InstanceIds") or []
        if ids and asked.get("MaxResults") is not None:
            raise AwsError(
                "InvalidParameterCombination",
                "The parameter instancesSet cannot be used with the parameter maxResults",
            )
        rows, token = self.page(asked, lambda: self._selected(ids, asked.get("Filters")))
        render_instance = part_renderer("DescribeInstances", "Reservations", "Instances")
        tags = self.ec2_backend.tags
        body = "".join(
            f"<item><reservationId>{reservation}</reservationId><ownerId>{instance.owner_id}</ownerId><groupSet/>"
            f"<instancesSet><item>{render_instance(describe(instance, tags.get(instance.id) or {}))}</item>"
            "</instancesSet></item>"
            for reservation, instance in rows
        )
        following = f"<nextToken>{token}</nextToken>" if token else ""
        return self.answer(f"<reservationSet>{body}</reservationSet>{following}")

    def _selected(self, ids: list[str], filters: list[dict[str, Any]] | None) -> list[tuple[str, Instance]]:
        found = self.instances_named(ids) if ids else None
        state = self.ec2_backend
        candidates = [
            (reservation.id, instance)
            for reservation in state.reservations.values()
            for instance in reservation.instances
            if found is None or instance.id in found
        ]
        getters = {name: _on_instance(getter) for name, getter in GETTERS.items()}
        getters["reservation-id"] = lambda pair: pair[0]
        return select(candidates, filters, getters, lambda pair: state.tags.get(pair[1].id) or {})

    def instances_named(self, ids: list[str]) -> dict[str, Instance]:
        """The instances of these ids; all must exist."""
        check_ids("i", "InvalidInstanceID.Malformed", ids)
        index = ec2_state.instances_by_id(self.current_account, self.region)
        missing = [each for each in ids if each not in index]
        if missing:
            raise not_found("instance", "InvalidInstanceID.NotFound", missing)
        return {each: index[each] for each in ids}

    def start_instances(self) -> Any:
        """A stopped instance that starts is launched again, and its SSM Agent takes its time."""
        stopped = [
            one for one in self.instances_named(self.asked["InstanceIds"]).values() if one._state.name == "stopped"
        ]
        answer = super().start_instances()
        nodes = WORLD.nodes_in(self.current_account, self.region)
        for instance in stopped:
            instance.launch_time = datetime.datetime.now(datetime.UTC)
            if instance.id in nodes:
                nodes[instance.id].registers = WORLD.now() + WORLD.pace.registration
        return answer

    def modify_instance_metadata_options(self) -> Answer:
        """Only what the call names changes; moto sets the rest to nothing."""
        asked = self.asked
        instance = self.instances_named([asked["InstanceId"]])[asked["InstanceId"]]
        if instance._state.name in ("terminated", "shutting-down"):
            raise AwsError(
                "IncorrectInstanceState",
                f"The instance '{instance.id}' is not in a state from which its metadata options can be modified.",
            )
        if asked.get("InstanceMetadataTags") == "enabled":
            refuse_unreadable_keys(self.tags_of(instance.id))
        options = instance.metadata_options
        for parameter, attribute in _METADATA_PARAMETERS.items():
            if asked.get(parameter) is not None:
                setattr(options, attribute, asked[parameter])
        return self.answer(
            {"InstanceId": instance.id, "InstanceMetadataOptions": {**metadata_options(instance), "State": "pending"}}
        )


_METADATA_PARAMETERS = {
    "HttpTokens": "http_tokens",
    "HttpPutResponseHopLimit": "http_put_response_hop_limit",
    "HttpEndpoint": "http_endpoint",
    "HttpProtocolIpv6": "http_protocol_ipv6",
    "InstanceMetadataTags": "instance_metadata_tags",
}


def _on_instance(getter: Getter) -> Getter:
    return lambda pair: getter(pair[1])


def refuse_unreadable_keys(keys: Any) -> None:
    """Tag keys that cannot be a path of the metadata service.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html: letters, digits and + - = . , _ : @
    only, and not ".", ".." or "_index".
    """
    for key in keys:
        bare = "".join(c for c in key if c not in "+-=.,_:@")
        if (bare and not bare.isalnum()) or key in (".", "..", "_index"):
            raise AwsError(
                "InvalidParameterValue",
                f"'{key}' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\\\-_+=,.@:]{{1,255}}), "
                "and must not be a reserved name ('.', '..', '_index')",
            )
