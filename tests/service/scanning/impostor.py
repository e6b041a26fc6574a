"""Something that listens where clamd should, and does not do what clamd does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

type Act = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Impostor:
    """connected: how many are, now and at most."""

    def __init__(self, folder: Path, act: Act) -> None:
        self.socket = folder / "impostor.sock"
        self.url = f"unix://{self.socket}"
        self.connected = self.most_connected = 0
        self._act = act

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected += 1
        self.most_connected = max(self.most_connected, self.connected)
        try:
            await self._act(reader, writer)
        except OSError:
            pass
        finally:
            self.connected -= 1
            writer.close()


@asynccontextmanager
async def impostor(folder: Path, act: Act) -> AsyncIterator[Impostor]:
    made = Impostor(folder, act)
    server = await asyncio.start_unix_server(made.serve, made.socket)
    try:
        yield made
    finally:
        server.close()
        made.socket.unlink(missing_ok=True)


def answering(words: bytes) -> Act:
    """Read all of a stream, say something, and close."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_stream(reader)
        writer.write(words)
        await writer.drain()

    return act


def hasty(words: bytes, *, reads: int) -> Act:
    """Read so many pieces of a stream, say something, and close."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        for _ in range(reads):
            await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
        writer.write(words)
        await writer.drain()

    return act


def knowing(words: bytes, said: asyncio.Event) -> Act:
    """Say something before any of a stream has come, and read all of it."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(words)
        await writer.drain()
        said.set()
        await read_pieces(reader)

    return act


async def closing_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Nothing is read, nothing is said."""


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read all that comes, and say nothing until the other side leaves."""
    while await reader.read(64 * 1024):
        pass


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read nothing for as long as the test lasts."""
    await asyncio.sleep(30)


async def read_stream(reader: asyncio.StreamReader) -> None:
    await reader.readline()
    await read_pieces(reader)


async def read_pieces(reader: asyncio.StreamReader) -> None:
    while size := int.from_bytes(await reader.readexactly(4), "big"):
        await reader.readexactly(size)
