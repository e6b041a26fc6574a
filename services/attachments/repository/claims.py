"""How messages take files, and what their events do to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.attachments.domain import USABLE, HiddenFrom, Stored
from services.attachments.repository.rows import columns, said_of, stored_of
from shared.contracts.attachments.attachments import Change
from shared.contracts.attachments.claims import ClaimAttachments
from shared.contracts.principal import Principal
from shared.database.connections import Connection, Database, once_more
from shared.outbox.outbox import emit

_LOCK = """
    SELECT id FROM attachments WHERE id = ANY($1::uuid[]) AND thread_id = $2 AND uploaded_by_id = $3 AND deleted_at IS NULL
        AND scan_status = ANY($4::text[])
        AND (message_id IS NULL OR message_id = $5 OR (posted_at IS NULL AND claimed_at < now() - interval '10 minutes'))
    ORDER BY id FOR UPDATE"""

# One that has this claim already keeps its time and its version.
_CLAIM = f"""
    UPDATE attachments a SET message_id = $2, updated_at = now(),
        claimed_at = CASE WHEN a.message_id = $2 THEN a.claimed_at ELSE now() END,
        claimed_version = CASE WHEN a.message_id = $2 THEN a.claimed_version ELSE a.version END
    FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, place) WHERE a.id = asked.id
    RETURNING {columns("a")}, asked.place"""

POSTED = f"""
    UPDATE attachments a SET posted_at = said.at, hidden_from = said.hidden_from, updated_at = now()
    FROM unnest($1::uuid[], $2::timestamptz[], $3::smallint[]) AS said (message_id, at, hidden_from)
    WHERE a.message_id = said.message_id AND a.posted_at IS NULL
    RETURNING {columns("a")}, a.version > a.claimed_version AS moved,
        a.previewed_at >= a.claimed_at AND coalesce(a.width, a.duration) IS NOT NULL AS previewed"""

_DELETED = f"""
    UPDATE attachments a SET deleted_at = now(), updated_at = now(), version = a.version + 1
    FROM unnest($1::uuid[]) AS said (message_id) WHERE a.message_id = said.message_id AND a.deleted_at IS NULL
    RETURNING {columns("a")}"""


@dataclass(frozen=True, slots=True)
class Post:
    """A message that is in its thread now."""

    message_id: UUID
    at: datetime
    hidden_from: HiddenFrom


class Claims:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, request: ClaimAttachments, caller: Principal) -> list[Stored] | set[UUID]:
        """The files in the order asked; where some cannot be used, those that can, and none is claimed."""
        asked = request.attachment_ids

        async def attempt() -> list[Stored] | set[UUID]:
            async with self._database.workspace(caller.workspace_id) as connection:
                usable = await connection.fetch(_LOCK, asked, request.thread_id, caller.user_id, list(USABLE), request.message_id)
                if len(usable) < len(asked):
                    return {row["id"] for row in usable}
                rows = await connection.fetch(_CLAIM, asked, request.message_id)
            return [stored_of(row) for row in sorted(rows, key=lambda row: int(row["place"]))]

        return await once_more(attempt)


async def post(connection: Connection, posts: Sequence[Post]) -> None:
    """Their files are seen from now on by whoever sees them. What has happened to a file since it was claimed is told to those now."""
    rows = await connection.fetch(
        POSTED, [one.message_id for one in posts], [one.at for one in posts], [int(one.hidden_from) for one in posts]
    )
    moved = [(stored_of(row), Change.PREVIEWED if row["previewed"] else Change.SCANNED) for row in rows if row["moved"]]
    await emit(connection, *(said_of(file, Change.DELETED if file.deleted_at else change) for file, change in moved))


async def delete_files(connection: Connection, message_ids: Sequence[UUID]) -> None:
    """They go with their messages."""
    rows = await connection.fetch(_DELETED, message_ids)
    await emit(connection, *(said_of(stored_of(row), Change.DELETED) for row in rows))
