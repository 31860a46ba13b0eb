# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS-owned SSM documents of GuardDuty, and the rules for documents and their parameters."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from moto.ssm.models import ssm_backends

from .wire import AwsError

# Both names: GuardDuty user guide, "Installing the security agent manually", method 1.
CONFIGURE_PLUGIN = "AmazonGuardDuty-ConfigureRuntimeMonitoringSsmPlugin"
PACKAGE = "AmazonGuardDuty-RuntimeMonitoringSsmPlugin"

# "action" and "name" are the parameter names in AWS's own tester (awslabs/amazon-guardduty-tester). The other three are
# those of AWS-ConfigureAWSPackage, whose fields the GuardDuty guide shows; AWS does not print the document itself, so
# their spelling, types, defaults and allowed values are unverified.
_PARAMETERS: dict[str, dict[str, Any]] = {
    "action": {
        "type": "String",
        "description": "Whether to install or uninstall the agent.",
        "allowedValues": ["Install", "Uninstall"],
    },
    "installationType": {
        "type": "String",
        "description": "How to replace an agent that is there.",
        "default": "Uninstall and reinstall",
        "allowedValues": ["Uninstall and reinstall", "In-place update"],
    },
    "name": {"type": "String", "description": "The package.", "default": PACKAGE, "allowedValues": [PACKAGE]},
    "version": {"type": "String", "description": "The package's version. Empty: the latest.", "default": ""},
    "additionalArguments": {"type": "String", "description": "Passed to the installer.", "default": "{}"},
}
_CONTENT = {
    "schemaVersion": "2.2",
    "description": "Installs or uninstalls the Amazon GuardDuty agent of Runtime Monitoring.",
    "parameters": _PARAMETERS,
    "mainSteps": [
        {
            "action": "aws:configurePackage",
            "name": "configureRuntimeMonitoringPlugin",
            "inputs": {key: f"{{{{ {key} }}}}" for key in _PARAMETERS},
        }
    ],
}
_CREATED = datetime(2023, 11, 26, tzinfo=UTC)  # agent 1.0.0, the first: GuardDuty user guide, release history
_VERSIONS = ("$DEFAULT", "$LATEST", "1")
_TYPES = {CONFIGURE_PLUGIN: "Command", PACKAGE: "Package"}


def short_name(name: str) -> str:
    """The name of a document that may be given as an ARN (botocore, CreateAssociation.Name)."""
    return name.rpartition("document/")[2] if name.startswith("arn:") else name


def aws_owned(name: str) -> bool:
    return short_name(name) in _TYPES


def content(name: str) -> str:
    body = _CONTENT if short_name(name) == CONFIGURE_PLUGIN else {"schemaVersion": "2.0", "packages": {}}
    return json.dumps(body)


def identifier(name: str) -> dict[str, Any]:
    """A row of ListDocuments (botocore, DocumentIdentifier)."""
    return {
        "Name": name,
        "Owner": "Amazon",
        "CreatedDate": _CREATED,
        "PlatformTypes": ["Linux"],
        "DocumentVersion": "1",
        "DocumentType": _TYPES[name],
        "SchemaVersion": _CONTENT["schemaVersion"] if name == CONFIGURE_PLUGIN else "2.0",
        "DocumentFormat": "JSON",
        "Tags": [],
    }


def identifiers() -> list[dict[str, Any]]:
    return [identifier(name) for name in _TYPES]


def description(name: str) -> dict[str, Any]:
    """C(Document) of DescribeDocument (botocore, DocumentDescription)."""
    name = short_name(name)
    parameters = []
    for key, parameter in (_PARAMETERS if name == CONFIGURE_PLUGIN else {}).items():
        row = {"Name": key, "Type": parameter["type"], "Description": parameter["description"]}
        if "default" in parameter:
            row["DefaultValue"] = parameter["default"]
        parameters.append(row)
    return identifier(name) | {
        "Hash": hashlib.sha256(content(name).encode()).hexdigest(),
        "HashType": "Sha256",
        "Status": "Active",
        "Description": _CONTENT["description"],
        "Parameters": parameters,
        "LatestVersion": "1",
        "DefaultVersion": "1",
    }


def require_version(name: str, version: str | None) -> None:
    if version and version not in _VERSIONS:
        raise AwsError(
            "InvalidDocumentVersion", f"The document version {version} of {name} isn't valid or doesn't exist."
        )


def require_document(account: str, region: str, name: str, version: str | None = None) -> None:
    """InvalidDocument, InvalidDocumentVersion: botocore, CreateAssociation's errors."""
    if aws_owned(name):
        require_version(name, version)
    elif short_name(name) not in ssm_backends[account][region]._documents:
        raise AwsError("InvalidDocument", f"Document with name {name} does not exist.")


def require_parameters(name: str, parameters: dict[str, list[str]] | None) -> None:
    """InvalidParameters: all required ones, only defined ones (botocore, InvalidParameters), only allowed values."""
    if short_name(name) != CONFIGURE_PLUGIN:
        return
    given = parameters or {}
    unknown = sorted(set(given) - set(_PARAMETERS))
    if unknown:
        raise AwsError("InvalidParameters", f"Parameters {unknown} are not defined in the document {CONFIGURE_PLUGIN}.")
    missing = sorted(key for key, rule in _PARAMETERS.items() if "default" not in rule and not given.get(key))
    if missing:
        raise AwsError(
            "InvalidParameters", f"Parameters {missing} of the document {CONFIGURE_PLUGIN} must be specified."
        )
    for key, values in given.items():
        allowed = _PARAMETERS[key].get("allowedValues")
        if allowed and any(value not in allowed for value in values):
            raise AwsError("InvalidParameters", f"Parameter {key}: {values} is not among the allowed values {allowed}.")
