"""Pages of messages, as their readers get them; PostgreSQL writes their JSON."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from services.messages.domain import BEGINNING, Sight
from services.messages.repository.rows import READERS_COLUMNS
from shared.contracts.messages.messages import Message
from shared.database.connections import Database

PAGE_LENGTH = 1024 * 1024  # characters of JSON

_SEEN = "hidden_from = ANY($3::smallint[]) AND created_at >= $4"


def _page(where: str, order: str) -> str:
    """A page's rows as JSON, each with its time. Ordered by the time that partitions are made of, so that a page reads one or two."""
    return f"""
        SELECT row_to_json(shown)::text AS json, page.created_at FROM (
            SELECT * FROM messages WHERE {where} AND {_SEEN} ORDER BY created_at {order} LIMIT $5
        ) page CROSS JOIN LATERAL (SELECT {READERS_COLUMNS}) shown ORDER BY page.created_at {order}"""


# Who sees all of a thread reads it where its changes are kept; to who does not, what is older must not be told of by its changes.
_LAST_CHANGED = f"""
    CASE WHEN $4 = '{BEGINNING.isoformat()}'::timestamptz THEN (
        SELECT greatest(changed_at, CASE WHEN 1 = ANY($3) THEN notes_changed_at END, CASE WHEN 2 = ANY($3) THEN guarded_changed_at END)
        FROM heads WHERE thread_id = $1
    ) ELSE (
        SELECT updated_at FROM messages WHERE thread_id = $1 AND version > 1 AND {_SEEN} ORDER BY updated_at DESC LIMIT 1
    ) END"""


# What a poll asks first: no message is read for it but the one that the caller names. Ordered as the index is, so that the planner takes
# that even for months that are empty yet.
NEWS = f"""
    SELECT (
            SELECT created_at FROM messages WHERE thread_id = $1 AND created_at > $2 AND {_SEEN} ORDER BY created_at DESC LIMIT 1
        ) AS newest, {_LAST_CHANGED} AS changed_at,
        $5::uuid IS NULL OR EXISTS (
            SELECT FROM messages WHERE id = $5 AND created_at = $2 AND thread_id = $1 AND {_SEEN}
        ) AS is_known"""


def _with_changes(page: str, order: str) -> str:
    """A page, and when what its reader can see was last changed: one statement."""
    return f"""
        SELECT page.json, page.created_at, changed.at AS changed_at
        FROM (SELECT {_LAST_CHANGED} AS at) AS changed LEFT JOIN ({page}) AS page ON true ORDER BY page.created_at {order}"""


_CHANGED = f"""
    SELECT row_to_json(shown)::text AS json, page.updated_at AS changed_at FROM (
        SELECT * FROM messages WHERE thread_id = $1 AND version > 1 AND updated_at > $6 AND created_at <= $2 AND {_SEEN}
        ORDER BY updated_at LIMIT $5
    ) page CROSS JOIN LATERAL (SELECT {READERS_COLUMNS}) shown ORDER BY page.updated_at"""

_OLDER = _page("thread_id = $1 AND created_at < $2", "DESC")
_NEWEST = _with_changes(_OLDER, "DESC")
_NEWER = _with_changes(_page("thread_id = $1 AND created_at > $2", "ASC"), "ASC")
_SUB_CONVERSATION = _page("root_id = $1 AND created_at > $2", "ASC")
_REPLIES = _page("root_id = $1 AND created_at > $2 AND reply_to = $6", "ASC")


@dataclass(frozen=True, slots=True)
class Rows:
    """A page's messages as JSON, oldest first, and the times of the first and the last of them.

    changed_at: of a poll, and of the newest page, when what their reader can see was last changed.
    """

    json: list[str]
    first_at: datetime | None
    last_at: datetime | None
    more: bool
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """Messages that were changed, as JSON, in the order of that; and up to which change this tells of them."""

    json: list[str]
    up_to: datetime


@dataclass(frozen=True, slots=True)
class News:
    """Whether there is anything newer than a moment for a reader to see, and when what they see was last changed."""

    newer: bool
    changed_at: datetime | None

    def changed_since(self, moment: datetime) -> bool:
        return self.changed_at is not None and self.changed_at > moment

    @property
    def nothing(self) -> Rows:
        """The page of those who have everything."""
        return Rows([], None, None, False, self.changed_at)


class Pages:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def older(self, workspace_id: UUID, thread_id: UUID, before: datetime | None, limit: int, sight: Sight) -> Rows:
        """The page that ends before a moment; the newest without one."""
        query, end = (_NEWEST, datetime.max.replace(tzinfo=UTC)) if before is None else (_OLDER, before)
        rows = await self._rows(query, workspace_id, thread_id, end, limit, sight)
        rows.json.reverse()
        return Rows(rows.json, rows.last_at, rows.first_at, rows.more, rows.changed_at)

    async def news(self, workspace_id: UUID, thread_id: UUID, after: datetime, named: UUID | None, sight: Sight) -> News | None:
        """What became of a thread since a moment; None where the message that was named for it is not there for the caller to see."""
        async with self._database.reading(workspace_id) as connection:
            row = await connection.fetchrow(NEWS, thread_id, after, sight.kinds, sight.since, named)
        assert row is not None
        return News(row["newest"] is not None, row["changed_at"]) if row["is_known"] else None

    async def newer(self, workspace_id: UUID, thread_id: UUID, after: datetime, limit: int, sight: Sight) -> Rows:
        """The page that begins after a moment."""
        return await self._rows(_NEWER, workspace_id, thread_id, after, limit, sight)

    async def changed(self, workspace_id: UUID, thread_id: UUID, until: datetime, since: datetime, limit: int, sight: Sight) -> Changes:
        """What changed since a change, of the messages until a moment."""
        async with self._database.reading(workspace_id) as connection:
            found = await connection.fetch(_CHANGED, thread_id, until, sight.kinds, sight.since, limit, since)
        rows = _within_a_megabyte(found)
        return Changes([row["json"] for row in rows], rows[-1]["changed_at"] if rows else since)

    async def replies(self, workspace_id: UUID, message: Message, after: datetime, limit: int, sight: Sight) -> Rows:
        """The page of a sub-conversation that begins after a moment; where a message is within one, of those that reply to it."""
        if message.root_id is None:
            return await self._rows(_SUB_CONVERSATION, workspace_id, message.id, after, limit, sight)
        return await self._rows(_REPLIES, workspace_id, message.root_id, after, limit, sight, message.id)

    async def _rows(self, query: str, workspace_id: UUID, of: UUID, moment: datetime, limit: int, sight: Sight, *more: UUID) -> Rows:
        async with self._database.reading(workspace_id) as connection:
            answer = await connection.fetch(query, of, moment, sight.kinds, sight.since, limit + 1, *more)
        found = [row for row in answer if row["json"] is not None]
        rows = _within_a_megabyte(found[:limit])
        return Rows(
            [row["json"] for row in rows],
            rows[0]["created_at"] if rows else None,
            rows[-1]["created_at"] if rows else None,
            len(found) > len(rows),
            answer[0].get("changed_at") if answer else None,
        )


def _within_a_megabyte(rows: list[asyncpg.Record]) -> list[asyncpg.Record]:
    """As many as a reply carries, and always one."""
    size = 0
    for count, row in enumerate(rows):
        size += len(row["json"])
        if size > PAGE_LENGTH and count:
            return rows[:count]
    return rows
