"""Clients that are connected and ask for nothing."""

import asyncio

from tests.bench.http import Response

CONNECTIONS = 1_000
_AT_ONCE = 50


class Idle:
    """Connections to a gateway that are kept: each asked once, so that it is one of a client that will ask again."""

    def __init__(self, host: str, port: int, request: bytes) -> None:
        self._host, self._port, self._request = host, port, request
        self._open: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def __aenter__(self) -> "Idle":
        for _ in range(CONNECTIONS):
            self._open.append(await asyncio.open_connection(self._host, self._port))
        return self

    async def __aexit__(self, *error: object) -> None:
        for _, writer in self._open:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in self._open), return_exceptions=True)

    async def answered(self) -> int:
        """Ask on each; how many answer."""
        few = asyncio.Semaphore(_AT_ONCE)
        return sum(await asyncio.gather(*(self._asked(few, reader, writer) for reader, writer in self._open)))

    async def _asked(self, few: asyncio.Semaphore, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        async with few:
            response = Response()
            try:
                writer.write(self._request)
                while data := await reader.read(65_536):
                    if response.feed(data):
                        return response.status == 200
            except ConnectionError:
                pass
            return False
