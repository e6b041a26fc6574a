"""Deletes from the store, by and by, what nobody will read."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from uuid import UUID

import structlog

from services.attachments.repository.sweeping import Object, Sweeping
from shared.rounds import Rounds
from shared.store.store import StoreIsAway, derived_key

log = structlog.get_logger()

EVERY = 60.0  # seconds
BATCH = 100
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
        """All that is due now."""
        await self._delete(lambda: self._sweeping.expired(BATCH), self._sweeping.forget, "uploads_expired")
        await self._delete(lambda: self._sweeping.staged(BATCH), self._sweeping.staged_is_swept, "staged_uploads_swept")
        await self._delete(lambda: self._sweeping.to_purge(BATCH, self._quarantine_days), self._sweeping.purged, "attachments_purged")

    async def _delete(
        self, due: Callable[[], Awaitable[list[Object]]], note: Callable[[Sequence[UUID]], Awaitable[None]], action: str
    ) -> None:
        more = True
        while more:
            objects = await due()
            for each in objects:
                await self._store.delete(each.key, *(preview_key(each.of, width) for width in each.preview_widths))
            if objects:
                await note([each.of for each in objects])
                log.info(action, count=len(objects))
            more = len(objects) == BATCH


def preview_key(attachment_id: UUID, width: int) -> str:
    return f"{derived_key(PREVIEWS, attachment_id)}-{width}"
