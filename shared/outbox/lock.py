"""Who publishes: one relay of each service, and none while an operator replays."""

import asyncio
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

FAMILY = 0x6F75_7462  # "outb": the first half of the advisory locks' keys
REPLAY = 0
HEARTBEAT = 1.0
FORGOTTEN = 3.0
"""Seconds of silence after which PostgreSQL ends a holder's session: a frozen process loses its lock."""
TRUSTED = 2.0

AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)

type Session = asyncpg.Connection[asyncpg.Record]


class NotTheRelay(Exception):
    """The right to publish is gone, or an operator's replay wants it; the message says which."""


def lock_key(service: str) -> int:
    return zlib.crc32(service.encode()) & 0x7FFF_FFFF


class RelayLock:
    """The right to publish.

    Nothing else goes over its connection, and nothing but simple queries: a process frozen between the parts of a prepared one leaves its
    session neither idle nor in a statement, where no timeout ends it.
    """

    def __init__(self, session: Session, service: str) -> None:
        self._session = session
        self._key = lock_key(service)
        self._heard = time.monotonic()
        self._lost: str | None = None

    async def acquire(self) -> bool:
        """Take the right, unless another has it or an operator replays."""
        return await self._nobody_replays() and await self._holds(f"pg_try_advisory_lock({FAMILY}, {self._key})")

    def require(self) -> None:
        """Raises `NotTheRelay` unless the right was certain a moment ago. Before every batch: a process may have been frozen since."""
        if self._lost is None and time.monotonic() - self._heard > TRUSTED:
            self._lost = "the lock's connection was silent"
        if self._lost is not None:
            raise NotTheRelay(self._lost)

    async def beat(self) -> None:
        """Keep the session alive, and notice an operator's replay."""
        while self._lost is None:
            await asyncio.sleep(HEARTBEAT)
            try:
                free = await self._nobody_replays()
            except AWAY as error:
                self._lost = f"the lock's connection broke: {error}"
            else:
                self._lost = None if free else "an operator replays"

    async def _nobody_replays(self) -> bool:
        shared = f"{FAMILY}, {REPLAY}"
        return await self._holds(f"CASE WHEN pg_try_advisory_lock_shared({shared}) THEN pg_advisory_unlock_shared({shared}) ELSE false END")

    async def _holds(self, condition: str) -> bool:
        status = await self._session.execute(f"SELECT WHERE {condition}")
        self._heard = time.monotonic()
        return bool(status == "SELECT 1")


@asynccontextmanager
async def lock_session(url: str, service: str) -> AsyncIterator[Session]:
    """A connection whose silence ends it, and with it every lock that it holds."""
    session: Session = await asyncpg.connect(
        url,
        timeout=5,
        command_timeout=10,
        server_settings={
            "application_name": f"atrium relay {service}",
            "idle_session_timeout": f"{FORGOTTEN:.0f}s",
            "lock_timeout": "2s",
            "statement_timeout": "10s",
            "jit": "off",
        },
    )
    try:
        yield session
    finally:
        with suppress(*AWAY):
            await session.close(timeout=2)
