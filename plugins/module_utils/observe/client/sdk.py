# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of botocore that the collection uses; placeholders if botocore is not installed.

A module is imported before it can report an error; amazon.aws's module class then reports what to install.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

try:
    from botocore.client import BaseClient
    from botocore.config import Config
    from botocore.credentials import Credentials as BotocoreCredentials
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectTimeoutError,
        CredentialRetrievalError,
        EndpointConnectionError,
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
        TokenRetrievalError,
    )
    from botocore.loaders import JSONFileLoader, Loader
    from botocore.parsers import ResponseParserError
    from botocore.session import Session

    # Every exception of botocore that AWS, the network or the user's settings can cause.
    AWS_ERRORS: tuple[type[Exception], ...] = (BotoCoreError, ClientError, ResponseParserError)
except ImportError:
    if not TYPE_CHECKING:
        BaseClient = BotocoreCredentials = Config = JSONFileLoader = Loader = Session = object
        BotoCoreError = ClientError = ConnectTimeoutError = CredentialRetrievalError = EndpointConnectionError = (
            Exception
        )
        NoCredentialsError = PartialCredentialsError = ProfileNotFound = ResponseParserError = Exception
        TokenRetrievalError = Exception
        AWS_ERRORS = ()

__all__ = [
    "AWS_ERRORS",
    "BaseClient",
    "BotocoreCredentials",
    "BotoCoreError",
    "ClientError",
    "Config",
    "ConnectTimeoutError",
    "CredentialRetrievalError",
    "EndpointConnectionError",
    "JSONFileLoader",
    "Loader",
    "NoCredentialsError",
    "PartialCredentialsError",
    "ProfileNotFound",
    "ResponseParserError",
    "Session",
    "TokenRetrievalError",
]
