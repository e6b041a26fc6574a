"""What previews tell of files, written by whoever holds the lease."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic_core import to_json

from services.attachments.repository.leases import Taken
from services.attachments.repository.rows import COLUMNS, said_of, stored_of
from shared.contracts.attachments.attachments import Change, Unreadable
from shared.database.connections import Database, once_more
from shared.outbox.outbox import emit

_SHOWN = f"""
    UPDATE attachments SET width = $3, height = $4, duration = $5, waveform = $6::jsonb, preview_widths = $7, unreadable = $8,
        previewed_at = now(), lease = NULL, updated_at = now(), version = version + 1
    WHERE id = $1 AND lease = $2 AND previewed_at IS NULL AND deleted_at IS NULL RETURNING {COLUMNS}"""

# It has nothing to show: nobody is told.
_LEFT = "UPDATE attachments SET previewed_at = now(), lease = NULL WHERE id = $1 AND lease = $2 AND previewed_at IS NULL"

_GIVE_BACK = """
    UPDATE attachments a SET lease = NULL, next_try_at = now() FROM unnest($1::uuid[], $2::uuid[]) AS held (id, lease)
    WHERE a.id = held.id AND a.lease = held.lease AND a.previewed_at IS NULL"""

_DELETED = "SELECT deleted_at IS NOT NULL FROM attachments WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Shown:
    """What was read out of a picture or a sound, or why nothing was. widths: of the previews that are in the store."""

    width: int | None = None
    height: int | None = None
    duration: float | None = None
    waveform: Sequence[int] | None = None
    widths: Sequence[int] = ()
    unreadable: Unreadable | None = None


class Previews:
    """`background` is the background role's."""

    def __init__(self, background: Database, on_commit: Callable[[], None]) -> None:
        self._background, self._on_commit = background, on_commit

    async def shown(self, taken: Taken, shown: Shown) -> bool:
        """Whether it counts: the lease is held yet, and the file is there."""
        waveform = None if shown.waveform is None else to_json(shown.waveform).decode()
        values = (shown.width, shown.height, shown.duration, waveform, sorted(shown.widths), shown.unreadable)

        async def attempt() -> bool:
            async with self._background.installation() as connection:
                row = await connection.fetchrow(_SHOWN, taken.file.id, taken.lease, *values)
                if row is not None:
                    await emit(connection, said_of(stored_of(row), Change.PREVIEWED))
            return row is not None

        counts = await once_more(attempt)
        self._on_commit()
        return counts

    async def left(self, taken: Taken) -> None:
        """There is nothing to show of it."""
        async with self._background.connection() as connection:
            await connection.execute(_LEFT, taken.file.id, taken.lease)

    async def give_back(self, taken: Sequence[Taken]) -> None:
        async with self._background.connection() as connection:
            await connection.execute(_GIVE_BACK, [one.file.id for one in taken], [one.lease for one in taken])

    async def is_deleted(self, attachment_id: UUID) -> bool:
        async with self._background.connection() as connection:
            return bool(await connection.fetchval(_DELETED, attachment_id))
