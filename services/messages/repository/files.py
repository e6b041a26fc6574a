"""The copies that messages hold of what attachments says of their files."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import reduce
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter
from pydantic_core import to_json

from services.messages.files import Files, moved
from shared.contracts.attachments.attachments import Attachment, AttachmentChanged
from shared.database.connections import Connection
from shared.identifiers import time_of

# As edits do: the heads first, then the messages, and no change earlier than the thread's last one.
_LOCK_HEADS = """
    SELECT thread_id, greatest(clock_timestamp(), greatest(changed_at, notes_changed_at, guarded_changed_at) + interval '1 us') AS now
    FROM heads WHERE thread_id = ANY($1::uuid[]) ORDER BY thread_id FOR UPDATE"""

FIND = """
    SELECT found.* FROM unnest($1::uuid[], $2::timestamptz[]) AS wanted (id, at)
    CROSS JOIN LATERAL (
        SELECT id, created_at, thread_id, hidden_from, attachments, attachment_versions FROM messages
        WHERE id = wanted.id AND created_at = wanted.at AND attachments IS NOT NULL AND deleted_at IS NULL LIMIT 1) AS found"""

_WRITE = """
    WITH moved AS (
        UPDATE heads SET changed_at = CASE $7::int WHEN 0 THEN $5::timestamptz ELSE changed_at END,
            notes_changed_at = CASE $7::int WHEN 1 THEN $5::timestamptz ELSE notes_changed_at END,
            guarded_changed_at = CASE $7::int WHEN 2 THEN $5::timestamptz ELSE guarded_changed_at END
        WHERE thread_id = $6)
    UPDATE messages SET attachments = $3::jsonb, attachment_versions = $4::integer[], updated_at = $5::timestamptz, version = version + 1
    WHERE id = $1 AND created_at = $2"""

_MICROSECOND = timedelta(microseconds=1)
_ATTACHMENTS = TypeAdapter(list[Attachment])


async def follow(connection: Connection, events: Sequence[AttachmentChanged]) -> None:
    """Messages' copies are as the events say; of a deleted message nobody sees any. Those who poll are told of each that moved."""
    said: dict[UUID, list[AttachmentChanged]] = {}
    for event in events:
        if event.attachment.message_id is not None:
            said.setdefault(event.attachment.message_id, []).append(event)
    wanted = {message_id: at for message_id in said if (at := time_of(message_id)) is not None}
    threads = sorted({event.attachment.thread_id for event in events})
    nows: dict[UUID, datetime] = {row["thread_id"]: row["now"] for row in await connection.fetch(_LOCK_HEADS, threads)}
    for row in await connection.fetch(FIND, list(wanted), list(wanted.values())):
        before = Files(_ATTACHMENTS.validate_json(row["attachments"]), row["attachment_versions"])
        after = reduce(moved, said[row["id"]], before)
        if after is not before:
            await _write(connection, row, after, nows[row["thread_id"]])
            nows[row["thread_id"]] += _MICROSECOND  # polls go on from a change's time: no two have the same


async def _write(connection: Connection, row: asyncpg.Record, files: Files, now: datetime) -> None:
    await connection.execute(
        _WRITE,
        row["id"],
        row["created_at"],
        to_json(files.attachments).decode(),
        files.versions,
        now,
        row["thread_id"],
        row["hidden_from"],
    )
