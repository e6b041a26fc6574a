"""What messages were before they were changed; reading it is audited in the same transaction."""

from collections.abc import Callable
from uuid import UUID

import asyncpg

from services.messages.repository.audit import audit_entry
from services.messages.repository.rows import COLUMNS, message_of
from shared.contracts.messages.history import MessageVersion
from shared.contracts.messages.messages import Message
from shared.contracts.permissions import Permission
from shared.database.connections import Database
from shared.identifiers import FIRST_ID
from shared.outbox.outbox import emit

_VERSIONS = f"""
    SELECT history_id, changed_at, operation_type, changed_by, reason, {COLUMNS} FROM messages_history
    WHERE id = $1 AND history_id > $2 ORDER BY history_id LIMIT $3"""


class History:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def of(self, workspace_id: UUID, message: Message, after: UUID | None, limit: int, *, reader: UUID) -> list[MessageVersion]:
        """Versions after one of them, oldest first."""
        async with self._database.workspace(workspace_id) as connection:
            rows = await connection.fetch(_VERSIONS, message.id, after or FIRST_ID, limit)
            await emit(connection, audit_entry(workspace_id, reader, Permission.HISTORY_READ, message, None))
        self._on_commit()
        return [_version(row) for row in rows]


def _version(row: asyncpg.Record) -> MessageVersion:
    return MessageVersion(
        history_id=row["history_id"],
        changed_at=row["changed_at"],
        operation_type=row["operation_type"],
        changed_by=row["changed_by"],
        reason=row["reason"],
        message=message_of(row),
    )
