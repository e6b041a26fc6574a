"""How messages are found, edited and deleted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.messages.domain import HiddenFrom, hidden_from, shown
from services.messages.files import TAKEN
from services.messages.repository.audit import audit_entry
from services.messages.repository.mentions import change_mentions
from services.messages.repository.rows import COLUMNS, Stored, stored_of
from shared.contracts.messages.hidden import GuardedMessageDeleted, GuardedMessageEdited
from shared.contracts.messages.messages import Message, MessageDeleted, MessageEdited, NoteDeleted, NoteEdited
from shared.contracts.model import Event
from shared.database.connections import Connection, Database, committed
from shared.identifiers import time_of
from shared.outbox.outbox import emission, emit

_GET = f"SELECT {COLUMNS}, posted_by FROM messages WHERE id = $1 AND created_at = $2"

_GET_ALL = f"""
    SELECT found.* FROM unnest($1::uuid[], $2::timestamptz[]) AS wanted (id, at)
    CROSS JOIN LATERAL (SELECT {COLUMNS}, posted_by FROM messages WHERE id = wanted.id AND created_at = wanted.at LIMIT 1) AS found"""

# Posts leave it (`reading.py`), the newest 30 days of them.
_WITH_ATTACHMENT = "SELECT message_id FROM message_keys WHERE thread_id = $1 AND key = $2 LIMIT 1"

_LOCK_HEAD = """
    SELECT greatest(clock_timestamp(), greatest(changed_at, notes_changed_at, guarded_changed_at) + interval '1 us')
    FROM heads WHERE thread_id = $1 FOR UPDATE"""

_LOCK = f"SELECT {COLUMNS}, posted_by, version FROM messages WHERE id = $1 AND created_at = $2 FOR UPDATE"

_CHANGE = """
    WITH moved AS (
        UPDATE heads SET changed_at = CASE $11::int WHEN 0 THEN $6::timestamptz ELSE changed_at END,
            notes_changed_at = CASE $11::int WHEN 1 THEN $6::timestamptz ELSE notes_changed_at END,
            guarded_changed_at = CASE $11::int WHEN 2 THEN $6::timestamptz ELSE guarded_changed_at END
        WHERE thread_id = $10)
    UPDATE messages SET content = $3, edited_at = $4, deleted_at = $5, updated_at = $6::timestamptz, version = $7, delivery_status = $8,
        mentions = nullif($9::uuid[], '{}')
    WHERE id = $1 AND created_at = $2"""

_EDITED: dict[HiddenFrom, type[Event]] = {
    HiddenFrom.NOBODY: MessageEdited,
    HiddenFrom.THOSE_WITHOUT_NOTES: NoteEdited,
    HiddenFrom.GUESTS: GuardedMessageEdited,
}
_DELETED: dict[HiddenFrom, type[Event]] = {
    HiddenFrom.NOBODY: MessageDeleted,
    HiddenFrom.THOSE_WITHOUT_NOTES: NoteDeleted,
    HiddenFrom.GUESTS: GuardedMessageDeleted,
}

type Rule = Callable[[Stored, datetime], Message]


@dataclass(frozen=True, slots=True)
class Deed:
    """Who changes a message, and why where they said it. audited: what it is called in the audit log, if it belongs there."""

    actor: UUID
    reason: str | None
    audited: Callable[[Stored], str | None] = lambda _: None


class Messages:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def get(self, workspace_id: UUID, message_id: UUID) -> Stored | None:
        """None where there is none, or the id is none of ours."""
        at = time_of(message_id)
        if at is None:
            return None
        async with self._database.reading(workspace_id) as connection:
            row = await connection.fetchrow(_GET, message_id, at)
        return stored_of(row) if row else None

    async def get_all(self, workspace_id: UUID, message_ids: Sequence[UUID]) -> dict[UUID, Stored]:
        """Those that there are, in one statement."""
        wanted = {message_id: at for message_id in message_ids if (at := time_of(message_id)) is not None}
        async with self._database.reading(workspace_id) as connection:
            rows = await connection.fetch(_GET_ALL, list(wanted), list(wanted.values()))
        return {row["id"]: stored_of(row) for row in rows}

    async def with_attachment(self, workspace_id: UUID, attachment_id: UUID) -> UUID | None:
        """The message that has taken a file."""
        async with self._database.reading(workspace_id) as connection:
            found: UUID | None = await connection.fetchval(_WITH_ATTACHMENT, attachment_id, TAKEN)
        return found

    async def change(self, workspace_id: UUID, message: Message, deed: Deed, rule: Rule) -> Message:
        """Apply a rule to a message, under its thread's lock, so that its events are in order. Raises what the rule raises."""

        async def attempt() -> Message:
            async with self._database.workspace(workspace_id, actor=deed.actor, reason=deed.reason) as connection:
                now = await connection.fetchval(_LOCK_HEAD, message.thread_id)  # never earlier than the thread's last change
                row = await connection.fetchrow(_LOCK, message.id, message.created_at)
                assert row is not None, "messages are never removed while their thread can be read"
                before = stored_of(row)
                after = rule(before, now)
                if after is not before.message:
                    await _write(connection, before.message, after, now, row["version"] + 1)
                    await change_mentions(connection, workspace_id, before.message, after)
                    said = emission(_event(after, row["version"] + 1), workspace_id, after.thread_id)
                    action = deed.audited(before)
                    entries = [audit_entry(workspace_id, deed.actor, action, after, deed.reason)] if action else []
                    await emit(connection, said, *entries)
                return after

        return await committed(attempt, self._on_commit)


async def _write(connection: Connection, before: Message, after: Message, now: datetime, version: int) -> None:
    await connection.execute(
        _CHANGE,
        before.id,
        before.created_at,
        after.content,
        after.edited_at,
        after.deleted_at,
        now,
        version,
        after.delivery_status,
        after.mentions,
        before.thread_id,
        hidden_from(before),
    )


def _event(message: Message, version: int) -> Event:
    said = _EDITED if message.deleted_at is None else _DELETED
    return said[hidden_from(message)].model_validate({"entity_id": message.id, "version": version, "message": shown(message)})
