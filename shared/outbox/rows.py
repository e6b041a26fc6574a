"""The relay's SQL."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

import asyncpg

from shared.database.connections import Database

MOST_EVENTS, MOST_BYTES = 1_000, 4 * 1024 * 1024
"""Of an atomic batch (ADR-50)."""
COUNTED = 10_000
"""Where counting what waits ends."""

# By id, of all that waits; never "above the last one": transactions commit in another order than they drew their ids.
_WAITING = f"""
    SELECT id, event_id, subject, data, trace, occurred_at FROM (
        SELECT *, sum(octet_length(data) + 1024) OVER (ORDER BY id) AS bytes FROM (
            SELECT id, event_id, subject, data, trace, occurred_at
            FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT {MOST_EVENTS}
        ) waiting
    ) sized WHERE bytes <= {MOST_BYTES} ORDER BY id"""
_MARK = """
    UPDATE outbox SET published_at = clock_timestamp(), stream_seq = acknowledged.seq
    FROM (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS a (id, seq) ORDER BY id) acknowledged
    WHERE outbox.id = acknowledged.id AND outbox.published_at IS NULL"""
_MARK_AGAIN = """
    UPDATE outbox SET published_at = coalesce(published_at, clock_timestamp()), stream_seq = acknowledged.seq
    FROM (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS a (id, seq) ORDER BY id) acknowledged
    WHERE outbox.id = acknowledged.id"""
_MARK_EVENTS = """
    UPDATE outbox SET published_at = clock_timestamp(), stream_seq = found.seq
    FROM unnest($1::uuid[], $2::bigint[]) AS found (event_id, seq)
    WHERE outbox.published_at IS NULL AND outbox.event_id = found.event_id
    RETURNING outbox.id"""
_BACKLOG = f"""
    SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0)::float8
    FROM (SELECT occurred_at FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT {COUNTED}) waiting"""
_HIGHEST = "SELECT stream_seq, event_id FROM outbox WHERE stream_seq IS NOT NULL ORDER BY stream_seq DESC LIMIT 1"

# The oldest rows by id, so that no statement looks at more than it may delete. The row with the highest sequence stays: by it a store
# that was rolled back is known.
_FORGET_PUBLISHED = """
    DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT $1)
    AND published_at < now() - interval '7 days' AND stream_seq < (SELECT max(stream_seq) FROM outbox)"""
_FORGET_APPLIED = """
    DELETE FROM inbox WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM inbox WHERE applied_at < now() - interval '8 days' ORDER BY applied_at LIMIT $1))"""
_FORGOTTEN_AT_ONCE = 5_000


class Highest(NamedTuple):
    """The event with the highest recorded sequence."""

    seq: int
    event_id: UUID | None


class Fetches(Protocol):
    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]: ...


async def waiting(session: Fetches) -> list[asyncpg.Record]:
    """The next batch: rows of (id, event_id, subject, data, trace, occurred_at)."""
    return await session.fetch(_WAITING)


async def mark(session: Fetches, ids: Sequence[int], seqs: Sequence[int]) -> None:
    """What somebody else has marked meanwhile stays as it is: this process may have been frozen since it published."""
    await session.fetch(_MARK, ids, seqs)


async def mark_again(session: Fetches, ids: Sequence[int], seqs: Sequence[int]) -> None:
    """Where a replay put them."""
    await session.fetch(_MARK_AGAIN, ids, seqs)


async def mark_events(session: Fetches, event_ids: Sequence[UUID], seqs: Sequence[int]) -> int:
    """Mark those of the events that wait; how many did."""
    return len(await session.fetch(_MARK_EVENTS, event_ids, seqs))


async def backlog(session: Fetches) -> tuple[int, float]:
    """How many events wait (10,000 stand for all that are more), and how long the oldest has."""
    (row,) = await session.fetch(_BACKLOG)
    return row[0], row[1]


async def highest(session: Fetches) -> Highest:
    rows = await session.fetch(_HIGHEST)
    return Highest(rows[0][0], rows[0][1]) if rows else Highest(0, None)


async def forget(database: Database, *others: str) -> int:
    """Delete some of what retention is over for: published events after 7 days, inbox rows after 8, and what other statements say
    (their $1 is how many at once). 0 when nothing is left to do."""
    gone = 0
    for statement in (_FORGET_PUBLISHED, _FORGET_APPLIED, *others):
        async with database.connection() as connection:
            status = await connection.execute(statement, _FORGOTTEN_AT_ONCE)
        gone += int(status.rpartition(" ")[2])
    return gone
