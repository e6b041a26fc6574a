"""The Atrium that an operator's command speaks to: the one whose data folder, or whose servers, the settings name."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from nats.aio.client import Client
from nats.errors import Error as NatsError

from shared.application import CannotStart
from shared.credentials import OPERATOR, Credentials, background_role
from shared.database.connections import as_role
from shared.embedded import data_folder
from shared.messaging.caller import Caller
from shared.messaging.connection import close, connect
from shared.settings import Settings

_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Installation:
    """Where its servers are, and how the operator signs in to them."""

    settings: Settings
    postgres_url: str
    nats_url: str
    redis_url: str | None
    gateway_url: str | None
    data: Path

    @classmethod
    def find(cls) -> Self:
        """By ATRIUM_POSTGRES_URL and its like where they are set, else by what `atrium up` wrote. Raises `CannotStart` without either."""
        settings = Settings()
        data = data_folder(settings.data)
        try:
            kept = json.loads((data / "run.json").read_text())
        except FileNotFoundError:
            kept = {}
        except PermissionError as problem:
            raise CannotStart(f"{data / 'run.json'} cannot be read: run this as the user who runs `atrium up`.") from problem
        postgres, nats = settings.postgres_url or kept.get("postgresUrl"), settings.nats_url or kept.get("natsUrl")
        if postgres is None or nats is None:
            raise CannotStart(
                f"No Atrium runs with the data folder {data}: start it (`make up`), or set ATRIUM_DATA,"
                " or ATRIUM_POSTGRES_URL and ATRIUM_NATS_URL."
            )
        return cls(settings, postgres, nats, settings.redis_url or kept.get("redisUrl"), kept.get("gatewayUrl"), data)

    @property
    def nats_password(self) -> str:
        return self.settings.nats_password or Credentials.of(self.data).nats[OPERATOR]

    def background_url(self, service: str) -> str:
        """A service's database as one who sees all workspaces: the admin whom the URL names, else the service's background role."""
        if urlsplit(self.postgres_url).password:
            return self.postgres_url
        role = background_role(service)
        return as_role(self.postgres_url, role, Credentials.of(self.data).postgres[role])

    @asynccontextmanager
    async def caller(self) -> AsyncIterator[Caller]:
        """Calls services as the operator."""
        caller = Caller(OPERATOR)
        try:
            async with asyncio.timeout(_PATIENCE):
                await caller.open(self.nats_url, self.nats_password)
        except (OSError, NatsError) as problem:
            raise _away(problem) from problem
        try:
            yield caller
        finally:
            await caller.close()

    @asynccontextmanager
    async def nats(self) -> AsyncIterator[Client]:
        """The broker, as the operator."""
        try:
            async with asyncio.timeout(_PATIENCE):
                client = await connect(self.nats_url, OPERATOR, self.nats_password, name="atrium")
        except (OSError, NatsError) as problem:
            raise _away(problem) from problem
        try:
            yield client
        finally:
            await close(client)


def _away(problem: Exception) -> CannotStart:
    return CannotStart(
        f"NATS does not let the operator in ({str(problem) or type(problem).__name__}): is Atrium running? See `atrium doctor`."
    )
