"""What scans find is written by whoever holds a file's lease, with what is said of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.attachments.repository.leases import Taken
from services.attachments.repository.rows import columns, said_of, stored_of
from shared.contracts.attachments.attachments import Change, ScanStatus
from shared.database.connections import Database, once_more
from shared.outbox.outbox import emit
from shared.store.store import derived_key

QUARANTINE = "quarantine"  # where the objects of infected files are

# A lease that ended, or whose file was deleted, writes nothing.
SETTLE = f"""
    WITH said AS (
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::timestamptz[], $8::interval[],
            $9::boolean[]) AS said (id, lease, status, result, signatures, counts, due_at, wait, has_preview)),
    mine AS (
        SELECT said.* FROM said JOIN attachments held USING (id)
        WHERE held.lease = said.lease AND held.scan_status = 'scanning' AND held.deleted_at IS NULL ORDER BY id FOR UPDATE OF held)
    UPDATE attachments a SET scan_status = mine.status, scan_result = mine.result, lease = NULL,
        updated_at = now(), version = a.version + 1,
        attempts = a.attempts + mine.counts::integer, next_try_at = coalesce(mine.due_at, now() + mine.wait),
        signatures = CASE WHEN mine.status = 'pending' THEN a.signatures ELSE mine.signatures END,
        scanned_at = CASE WHEN mine.status = 'pending' THEN a.scanned_at ELSE now() END,
        previewed_at = CASE WHEN mine.status = 'clean' AND NOT mine.has_preview THEN coalesce(a.previewed_at, now()) ELSE a.previewed_at END
    FROM mine WHERE a.id = mine.id RETURNING {columns("a")}"""

UNSCANNED = f"""
    WITH unscanned AS (
        SELECT id FROM attachments WHERE scan_status = 'unscanned' AND deleted_at IS NULL
        ORDER BY created_at DESC, id DESC LIMIT $1 FOR UPDATE SKIP LOCKED)
    UPDATE attachments a SET scan_status = 'pending', waits_since = now(), next_try_at = now(), updated_at = now(), version = a.version + 1
    FROM unscanned WHERE a.id = unscanned.id RETURNING {columns("a")}"""

OLDEST = """
    SELECT extract(epoch FROM now() - waits_since)::double precision FROM attachments
    WHERE scan_status IN ('pending', 'scanning') AND deleted_at IS NULL ORDER BY waits_since, id LIMIT 1"""

INFECTED = f"""
    SELECT id, storage_key FROM attachments
    WHERE purged_at IS NULL AND scan_status = 'infected' AND deleted_at IS NULL AND storage_key NOT LIKE '{QUARANTINE}/%'
        AND id <> ALL($2::uuid[])
    ORDER BY updated_at LIMIT $1"""

_MOVED = "UPDATE attachments SET storage_key = $3, updated_at = now() WHERE id = $1 AND storage_key = $2"
_KEY = "SELECT storage_key FROM attachments WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a scan. `pending`: the file waits again, for as long as `wait`; or as long as it did before, where that is None.

    counts: it was a try. has_preview: one will be made.
    """

    taken: Taken
    status: ScanStatus
    result: str | None = None
    signatures: str | None = None
    counts: bool = True
    wait: timedelta | None = timedelta()
    has_preview: bool = False

    @property
    def due_at(self) -> datetime | None:
        return self.taken.due_at if self.wait is None else None


class Misplaced(NamedTuple):
    """An infected file that is not in quarantine yet."""

    id: UUID
    key: str


class Scans:
    """`background` is the background role's."""

    def __init__(self, background: Database, on_commit: Callable[[], None]) -> None:
        self._background, self._on_commit = background, on_commit

    async def settle(self, outcomes: Sequence[Outcome]) -> list[bool]:
        """Which of them count: those whose leases are held yet. All in one transaction."""

        async def attempt() -> set[UUID]:
            async with self._background.installation() as connection:
                rows = await connection.fetch(SETTLE, *_said(outcomes))
                files = sorted((stored_of(row) for row in rows), key=lambda file: file.id)
                await emit(connection, *(said_of(file, Change.SCANNED) for file in files))
            return {file.id for file in files}

        settled = await once_more(attempt)
        self._on_commit()
        return [outcome.taken.file.id in settled for outcome in outcomes]

    async def let_unscanned_wait(self, most: int) -> int:
        """What came while scanning was off is scanned now that it is on."""

        async def attempt() -> int:
            async with self._background.installation() as connection:
                files = [stored_of(row) for row in await connection.fetch(UNSCANNED, most)]
                await emit(connection, *(said_of(file, Change.SCANNED) for file in files))
            return len(files)

        changed = await once_more(attempt)
        self._on_commit()
        return changed

    async def oldest(self) -> float:
        """For how many seconds the file that waits longest for its verdict has done so; 0 where none does."""
        async with self._background.connection() as connection:
            age: float | None = await connection.fetchval(OLDEST)
        return max(age or 0.0, 0.0)

    async def infected(self, most: int, but: Sequence[UUID]) -> list[Misplaced]:
        async with self._background.connection() as connection:
            return [Misplaced(row["id"], row["storage_key"]) for row in await connection.fetch(INFECTED, most, but)]

    async def moved(self, file: Misplaced, to: str) -> None:
        async with self._background.connection() as connection:
            await connection.execute(_MOVED, file.id, file.key, to)

    async def key_of(self, attachment_id: UUID) -> str | None:
        """Where its bytes are now: they may have been moved since it was taken."""
        async with self._background.connection() as connection:
            key: str | None = await connection.fetchval(_KEY, attachment_id)
        return key


def quarantine_key(attachment_id: UUID) -> str:
    return derived_key(QUARANTINE, attachment_id)


def _said(outcomes: Sequence[Outcome]) -> tuple[list[object], ...]:
    said: list[tuple[object, ...]] = [
        (
            *(outcome.taken.file.id, outcome.taken.lease, outcome.status, outcome.result, outcome.signatures),
            *(outcome.counts, outcome.due_at, outcome.wait, outcome.has_preview),
        )
        for outcome in outcomes
    ]
    return tuple(list(column) for column in zip(*said, strict=True))
