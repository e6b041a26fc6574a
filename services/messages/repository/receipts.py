"""How far readers have read, and how far messages have reached them: one row for each reader of a thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.messages.domain import Sight, hidden_from
from services.messages.repository.parts import contact_key
from shared.contracts.messages.messages import Message
from shared.contracts.messages.receipts import Receipt, ThreadDelivered, ThreadRead
from shared.contracts.principal import Principal
from shared.database.connections import Connection, Database, committed
from shared.outbox.outbox import emission, emit

# In the order of their threads, so that two that mark the same ones wait for each other and never deadlock. What was read has arrived.
# Who was taken out of a thread meanwhile stays out: of one part, its end counts.
_WHO = """
        user_role = excluded.user_role, user_name = excluded.user_name, user_contact = excluded.user_contact,
        takes_part = excluded.takes_part AND (r.takes_part OR r.joined_at IS NULL OR r.joined_at < excluded.joined_at),
        joined_at = greatest(r.joined_at, excluded.joined_at), version = r.version + 1, updated_at = excluded.updated_at"""

_READ = f"""
    INSERT INTO read_receipts AS r (workspace_id, thread_id, user_id, user_role, user_name, user_contact, takes_part, joined_at,
        last_read_message_id, last_read_at, read_up_to, last_delivered_message_id, last_delivered_at, delivered_up_to, updated_at)
    SELECT $1, thread_id, $2, $3, $4, $5, joined_at IS NOT NULL, date_trunc('milliseconds', joined_at),
        message_id, now, at, message_id, now, at, now
    FROM unnest($6::uuid[], $7::uuid[], $8::timestamptz[], $9::timestamptz[]) AS marked (thread_id, message_id, at, joined_at),
        clock_timestamp() AS now
    ORDER BY thread_id
    ON CONFLICT (thread_id, user_id) DO UPDATE SET {_WHO},
        last_read_message_id = excluded.last_read_message_id, last_read_at = excluded.last_read_at, read_up_to = excluded.read_up_to,
        last_delivered_message_id =
            CASE WHEN r.delivered_up_to >= excluded.read_up_to THEN r.last_delivered_message_id ELSE excluded.last_read_message_id END,
        last_delivered_at = CASE WHEN r.delivered_up_to >= excluded.read_up_to THEN r.last_delivered_at ELSE excluded.last_read_at END,
        delivered_up_to = greatest(r.delivered_up_to, excluded.read_up_to)
    WHERE r.read_up_to IS NULL OR r.read_up_to < excluded.read_up_to
    RETURNING id, thread_id, version, takes_part, last_read_at"""

# When they read it stays as it was: nothing is read by this.
_UNREAD = """
    UPDATE read_receipts SET last_read_message_id = $4, read_up_to = $5, version = version + 1, updated_at = clock_timestamp()
    WHERE thread_id = $1 AND user_id = $2 AND read_up_to >= $3
    RETURNING id, thread_id, version, takes_part, last_read_at"""

_DELIVERED = f"""
    INSERT INTO read_receipts AS r (workspace_id, thread_id, user_id, user_role, user_name, user_contact, takes_part, joined_at,
        last_delivered_message_id, last_delivered_at, delivered_up_to, updated_at)
    SELECT $1, $6, $2, $3, $4, $5, $9::timestamptz IS NOT NULL, date_trunc('milliseconds', $9::timestamptz), $7, now, $8, now
    FROM clock_timestamp() AS now
    ON CONFLICT (thread_id, user_id) DO UPDATE SET {_WHO},
        last_delivered_message_id = excluded.last_delivered_message_id, last_delivered_at = excluded.last_delivered_at,
        delivered_up_to = excluded.delivered_up_to
    WHERE r.delivered_up_to IS NULL OR r.delivered_up_to < excluded.delivered_up_to
    RETURNING id, thread_id, version, takes_part, last_delivered_at"""

_BEFORE = """
    SELECT id, seq, created_at FROM messages
    WHERE thread_id = $1 AND created_at < $2 AND created_at >= $3 AND hidden_from = ANY($4::smallint[])
    ORDER BY created_at DESC LIMIT 1"""

_PUBLIC_BEFORE = """
    SELECT last.id, coalesce(last.seq, 0) AS seq
    FROM unnest($1::uuid[], $2::timestamptz[]) WITH ORDINALITY AS marked (thread_id, created_at, place)
    LEFT JOIN LATERAL (
        SELECT id, seq FROM messages
        WHERE thread_id = marked.thread_id AND created_at < marked.created_at AND hidden_from = 0
        ORDER BY created_at DESC LIMIT 1
    ) AS last ON true
    ORDER BY marked.place"""


def _up_to(moment: str) -> str:
    """The newest message, of those that whoever asks can see, up to a moment of a receipt."""
    return f"""
        SELECT id, seq FROM messages
        WHERE thread_id = r.thread_id AND created_at <= r.{moment} AND created_at >= $4 AND hidden_from = ANY($5::smallint[])
        ORDER BY created_at DESC LIMIT 1"""


_RECEIPTS = f"""
    SELECT r.thread_id, r.user_id, r.user_role, r.user_name, r.last_read_at, r.last_delivered_at, read.id AS last_read_message_id,
        read.seq AS last_read_seq, delivered.id AS last_delivered_message_id
    FROM (
        SELECT * FROM read_receipts WHERE thread_id = $1 AND user_id >= $2 AND (takes_part OR user_id = $6) ORDER BY user_id LIMIT $3
    ) r
    LEFT JOIN LATERAL ({_up_to("read_up_to")}) read ON true
    LEFT JOIN LATERAL ({_up_to("delivered_up_to")}) delivered ON true
    ORDER BY r.user_id"""


@dataclass(frozen=True, slots=True)
class Mark:
    """A message up to which somebody marks, and since when they take part in its thread; None where they do not, which nobody is told."""

    message: Message
    joined_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Shown:
    """A message that everybody sees, or the beginning of the thread."""

    id: UUID | None
    seq: int


class Receipts:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def read(self, reader: Principal, marks: Sequence[Mark]) -> None:
        """Move the reader's marks forward to messages, each of another thread; those that are there or further stay."""
        messages = {mark.message.thread_id: mark.message for mark in marks}

        async def attempt() -> None:
            async with self._database.workspace(reader.workspace_id) as connection:
                moved = await connection.fetch(_READ, *_who(reader), *_columns(marks))
                told = [row for row in moved if row["takes_part"]]
                shown = await _public(connection, [messages[row["thread_id"]] for row in told])
                await _say_read(connection, reader, told, shown)

        await committed(attempt, self._on_commit)

    async def unread(self, reader: Principal, message: Message, sight: Sight) -> None:
        """Move the reader's mark back to before a message; one that is there already stays."""

        async def attempt() -> None:
            async with self._database.workspace(reader.workspace_id) as connection:
                last = await connection.fetchrow(_BEFORE, message.thread_id, message.created_at, sight.since, sight.kinds)
                mark = (last["id"], last["created_at"]) if last else (None, None)
                moved = await connection.fetch(_UNREAD, message.thread_id, reader.user_id, message.created_at, *mark)
                told = [row for row in moved if row["takes_part"]]
                shown = await _public_before(connection, [message]) if last else [_Shown(None, 0)]
                await _say_read(connection, reader, told, shown[: len(told)])

        await committed(attempt, self._on_commit)

    async def delivered(self, reader: Principal, mark: Mark) -> None:
        """Move the reader's mark of what has reached them forward."""
        message = mark.message

        async def attempt() -> None:
            async with self._database.workspace(reader.workspace_id) as connection:
                values = (message.thread_id, message.id, message.created_at, mark.joined_at)
                moved = await connection.fetchrow(_DELIVERED, *_who(reader), *values)
                if moved is not None and moved["takes_part"]:
                    (shown,) = await _public(connection, [message])
                    event = ThreadDelivered(
                        entity_id=moved["id"],
                        version=moved["version"],
                        thread_id=message.thread_id,
                        user_id=reader.user_id,
                        last_delivered_message_id=shown.id,
                        last_delivered_seq=shown.seq,
                        last_delivered_at=moved["last_delivered_at"],
                    )
                    await emit(connection, emission(event, reader.workspace_id, message.thread_id))

        await committed(attempt, self._on_commit)

    async def of_thread(self, asking: Principal, thread_id: UUID, start: UUID, limit: int, sight: Sight) -> list[Receipt]:
        """Receipts from a user's on, of those who take part and one's own, by messages that whoever asks can see."""
        values = (thread_id, start, limit, sight.since, sight.kinds, asking.user_id)
        async with self._database.reading(asking.workspace_id) as connection:
            rows = await connection.fetch(_RECEIPTS, *values)
        return [Receipt.model_validate(dict(row)) for row in rows]


