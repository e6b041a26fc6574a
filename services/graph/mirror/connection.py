"""The connection to Neo4j: every statement has its deadline, and whatever keeps it from answering is `MirrorIsAway`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString, override
from urllib.parse import urlsplit

from neo4j import READ_ACCESS, AsyncDriver, AsyncGraphDatabase, AsyncResult, AsyncSession, AsyncTransaction, Query, ResultSummary
from neo4j.exceptions import ConfigurationError, DriverError, Neo4jError

from services.graph.engines import MirrorIsAway
from services.graph.mirror.entities import Entity, Known, MirroredLink, Step, steps
from services.graph.mirror.statements import KNOWN_LINKS, LOCK, MADE_LINKS
from shared.contracts.graph.links import LinkType

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

    async def write(self, entities: Sequence[Entity], then: tuple[str, dict[str, Any]] | None = None) -> None:
        """In one transaction, unless `then` changes nothing. Raises `MirrorIsAway` where it may be tried again, `BatchIsRefused` where
        not as it is.
        """
        async with self._answers(WRITE_SECONDS), self._session() as session, await session.begin_transaction() as transaction:
            if not await _run(transaction, LOCK, {}):
                raise MirrorIsAway("it was wiped or put back meanwhile")
            for step in steps(entities, await _known(transaction, entities)):
                await _take(transaction, step)
            if then is not None and not await _run(transaction, *then):
                raise MirrorIsAway("it was wiped or put back meanwhile")
            await transaction.commit()

    async def run(self, statement: str, **values: Any) -> Rows:
        """One statement, in a transaction of its own."""
        async with self._answers(WRITE_SECONDS), self._session() as session:
            result = await session.run(_constant(statement), values)
            return await _rows(result)

    async def changed(self, statement: str, **values: Any) -> bool:
        """Whether one statement changed anything."""
        async with self._answers(WRITE_SECONDS), self._session() as session:
            summary = await (await session.run(_constant(statement), values)).consume()
            return bool(summary.counters.contains_updates)

    async def read(self, statement: str, **values: Any) -> Rows:
        """One statement that somebody waits for: asked, answered and over in one round trip."""
        query = Query(_constant(statement), timeout=READ_SECONDS)
        async with self._answers(READ_SECONDS), self._driver.session(default_access_mode=READ_ACCESS) as session:
            return await _rows(await session.run(query, values))

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


async def _known(transaction: AsyncTransaction, entities: Sequence[Entity]) -> Known:
    """What the mirror knows of these links: of few anything, so that it is asked at once and not for each."""
    links = [one for one in entities if isinstance(one, MirroredLink) and one.live]
    known = Known({}, set())
    if not links:
        return known
    ids: dict[str, list[str]] = {kind: [str(one.id) for one in links if one.type is kind] for kind in LinkType}
    ids[LinkType.LINKED_TO] = [str(one.id) for one in links]
    async for row in await transaction.run(_constant(KNOWN_LINKS), ids):
        if row["gone"] is None:
            known.there.add(row["id"])
        else:
            known.gone[row["id"]] = row["gone"]
    return known


class _Unspoken(list[Any]):
    """Rows of which the driver's log says nothing: it would take as long to say them, to nobody, as to send them."""

    @override
    def __repr__(self) -> str:
        return f"{len(self)} rows"


async def _take(transaction: AsyncTransaction, step: Step) -> None:
    summary = await _summary(transaction, step.statement, {"rows": _Unspoken(step.sent)})
    if summary.counters.relationships_created < step.edges:
        found = await transaction.run(_constant(MADE_LINKS), {"ids": [row["id"] for row in step.rows]})
        made = {row["id"] async for row in found}
        await _summary(transaction, step.otherwise, {"rows": _Unspoken(row for row in step.rows if row["id"] not in made)})


async def _rows(result: AsyncResult) -> Rows:
    """As they came: `result.data()` would go through every value of every list."""
    return [dict(zip(record.keys(), record.values(), strict=True)) async for record in result]


async def _run(transaction: AsyncTransaction, statement: str, values: dict[str, Any]) -> bool:
    """Whether it changed anything."""
    return bool((await _summary(transaction, statement, values)).counters.contains_updates)


async def _summary(transaction: AsyncTransaction, statement: str, values: dict[str, Any]) -> ResultSummary:
    return await (await transaction.run(_constant(statement), values)).consume()


def _constant(statement: str) -> LiteralString:
    """All of them are made of this package's constants."""
    return statement
