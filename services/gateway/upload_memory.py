"""How much of files one process holds at once, so that memory stays flat however many upload.

Whoever comes when that is taken waits, with the bytes unread.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID
from weakref import WeakValueDictionary

from services.gateway.errors import UploadsAreTooMany

PATIENCE = 30.0  # seconds
RETRY_AFTER = 10


class Share:
    """So many bytes for all who ask, first come, first served."""

    def __init__(self, most: int) -> None:
        self.most = self._free = most
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def taken(self, size: int) -> AsyncIterator[None]:
        await self._take(size)
        try:
            yield
        finally:
            self._free += size
            self._serve()

    async def _take(self, size: int) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._queue.append((size, turn))
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it came just when nobody waited for it any more
                self._free += size
            self._serve()
            raise

    def _serve(self) -> None:
        while self._queue and (self._queue[0][1].cancelled() or self._queue[0][0] <= self._free):
            size, turn = self._queue.popleft()
            if not turn.cancelled():
                self._free -= size
                turn.set_result(None)


class UploadMemory:
    """most: bytes; one user has half of them at most, so that nobody keeps out all others."""

    def __init__(self, most: int, patience: float = PATIENCE) -> None:
        self._all, self._patience = Share(most), patience
        self._users: WeakValueDictionary[UUID, Share] = WeakValueDictionary()  # of those who hold or wait

    @property
    def users(self) -> int:
        """Who upload right now."""
        return len(self._users)

    @asynccontextmanager
    async def room(self, user_id: UUID, size: int) -> AsyncIterator[None]:
        """Raises `UploadsAreTooMany`."""
        size = min(size, self._all.most // 2)
        own = self._users.setdefault(user_id, Share(self._all.most // 2))
        async with AsyncExitStack() as taken:
            try:
                async with asyncio.timeout(self._patience):
                    await taken.enter_async_context(own.taken(size))
                    await taken.enter_async_context(self._all.taken(size))
            except TimeoutError:
                raise UploadsAreTooMany(retry_after=RETRY_AFTER) from None
            yield
