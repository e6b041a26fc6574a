"""How far readers have read, and how far messages have reached them: one row for each reader of a thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.messages.domain import BEGINNING, HiddenFrom, Sight, hidden_from
from shared.contracts.messages.messages import Message
from shared.contracts.messages.receipts import Receipt, ThreadDelivered, ThreadRead
from shared.contracts.model import Event
from shared.contracts.principal import Principal
from shared.database.connections import Connection, Database, once_more
from shared.outbox.outbox import emission, emit

# In the order of their threads, so that two that mark the same ones wait for each other and never deadlock. What was read has arrived.
_READ = """
    INSERT INTO read_receipts AS r (workspace_id, thread_id, user_id, user_role, user_name, last_read_message_id, last_read_at, read_up_to,
        last_delivered_message_id, last_delivered_at, delivered_up_to, updated_at)
    SELECT $1, thread_id, $2, $3, $4, message_id, now, at, message_id, now, at, now
    FROM unnest($5::uuid[], $6::uuid[], $7::timestamptz[]) AS marked (thread_id, message_id, at), clock_timestamp() AS now
    ORDER BY thread_id
    ON CONFLICT (thread_id, user_id) DO UPDATE SET
        user_role = excluded.user_role, user_name = excluded.user_name, version = r.version + 1, updated_at = excluded.updated_at,
        last_read_message_id = excluded.last_read_message_id, last_read_at = excluded.last_read_at, read_up_to = excluded.read_up_to,
        last_delivered_message_id =
            CASE WHEN r.delivered_up_to >= excluded.read_up_to THEN r.last_delivered_message_id ELSE excluded.last_read_message_id END,
        last_delivered_at = CASE WHEN r.delivered_up_to >= excluded.read_up_to THEN r.last_delivered_at ELSE excluded.last_read_at END,
        delivered_up_to = greatest(r.delivered_up_to, excluded.read_up_to)
    WHERE r.read_up_to IS NULL OR r.read_up_to < excluded.read_up_to
    RETURNING id, thread_id, version, updated_at"""

_UNREAD = """
    UPDATE read_receipts SET last_read_message_id = $4, read_up_to = $5, last_read_at = clock_timestamp(), version = version + 1,
        updated_at = clock_timestamp()
    WHERE thread_id = $1 AND user_id = $2 AND read_up_to >= $3
    RETURNING id, thread_id, version, updated_at"""

_DELIVERED = """
    INSERT INTO read_receipts AS r (workspace_id, thread_id, user_id, user_role, user_name, last_delivered_message_id, last_delivered_at,
        delivered_up_to, updated_at)
    SELECT $1, $5, $2, $3, $4, $6, now, $7, now FROM clock_timestamp() AS now
    ON CONFLICT (thread_id, user_id) DO UPDATE SET
        user_role = excluded.user_role, user_name = excluded.user_name, version = r.version + 1, updated_at = excluded.updated_at,
        last_delivered_message_id = excluded.last_delivered_message_id, last_delivered_at = excluded.last_delivered_at,
        delivered_up_to = excluded.delivered_up_to
    WHERE r.delivered_up_to IS NULL OR r.delivered_up_to < excluded.delivered_up_to
    RETURNING id, thread_id, version, updated_at"""

_BEFORE = """
    SELECT id, seq, created_at FROM messages
    WHERE thread_id = $1 AND created_at < $2 AND created_at >= $3 AND hidden_from = ANY($4::smallint[])
    ORDER BY created_at DESC LIMIT 1"""


def _up_to(moment: str) -> str:
    """The newest message, of those that whoever asks can see, up to a moment of a receipt."""
    return f"""
        SELECT id, seq FROM messages
        WHERE thread_id = r.thread_id AND created_at <= r.{moment} AND created_at >= $4 AND hidden_from = ANY($5::smallint[])
        ORDER BY created_at DESC LIMIT 1"""


_RECEIPTS = f"""
    SELECT r.thread_id, r.user_id, r.user_role, r.user_name, r.last_read_at, r.last_delivered_at, read.id AS last_read_message_id,
        read.seq AS last_read_seq, delivered.id AS last_delivered_message_id
    FROM (SELECT * FROM read_receipts WHERE thread_id = $1 AND user_id >= $2 ORDER BY user_id LIMIT $3) r
    LEFT JOIN LATERAL ({_up_to("read_up_to")}) read ON true
    LEFT JOIN LATERAL ({_up_to("delivered_up_to")}) delivered ON true
    ORDER BY r.user_id"""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A message that everybody sees, or the beginning of the thread."""

    id: UUID | None
    seq: int


