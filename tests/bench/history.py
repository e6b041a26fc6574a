"""Months of messages, written by the database itself, so that a fresh one becomes a grown one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg

type Connection = asyncpg.Connection[asyncpg.Record]

MONTHS = 5
_KEYS_KEPT = timedelta(days=30)
_AT_ONCE = 50_000

# A message's id is a UUIDv7 of its time. The order is that of time over all threads, as it would have come.
_MESSAGES = """
    INSERT INTO {schema}.messages (id, workspace_id, thread_id, seq, sub_seq, author_id, author_role, author_name, channel, message_type,
        content, content_metadata, metadata, delivery_status, client_message_id, created_at, updated_at)
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || left(noise, 3) || '8' || substr(noise, 4, 15))::uuid,
        $1, thread_id, seq, 0, $1, 'agent', 'Ada', 'in-app', 'chat', repeat('word ', 20), '{{}}', '{{}}', 'delivered', noise, at, at
    FROM generate_series($3::int, $4::int) AS seq
    CROSS JOIN unnest($2::uuid[]) WITH ORDINALITY AS threads (thread_id, number)
    CROSS JOIN LATERAL (
        SELECT $5::timestamptz + seq * $6::interval + number * interval '1 ms', md5(seq || ':' || number)) AS made (at, noise)
    ORDER BY seq, number"""

_HEADS = """
    INSERT INTO {schema}.heads (thread_id, workspace_id, last_seq, last_at)
    SELECT thread_id, $1, max(seq), max(created_at) FROM {schema}.messages WHERE thread_id = ANY($2) GROUP BY thread_id
    ON CONFLICT (thread_id) DO UPDATE SET last_seq = excluded.last_seq, last_at = excluded.last_at"""

_KEYS = """
    INSERT INTO {schema}.message_keys (thread_id, author_id, key, workspace_id, digest, message_id, created_at)
    SELECT thread_id, author_id, client_message_id, workspace_id, sha256(content::bytea), id, created_at
    FROM {schema}.messages WHERE thread_id = ANY($1) AND created_at > $2"""


async def load(connection: Connection, schema: str, workspace_id: UUID, threads: Sequence[UUID], each: int) -> None:
    """Give each of some threads without messages as many as `each`, evenly over the last months, and bring statistics up to date."""
    now = datetime.now(UTC).replace(microsecond=0)
    first = now - timedelta(days=30 * MONTHS)
    step = (now - timedelta(hours=1) - first) / each
    for month in _months(first, now):
        await connection.execute(f"SELECT {schema}.make_partition($1)", month)
    at_once = max(1, _AT_ONCE // len(threads))
    for seq in range(1, each + 1, at_once):
        last = min(seq + at_once - 1, each)
        await connection.execute(_MESSAGES.format(schema=schema), workspace_id, threads, seq, last, first, step)
    await connection.execute(_HEADS.format(schema=schema), workspace_id, threads)
    await connection.execute(_KEYS.format(schema=schema), threads, now - _KEYS_KEPT)
    for table in ("messages", "heads", "message_keys"):
        await connection.execute(f"VACUUM (ANALYZE) {schema}.{table}")


def _months(first: datetime, last: datetime) -> list[date]:
    """The first days of the months from one moment to another."""
    counts = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [date(count // 12, count % 12 + 1, 1) for count in counts]
