"""What happens in threads: their newest message, and how many are active."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.contracts.messages.messages import Message
from shared.contracts.messages.receipts import ThreadRead
from shared.database.connections import Connection, Database
from shared.preview import preview

# The newest message of a thread wins, and of that its newest version. Rows are locked in one order: batches that overlap wait, and
# never for each other.
_MOVE = """
    WITH held AS MATERIALIZED (SELECT thread_id FROM activity WHERE thread_id = ANY($1::uuid[]) ORDER BY thread_id FOR UPDATE)
    UPDATE activity a SET at = greatest(a.at, new.at), last_seq = new.seq, last_version = new.version, last_message_id = new.id,
        last_message_author = new.author, last_message_preview = new.preview, last_message_at = new.at,
        revision = revision + 1
    FROM held JOIN unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::timestamptz[])
        AS new (thread_id, id, seq, version, author, preview, at) USING (thread_id)
    WHERE a.thread_id = held.thread_id AND (new.seq, new.version) > (a.last_seq, a.last_version)"""


# Views show how far each has read, so they are others afterwards.
_READ = """
    WITH held AS MATERIALIZED (SELECT thread_id FROM activity WHERE thread_id = ANY($1::uuid[]) ORDER BY thread_id FOR UPDATE),
    moved AS (
        UPDATE participants p SET last_read_at = new.at
        FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS new (thread_id, user_id, at)
        WHERE p.thread_id = new.thread_id AND p.user_id = new.user_id AND (p.last_read_at IS NULL OR p.last_read_at < new.at)
        AND EXISTS (SELECT FROM held WHERE held.thread_id = p.thread_id)
        RETURNING p.thread_id
    )
    UPDATE activity a SET revision = revision + 1 WHERE thread_id IN (SELECT thread_id FROM moved)"""


@dataclass(frozen=True, slots=True)
class Said:
    """A version of a message that everyone in its thread can see."""

    message: Message
    version: int


async def move(connection: Connection, said: Iterable[Said]) -> None:
    """Let threads stand where their newest messages put them."""
    newest: dict[UUID, Said] = {}
    for one in sorted(said, key=lambda one: (one.message.seq, one.version)):
        newest[one.message.thread_id] = one
    ordered = [newest[thread_id] for thread_id in sorted(newest)]
    await connection.execute(
        _MOVE,
        [one.message.thread_id for one in ordered],
        [one.message.id for one in ordered],
        [one.message.seq for one in ordered],
        [one.version for one in ordered],
        [one.message.author_name for one in ordered],
        [preview(one.message.content) for one in ordered],
        [one.message.created_at for one in ordered],
    )


async def read(connection: Connection, reads: Iterable[ThreadRead]) -> None:
    """Let participants have read as far as they did."""
    latest: dict[tuple[UUID, UUID], datetime] = {}
    for one in reads:
        key = (one.thread_id, one.user_id)
        latest[key] = max(one.last_read_at, latest.get(key, one.last_read_at))
    ordered = sorted(latest)
    await connection.execute(
        _READ, [thread_id for thread_id, _ in ordered], [user_id for _, user_id in ordered], [latest[key] for key in ordered]
    )


async def active_count(database: Database) -> int:
    """Threads that are active, over all workspaces; `database` is the background role's."""
    async with database.connection() as connection:
        count: int = await connection.fetchval("SELECT count(*) FROM threads WHERE state = 'active' AND deleted_at IS NULL")
    return count
