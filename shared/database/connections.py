"""A service's connections to PostgreSQL: as its own role, inside one workspace at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Literal, cast
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg

from shared.contracts.refusals import ServiceIsUnavailable

type Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]

_AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.InternalClientError,  # of a connection that was idle when the server's last words came, and is not closed yet
)
_PASSING = (asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError, asyncpg.SerializationError)


_PATIENCE = 3.0  # seconds that one waits for a connection


class _Session(asyncpg.Connection):
    """It knows which workspace it shows, so that handing it back needs no round trip to reset it, and the next read none to set it."""

    _shown: UUID | Literal["unknown"] | None = None

    def get_reset_query(self) -> str:
        return ""

    async def show(self, workspace_id: UUID | None) -> None:
        """Let statements outside transactions see one workspace, or none."""
        if self._shown == workspace_id:
            return
        self._shown = "unknown"
        await self.execute(f"SELECT set_config('app.workspace', '{_text(workspace_id)}', false)")
        self._shown = workspace_id


def _text(workspace_id: UUID | None) -> str:
    """For what is put into SQL as it is: nothing but a UUID ever."""
    return "" if workspace_id is None else str(UUID(str(workspace_id)))


def as_role(url: str, role: str, password: str | None) -> str:
    """The server's URL with another role's sign-in; `None` keeps the URL's own user."""
    if password is None:
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{host}"))


class Database:
    """A pool of one role. Every failure to reach the server is `ServiceIsUnavailable`.

    settings: of the sessions, beside those that all have. Sessions are kept, so a pooler before the server must keep them too.
    """

    def __init__(self, url: str, schema: str, *, connections: int, settings: Mapping[str, str] | None = None) -> None:
        self._url, self._schema, self._connections, self._settings = url, schema, connections, settings or {}
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        # The pool's own queue sends to its end whom a newcomer overtakes: under load one in twenty waited twice as long as most.
        self._turns = asyncio.Semaphore(connections)

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._connections,
            command_timeout=10,
            timeout=5,
            max_cached_statement_lifetime=60,  # a plan made for an empty table is not kept for ever
            connection_class=_Session,
            server_settings={
                "application_name": f"atrium {self._schema}",
                "search_path": self._schema,
                "lock_timeout": "2s",
                "statement_timeout": "10s",
                "idle_in_transaction_session_timeout": "15s",
                "jit": "off",
                "enable_seqscan": "off",  # every statement has its index; a plan made for an empty table reads all of a grown one
                **self._settings,
            },
        )

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection outside any transaction: for single statements that need no workspace."""
        async with self._session() as connection:
            await cast(_Session, connection).show(None)
            yield connection

    @asynccontextmanager
    async def reading(self, workspace_id: UUID) -> AsyncIterator[Connection]:
        """A connection outside any transaction, on which row-level security shows one workspace: for single statements that only read.

        One round trip, where a transaction takes three: 0.6 ms of a page became 0.2.
        """
        async with self._session() as connection:
            await cast(_Session, connection).show(workspace_id)
            yield connection

    @asynccontextmanager
    async def workspace(
        self, workspace_id: UUID | None, *, actor: UUID | None = None, reason: str | None = None
    ) -> AsyncIterator[Connection]:
        """A transaction in which row-level security shows one workspace alone.

        actor, reason: who changes what keeps its history, and why (`shared.database.history`).
        """
        begin = f"BEGIN; SELECT set_config('app.workspace', '{_text(workspace_id)}', true)"  # one string, one round trip
        if actor is not None:
            begin += f", set_config('app.actor', '{_text(actor)}', true)"
        async with self._session() as connection, _transaction(connection, begin):
            if reason is not None:
                await connection.execute("SELECT set_config('app.reason', $1, true)", reason)
            yield connection

    @asynccontextmanager
    async def installation(self, *, actor: UUID | None = None, reason: str | None = None) -> AsyncIterator[Connection]:
        """A transaction without a workspace: for what belongs to the installation."""
        async with self.workspace(None, actor=actor, reason=reason) as connection:
            yield connection

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Connection]:
        assert self._pool is not None, "the database is not open"
        try:
            await self._take_turn()
            try:
                async with self._pool.acquire(timeout=_PATIENCE) as connection:
                    yield connection
            finally:
                self._turns.release()
        except ValueError:  # an argument that the driver refused: a bug of ours, no outage
            raise
        except (*_AWAY, TimeoutError) as away:
            raise ServiceIsUnavailable from away

    async def _take_turn(self) -> None:
        """First come, first served. Raises `TimeoutError`."""
        if not self._turns.locked():
            await self._turns.acquire()
            return
        async with asyncio.timeout(_PATIENCE):
            await self._turns.acquire()

    async def schema_version(self) -> str | None:
        async with self.connection() as connection:
            version: str | None = await connection.fetchval("SELECT version_num FROM schema_version")
        return version

    async def role_is_safe(self) -> bool:
        """Whether row-level security binds this role: no superuser, no BYPASSRLS, no owner of the schema's tables."""
        async with self.connection() as connection:
            safe: bool = await connection.fetchval(
                """SELECT NOT rolsuper AND NOT rolbypassrls AND NOT EXISTS (
                       SELECT FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
                       WHERE nspname = $1 AND pg_has_role(current_user, relowner, 'USAGE'))
                   FROM pg_roles WHERE rolname = current_user""",
                self._schema,
            )
        return safe


@asynccontextmanager
async def _transaction(connection: Connection, begin: str) -> AsyncIterator[None]:
    await connection.execute(begin)
    try:
        yield
    except BaseException:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
        raise
    await connection.execute("COMMIT")


async def once_more[T](attempt: Callable[[], Awaitable[T]]) -> T:
    """Run a transaction; once more where a deadlock or a lock's timeout ended it."""
    try:
        return await attempt()
    except _PASSING:
        pass
    try:
        return await attempt()
    except _PASSING as busy:
        raise ServiceIsUnavailable from busy


async def committed[T](attempt: Callable[[], Awaitable[T]], on_commit: Callable[[], None]) -> T:
    """As `once_more`, for what is told of afterwards: `on_commit` wakes who publishes it."""
    done = await once_more(attempt)
    on_commit()
    return done
