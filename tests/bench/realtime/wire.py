"""The little of WebSockets (RFC 6455) that a client needs which only counts what it is told."""

import asyncio
from base64 import b64encode
from typing import cast, override

TEXT, PING, PONG, CLOSE = 0x81, 0x89, 0x8A, 0x88
_KIND = 23
"""Bytes of a frame's JSON by which its type is known."""
_UNMASKED = bytes(4)
"""A mask that changes nothing."""
_SHORT, _TWO_BYTES = 126, 65_536
_KEY = b64encode(b"a bench's client").decode()

_SPACE = bytearray(256 * 1024)
_VIEW = memoryview(_SPACE)
"""Where all that comes is put, whoever it is for: it is looked through at once, and almost nothing of it is kept."""


def handshake(path: str, token: str) -> bytes:
    lines = (
        f"GET {path} HTTP/1.1",
        "Host: bench",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {_KEY}",
        f"Authorization: Bearer {token}",
    )
    return "\r\n".join([*lines, "", ""]).encode()


def masked(opcode: int, content: bytes) -> bytes:
    """A frame from a client."""
    length = len(content)
    size = bytes([0x80 | length]) if length < _SHORT else b"\xfe" + length.to_bytes(2)
    return bytes([opcode]) + size + _UNMASKED + content


class Incoming(asyncio.BufferedProtocol):
    """A connection that a server switches to frames. What is told is looked at as far as its type, unless it is kept whole."""

    def __init__(self, request: bytes, *, whole: bool = False) -> None:
        self._request, self._needed = request, 1 << 60 if whole else _KIND
        self._skipped = 0
        """Bytes still to come of a frame whose type is known."""
        self._rest = b""
        """The beginning of a frame whose type is not known yet."""
        self._switched = False

    def frame(self, data: bytearray | bytes, opcode: int, begin: int, end: int) -> None:
        """A frame is here, or enough of it: it ends beyond what is there, at times."""
        raise NotImplementedError

    def took(self) -> None:
        """All frames of what came at once have been seen."""

    def not_switched(self, answer: bytes) -> None:
        raise NotImplementedError

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def abort(self) -> None:
        self._transport.abort()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's are of no class of asyncio's
        self._transport.write(self._request)

    @override
    def get_buffer(self, sizehint: int) -> memoryview:
        return _VIEW

    @override
    def buffer_updated(self, nbytes: int) -> None:
        data: bytearray | bytes = _SPACE
        if self._rest:
            data, self._rest = self._rest + _VIEW[:nbytes], b""
            nbytes = len(data)
        if self._switched:
            self._look_through(data, self._skipped, nbytes)
            return
        end = data.find(b"\r\n\r\n", 0, nbytes)
        if end < 0:
            self._rest = bytes(data[:nbytes])
        elif data.startswith(b"HTTP/1.1 101 "):
            self._switched = True
            self._look_through(data, end + 4, nbytes)
        else:
            self.not_switched(bytes(data[:nbytes]))

    def _look_through(self, data: bytearray | bytes, place: int, end: int) -> None:
        while place + 2 <= end:
            length, begin = data[place + 1], place + 2
            if length == 126:
                if begin + 2 > end:
                    break
                length, begin = data[begin] << 8 | data[begin + 1], begin + 2
            elif length == 127:
                if begin + 8 > end:
                    break
                length, begin = int.from_bytes(data[begin : begin + 8]), begin + 8
            if begin + min(length, self._needed) > end:
                break
            self.frame(data, data[place], begin, begin + length)
            place = begin + length
        self._skipped = max(place - end, 0)
        if place < end:
            self._rest = bytes(data[place:end])
        self.took()
