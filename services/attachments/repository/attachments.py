"""How attachments are found and deleted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.attachments.domain import Sight, Stored
from services.attachments.repository.rows import COLUMNS, said_of, stored_of
from shared.contracts.attachments.attachments import Change
from shared.contracts.attachments.audit import ActionAudited
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.database.connections import Database, once_more
from shared.identifiers import LAST_ID, new_id
from shared.outbox.outbox import Emission, emission, emit

_GET = f"SELECT {COLUMNS} FROM attachments WHERE id = $1"

PAGE = f"""
    SELECT {COLUMNS} FROM attachments
    WHERE thread_id = $1 AND deleted_at IS NULL AND (created_at, id) < ($2, $3)
        AND ((posted_at >= $4 AND hidden_from = ANY($5::smallint[]))
            OR (posted_at IS NULL AND (uploaded_by_id = $6 OR ($8 AND scan_status = 'infected' AND created_at >= $4))))
    ORDER BY created_at DESC, id DESC LIMIT $7"""

_DELETE = f"""
    UPDATE attachments SET deleted_at = now(), updated_at = now(), version = version + 1 WHERE id = $1 AND deleted_at IS NULL
    RETURNING {COLUMNS}"""

END = (datetime.max.replace(tzinfo=UTC), LAST_ID)

type Place = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Page:
    files: list[Stored]
    more: bool


class Attachments:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def get(self, workspace_id: UUID, attachment_id: UUID) -> Stored | None:
        """Deleted ones too."""
        async with self._database.reading(workspace_id) as connection:
            row = await connection.fetchrow(_GET, attachment_id)
        return stored_of(row) if row else None

    async def page(self, thread_id: UUID, before: Place, limit: int, sight: Sight, caller: Principal) -> Page:
        """Newest first: what the caller sees of what is in messages, and what is in none and theirs; to who inspects, what was infected:
        it gets into no message.
        """
        inspects = caller.may(Permission.FILE_INSPECT)
        async with self._database.reading(caller.workspace_id) as connection:
            seen = (sight.since, sight.hidden_from, caller.user_id)
            rows = await connection.fetch(PAGE, thread_id, *before, *seen, limit + 1, inspects)
        return Page([stored_of(row) for row in rows[:limit]], len(rows) > limit)

    async def delete(self, file: Stored, caller: Principal) -> None:
        """Take it from its readers; the object goes later. Whoever deletes another's is in the audit log."""

        async def attempt() -> None:
            async with self._database.workspace(caller.workspace_id, actor=caller.user_id) as connection:
                row = await connection.fetchrow(_DELETE, file.id)
                if row is None:
                    return
                deleted = stored_of(row)
                entries = [] if deleted.uploaded_by_id == caller.user_id else [_audit_entry(deleted, caller)]
                await emit(connection, said_of(deleted, Change.DELETED), *entries)

        await once_more(attempt)
        self._on_commit()


def _audit_entry(file: Stored, caller: Principal) -> Emission:
    entry = ActionAudited(
        entity_id=new_id(),
        version=1,
        actor_id=caller.user_id,
        action=Permission.FILE_DELETE,
        target_kind="attachment",
        target_id=file.id,
        reason=None,
        details={"threadId": str(file.thread_id)},
    )
    return emission(entry, file.workspace_id, caller.user_id)
