"""Reads what is in the store to find out what it is: a few objects at a time, a chunk of each."""

import asyncio
import hashlib
from dataclasses import dataclass
from uuid import UUID

from shared.contracts.attachments.uploads import HEAD_BYTES
from shared.database.turns import Turns
from shared.store.store import Store

AT_ONCE, AT_ONCE_OF_ONE = 4, 2


@dataclass(frozen=True, slots=True)
class Arrival:
    """head: its first bytes."""

    size: int
    sha256: bytes
    head: bytes


class Arrivals:
    def __init__(self, store: Store) -> None:
        self._store, self._places = store, asyncio.Semaphore(AT_ONCE)
        self._finishing, self._copying = Turns(1), Turns(AT_ONCE_OF_ONE)

    def turn(self, upload_id: UUID, owner_id: UUID) -> asyncio.Semaphore:
        """Held by who finishes an upload: however often its owner asks at once, it is copied and read once, and takes one place.

        Whoever names another's upload waits for nobody.
        """
        return self._finishing.of((upload_id, owner_id))

    async def copied(self, key: str, to: str, owner_id: UUID) -> Arrival:
        """Copy an object, and read the copy; one user's many leave places for others'. Raises `ObjectIsMissing`, `StoreIsAway`."""
        async with self._copying.of(owner_id), self._places:
            await self._store.copy(key, to)
            return await self._read(to)

    async def _read(self, key: str) -> Arrival:
        size, head, digest = 0, b"", hashlib.sha256()
        async for chunk in self._store.read(key):
            size += len(chunk)
            head += chunk[: HEAD_BYTES - len(head)]
            digest.update(chunk)
        return Arrival(size, digest.digest(), head)
