"""How a large body is read from its connection: a MiB at a time, not uvloop's 64 KB, as a turn of the loop costs more than its bytes."""

import asyncio
import threading
from typing import override

MOST = 1024 * 1024


class _Place(threading.local):
    """Where what was read lies until it is parsed. A thread has one loop, which reads one connection at a time."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(MOST))


_place = _Place()


class LargeReads(asyncio.BufferedProtocol):
    """Stands before another protocol while a body comes."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        self._protocol = protocol

    @override
    def get_buffer(self, sizehint: int) -> memoryview:
        return _place.view

    @override
    def buffer_updated(self, nbytes: int) -> None:
        self._protocol.data_received(_place.view[:nbytes])  # type: ignore[arg-type]  # parsers take any bytes, and copy them

    @override
    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)

    @override
    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    @override
    def resume_writing(self) -> None:
        self._protocol.resume_writing()
