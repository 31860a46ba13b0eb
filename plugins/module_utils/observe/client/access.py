# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the caller reaches AWS: one botocore session and one client for each service and region, shared by all accounts.

Creating a client takes about twenty times as long as a call. So accounts share the clients, which sign each call with the
credentials of the account that it is for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from ...model.fleet import InArea
from . import instance_pages, json_pages
from .models import Models
from .sdk import (
    BaseClient,
    BotocoreCredentials,
    Config,
    NoCredentialsError,
    PartialCredentialsError,
    ResponseParserError,
    Session,
)

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_events import EventBridgeClient
    from types_boto3_guardduty import GuardDutyClient
    from types_boto3_organizations import OrganizationsClient
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient
    from types_boto3_sts import STSClient

# Standard mode retries throttling in every spelling that the services use (RequestLimitExceeded, ThrottlingException,
# TooManyRequestsException, ...), transient 5xx and broken connections, separately for each page.
# Seven attempts wait about 25 seconds in total.
RETRIES: Any = {"mode": "standard", "total_max_attempts": 7}
CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """The user's connection options. None: botocore's default (environment, profile, instance role)."""

    profile: str | None = None
    credentials: Credentials = field(default_factory=Credentials)
    endpoint_url: str | None = None
    verify: bool | str | None = None
    config: Config | None = None
    user_agent: str = ""


# The credentials with which this thread calls AWS. None: the caller's own credentials.
_CALLING_AS: ContextVar[Credentials | None] = ContextVar("fleetsec_guardduty_calling_as", default=None)


class _Signing(BotocoreCredentials):
    """The credentials of the calling thread at signing time; also a botocore credential provider that returns itself."""

    def __init__(self, given: Credentials, provider: Any) -> None:
        super().__init__("", "", None, "fleetsec-guardduty")
        self._given = given
        self._provider = provider
        self._loaded: Any = None
        self._loading = threading.Lock()

    def load_credentials(self) -> _Signing:
        return self

    def get_frozen_credentials(self) -> Any:
        chosen = _CALLING_AS.get() or self._given
        if chosen.access_key:
            keys = BotocoreCredentials(chosen.access_key, chosen.secret_key or "", chosen.session_token)
            return keys.get_frozen_credentials()
        with self._loading:  # once per run, not per thread; botocore renews them
            self._loaded = self._loaded or self._provider.load_credentials()
        if self._loaded is None:
            raise NoCredentialsError()
        return self._loaded.get_frozen_credentials()


class AccountClient:
    """A client of one account: the shared client, whose calls and pages are signed with this account's credentials."""

    def __init__(self, client: BaseClient, credentials: Credentials | None) -> None:
        self._client = client
        self._credentials = credentials

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return partial(self._call, found) if callable(found) else found

    def _call(self, function: Callable[..., Any], *positional: Any, **named: Any) -> Any:
        token = _CALLING_AS.set(self._credentials)
        try:
            return function(*positional, **named)
        finally:
            _CALLING_AS.reset(token)

    def get_paginator(self, operation: str) -> AccountPaginator:
        return AccountPaginator(self, self._client.get_paginator(operation))


class AccountPaginator:
    """A paginator of one account: each page is requested with its credentials."""

    def __init__(self, client: AccountClient, paginator: Any) -> None:
        self._client = client
        self._paginator = paginator

    def paginate(self, **arguments: Any) -> Iterator[Any]:
        pages = iter(self._paginator.paginate(**arguments))
        end = object()
        while (page := self._client._call(next, pages, end)) is not end:
            yield page


class Access:
    """Creates clients. Safe to share between threads."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        given = connection.credentials
        if bool(given.access_key) != bool(given.secret_key):
            raise PartialCredentialsError(
                provider="explicit", cred_var="secret_key" if given.access_key else "access_key"
            )
        self.session = Session(profile=connection.profile)
        provider = None if given.access_key else self.session.get_component("credential_provider")
        self.session.register_component("credential_provider", _Signing(given, provider))
        self.session.register_component("data_loader", Models(self.session.get_component("data_loader")))
        handlers: dict[str, Any] = {**instance_pages.HANDLERS, **json_pages.HANDLERS, "after-call": _refuse_strangers}
        for event, handler in handlers.items():
            self.session.register(event, handler)
        config = Config(retries=RETRIES, max_pool_connections=CONNECTIONS, user_agent_extra=connection.user_agent)
        self._config = config.merge(connection.config) if connection.config else config
        self._lock = threading.Lock()
        self._shared: dict[tuple[str, str], BaseClient] = {}

    def client(self, service: str, region: str, credentials: Credentials | None = None) -> AccountClient:
        """A client with the caller's own credentials, or with those of an assumed role."""
        with self._lock:  # creating clients is not thread-safe in botocore, using them is
            if (service, region) not in self._shared:
                self._shared[service, region] = self._make(service, region)
        return AccountClient(self._shared[service, region], credentials)

    def _make(self, service: str, region: str) -> BaseClient:
        return self.session.create_client(
            service,
            region_name=region,
            endpoint_url=self.connection.endpoint_url,
            verify=self.connection.verify,
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
    """Status 200 with a body that is not AWS's: a proxy's login page, or a truncated answer.

    botocore parses such a body to an empty result, which would look like an empty fleet.
    """
    reads = model.name.startswith(("Describe", "Get", "List"))
    if http_response.status_code != 200 or not reads or not model.output_shape.members:
        return
    said_nothing = not (parsed.keys() - {"ResponseMetadata"})
    if said_nothing and http_response.content.strip() != b"{}":
        raise ResponseParserError(f"{model.name} returned a response that is not from AWS")


@dataclass(frozen=True, slots=True)
class Target(InArea):
    """One account and region to work in."""

    partition: str
    access: Access = field(repr=False)
    credentials: Credentials | None = field(default=None, repr=False)

    # For a type checker a client is botocore's own; it has the same methods.
    @overload
    def client(self, service: Literal["ec2"]) -> EC2Client: ...
    @overload
    def client(self, service: Literal["events"]) -> EventBridgeClient: ...
    @overload
    def client(self, service: Literal["guardduty"]) -> GuardDutyClient: ...
    @overload
    def client(self, service: Literal["organizations"]) -> OrganizationsClient: ...
    @overload
    def client(self, service: Literal["sqs"]) -> SQSClient: ...
    @overload
    def client(self, service: Literal["ssm"]) -> SSMClient: ...
    @overload
    def client(self, service: Literal["sts"]) -> STSClient: ...

    def client(self, service: str) -> Any:
        return self.access.client(service, self.region, self.credentials)
