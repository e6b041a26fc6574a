"""Compares the store with the rows: which objects no row knows of, and which rows have lost theirs."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from services.attachments.repository.ledger import KINDS, Ledger, Needed
from shared.identifiers import FIRST_ID
from shared.store.store import Store, Stored

YOUNG = timedelta(hours=1)  # what is younger may be on its way
BATCH, AT_ONCE = 500, 16


async def objects_without_rows(store: Store, ledger: Ledger) -> AsyncIterator[Stored]:
    """Also what broken writes left behind. What is not of our making is left alone."""
    for kind in KINDS:
        batch: list[Stored] = []
        async for stored in store.list(kind):
            if stored.written_at < datetime.now(UTC) - YOUNG:
                batch.append(stored)
            if len(batch) == BATCH:
                for unknown in await _unknown(batch, ledger):
                    yield unknown
                batch.clear()
        for unknown in await _unknown(batch, ledger):
            yield unknown


async def rows_without_objects(store: Store, ledger: Ledger) -> AsyncIterator[Needed]:
    places = asyncio.Semaphore(AT_ONCE)

    async def has_lost(needed: Needed) -> bool:
        """Its object may have been moved, or deleted with it, since the row was read."""
        async with places:
            if await store.size(needed.key) is not None:
                return False
            key = await ledger.key_of(needed.attachment_id)
            return key is not None and await store.size(key) is None

    after, more = FIRST_ID, True
    while more:
        rows = await ledger.needed(after, BATCH)
        lost = await asyncio.gather(*(has_lost(row) for row in rows))
        for row, is_lost in zip(rows, lost, strict=True):
            if is_lost:
                yield row
        more = len(rows) == BATCH
        after = rows[-1].attachment_id if rows else after


async def _unknown(batch: list[Stored], ledger: Ledger) -> list[Stored]:
    if not batch:
        return []
    unknown = await ledger.unknown([stored.key for stored in batch])
    return [stored for stored in batch if stored.key in unknown]
