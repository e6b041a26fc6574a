"""Bytes of infected files are moved apart at once. They are never served, wherever they are."""

import structlog

from services.attachments.domain import Stored
from services.attachments.due import do_each
from services.attachments.repository.scans import Misplaced, Scans, quarantine_key
from shared.rounds import Rounds
from shared.store.store import ObjectIsMissing, Store, StoreIsAway

log = structlog.get_logger()

EVERY = 60.0  # seconds; after a verdict at once


class Quarantine:
    """First the row says `infected`, then the object is moved, then the row follows: who is killed between goes on where it stopped."""

    def __init__(self, scans: Scans, store: Store) -> None:
        self._scans, self._store = scans, store
        self._rounds = Rounds("attachments quarantine", self.once, EVERY, away=(StoreIsAway,))

    def start(self) -> None:
        self._rounds.start()

    def poke(self) -> None:
        self._rounds.poke()

    async def stop(self) -> None:
        await self._rounds.stop()

    async def once(self) -> None:
        """Raises `StoreIsAway` at the end where one could not be moved, which is tried again in the next round."""
        if trouble := (await do_each(self._scans.infected, self._move)).trouble:
            raise trouble

    async def has(self, file: Stored) -> bool:
        """Whether a file was moved before its row could follow, and was to be scanned again before that was mended. The row follows now."""
        key = quarantine_key(file.id)
        if await self._store.size(key) is None:
            return False
        await self._scans.moved(Misplaced(file.id, file.storage_key), key)
        return True

    async def _move(self, file: Misplaced) -> bool:
        key = quarantine_key(file.id)
        try:
            await self._store.move(file.key, key)
        except ObjectIsMissing:
            if await self._store.size(key) is None:
                log.error("object_is_missing", attachmentId=file.id, key=file.key)
        await self._scans.moved(file, key)
        log.info("attachment_quarantined", attachmentId=file.id)
        return True
