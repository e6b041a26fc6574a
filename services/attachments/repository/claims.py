"""How messages take files, and what their events do to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.attachments.domain import USABLE, HiddenFrom, Stored
from services.attachments.repository.rows import COLUMNS, columns, said_of, stored_of
from shared.contracts.attachments.attachments import Change
from shared.contracts.attachments.claims import ClaimAttachments
from shared.contracts.principal import Principal
from shared.database.connections import Connection, Database, once_more
from shared.outbox.outbox import emit

_LOCK = f"""
    SELECT {COLUMNS} FROM attachments WHERE id = ANY($1::uuid[]) AND thread_id = $2 AND uploaded_by_id = $3 AND deleted_at IS NULL
        AND scan_status = ANY($4::text[]) AND posted_at IS NULL
    ORDER BY id FOR UPDATE"""

# The first claim counts: whichever message has the file in the end, its copy is no older than that.
_CLAIM = """
    UPDATE attachments SET claimed_at = now(), claimed_version = version, updated_at = now()
    WHERE id = ANY($1::uuid[]) AND claimed_at IS NULL"""

POSTED = f"""
    UPDATE attachments a SET message_id = said.message_id, posted_at = said.at, hidden_from = said.hidden_from,
        claimed_at = coalesce(a.claimed_at, said.at), updated_at = now()
    FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::smallint[]) AS said (id, message_id, at, hidden_from)
    WHERE a.id = said.id AND a.posted_at IS NULL
    RETURNING {columns("a")}, a.version > coalesce(a.claimed_version, 0) AS moved,
        a.previewed_at >= a.claimed_at AND coalesce(a.width::text, a.duration::text, a.unreadable) IS NOT NULL AS previewed"""

_DELETED = f"""
    UPDATE attachments a SET deleted_at = now(), updated_at = now(), version = a.version + 1
    FROM unnest($1::uuid[]) AS said (message_id) WHERE a.message_id = said.message_id AND a.deleted_at IS NULL
    RETURNING {columns("a")}"""


@dataclass(frozen=True, slots=True)
class Post:
    """A message that is in its thread now, and its files."""

    message_id: UUID
    attachment_ids: Sequence[UUID]
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
                usable = {row["id"]: row for row in await connection.fetch(_LOCK, asked, request.thread_id, caller.user_id, list(USABLE))}
                if len(usable) < len(asked):
                    return set(usable)
                await connection.execute(_CLAIM, asked)
            return [stored_of(usable[attachment_id]) for attachment_id in asked]

        return await once_more(attempt)


async def post(connection: Connection, posts: Sequence[Post]) -> None:
    """Their files are seen from now on by whoever sees them. What has happened to a file since it was claimed is told to those now."""
    files = [(attachment_id, one.message_id, one.at, int(one.hidden_from)) for one in posts for attachment_id in one.attachment_ids]
    if not files:
        return
    rows = await connection.fetch(POSTED, *(list(column) for column in zip(*files, strict=True)))
    moved = [(stored_of(row), Change.PREVIEWED if row["previewed"] else Change.SCANNED) for row in rows if row["moved"]]
    await emit(connection, *(said_of(file, Change.DELETED if file.deleted_at else change) for file, change in moved))


async def delete_files(connection: Connection, message_ids: Sequence[UUID]) -> None:
    """They go with their messages."""
    rows = await connection.fetch(_DELETED, message_ids)
    await emit(connection, *(said_of(stored_of(row), Change.DELETED) for row in rows))
