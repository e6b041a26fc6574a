"""How bytes get from the event loop to a thread: a few pieces at a time, so that memory stays flat."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from queue import Empty, SimpleQueue

WAITING = 4  # pieces between the loop and the thread
LEAST = 64 * 1024  # smaller pieces are joined: each costs both sides a wake-up


class BrokenOff(Exception):
    """The bytes will not be all of the file: whoever gave them has failed or was cancelled."""


class Pieces:
    """Given on the loop by `pour`, read in one thread like a file."""

    def __init__(self, patience: float) -> None:
        self._loop, self._patience = asyncio.get_running_loop(), patience
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._room = asyncio.Semaphore(WAITING)
        self._rest = memoryview(b"")
        self._left = False

    async def pour(self, chunks: AsyncIterator[bytes]) -> None:
        """Give all of it, and its end. Stops early when the reader has left."""
        try:
            gathered = bytearray()
            async for chunk in chunks:
                if not gathered and len(chunk) >= LEAST:
                    await self._give(chunk)
                else:
                    gathered += chunk
                if len(gathered) >= LEAST:
                    await self._give(bytes(gathered))
                    gathered.clear()
                if self._left:
                    return
            if gathered:
                await self._give(bytes(gathered))
            self._queue.put(b"")
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()

    def break_off(self) -> None:
        """Nothing more comes, and what came is not all. Without effect when all of it was read."""
        self._queue.put(None)

    def read(self, size: int) -> memoryview:
        """In the thread: up to so many bytes; none at the end."""
        if not self._rest:
            self._rest = memoryview(self._next())
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def leave(self) -> None:
        """In the thread: nothing more is read."""
        self._left = True
        self._free()

    async def _give(self, piece: bytes) -> None:
        await self._room.acquire()
        self._queue.put(piece)

    def _next(self) -> bytes:
        try:
            piece = self._queue.get(timeout=self._patience)
        except Empty:
            raise BrokenOff from None
        if piece is None:
            raise BrokenOff
        self._free()
        return piece

    def _free(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._room.release)
