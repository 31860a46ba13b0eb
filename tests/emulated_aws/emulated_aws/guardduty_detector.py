# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A GuardDuty detector: its features, their defaults, and how they change."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .wire import AwsError
from .world import DetectorSettings

RUNTIME = "RUNTIME_MONITORING"
EKS_RUNTIME = "EKS_RUNTIME_MONITORING"
EC2_AGENT = "EC2_AGENT_MANAGEMENT"
EKS_ADDON = "EKS_ADDON_MANAGEMENT"
FARGATE_AGENT = "ECS_FARGATE_AGENT_MANAGEMENT"

# botocore, DetectorFeatureResult: the foundational three, which cannot be set, then DetectorFeature.
FOUNDATIONAL = ("CLOUD_TRAIL", "DNS_LOGS", "FLOW_LOGS")
FEATURES = (
    "S3_DATA_EVENTS",
    "EKS_AUDIT_LOGS",
    "EBS_MALWARE_PROTECTION",
    "RDS_LOGIN_EVENTS",
    EKS_RUNTIME,
    "LAMBDA_NETWORK_LOGS",
    RUNTIME,
    "AI_PROTECTION",
    "AI_ANALYST",
)
# CreateDetector enables every optional feature but RUNTIME_MONITORING (botocore). That EKS_RUNTIME_MONITORING and
# AI_ANALYST come up disabled too was seen in 2026 by go-to-k/cdk-real-drift (pull request 1493).
_OFF_BY_DEFAULT = frozenset({RUNTIME, EKS_RUNTIME, "AI_ANALYST"})
# GuardDuty user guide, "GuardDuty API changes in March 2023" and later ones.
EXTRAS = {RUNTIME: (EKS_ADDON, FARGATE_AGENT, EC2_AGENT), EKS_RUNTIME: (EKS_ADDON,)}


def refused(message: str) -> AwsError:
    """GuardDuty has one code for the client's errors (botocore: BadRequestException)."""
    return AwsError("BadRequestException", f"The request is rejected because {message}")


def timestamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Setting:
    enabled: bool
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))
    by_policy: bool = False

    def set(self, enabled: bool) -> None:
        if self.enabled != enabled:
            self.enabled, self.updated = enabled, datetime.now(UTC)

    def describe(self, name: str) -> dict[str, Any]:
        status = "ENABLED" if self.enabled else "DISABLED"
        row = {"Name": name, "Status": status, "UpdatedAt": self.updated}
        return row | ({"ManagedBy": "GUARDDUTY_POLICY"} if self.by_policy else {})


@dataclass
class Feature(Setting):
    extras: dict[str, Setting] = field(default_factory=dict)

    def describe(self, name: str) -> dict[str, Any]:
        row = super().describe(name)
        return row | {"AdditionalConfiguration": [extra.describe(key) for key, extra in self.extras.items()]}


def new_features() -> dict[str, Feature]:
    return {
        name: Feature(name not in _OFF_BY_DEFAULT, extras={e: Setting(False) for e in EXTRAS.get(name, ())})
        for name in FEATURES
    }


def require_features(features: Iterable[Mapping[str, Any]], data_sources: Any = None) -> None:
    """What CreateDetector, UpdateDetector and UpdateMemberDetectors refuse alike."""
    features = list(features)
    names = [feature.get("Name") for feature in features]
    if RUNTIME in names and EKS_RUNTIME in names:
        raise refused(f"{EKS_RUNTIME} and {RUNTIME} cannot be specified together.")  # botocore: "will cause an error"
    if features and data_sources:
        # GuardDuty user guide, "GuardDuty API changes in March 2023": not both in one request.
        raise refused("dataSources and features cannot be specified together.")
    for feature in features:
        name = feature.get("Name")
        if name not in FEATURES:
            raise refused("an invalid or out-of-range value is specified as an input parameter.")
        for extra in feature.get("AdditionalConfiguration") or []:
            if extra.get("Name") not in EXTRAS.get(name, ()):
                raise refused(f"the additional configuration {extra.get('Name')} does not belong to {name}.")


