"""What is to be deleted from the store: unfinished uploads, deleted files, and those in quarantine whose time is over. All workspaces'."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.attachments.media.contents import WIDTHS
from services.attachments.media.kinds import PICTURES
from services.attachments.repository.scans import QUARANTINE
from shared.database.connections import Database

# A minute's grace: a transaction that began before the end may still make an attachment of it.
EXPIRED = """
    SELECT id, storage_key FROM uploads WHERE expires_at < now() - interval '1 minute' AND id <> ALL($2::uuid[])
    ORDER BY expires_at LIMIT $1"""
_FORGET = "DELETE FROM uploads WHERE id = $1 AND expires_at < now() - interval '1 minute'"

STAGED = "SELECT id, storage_key FROM staged WHERE sweep_at < now() AND id <> ALL($2::uuid[]) ORDER BY sweep_at LIMIT $1"
_STAGED_IS_SWEPT = """
    WITH over AS (DELETE FROM staged WHERE id = $1 AND created_at <= now() - $2::interval)
    UPDATE staged SET sweep_at = created_at + $2 WHERE id = $1 AND created_at > now() - $2"""
LAST_LOOK = timedelta(days=1)
"""After which a staged object is looked for once more: a PUT that began while its address lived may have gone on for long."""

# Who has begun to read a file that is deleted meanwhile reads it to its end, within that minute.
_UNPURGED = "purged_at IS NULL AND updated_at < now() - interval '1 minute'"
_OLD = "scanned_at < now() - make_interval(days => $2)"
# What was infected, and can be scanned no more, is as bad as it was. One that waits for its scan will be one or the other, or clean.
_NEVER_CLEARED = f"scan_status IN ('unscannable', 'failed') AND storage_key LIKE '{QUARANTINE}/%'"
TO_PURGE = f"""
    (SELECT id FROM attachments WHERE {_UNPURGED} AND (deleted_at IS NOT NULL OR scan_status = 'infected')
        AND (deleted_at IS NOT NULL OR {_OLD}) AND id <> ALL($3::uuid[]) ORDER BY updated_at LIMIT $1)
    UNION ALL
    (SELECT id FROM attachments WHERE {_UNPURGED} AND deleted_at IS NULL AND {_NEVER_CLEARED}
        AND {_OLD} AND id <> ALL($3::uuid[]) LIMIT $1)"""
_HOLD = f"""
    SELECT id, storage_key, mime_type, preview_widths FROM attachments
    WHERE id = $1 AND {_UNPURGED} AND (deleted_at IS NOT NULL OR ({_OLD} AND (scan_status = 'infected' OR ({_NEVER_CLEARED}))))
    FOR UPDATE SKIP LOCKED"""
_PURGED = "UPDATE attachments SET purged_at = now() WHERE id = $1"


class Object(NamedTuple):
    """One of the store, of an upload."""

    id: UUID
    key: str


class Purgeable(NamedTuple):
    """A file whose time is over."""

    id: UUID


class Purged(NamedTuple):
    """A file that goes from the store."""

    id: UUID
    key: str
    preview_widths: Sequence[int]


class Sweeping:
    """`background` is the background role's. but: what is left out."""

    def __init__(self, background: Database) -> None:
        self._background = background

    async def expired(self, most: int, but: Sequence[UUID]) -> list[Object]:
        async with self._background.connection() as connection:
            return [Object(row["id"], row["storage_key"]) for row in await connection.fetch(EXPIRED, most, but)]

    async def forget(self, upload_id: UUID) -> None:
        async with self._background.connection() as connection:
            await connection.execute(_FORGET, upload_id)

    async def staged(self, most: int, but: Sequence[UUID]) -> list[Object]:
        """What clients put by themselves: due once it can be finished no more, and once more when nothing can come after it."""
        async with self._background.connection() as connection:
            return [Object(row["id"], row["storage_key"]) for row in await connection.fetch(STAGED, most, but)]

    async def staged_is_swept(self, upload_id: UUID) -> None:
        async with self._background.connection() as connection:
            await connection.execute(_STAGED_IS_SWEPT, upload_id, LAST_LOOK)

    async def to_purge(self, most: int, quarantine_days: int, but: Sequence[UUID]) -> list[Purgeable]:
        async with self._background.connection() as connection:
            return [Purgeable(row["id"]) for row in await connection.fetch(TO_PURGE, most, quarantine_days, but)]

    @asynccontextmanager
    async def purging(self, attachment_id: UUID, quarantine_days: int) -> AsyncIterator[Purged | None]:
        """While its bytes are deleted nobody else changes its row: a file that is to be scanned again keeps them.

        None where it is so already, or where another has it. It is purged once this ends without a raise.
        """
        async with self._background.installation() as connection:
            row = await connection.fetchrow(_HOLD, attachment_id, quarantine_days)
            yield None if row is None else Purged(row["id"], row["storage_key"], _widths(row))
            if row is not None:
                await connection.execute(_PURGED, attachment_id)


def _widths(row: asyncpg.Record) -> Sequence[int]:
    """Of a picture all: who made its previews may have been killed before the row said which there are."""
    return sorted({*row["preview_widths"], *(WIDTHS if row["mime_type"] in PICTURES else ())})
