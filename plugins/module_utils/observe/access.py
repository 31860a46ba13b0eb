# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the caller reaches AWS: one botocore session for the whole run, a client per account, region and service.

One session, because service models are loaded once per session: with a session per account, a hundred accounts would
spend most of their time in loading the same JSON.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fleetsec.guardduty.plugins.module_utils.observe.sdk import (
    BaseClient,
    Config,
    ResponseParserError,
    Session,
)

# Standard mode retries throttling in every spelling that the services use (RequestLimitExceeded, ThrottlingException,
# TooManyRequestsException, ...), transient 5xx and broken connections, each page of a pagination by itself.
RETRIES = {"mode": "standard", "total_max_attempts": 10}
CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """What the user said about connecting. None: botocore's own look-up (environment, profile, instance role)."""

    profile: str | None = None
    credentials: Credentials = field(default_factory=Credentials)
    endpoint_url: str | None = None
    verify: bool | str | None = None
    config: Config | None = None
    user_agent: str = ""


class Access:
    """Makes clients. Safe to share between threads."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.session = Session(profile=connection.profile)
        self.session.register("after-call", _refuse_strangers)
        config = Config(retries=RETRIES, max_pool_connections=CONNECTIONS, user_agent_extra=connection.user_agent)
        self._config = config.merge(connection.config) if connection.config else config
        self._lock = threading.Lock()

    def client(self, service: str, region: str, credentials: Credentials | None = None) -> BaseClient:
        """A client with the caller's own credentials, or with those of an assumed role."""
        chosen = credentials or self.connection.credentials
        with self._lock:  # creating clients is not thread-safe in botocore, using them is
            return self.session.create_client(
                service,
                region_name=region,
                endpoint_url=self.connection.endpoint_url,
                verify=self.connection.verify,
                aws_access_key_id=chosen.access_key,
                aws_secret_access_key=chosen.secret_key,
                aws_session_token=chosen.session_token,
                config=self._config,
            )

    def known_regions(self) -> dict[str, str]:
        """Every region that this botocore knows for EC2, with its partition."""
        return {
            region: partition
            for partition in self.session.get_available_partitions()
            for region in self.session.get_available_regions("ec2", partition_name=partition)
        }


def _refuse_strangers(http_response: Any, parsed: Mapping[str, Any], model: Any, **unused: Any) -> None:
    """Status 200 with a body that is not AWS's: a proxy's login page, or an answer that broke off.

    botocore parses such a body to nothing, which would read as an empty fleet.
    """
    reads = model.name.startswith(("Describe", "Get", "List"))
    if http_response.status_code != 200 or not reads or not model.output_shape.members:
        return
    said_nothing = not (parsed.keys() - {"ResponseMetadata"})
    if said_nothing and http_response.content.strip() != b"{}":
        raise ResponseParserError(f"{model.name} was answered with something that is no answer of AWS")


@dataclass(frozen=True, slots=True)
class Target:
    """One account and region to work in."""

    account_id: str
    region: str
    partition: str
    access: Access = field(repr=False)
    credentials: Credentials | None = field(default=None, repr=False)
    _clients: dict[str, BaseClient] = field(default_factory=dict, repr=False)

    def client(self, service: str) -> BaseClient:
        if service not in self._clients:
            self._clients[service] = self.access.client(service, self.region, self.credentials)
        return self._clients[service]
