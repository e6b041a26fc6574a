"""A store that fails when a test says so."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Mapping

from shared.application import Dependency
from shared.store.store import SignedPut, Store, Stored, StoreIsAway


class Faulty(Store):
    """Another store, whose calls by these names fail: before they do anything, or `late`, when it is done and only the answer is lost. What
    is read or listed breaks off `late` in its middle.

    once: those whose next call alone fails. spared: so many calls of each go well before. calls: how often each of these was called.
    stuck: objects that cannot be moved or deleted. delayed: objects that are not copied until it is mended.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.failing: set[str] = set()
        self.late: set[str] = set()
        self.once: set[str] = set()
        self.stuck: set[str] = set()
        self.delayed: set[str] = set()
        self._mended = asyncio.Event()
        self.spared: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()

    def mend(self) -> None:
        self.failing.clear()
        self.late.clear()
        self.once.clear()
        self.stuck.clear()
        self.delayed.clear()
        self._mended.set()
        self._mended = asyncio.Event()
        self.spared.clear()
        self.calls.clear()

    @property
    def reached_by_clients(self) -> bool:  # type: ignore[override]
        return self._store.reached_by_clients

    @property
    def held(self) -> int:  # type: ignore[override]
        return self._store.held

    async def open(self) -> None:
        await self._store.open()

    async def write(self, key: str, chunks: AsyncIterable[bytes]) -> str:
        self._before("write")
        digest = await self._store.write(key, chunks)
        self._after("write")
        return digest

    async def read(self, key: str, begin: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        self._before("read")
        async for chunk in self._store.read(key, begin, end):
            yield chunk
            self._after("read")

    async def size(self, key: str) -> int | None:
        self._before("size")
        size = await self._store.size(key)
        self._after("size")
        return size

    async def copy(self, key: str, to: str) -> None:
        self._before("copy")
        if key in self.delayed:
            await self._mended.wait()
        await self._store.copy(key, to)
        self._after("copy")

    async def move(self, key: str, to: str) -> None:
        self._before("move", key)
        await self._store.move(key, to)
        self._after("move")

    async def delete(self, *keys: str) -> None:
        self._before("delete", *keys)
        await self._store.delete(*keys)
        self._after("delete")

    async def list(self, prefix: str = "") -> AsyncIterator[Stored]:
        self._before("list")
        async for stored in self._store.list(prefix):
            yield stored
            self._after("list")

    def presigned_put(self, key: str, size: int, digest: bytes, seconds: int) -> SignedPut | None:
        return self._store.presigned_put(key, size, digest, seconds)

    def presigned_get(self, key: str, seconds: int, headers: Mapping[str, str]) -> str | None:
        return self._store.presigned_get(key, seconds, headers)

    async def health(self) -> Dependency:
        return await self._store.health()

    def _before(self, name: str, *keys: str) -> None:
        self.calls[name] += 1
        if self.calls[name] <= self.spared[name]:
            return
        if name in self.failing or name in self.once or not self.stuck.isdisjoint(keys):
            self.once.discard(name)
            raise StoreIsAway

    def _after(self, name: str) -> None:
        if name in self.late and self.calls[name] > self.spared[name]:
            raise StoreIsAway
