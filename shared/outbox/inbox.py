"""What a consumer has applied, and what it could not take: both in its own service's schema, as the background role."""

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from shared.database.connections import Connection
from shared.identifiers import new_id

# In one order, so that two batches with the same events wait for each other and never deadlock.
_TAKE_IN = """
    INSERT INTO inbox (consumer, event_id) SELECT $1, event_id FROM unnest($2::uuid[]) AS e (event_id) ORDER BY event_id
    ON CONFLICT DO NOTHING RETURNING event_id"""
_PARK = """
    INSERT INTO parked (id, consumer, event_id, subject, data, headers, error, tries)
    VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8)
    ON CONFLICT (consumer, event_id) DO UPDATE SET error = excluded.error, tries = excluded.tries, parked_at = now(), retry_at = NULL"""
_DUE = """
    SELECT id, subject, data, headers, tries FROM parked WHERE consumer = $1 AND retry_at IS NOT NULL
    ORDER BY retry_at LIMIT 1 FOR UPDATE SKIP LOCKED"""


async def take_in(connection: Connection, consumer: str, event_ids: Sequence[UUID]) -> set[UUID]:
    """Record events as applied, in the transaction of their effect; those that were not before."""
    return {row[0] for row in await connection.fetch(_TAKE_IN, consumer, event_ids)}


async def park(
    connection: Connection,
    consumer: str,
    event_id: UUID | None,
    subject: str,
    data: bytes,
    headers: Mapping[str, str],
    error: str,
    tries: int,
) -> None:
    """Keep an event that cannot be taken, for the operator."""
    text = _storable(data.decode(errors="replace"))
    await connection.execute(
        _PARK, new_id(), consumer, event_id, subject, text, _storable(json.dumps(dict(headers))), _storable(error), tries
    )


async def due_for_retry(connection: Connection, consumer: str) -> asyncpg.Record | None:
    """A parked event (id, subject, data, headers, tries) that the operator wants tried again, locked."""
    return await connection.fetchrow(_DUE, consumer)


async def unpark(connection: Connection, identifier: UUID) -> None:
    await connection.execute("DELETE FROM parked WHERE id = $1", identifier)


async def still_parked(connection: Connection, identifier: UUID, error: str) -> None:
    await connection.execute(
        "UPDATE parked SET error = $2, tries = tries + 1, parked_at = now(), retry_at = NULL WHERE id = $1", identifier, _storable(error)
    )


async def parked_count(connection: Connection) -> int:
    count: int = await connection.fetchval("SELECT count(*) FROM parked")
    return count


def _storable(text: str) -> str:
    return text.replace("\0", "�").replace("\\u0000", "�")
