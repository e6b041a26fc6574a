"""Whom messages mention, by user: what unread mentions are counted over. The messages themselves hold the same, for their readers."""

from collections.abc import Sequence
from uuid import UUID

from services.messages.domain import hidden_from
from shared.contracts.messages.messages import Message
from shared.database.connections import Connection

_ADD = """
    INSERT INTO mentions (workspace_id, user_id, thread_id, created_at, hidden_from)
    SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::smallint[])"""

_REMOVE = "DELETE FROM mentions WHERE thread_id = $1 AND created_at = $2 AND user_id = ANY($3::uuid[])"


async def add_mentions(connection: Connection, workspace_id: UUID, messages: Sequence[Message]) -> None:
    """Those of messages that were posted. Whoever mentions themselves has read it."""
    rows = [
        (user_id, message.thread_id, message.created_at, hidden_from(message))
        for message in messages
        for user_id in message.mentions
        if user_id != message.author_id
    ]
    if rows:
        users, threads, moments, kinds = zip(*rows, strict=True)
        await connection.execute(_ADD, workspace_id, users, threads, moments, kinds)


async def change_mentions(connection: Connection, workspace_id: UUID, before: Message, after: Message) -> None:
    """Those of a message that was changed; a deleted one mentions nobody."""
    was, now = set(before.mentions), set() if after.deleted_at is not None else set(after.mentions)
    if gone := was - now:
        await connection.execute(_REMOVE, after.thread_id, after.created_at, list(gone))
    await add_mentions(connection, workspace_id, [after.model_copy(update={"mentions": sorted(now - was)})])
