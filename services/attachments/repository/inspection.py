"""Scans as the operator sees them, and has them done again. All workspaces', so by the background role; no client's request comes here."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.attachments.repository.attachments import Place
from services.attachments.repository.rows import columns, said_of, stored_of
from shared.contracts.attachments.attachments import Change, ScanStatus
from shared.contracts.attachments.scans import Scan
from shared.database.connections import Database, once_more
from shared.outbox.outbox import emit

_COLUMNS = """id, workspace_id, thread_id, filename, size_bytes, sha256, scan_status, scan_result, signatures, attempts, next_try_at,
    scanned_at, created_at"""

# A walk down the index of each state.
LIST = f"""
    SELECT found.* FROM unnest($1::text[]) AS asked (status) CROSS JOIN LATERAL (
        SELECT {_COLUMNS} FROM attachments
        WHERE scan_status = asked.status AND (created_at, id) < ($2, $3) AND deleted_at IS NULL
        ORDER BY created_at DESC, id DESC LIMIT $4) AS found
    ORDER BY created_at DESC, id DESC LIMIT $4"""

_SHOW = f"SELECT {_COLUMNS} FROM attachments WHERE id = $1 AND deleted_at IS NULL"

_AGAIN = f"""
    UPDATE attachments a SET scan_status = 'pending', scan_result = NULL, attempts = 0, lease = NULL,
        waits_since = now(), next_try_at = now(), updated_at = now(), version = a.version + 1
    FROM again WHERE a.id = again.id RETURNING {columns("a")}"""
_SCANNED = "scan_status IN ('clean', 'infected', 'unscannable', 'failed') AND deleted_at IS NULL AND purged_at IS NULL"

# What was scanned since this was asked for is not scanned again by its next batch. Rows that are held are waited for: none is left out.
SAME_BYTES = f"""
    WITH again AS (
        SELECT id FROM attachments WHERE {_SCANNED} AND sha256 = (SELECT sha256 FROM attachments WHERE id = $1)
            AND coalesce(scanned_at, '-infinity') < $2
        LIMIT $3 FOR UPDATE)
    {_AGAIN}"""

# What is not the same is three ranges of an index.
_OTHERS = " UNION ALL ".join(
    f"(SELECT id FROM attachments WHERE {_SCANNED} AND {other} LIMIT $2)"
    for other in ("signatures < $1", "signatures > $1", "signatures IS NULL")
)
OUTDATED = f"""
    WITH again AS (
        SELECT id FROM attachments WHERE id = ANY(ARRAY(SELECT id FROM ({_OTHERS}) AS others LIMIT $2))
            AND {_SCANNED} AND signatures IS DISTINCT FROM $1 FOR UPDATE SKIP LOCKED)
    {_AGAIN}"""


class Inspection:
    """`background` is the background role's. on_commit: files wait to be scanned."""

    def __init__(self, background: Database, on_commit: Callable[[], None]) -> None:
        self._background, self._on_commit = background, on_commit

    async def page(self, statuses: Sequence[ScanStatus], before: Place, limit: int) -> list[Scan]:
        async with self._background.connection() as connection:
            return [_scan_of(row) for row in await connection.fetch(LIST, statuses, *before, limit)]

    async def get(self, attachment_id: UUID) -> Scan | None:
        async with self._background.connection() as connection:
            row = await connection.fetchrow(_SHOW, attachment_id)
        return _scan_of(row) if row else None

    async def now(self) -> datetime:
        """By the clock that says when files were scanned."""
        async with self._background.connection() as connection:
            now: datetime = await connection.fetchval("SELECT now()")
        return now

    async def scan_same_bytes(self, attachment_id: UUID, asked_at: datetime, most: int) -> int:
        """Files with the bytes of this one that were scanned before this was asked for wait again; how many, which may not be all."""
        return await self._again(SAME_BYTES, attachment_id, asked_at, most)

    async def scan_outdated(self, signatures: str, most: int) -> int:
        """What was scanned by other signatures waits again; how many, which may not be all."""
        return await self._again(OUTDATED, signatures, most)

    async def _again(self, statement: str, *values: object) -> int:
        async def attempt() -> int:
            async with self._background.installation() as connection:
                files = [stored_of(row) for row in await connection.fetch(statement, *values)]
                await emit(connection, *(said_of(file, Change.SCANNED) for file in files))
            return len(files)

        count = await once_more(attempt)
        self._on_commit()
        return count


def _scan_of(row: asyncpg.Record) -> Scan:
    status = ScanStatus(row["scan_status"])
    return Scan(
        attachment_id=row["id"],
        workspace_id=row["workspace_id"],
        thread_id=row["thread_id"],
        filename=row["filename"],
        size=row["size_bytes"],
        sha256=row["sha256"].hex(),
        scan_status=status,
        scan_result=row["scan_result"],
        signatures=row["signatures"],
        attempts=row["attempts"],
        next_try_at=row["next_try_at"] if status in (ScanStatus.PENDING, ScanStatus.SCANNING) else None,
        scanned_at=row["scanned_at"],
        created_at=row["created_at"],
    )
