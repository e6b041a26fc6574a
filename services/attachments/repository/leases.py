"""How workers take files: by leases, so that each is worked on by one, and by another where that one was killed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

import asyncpg

from services.attachments.domain import Stored
from services.attachments.repository.rows import columns, said_of, stored_of
from shared.contracts.attachments.attachments import Change
from shared.database.connections import Database, once_more
from shared.identifiers import new_id
from shared.outbox.outbox import emit

LEASE = timedelta(seconds=60)
"""After it another worker takes the file. Who works on it renews it meanwhile."""

# One that was being scanned when its lease ended is due again, and nothing has changed for its readers.
TAKE_TO_SCAN = f"""
    WITH due AS (
        SELECT id, scan_status, next_try_at FROM attachments
        WHERE scan_status IN ('pending', 'scanning') AND deleted_at IS NULL AND next_try_at <= now()
        ORDER BY next_try_at, id LIMIT $1 FOR UPDATE SKIP LOCKED)
    UPDATE attachments a SET scan_status = 'scanning', lease = $2, next_try_at = now() + $3, updated_at = now(),
        version = a.version + (due.scan_status = 'pending')::integer
    FROM due WHERE a.id = due.id
    RETURNING {columns("a")}, a.lease, a.attempts, a.waits_since, due.next_try_at AS due_at, due.scan_status = 'pending' AS began"""

TAKE_TO_PREVIEW = f"""
    WITH due AS (
        SELECT id, next_try_at FROM attachments
        WHERE scan_status = 'clean' AND previewed_at IS NULL AND deleted_at IS NULL AND next_try_at <= now()
        ORDER BY next_try_at, id LIMIT $1 FOR UPDATE SKIP LOCKED)
    UPDATE attachments a SET lease = $2, next_try_at = now() + $3, updated_at = now() FROM due WHERE a.id = due.id
    RETURNING {columns("a")}, a.lease, a.attempts, a.waits_since, due.next_try_at AS due_at"""

_RENEW = """
    UPDATE attachments a SET next_try_at = now() + $3 FROM unnest($1::uuid[], $2::uuid[]) AS held (id, lease)
    WHERE a.id = held.id AND a.lease = held.lease"""


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that a worker has. What it finds counts while the row has this lease.

    waits_since: for its verdict. due_at: since when it waited for this try.
    """

    file: Stored
    lease: UUID
    attempts: int
    waits_since: datetime
    due_at: datetime

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        return cls(stored_of(row), row["lease"], row["attempts"], row["waits_since"], row["due_at"])


class Leases:
    """`background` is the background role's: workers serve all workspaces."""

    def __init__(self, background: Database, on_commit: Callable[[], None], lease: timedelta = LEASE) -> None:
        self._background, self._on_commit, self._lease = background, on_commit, lease

    async def to_scan(self, most: int) -> list[Taken]:
        """Those that have waited longest. From now on they are `scanning`."""

        async def attempt() -> list[Taken]:
            async with self._background.installation() as connection:
                rows = _longest_waiting_first(await connection.fetch(TAKE_TO_SCAN, most, new_id(), self._lease))
                taken = [Taken.of(row) for row in rows]
                began = (one.file for one, row in zip(taken, rows, strict=True) if row["began"])
                await emit(connection, *(said_of(file, Change.SCANNED) for file in began))
            return taken

        taken = await once_more(attempt)
        self._on_commit()
        return taken

    async def to_preview(self, most: int) -> list[Taken]:
        async with self._background.connection() as connection:
            rows = await connection.fetch(TAKE_TO_PREVIEW, most, new_id(), self._lease)
        return [Taken.of(row) for row in _longest_waiting_first(rows)]

    async def renew(self, taken: Sequence[Taken]) -> None:
        async with self._background.connection() as connection:
            await connection.execute(_RENEW, [one.file.id for one in taken], [one.lease for one in taken], self._lease)


def _longest_waiting_first(rows: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    return sorted(rows, key=lambda row: (row["due_at"], row["id"]))
