"""The servers that a start uses: the embedded ones, and in the place of each an outside one where its URL is set."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import nats
import redis.asyncio as redis

from atrium.stream import declare_stream
from shared.application import CannotStart
from shared.credentials import OPERATOR, Credentials
from shared.embedded import Nats, Postgres, Program, Valkey, socket_folder
from shared.embedded.account import postgres_account
from shared.messaging.connection import inbox_prefix, sign_in
from shared.messaging.permissions import authorization
from shared.settings import Settings

ANSWERS_WITHIN = 5


class Servers:
    """PostgreSQL, NATS and Valkey, each ours or outside."""

    def __init__(self, settings: Settings, data: Path, credentials: Credentials) -> None:
        self._settings, self._credentials = settings, credentials
        embeds_postgres = settings.postgres_url is None
        self.account = postgres_account() if embeds_postgres else None
        """Whose the folder of sockets is, if not ours."""
        self.sockets = socket_folder(data, self.account)
        self._postgres = Postgres(data, self.sockets, credentials.postgres["postgres"]) if embeds_postgres else None
        self._nats = Nats(data, authorization(credentials)) if settings.nats_url is None else None
        self._valkey = Valkey(data, self.sockets) if settings.redis_url is None else None

    @property
    def embedded(self) -> list[Program]:
        """Those that must be started."""
        return [server for server in (self._postgres, self._nats, self._valkey) if server is not None]

    @property
    def admin_url(self) -> str:
        return self._postgres.admin_url if self._postgres else str(self._settings.postgres_url)

    @property
    def postgres_url(self) -> str:
        """Without user and password: each service signs in as itself."""
        if self._postgres:
            return self._postgres.url
        parts = urlsplit(str(self._settings.postgres_url))
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    @property
    def nats_url(self) -> str:
        return self._nats.url if self._nats else str(self._settings.nats_url)

    @property
    def redis_url(self) -> str:
        return self._valkey.url if self._valkey else str(self._settings.redis_url)

    async def declare_stream(self) -> None:
        await declare_stream(self.nats_url, self._operators_password, self._settings)

    @property
    def _operators_password(self) -> str:
        return self._settings.nats_password or self._credentials.nats[OPERATOR]

    async def check_outside(self) -> None:
        """Refuse to start without the servers that were named: nothing would work, and nothing would say why."""
        if self._settings.postgres_url is not None:
            await self._check_postgres(self._settings.postgres_url)
        if self._settings.nats_url is not None:
            await self._check_nats(self._settings.nats_url)
        if self._settings.redis_url is not None:
            await self._check_redis(self._settings.redis_url)

    async def _check_postgres(self, url: str) -> None:
        try:
            connection = await asyncpg.connect(url, timeout=ANSWERS_WITHIN)
        except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _unreachable("PostgreSQL", "ATRIUM_POSTGRES_URL", url, error) from error
        await connection.close()

    async def _check_nats(self, url: str) -> None:
        async def quiet(error: Exception) -> None:
            """The one line that is shown comes from what `connect` raises."""

        who = sign_in(url, OPERATOR, self._operators_password)
        try:
            client = await asyncio.wait_for(
                nats.connect(
                    url, allow_reconnect=False, max_reconnect_attempts=1, error_cb=quiet, inbox_prefix=inbox_prefix(OPERATOR), **who
                ),
                ANSWERS_WITHIN,
            )
        except (OSError, TimeoutError, ValueError, nats.errors.Error) as error:
            raise _unreachable("NATS", "ATRIUM_NATS_URL", url, error) from error
        await client.close()

    async def _check_redis(self, url: str) -> None:
        try:
            async with redis.from_url(url, socket_connect_timeout=ANSWERS_WITHIN) as client:
                await client.ping()
        except (OSError, TimeoutError, ValueError, redis.RedisError) as error:
            raise _unreachable("Valkey", "ATRIUM_REDIS_URL", url, error) from error


def _unreachable(server: str, variable: str, url: str, error: Exception) -> CannotStart:
    parts = urlsplit(url)
    shown = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return CannotStart(
        f"{server} at {shown} does not let us in ({reason}): start it, or set {variable} right, or unset it for the embedded one."
    )