class Receipts:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def read(self, reader: Principal, messages: Sequence[Message]) -> None:
        """Move the reader's marks forward to messages, each of another thread; those that are there or further stay."""

        async def attempt() -> None:
            async with self._database.workspace(reader.workspace_id) as connection:
                moved = await connection.fetch(
                    _READ, *_who(reader), [m.thread_id for m in messages], [m.id for m in messages], [m.created_at for m in messages]
                )
                to = {message.thread_id: message for message in messages}
                await self._say(connection, reader, [(row, await _public(connection, to[row["thread_id"]])) for row in moved])

        await once_more(attempt)
        self._on_commit()

    async def unread(self, reader: Principal, message: Message, sight: Sight) -> None:
        """Move the reader's mark back to before a message; one that is there already stays."""

        async def attempt() -> None:
            async with self._database.workspace(reader.workspace_id) as connection:
                last = await connection.fetchrow(_BEFORE, message.thread_id, message.created_at, sight.since, sight.kinds)
                mark = (last["id"], last["created_at"]) if last else (None, None)
                moved = await connection.fetch(_UNREAD, message.thread_id, reader.user_id, message.created_at, *mark)
                shown = await _public_before(connection, message) if last else _Shown(None, 0)
                await self._say(connection, reader, [(row, shown) for row in moved])

        await once_more(attempt)
        self._on_commit()

    async def delivered(self, reader: Principal, message: Message) -> None:
        """Move the reader's mark of what has reached them forward."""

        async def attempt() -> None:
            async with self._database.workspace(reader.workspace_id) as connection:
                moved = await connection.fetchrow(_DELIVERED, *_who(reader), message.thread_id, message.id, message.created_at)
                if moved is not None:
                    shown = await _public(connection, message)
                    event = ThreadDelivered(
                        entity_id=moved["id"],
                        version=moved["version"],
                        thread_id=message.thread_id,
                        user_id=reader.user_id,
                        last_delivered_message_id=shown.id,
                        last_delivered_seq=shown.seq,
                        last_delivered_at=moved["updated_at"],
                    )
                    await emit(connection, emission(event, reader.workspace_id, message.thread_id))

        await once_more(attempt)
        self._on_commit()

    async def of_thread(self, workspace_id: UUID, thread_id: UUID, start: UUID, limit: int, sight: Sight) -> list[Receipt]:
        """Receipts from a user's on, by messages that whoever asks can see."""
        async with self._database.reading(workspace_id) as connection:
            rows = await connection.fetch(_RECEIPTS, thread_id, start, limit, sight.since, sight.kinds)
        return [Receipt.model_validate(dict(row)) for row in rows]

    async def _say(self, connection: Connection, reader: Principal, moved: Sequence[tuple[asyncpg.Record, _Shown]]) -> None:
        events: list[tuple[Event, UUID]] = [
            (
                ThreadRead(
                    entity_id=row["id"],
                    version=row["version"],
                    thread_id=row["thread_id"],
                    user_id=reader.user_id,
                    last_read_message_id=shown.id,
                    last_read_seq=shown.seq,
                    last_read_at=row["updated_at"],
                ),
                row["thread_id"],
            )
            for row, shown in moved
        ]
        await emit(connection, *(emission(event, reader.workspace_id, thread_id) for event, thread_id in events))


def _who(reader: Principal) -> tuple[UUID, UUID, str, str]:
    return reader.workspace_id, reader.user_id, reader.role.value, reader.name


async def _public(connection: Connection, message: Message) -> _Shown:
    """What everybody may be told of a mark: a message, or the one before it where some cannot see it."""
    if hidden_from(message) is HiddenFrom.NOBODY:
        return _Shown(message.id, message.seq)
    return await _public_before(connection, message)


async def _public_before(connection: Connection, message: Message) -> _Shown:
    last = await connection.fetchrow(_BEFORE, message.thread_id, message.created_at, BEGINNING, [HiddenFrom.NOBODY])
    return _Shown(last["id"], last["seq"]) if last else _Shown(None, 0)
