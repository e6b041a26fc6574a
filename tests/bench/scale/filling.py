"""Years of conversations, written by the database itself as the product would have written them.

One row of each table is the product's own, made through the API; the others are like it but for what `statements` makes of them. So what
the product writes into a column that came later is in all of them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.identifiers import id_at
from tests.bench.history import Connection
from tests.bench.people import PEOPLE, Person, name_of
from tests.bench.scale import statements
from tests.bench.scale.sizes import LONG, THREADS, WIDE, Month, Size, Timeline

_QUIET = timedelta(hours=1)  # since the newest message
_PIECES = 64  # of a COPY on its way from one connection to the other

type Connect = Callable[[], Awaitable[Connection]]


@dataclass(frozen=True)
class Filled:
    """`threads` by their numbers."""

    threads: list[UUID]
    timeline: Timeline

    @property
    def long(self) -> UUID:
        return self.threads[LONG]

    @property
    def wide(self) -> UUID:
        return self.threads[WIDE]


async def fill(connect: Connect, size: Size, people: Sequence[Person], template: UUID) -> Filled:
    """Fill a database in which there is one thread with one message, read by its author: the template."""
    timeline = Timeline.until(datetime.now(UTC).replace(microsecond=0) - _QUIET, size.messages)
    opened = [timeline.begin - timedelta(seconds=THREADS - number) for number in range(THREADS)]
    threads = [id_at(at) for at in opened]
    database = await connect()
    await database.execute(statements.STAGE)
    names, roles = [name_of(number) for number in range(PEOPLE)], ["admin", *["agent"] * (PEOPLE - 1)]
    await database.execute(statements.STAGE_PEOPLE, [person.id for person in people], names, roles)
    await database.execute(statements.STAGE_THREADS, threads, opened)
    await database.execute(statements.STAGE_TEMPLATE, template)
    await database.execute(statements.STAGE_MESSAGE)
    for rows in (statements.THREADS, statements.PARTICIPANTS, statements.OUTSIDERS):
        await _insert(database, rows)
    await _copy_messages(database, connect, timeline)
    await database.execute(statements.NEWEST)
    for rows in (statements.HEADS, statements.KEYS, statements.ACTIVITY, statements.RECEIPTS):
        await _insert(database, rows)
    await database.execute(statements.UNSTAGE)
    await database.execute("VACUUM (ANALYZE)")
    await database.close()
    return Filled(threads, timeline)


async def _insert(database: Connection, rows: statements.Like) -> None:
    columns = await _columns(database, rows)
    await database.execute(f"INSERT INTO {rows.table} ({', '.join(columns)}) {rows.select(columns)}")


async def _columns(database: Connection, rows: statements.Like) -> list[str]:
    return [row["attname"] for row in await database.fetch(statements.COLUMNS, rows.table)]


async def _copy_messages(database: Connection, connect: Connect, timeline: Timeline) -> None:
    """Out of one connection into the other, a month at a time. Rows of a partition of the same transaction are written frozen and without
    a log, which takes half the time."""
    columns = await _columns(database, statements.MESSAGES)
    query = statements.MESSAGES.select(columns)
    source = await connect()
    for month in timeline.months():
        async with database.transaction():
            new = await database.fetchval("SELECT messages.make_partition($1)", month.begin)
            await _copy(source, query, database, columns, month, timeline, frozen=new)
    await source.close()


async def _copy(
    source: Connection, query: str, database: Connection, columns: Sequence[str], month: Month, timeline: Timeline, *, frozen: bool
) -> None:
    pipe = _Pipe()
    arguments = (month.first, month.last, timeline.begin, timeline.step)
    async with asyncio.TaskGroup() as both:
        both.create_task(pipe.fill(source.copy_from_query(query, *arguments, output=pipe.take, format="binary")))
        partition = f"messages_{month.begin:%Y_%m}"
        both.create_task(
            database.copy_to_table(partition, source=pipe, columns=columns, schema_name="messages", format="binary", freeze=frozen or None)
        )


class _Pipe:
    """What one connection gives and another takes."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue(_PIECES)

    async def take(self, piece: bytes) -> None:
        await self._pieces.put(piece)

    async def fill(self, copying: Awaitable[str]) -> None:
        await copying
        await self._pieces.put(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self._pieces.get()) is not None:
            yield piece
