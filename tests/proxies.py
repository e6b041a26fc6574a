"""A TCP proxy that tests put before a server: it can slow down, stop, and cut what goes through it."""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from tests.processes import HOST

PIECE = 16 * 1024

type Judge = Callable[[bytes], bool]


class Proxy:
    """Before one server. `cut_when`: a connection on which such bytes come from the client is cut there, before they go on.

    `cut_answer_when`: the same, of what the server answers. `lose_when`: they go on, and the answer is lost. `flows`: cleared, nothing gets
    through until it is set. `stop_when`: it is cleared once such bytes come from a client, before they go on.
    heard: what clients sent, as far as `remembers`. refusals: answers that the next connections get instead of the server's, once each.
    """

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or HOST, address.port or 80
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.cut_when: Judge | None = None
        self.cut_answer_when: Judge | None = None
        self.lose_when: Judge | None = None
        self.stop_when: Judge | None = None
        self._lost: set[asyncio.StreamWriter] = set()
        self.flows = asyncio.Event()
        self.flows.set()
        self.remembers = 0
        self.heard = bytearray()
        self.cuts = 0
        self.refusals: list[bytes] = []

    @property
    def url(self) -> str:
        assert self._server is not None, "it has been started"
        return f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._take, HOST, 0)

    async def stop(self) -> None:
        assert self._server is not None, "it has been started"
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """All connections that there are."""
        for writer in self._writers:
            writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusals:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self.refusals.pop(0))
            writer.close()
            return
        try:
            theirs, ours = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, ours}
        ways = [asyncio.ensure_future(self._up(reader, ours, writer)), asyncio.ensure_future(self._down(theirs, writer))]
        self._tasks |= {*ways}
        await asyncio.gather(*ways, return_exceptions=True)
        self._tasks -= {*ways}
        for each in (writer, ours):
            each.transport.abort()
            self._writers.discard(each)
            self._lost.discard(each)

    async def _up(self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, client: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE):
            self.heard += piece[: max(0, self.remembers - len(self.heard))]
            if self.cut_when is not None and self.cut_when(piece):
                self.cuts += 1
                server.transport.abort()
                client.transport.abort()
                return
            if self.lose_when is not None and self.lose_when(piece):
                self._lost.add(client)
            if self.stop_when is not None and self.stop_when(piece):
                self.flows.clear()
            await self.flows.wait()
            server.write(piece)
            await server.drain()
        server.write_eof()

    async def _down(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while piece := await server.read(PIECE):
            if client in self._lost or (self.cut_answer_when is not None and self.cut_answer_when(piece)):
                self.cuts += 1
                client.transport.abort()
                return
            await self.flows.wait()
            client.write(piece)
            await client.drain()
        client.write_eof()


def after(count: int) -> Judge:
    """Once so many bytes have come, and from then on."""
    seen = 0

    def judge(piece: bytes) -> bool:
        nonlocal seen
        seen += len(piece)
        return seen > count

    return judge


def naming(*words: bytes) -> Judge:
    """What has one of these in it."""
    return lambda piece: any(word in piece for word in words)