async def _say_read(connection: Connection, reader: Principal, moved: Sequence[asyncpg.Record], shown: Sequence[_Shown]) -> None:
    events = [
        ThreadRead(
            entity_id=row["id"],
            version=row["version"],
            thread_id=row["thread_id"],
            user_id=reader.user_id,
            last_read_message_id=message.id,
            last_read_seq=message.seq,
            last_read_at=row["last_read_at"],
        )
        for row, message in zip(moved, shown, strict=True)
    ]
    await emit(connection, *(emission(event, reader.workspace_id, event.thread_id) for event in events))


def _who(reader: Principal) -> tuple[UUID, UUID, str, str, str | None]:
    return reader.workspace_id, reader.user_id, reader.role.value, reader.name, contact_key(reader.contact)


def _columns(marks: Sequence[Mark]) -> tuple[list[UUID], list[UUID], list[datetime], list[datetime | None]]:
    messages = [mark.message for mark in marks]
    return (
        [message.thread_id for message in messages],
        [message.id for message in messages],
        [message.created_at for message in messages],
        [mark.joined_at for mark in marks],
    )


async def _public(connection: Connection, messages: Sequence[Message]) -> list[_Shown]:
    """What everybody may be told of marks: their messages, or the ones before those that some cannot see."""
    hidden = [message for message in messages if hidden_from(message)]
    before = iter(await _public_before(connection, hidden)) if hidden else iter(())
    return [next(before) if hidden_from(message) else _Shown(message.id, message.seq) for message in messages]


async def _public_before(connection: Connection, messages: Sequence[Message]) -> list[_Shown]:
    threads, moments = [message.thread_id for message in messages], [message.created_at for message in messages]
    return [_Shown(row["id"], row["seq"]) for row in await connection.fetch(_PUBLIC_BEFORE, threads, moments)]
