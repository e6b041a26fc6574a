"""The connection to Neo4j: every statement has its deadline, and whatever keeps it from answering is `MirrorIsAway`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, LiteralString
from urllib.parse import urlsplit

from neo4j import READ_ACCESS, AsyncDriver, AsyncGraphDatabase, AsyncResult, AsyncSession, AsyncTransaction, Query
from neo4j.exceptions import ConfigurationError, DriverError, Neo4jError

from services.graph.engines import MirrorIsAway

CONNECT = 3.0
_SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
WRITE_SECONDS, READ_SECONDS = 30.0, 1.0

type Rows = list[dict[str, Any]]

_AWAY = (OSError, TimeoutError, DriverError)


class BatchIsRefused(Exception):
    """Neo4j understood a batch, and does not take it: to try it again is no use."""


class BatchIsTooLarge(BatchIsRefused):
    """It would take more memory than Neo4j has for one transaction: half of it may do."""


_OUT_OF_MEMORY = {
    f"Neo.TransientError.General.{name}"
    for name in (
        "MemoryPoolOutOfMemoryError",
        "OutOfMemoryError",
        "StackOverFlowError",
        "TransactionMemoryLimit",
        "TransactionOutOfMemoryError",
    )
}


class Neo4j:
    """Raises `ValueError` for what is no address of a Neo4j."""

    def __init__(self, url: str, user: str, password: str) -> None:
        if urlsplit(url).scheme not in _SCHEMES:
            raise ValueError(f"it begins with none of {', '.join(_SCHEMES)}")
        try:
            self._driver: AsyncDriver = AsyncGraphDatabase.driver(
                url,
                auth=(user, password),
                connection_timeout=CONNECT,
                connection_acquisition_timeout=CONNECT,
                connection_write_timeout=WRITE_SECONDS,
                max_connection_pool_size=20,
                liveness_check_timeout=30,
                keep_alive=True,
                user_agent="atrium",
                notifications_min_severity="OFF",
                telemetry_disabled=True,
            )
        except ConfigurationError as error:
            raise ValueError(str(error)) from error

    async def close(self) -> None:
        await self._driver.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncTransaction]:
        """Whoever has it commits. Raises `MirrorIsAway` where it may be tried again, `BatchIsRefused` where not as it is."""
        async with self._answers(WRITE_SECONDS), self._session() as session, await session.begin_transaction() as transaction:
            yield transaction

    async def run(self, statement: str, **values: Any) -> Rows:
        """One statement, in a transaction of its own."""
        async with self._answers(WRITE_SECONDS), self._session() as session:
            result = await session.run(constant(statement), values)
            return await rows_of(result)

    async def changed(self, statement: str, **values: Any) -> bool:
        """Whether one statement changed anything."""
        async with self._answers(WRITE_SECONDS), self._session() as session:
            summary = await (await session.run(constant(statement), values)).consume()
            return bool(summary.counters.contains_updates)

    async def read(self, statement: str, **values: Any) -> Rows:
        """One statement that somebody waits for: asked, answered and over in one round trip."""
        query = Query(constant(statement), timeout=READ_SECONDS)
        async with self._answers(READ_SECONDS), self._driver.session(default_access_mode=READ_ACCESS) as session:
            return await rows_of(await session.run(query, values))

    def _session(self) -> AsyncSession:
        return self._driver.session()

    @asynccontextmanager
    async def _answers(self, within: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(within):
                yield
        except Neo4jError as error:
            if error.code in _OUT_OF_MEMORY:
                raise BatchIsTooLarge(error.message or str(error)) from error
            if error.is_retryable() or _is_sign_in(error):
                raise MirrorIsAway(error.message or str(error)) from error
            raise BatchIsRefused(error.message or str(error)) from error
        except (ValueError, TypeError) as error:  # what its protocol cannot carry
            raise BatchIsRefused(str(error)) from error
        except _AWAY as error:
            raise MirrorIsAway(str(error) or "no answer in time") from error


def _is_sign_in(error: Neo4jError) -> bool:
    return (error.code or "").startswith("Neo.ClientError.Security")


async def rows_of(result: AsyncResult) -> Rows:
    """As they came: `result.data()` would go through every value of every list."""
    return [dict(zip(record.keys(), record.values(), strict=True)) async for record in result]


def constant(statement: str) -> LiteralString:
    """All of them are made of this package's constants."""
    return statement
