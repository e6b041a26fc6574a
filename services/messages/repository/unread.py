"""How much readers have not read: counted over the index of a thread's messages, and no further than to where it is said."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from services.messages.domain import Sight
from shared.contracts.messages.unread import MOST_COUNTED, Unread
from shared.database.connections import Database

_SEEN = "(hidden_from = 0 OR (hidden_from = 1 AND asked.notes) OR (hidden_from = 2 AND asked.robots))"

MOST_WALKED = 5_000
"""Messages of a thread that a count looks at: own, deleted and hidden ones cost as much as those that it counts."""

# For all who ask in one turn. Newest first, and each count ends at its limits: a thread with a million messages costs as much as one with
# a thousand, whoever wrote them. Nothing but the index is read where its pages are known to be visible to all.
_COUNT = f"""
    SELECT asked.thread_id, shown.id AS last_read_message_id, counted.number AS unread, counted.ended, mentioned.number AS mentions
    FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::boolean[], $6::boolean[]) WITH ORDINALITY
        AS asked (user_id, thread_id, since, seen_from, notes, robots, place)
    LEFT JOIN LATERAL (
        SELECT read_up_to FROM read_receipts WHERE thread_id = asked.thread_id AND user_id = asked.user_id
    ) AS receipt ON true
    LEFT JOIN LATERAL (
        SELECT id FROM messages
        WHERE thread_id = asked.thread_id AND created_at <= receipt.read_up_to AND created_at >= asked.seen_from AND {_SEEN}
        ORDER BY created_at DESC LIMIT 1
    ) AS shown ON true
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE unread) AS number, coalesce(bool_or(walked = {MOST_WALKED}), false) AS ended FROM (
            SELECT unread, walked FROM (
                SELECT deleted_at IS NULL AND author_id IS DISTINCT FROM asked.user_id AND {_SEEN} AS unread,
                    row_number() OVER () AS walked
                FROM (
                    SELECT author_id, hidden_from, deleted_at FROM messages
                    WHERE thread_id = asked.thread_id AND created_at > greatest(asked.since, receipt.read_up_to)
                    ORDER BY created_at DESC LIMIT {MOST_WALKED}
                ) AS newest
            ) AS walk
            WHERE unread OR walked = {MOST_WALKED} LIMIT {MOST_COUNTED + 1}
        ) AS found
    ) AS counted
    CROSS JOIN LATERAL (
        SELECT count(*) AS number FROM (
            SELECT FROM mentions
            WHERE user_id = asked.user_id AND thread_id = asked.thread_id AND created_at > greatest(asked.since, receipt.read_up_to)
                AND {_SEEN}
            LIMIT {MOST_COUNTED}
        ) AS newest
    ) AS mentioned
    ORDER BY asked.place"""

NEVER = datetime.max.replace(tzinfo=UTC)  # PostgreSQL's infinity: nothing is newer


class Reading(NamedTuple):
    """A reader of a thread. since: what is not newer counts for nothing; `NEVER` where they take no part."""

    user_id: UUID
    thread_id: UUID
    since: datetime
    sight: Sight


class UnreadMessages:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, workspace_id: UUID, readings: Sequence[Reading]) -> list[Unread]:
        """In the order asked."""
        if not readings:
            return []
        async with self._database.reading(workspace_id) as connection:
            rows = await connection.fetch(
                _COUNT,
                [reading.user_id for reading in readings],
                [reading.thread_id for reading in readings],
                [reading.since for reading in readings],
                [reading.sight.since for reading in readings],
                [reading.sight.notes for reading in readings],
                [reading.sight.robots for reading in readings],
            )
        return [
            Unread(
                thread_id=row["thread_id"],
                unread_count=min(row["unread"], MOST_COUNTED),
                capped=row["unread"] > MOST_COUNTED or row["ended"],
                mention_count=row["mentions"],
                last_read_message_id=row["last_read_message_id"],
            )
            for row in rows
        ]
