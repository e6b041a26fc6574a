"""Work that goes on side by side, and some that must be alone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Turns:
    """What is to be alone waits for what has begun, and goes before what has not."""

    def __init__(self) -> None:
        self._running = self._waiting = 0
        self._is_alone = False
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        await self._until(lambda: not self._is_alone and not self._waiting)
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self._wake()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        self._waiting += 1
        try:
            await self._until(lambda: not self._is_alone and not self._running)
            self._is_alone = True
        finally:
            self._waiting -= 1
            self._wake()
        try:
            yield
        finally:
            self._is_alone = False
            self._wake()

    async def _until(self, there: Callable[[], bool]) -> None:
        while not there():
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
