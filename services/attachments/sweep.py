"""Deletes from the store, by and by, what nobody will read."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol
from uuid import UUID

import structlog

from services.attachments.due import Done, Due, do_each
from services.attachments.repository.scans import quarantine_key
from services.attachments.repository.sweeping import Object, Purgeable, Sweeping
from shared.rounds import Rounds
from shared.store.store import StoreIsAway, derived_key

log = structlog.get_logger()

EVERY = 60.0  # seconds
PREVIEWS = "previews"


class Deletes(Protocol):
    """What a sweep needs of the store."""

    async def delete(self, *keys: str) -> None: ...


class Sweep:
    """Objects go before their rows, so that one that could not be deleted is tried again."""

    def __init__(self, sweeping: Sweeping, store: Deletes, quarantine_days: int) -> None:
        self._sweeping, self._store, self._quarantine_days = sweeping, store, quarantine_days
        self._rounds = Rounds("attachments sweep", self.once, EVERY, away=(StoreIsAway,))

    def start(self) -> None:
        self._rounds.start()

    async def stop(self) -> None:
        await self._rounds.stop()

    async def once(self) -> None:
        """All that is due now. Raises `StoreIsAway` at the end where something could not be deleted."""
        done = [
            await self._each("uploads_expired", self._sweeping.expired, partial(self._delete, self._sweeping.forget)),
            await self._each("staged_uploads_swept", self._sweeping.staged, partial(self._delete, self._sweeping.staged_is_swept)),
            await self._each("attachments_purged", self._to_purge, self._purge),
        ]
        if trouble := next((each.trouble for each in done if each.trouble), None):
            raise trouble

    async def _each[T: Due](
        self, action: str, due: Callable[[int, Sequence[UUID]], Awaitable[list[T]]], do: Callable[[T], Awaitable[bool]]
    ) -> Done:
        done = await do_each(due, do)
        if done.many:
            log.info(action, count=done.many)
        return done

    async def _delete(self, note: Callable[[UUID], Awaitable[None]], upload: Object) -> bool:
        await self._store.delete(upload.key)
        await note(upload.id)
        return True

    async def _to_purge(self, most: int, but: Sequence[UUID]) -> list[Purgeable]:
        return await self._sweeping.to_purge(most, self._quarantine_days, but)

    async def _purge(self, file: Purgeable) -> bool:
        """Its object goes before what may be in quarantine: a move that was broken off left both, and one under way makes none anew."""
        async with self._sweeping.purging(file.id, self._quarantine_days) as held:
            if held is None:
                return False
            previews = (preview_key(held.id, width) for width in held.preview_widths)
            await self._store.delete(*dict.fromkeys((held.key, quarantine_key(held.id), *previews)))
        return True


def preview_key(attachment_id: UUID, width: int) -> str:
    return f"{derived_key(PREVIEWS, attachment_id)}-{width}"