def features_of(data_sources: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The deprecated DataSources as Features (same page: S3Logs, Kubernetes and MalwareProtection map one to one)."""
    found: dict[str, bool | None] = {
        "S3_DATA_EVENTS": (data_sources.get("S3Logs") or {}).get("Enable"),
        "EKS_AUDIT_LOGS": ((data_sources.get("Kubernetes") or {}).get("AuditLogs") or {}).get("Enable"),
        "EBS_MALWARE_PROTECTION": (
            (data_sources.get("MalwareProtection") or {}).get("ScanEc2InstanceWithFindings") or {}
        ).get("EbsVolumes"),
    }
    return [{"Name": k, "Status": "ENABLED" if v else "DISABLED"} for k, v in found.items() if v is not None]


@dataclass
class Detector:
    account: str
    region: str
    enabled: bool = True
    frequency: str = "SIX_HOURS"
    tags: dict[str, str] = field(default_factory=dict)
    client_token: str | None = None
    detector_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))
    features: dict[str, Feature] = field(default_factory=new_features)

    @property
    def arn(self) -> str:
        return f"arn:aws:guardduty:{self.region}:{self.account}:detector/{self.detector_id}"

    def on(self, feature: str, extra: str | None = None) -> bool:
        """Whether a feature is in effect: a sub-setting has no effect while its feature is not enabled (same page)."""
        there = self.features[feature]
        return self.enabled and there.enabled and (extra is None or there.extras[extra].enabled)

    def any_agent(self) -> bool:
        return any(self.on(RUNTIME, extra) for extra in EXTRAS[RUNTIME])

    def apply(self, features: Iterable[Mapping[str, Any]]) -> None:
        """Set the features named. Whether sub-settings that a call leaves out stay is not documented: here they do."""
        features = list(features)
        for wanted in features:
            if self.features[wanted["Name"]].by_policy:
                # Organizations user guide, GuardDuty policies: settings in a policy are read-only for accounts. The
                # error is not documented.
                raise refused(f"the feature {wanted['Name']} is managed by a GuardDuty policy of the organization.")
        for wanted in features:
            feature = self.features[wanted["Name"]]
            if wanted.get("Status"):
                feature.set(wanted["Status"] == "ENABLED")
            for extra in wanted.get("AdditionalConfiguration") or []:
                if extra.get("Status"):
                    feature.extras[extra["Name"]].set(extra["Status"] == "ENABLED")
            if wanted["Name"] == EKS_RUNTIME and not feature.enabled:
                # GuardDuty user guide, migrating from EKS Runtime Monitoring: with it "the Amazon EKS add-on management
                # will also get disabled".
                feature.extras[EKS_ADDON].set(False)
        self.updated = datetime.now(UTC)

    def feature_rows(self, names: Iterable[str] = FEATURES) -> list[dict[str, Any]]:
        return [self.features[name].describe(name) for name in names]

    def data_sources(self) -> dict[str, Any]:
        def status(name: str) -> dict[str, str]:
            return {"Status": "ENABLED" if self.features[name].enabled else "DISABLED"}

        on = {"Status": "ENABLED"}
        return {
            "CloudTrail": on,
            "DNSLogs": on,
            "FlowLogs": on,
            "S3Logs": status("S3_DATA_EVENTS"),
            "Kubernetes": {"AuditLogs": status("EKS_AUDIT_LOGS")},
            "MalwareProtection": {"ScanEc2InstanceWithFindings": {"EbsVolumes": status("EBS_MALWARE_PROTECTION")}},
        }

    def describe(self) -> dict[str, Any]:
        """GetDetector's answer: every feature, set or not."""
        foundational = [Feature(True, self.created).describe(name) for name in FOUNDATIONAL]
        role = "aws-service-role/guardduty.amazonaws.com/AWSServiceRoleForAmazonGuardDuty"
        return {
            "CreatedAt": timestamp(self.created),
            "FindingPublishingFrequency": self.frequency,
            "ServiceRole": f"arn:aws:iam::{self.account}:role/{role}",
            "Status": "ENABLED" if self.enabled else "DISABLED",
            "UpdatedAt": timestamp(self.updated),
            "DataSources": self.data_sources(),
            "Tags": self.tags,
            "Features": [*foundational, *self.feature_rows()],
        }


def of_fleet(account: str, region: str, wanted: DetectorSettings) -> Detector:
    """The detector that a fleet file describes; the same file gives the same id."""
    detector = Detector(account, region, detector_id=uuid.uuid5(uuid.NAMESPACE_OID, f"{account} {region}").hex)
    runtime, eks = detector.features[RUNTIME], detector.features[EKS_RUNTIME]
    runtime.enabled, eks.enabled = wanted.runtime_monitoring, wanted.eks_runtime_monitoring
    runtime.extras[EC2_AGENT].enabled = wanted.ec2_agent_management
    runtime.extras[EKS_ADDON].enabled = wanted.eks_addon_management
    runtime.extras[FARGATE_AGENT].enabled = wanted.ecs_fargate_agent_management
    if wanted.managed_by_policy:
        for setting in (runtime, *runtime.extras.values()):
            setting.by_policy = True
    return detector
