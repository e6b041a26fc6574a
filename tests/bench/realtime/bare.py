"""The same frames without Atrium: a server that does nothing but write them, by the same technique."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from typing import cast, override

import uvloop

from services.gateway.realtime.frames import frame
from tests.processes import HOST

_ANSWER = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 600\r\n\r\n" + b" " * 600
_SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
_READY = frame("ready", {}).ws


class _Fanning:
    """Of each post it makes one frame, and writes those of a turn of the loop, joined, to all sockets."""

    def __init__(self, frame_bytes: int) -> None:
        self.sockets: list[asyncio.WriteTransport] = []
        self._filling = "x" * frame_bytes
        self._frame_bytes, self._seq = frame_bytes, 0
        self._waiting: list[bytes] = []

    def posted(self) -> None:
        self._seq += 1
        bare = len(frame("messagePosted", {"seq": self._seq, "content": ""}).text)
        data = {"seq": self._seq, "content": self._filling[: self._frame_bytes - bare]}
        self._waiting.append(frame("messagePosted", data).ws)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._write)

    def _write(self) -> None:
        joined, self._waiting = b"".join(self._waiting), []
        for socket in self.sockets:
            socket.write(joined)


class _Serving(asyncio.Protocol):
    def __init__(self, fanning: _Fanning) -> None:
        self._fanning = fanning

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's are of no class of asyncio's

    @override
    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET "):
            self._transport.write(_SWITCH + _READY)
            self._fanning.sockets.append(self._transport)
        elif data.startswith(b"POST "):
            self._transport.write(_ANSWER)
            self._fanning.posted()


async def _serve(port: Connection, frame_bytes: int) -> None:
    fanning = _Fanning(frame_bytes)
    server = await asyncio.get_running_loop().create_server(lambda: _Serving(fanning), HOST, 0, backlog=2_048)
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _server(port: Connection, frame_bytes: int) -> None:
    uvloop.run(_serve(port, frame_bytes))


@asynccontextmanager
async def fanned(frame_bytes: int) -> AsyncIterator[int]:
    """The port of such a server, whose frames have so many bytes."""
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    server = context.Process(target=_server, args=(writer, frame_bytes), daemon=True)
    server.start()
    try:
        yield await asyncio.to_thread(reader.recv)
    finally:
        server.terminate()
        server.join()
