"""How messages are read, edited and deleted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from services.messages.domain import shown
from services.messages.repository.rows import COLUMNS, READERS_COLUMNS, message_of
from shared.contracts.messages.messages import Channel, Message, MessageDeleted, MessageEdited, NoteDeleted, NoteEdited
from shared.database.connections import Database, once_more
from shared.identifiers import time_of
from shared.outbox.outbox import emission, emit

PAGE_LENGTH = 1024 * 1024  # characters of JSON

_GET = f"SELECT {COLUMNS} FROM messages WHERE id = $1 AND created_at = $2"

_LOCK_HEAD = "SELECT thread_id FROM heads WHERE thread_id = $1 FOR UPDATE"

_LOCK = f"SELECT {COLUMNS}, version, clock_timestamp() AS now FROM messages WHERE id = $1 AND created_at = $2 FOR UPDATE"

_CHANGE = """
    UPDATE messages SET content = $3, edited_at = $4, deleted_at = $5, updated_at = $6, version = $7 WHERE id = $1 AND created_at = $2"""


def _page(side: str) -> str:
    """A page's rows as JSON, each with its time. Ordered by the time that partitions are made of, so that a page reads one or two."""
    order = "ASC" if side == ">" else "DESC"
    return f"""
        SELECT row_to_json(shown)::text AS json, page.created_at FROM (
            SELECT * FROM messages
            WHERE thread_id = $1 AND created_at {side} $2 AND (channel <> 'note' OR $3) ORDER BY created_at {order} LIMIT $4
        ) page CROSS JOIN LATERAL (SELECT {READERS_COLUMNS}) shown ORDER BY page.created_at {order}"""


_OLDER, _NEWER = _page("<"), _page(">")


@dataclass(frozen=True, slots=True)
class Rows:
    """A page's messages as JSON, oldest first, and the times of the first and the last of them."""

    json: list[str]
    first_at: datetime | None
    last_at: datetime | None
    more: bool


class Messages:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def get(self, workspace_id: UUID, message_id: UUID) -> Message | None:
        """As it is stored; None where there is none, or the id is none of ours."""
        at = time_of(message_id)
        if at is None:
            return None
        async with self._database.reading(workspace_id) as connection:
            row = await connection.fetchrow(_GET, message_id, at)
        return message_of(row) if row else None

    async def older(self, workspace_id: UUID, thread_id: UUID, before: datetime | None, limit: int, *, notes: bool) -> Rows:
        """The page that ends before a moment; the newest without one."""
        rows = await self._rows(_OLDER, workspace_id, thread_id, before or datetime.max.replace(tzinfo=UTC), limit, notes)
        rows.json.reverse()
        return Rows(rows.json, rows.last_at, rows.first_at, rows.more)

    async def newer(self, workspace_id: UUID, thread_id: UUID, after: datetime, limit: int, *, notes: bool) -> Rows:
        """The page that begins after a moment."""
        return await self._rows(_NEWER, workspace_id, thread_id, after, limit, notes)

    async def _rows(self, query: str, workspace_id: UUID, thread_id: UUID, moment: datetime, limit: int, notes: bool) -> Rows:
        async with self._database.reading(workspace_id) as connection:
            found = await connection.fetch(query, thread_id, moment, notes, limit + 1)
        rows = _within_a_megabyte(found[:limit])
        return Rows(
            [row["json"] for row in rows],
            rows[0]["created_at"] if rows else None,
            rows[-1]["created_at"] if rows else None,
            len(found) > len(rows),
        )

    async def edit(self, workspace_id: UUID, thread_id: UUID, message_id: UUID, rule: Callable[[Message, datetime], Message]) -> Message:
        """Apply a rule to a message, under its thread's lock, so that its events are in order. Raises what the rule raises."""

        async def attempt() -> Message:
            async with self._database.workspace(workspace_id) as connection:
                await connection.execute(_LOCK_HEAD, thread_id)
                row = await connection.fetchrow(_LOCK, message_id, time_of(message_id))
                assert row is not None, "messages are never removed while their thread can be read"
                before = message_of(row)
                after = rule(before, row["now"])
                if after is not before:
                    version = row["version"] + 1
                    await connection.execute(
                        _CHANGE, message_id, before.created_at, after.content, after.edited_at, after.deleted_at, row["now"], version
                    )
                    await emit(connection, emission(_event(after, version), workspace_id, thread_id))
                return after

        changed = await once_more(attempt)
        self._on_commit()
        return changed


def _within_a_megabyte(rows: list[asyncpg.Record]) -> list[asyncpg.Record]:
    """As many as a reply carries, and always one."""
    size = 0
    for count, row in enumerate(rows):
        size += len(row["json"])
        if size > PAGE_LENGTH and count:
            return rows[:count]
    return rows


def _event(message: Message, version: int) -> MessageEdited | MessageDeleted | NoteEdited | NoteDeleted:
    note = message.channel is Channel.NOTE
    if message.deleted_at is not None:
        return (NoteDeleted if note else MessageDeleted)(entity_id=message.id, version=version, message=shown(message))
    return (NoteEdited if note else MessageEdited)(entity_id=message.id, version=version, message=message)
