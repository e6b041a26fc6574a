"""What is to be deleted from the store: unfinished uploads, deleted files, and infected ones whose time is over. All workspaces'."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.attachments.media.contents import WIDTHS
from services.attachments.media.kinds import PICTURES
from shared.database.connections import Database

# A minute's grace: a transaction that began before the end may still make an attachment of it.
EXPIRED = "SELECT id, storage_key FROM uploads WHERE expires_at < now() - interval '1 minute' ORDER BY expires_at LIMIT $1"
_FORGET = "DELETE FROM uploads WHERE id = ANY($1::uuid[]) AND expires_at < now() - interval '1 minute'"

STAGED = "SELECT id, storage_key FROM staged WHERE sweep_at < now() ORDER BY sweep_at LIMIT $1"
_STAGED_IS_SWEPT = """
    WITH over AS (DELETE FROM staged WHERE id = ANY($1::uuid[]) AND created_at <= now() - $2::interval)
    UPDATE staged SET sweep_at = created_at + $2 WHERE id = ANY($1::uuid[]) AND created_at > now() - $2"""
LAST_LOOK = timedelta(days=1)
"""After which a staged object is looked for once more: a PUT that began while its address lived may have gone on for long."""

# Who has begun to read a file that is deleted meanwhile reads it to its end, within that minute.
TO_PURGE = """
    SELECT id, storage_key, mime_type, preview_widths FROM attachments
    WHERE purged_at IS NULL AND (deleted_at IS NOT NULL OR scan_status = 'infected') AND updated_at < now() - interval '1 minute'
        AND (deleted_at IS NOT NULL OR scanned_at < now() - make_interval(days => $2))
    ORDER BY updated_at LIMIT $1"""
_PURGED = "UPDATE attachments SET purged_at = now() WHERE id = ANY($1::uuid[])"


class Object(NamedTuple):
    """One of the store, of an upload or an attachment."""

    of: UUID
    key: str
    preview_widths: Sequence[int] = ()


class Sweeping:
    """`background` is the background role's."""

    def __init__(self, background: Database) -> None:
        self._background = background

    async def expired(self, most: int) -> list[Object]:
        async with self._background.connection() as connection:
            return [Object(row["id"], row["storage_key"]) for row in await connection.fetch(EXPIRED, most)]

    async def forget(self, upload_ids: Sequence[UUID]) -> None:
        async with self._background.connection() as connection:
            await connection.execute(_FORGET, upload_ids)

    async def staged(self, most: int) -> list[Object]:
        """What clients put by themselves: due once it can be finished no more, and once more when nothing can come after it."""
        async with self._background.connection() as connection:
            return [Object(row["id"], row["storage_key"]) for row in await connection.fetch(STAGED, most)]

    async def staged_is_swept(self, upload_ids: Sequence[UUID]) -> None:
        async with self._background.connection() as connection:
            await connection.execute(_STAGED_IS_SWEPT, upload_ids, LAST_LOOK)

    async def to_purge(self, most: int, quarantine_days: int) -> list[Object]:
        async with self._background.connection() as connection:
            rows = await connection.fetch(TO_PURGE, most, quarantine_days)
        return [Object(row["id"], row["storage_key"], _widths(row)) for row in rows]

    async def purged(self, attachment_ids: Sequence[UUID]) -> None:
        async with self._background.connection() as connection:
            await connection.execute(_PURGED, attachment_ids)


def _widths(row: asyncpg.Record) -> Sequence[int]:
    """Of a picture all: who made its previews may have been killed before the row said which there are."""
    return sorted({*row["preview_widths"], *(WIDTHS if row["mime_type"] in PICTURES else ())})
