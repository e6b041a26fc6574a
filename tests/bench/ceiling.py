"""What the load generator reaches when nothing is done for its requests: a server that answers with the same bytes at once."""

import asyncio
import multiprocessing
from multiprocessing.connection import Connection
from typing import cast, override

import uvloop

from tests.bench.http import request
from tests.bench.load import Generator, Plan
from tests.bench.measures import Measured, Sample, summed_up

_SECONDS = 2.0
_ANSWER = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 600\r\n\r\n" + b" " * 600


class _Answering(asyncio.Protocol):
    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's are of no class of asyncio's

    @override
    def data_received(self, data: bytes) -> None:
        self._transport.write(_ANSWER)


async def _serve(port: Connection) -> None:
    server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0)
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _server(port: Connection) -> None:
    uvloop.run(_serve(port))


async def ceiling(generator: Generator) -> Measured:
    """Posts to a server that does nothing, 64 at a time."""
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    server = context.Process(target=_server, args=(writer,), daemon=True)
    server.start()
    try:
        port = await asyncio.to_thread(reader.recv)
        post = request("POST", "/api/collab/threads/x/messages", "x" * 400, {"content": "x" * 100, "clientMessageId": "x" * 16})
        made = await generator.run(Plan("127.0.0.1", port, [post], 64, _SECONDS, expected=201, warmup=0.5))
    finally:
        server.terminate()
        server.join()
    return summed_up("load generator alone", [Sample(made, {"load": made.cpu_seconds})])
